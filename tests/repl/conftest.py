"""The command line in this process, in an empty folder: fast enough to be asked hundreds of things."""

from __future__ import annotations

import io
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from streamsql_repl.cli import run_command


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class CommandLine:
    """`cli(…)` runs `streamsql …` in `folder`; `file` writes a file there and gives its name."""

    folder: Path
    run: Callable[..., Ended]

    def __call__(self, *arguments: str, stdin: str = "") -> Ended:
        return self.run(*arguments, stdin=stdin)

    def sql(self, text: str, *arguments: str, stdin: str = "") -> Ended:
        """`streamsql run q.sql …` with this text in q.sql."""
        return self.run("run", self.file("q.sql", text), *arguments, stdin=stdin)

    def file(self, name: str, text: str) -> str:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text, encoding="utf-8")
        return name

    def read(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def files(self) -> list[str]:
        """All that lies in the folder but the script."""
        return sorted(each.name for each in self.folder.iterdir() if each.name != "q.sql")


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[CommandLine]:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, stdin: str = "") -> Ended:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        code = run_command(list(arguments))
        written = capsys.readouterr()
        return Ended(code, written.out, written.err)

    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    yield CommandLine(tmp_path, run)
    for each, handler in before.items():
        signal.signal(each, handler)
