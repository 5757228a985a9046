r"""The commands of the shell: lines that begin with a backslash."""

from __future__ import annotations

from streamsql.errors import UsageError, did_you_mean
from streamsql.record import record


@record
class Command:
    """A command as it was typed: its name without the backslash, and what follows it."""

    name: str
    argument: str = ""


COMMANDS: dict[str, tuple[str, str]] = {
    "d": ("[NAME]", "list tables and views, or show the columns of one"),
    "e": ("", "edit the last statement in $EDITOR, then run it"),
    "help": ("[TOPIC]", "this list, or how a statement or function is written"),
    "i": ("FILE", "run a script in this session"),
    "q": ("", "leave"),
    "timing": ("", "show how long each statement takes, or stop to show it"),
    "watermark": ("", "how far time has come in the last query, and which windows wait for it"),
}
"""By name: the argument, and what it does."""

_OTHER_NAMES = {"?": "help", "h": "help", "quit": "q", "exit": "q", "dt": "d", "l": "d"}
_WITHOUT_BACKSLASH = {"help": "help", "exit": "q", "quit": "q"}


def parse_command(text: str) -> Command:
    r"""The command that a line asks for; UsageError for an unknown one.

    >>> parse_command("\\d bids;")
    Command(name='d', argument='bids')
    """
    name, _, argument = text.strip().rstrip(";").removeprefix("\\").partition(" ")
    name = _OTHER_NAMES.get(name, name)
    if name not in COMMANDS:
        known = tuple(f"\\{each}" for each in COMMANDS)
        raise UsageError(f"there is no command \\{name}", hint=did_you_mean(f"\\{name}", known, kind="commands"))
    wanted = COMMANDS[name][0]
    argument = argument.strip().strip("'")
    if wanted and not wanted.startswith("[") and not argument:
        raise UsageError(f"\\{name} needs a {wanted}", hint=f"write \\{name} {wanted}")
    return Command(name, argument)


def bare_command(text: str) -> Command | None:
    """The command that a lone word such as `exit` stands for, None for anything else.

    >>> bare_command("quit;"), bare_command("SELECT 1;")
    (Command(name='q', argument=''), None)
    """
    name = _WITHOUT_BACKSLASH.get(text.strip().rstrip(";").strip().lower())
    return None if name is None else Command(name)


def command_lines() -> list[str]:
    """What `\\help` shows."""
    heads = [f"\\{name} {argument}".rstrip() for name, (argument, _) in COMMANDS.items()]
    width = max(map(len, heads))
    return [f"  {head:<{width}}  {text}" for head, (_, text) in zip(heads, COMMANDS.values(), strict=True)]
