"""The prompt: keys, completion, highlighting and history around the shell."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import click
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer
from prompt_toolkit.completion import Completion as Suggested
from prompt_toolkit.document import Document
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import has_focus
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from rich.console import Console

from streamsql.session import Session
from streamsql_repl.commands import bare_command
from streamsql_repl.completer import completions
from streamsql_repl.highlight import STYLE, SqlLexer
from streamsql_repl.shell import Shell
from streamsql_repl.splitter import is_finished
from streamsql_repl.vocabulary import vocabulary

HISTORY_VARIABLE = "STREAMSQL_HISTORY"
_PROMPT = "streamsql> "


def run_shell(session: Session, *, version: str, debug: bool = False) -> None:
    """Read and carry out statements until the person leaves."""
    shell = Shell(session, Console(highlight=False), debug=debug)
    prompt = _prompt(session)
    click.echo(f"streamsql {version}: statements end with a semicolon; \\help for help, \\q to leave")
    while shell.running:
        try:
            text = prompt.prompt(default=shell.edited)
        except KeyboardInterrupt:
            continue  # Ctrl-C at the prompt drops what was typed
        except EOFError:
            return
        finally:
            shell.edited = ""
        shell.enter(text)


def _prompt(session: Session) -> PromptSession[str]:
    return PromptSession(
        [("class:prompt", _PROMPT)],
        multiline=True,
        prompt_continuation=[("class:prompt", "...> ".rjust(len(_PROMPT)))],
        lexer=SqlLexer(),
        style=STYLE,
        completer=_SessionCompleter(session),
        complete_while_typing=False,
        history=history(),
        key_bindings=_keys(),
        enable_open_in_editor=True,
        tempfile_suffix=".sql",
    )


def history() -> History:
    """What was typed before: in a file, named by STREAMSQL_HISTORY (empty: none is kept), else in the state folder."""
    named = os.environ.get(HISTORY_VARIABLE)
    if named == "":
        return InMemoryHistory()
    state = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    path = Path(named or os.path.join(state, "streamsql", "history"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError as error:
        click.echo(f"history is not kept: {path}: {error.strerror}", err=True)
        return InMemoryHistory()
    return FileHistory(str(path))


def ready(text: str) -> bool:
    """Whether Enter carries the text out, rather than beginning a new line of it."""
    return is_finished(text) or bare_command(text) is not None


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter", filter=has_focus(DEFAULT_BUFFER))
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.complete_state is not None and buffer.complete_state.current_completion is not None:
            buffer.complete_state = None
        elif ready(buffer.text):
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n")

    return keys


class _SessionCompleter(Completer):
    def __init__(self, session: Session) -> None:
        self._session = session

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Suggested]:
        for each in completions(document.text, document.cursor_position, vocabulary(self._session)):
            yield Suggested(each.text, start_position=-each.replaces, display_meta=each.kind)
