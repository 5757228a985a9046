"""The code blocks of a page, and a reader who types all of them in.

A `console` block holds commands after `$ ` and what they show on a terminal 100 columns wide; `…` on a line stands
for any lines. What is typed into the shell stands after its prompts. An `sql` block that begins with `-- NAME.sql` is a
file, any other a script to run.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import streamsql_repl.prompt
from rich.console import Console
from streamsql_repl.cli import run_command
from streamsql_repl.shell import Shell

from streamsql.session import Session

ROOT = Path(__file__).parents[2]
PROMPT, MORE = "streamsql> ", "      ...> "
NOT_RUN = ("git clone", "cd ", "python3 -m venv", "pip install", "make ")
"""Commands that set up: CI does so itself."""
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TIMES = re.compile(r"\d+\.\d+ s\b|takes \d+\.\d+ times")
_NOT_SEEN = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[ \t]+$", re.MULTILINE)
_FILE = re.compile(r"-- (\S+\.sql)\n")


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of that language."""
    return [text for found, text in _BLOCK.findall(page.read_text()) if found == language]


def commands(block: str) -> Iterator[tuple[str, str]]:
    """Each command of a console block, with the lines below it."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        line, _, rest = part.partition("\n")
        document = re.search(r"<<'?(\w+)'?", line)
        if document is not None:
            body, end, rest = rest.partition(f"\n{document[1]}\n")
            line = f"{line}\n{body}{end}"
        yield line, rest


def fits(expected: str, shown: str) -> bool:
    """Whether what a page says is what was shown, but for times and for what it leaves out.

    >>> fits("a\\n…\\nd\\n", "a\\nb\\nc\\nd\\n"), fits("a\\nb\\n", "a\\nc\\n"), fits("in 0.1 s\\n", "in 2.75 s\\n")
    (True, False, True)
    """
    parts = [re.escape(_settled(each)) for each in re.split(r"^ *…\n", expected, flags=re.MULTILINE)]
    return re.fullmatch("(?:.*\n)*".join(parts), _settled(shown)) is not None


def _settled(text: str) -> str:
    return _NOT_SEEN.sub("", _TIMES.sub("# s", text))


class _Terminal(io.StringIO):
    """What a person reads; `error`: the way to it that shows no progress."""

    def __init__(self) -> None:
        super().__init__()
        self.error = io.StringIO()
        self.error.write = self.write  # type: ignore[method-assign]

    def isatty(self) -> bool:
        return True


@dataclass(frozen=True)
class Reader:
    """Types commands in a folder of its own, where examples/ lies too."""

    folder: Path
    patch: pytest.MonkeyPatch

    def __post_init__(self) -> None:
        (self.folder / "examples").symlink_to(ROOT / "examples")
        self.patch.chdir(self.folder)
        self.patch.setenv("COLUMNS", "100")
        self.patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")

    def write(self, block: str) -> str | None:
        """Make the file that an SQL block is; its name, or None where it is none."""
        if (named := _FILE.match(block)) is None:
            return None
        (self.folder / named[1]).write_text(block)
        return named[1]

    def enter(self, command: str, below: str = "") -> str:
        """What a command shows, with what is typed into the shell that it opens."""
        if re.match(r"streamsql\b(?!.*[|<>])", command) is None:
            ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
            return ended.stderr + ended.stdout
        import shlex

        terminal = _Terminal()
        self.patch.setattr(sys, "stdin", terminal)
        self.patch.setattr(sys, "stdout", terminal)
        self.patch.setattr(sys, "stderr", terminal.error)
        self.patch.setattr(streamsql_repl.prompt, "run_shell", _typed(below, terminal))
        run_command(shlex.split(command)[1:])
        return terminal.getvalue()


def _typed(transcript: str, terminal: _Terminal) -> object:
    """A shell in which someone types what stands after the prompts of a transcript."""
    statements = re.findall(rf"^{re.escape(PROMPT)}(.*\n(?:{re.escape(MORE)}.*\n)*)", transcript, re.MULTILINE)

    def run_shell(session: Session, **_: object) -> None:
        shell = Shell(session, Console(file=terminal, width=100, highlight=False))
        for each in statements:
            terminal.write(PROMPT + each)
            shell.enter(each.replace(MORE, "").removesuffix("\n"))

    return run_shell
