"""The shell in a real terminal: keys in, a screen out."""

from __future__ import annotations

import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from fcntl import ioctl
from pathlib import Path
from select import select

import pytest

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\x1b\][^\x07]*\x07")
_PATIENCE = 60.0


class Screen:
    """A shell in a pseudo-terminal. `type` sends keys; `until` waits for a text that came since the last wait."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._leader, follower = pty.openpty()
        ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        environment = {
            **os.environ,
            "TERM": "xterm",
            "PROMPT_TOOLKIT_NO_CPR": "1",
            "STREAMSQL_HISTORY": str(folder / "history"),
        }
        for name in ("COLUMNS", "LINES"):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "streamsql_repl", *arguments],
            cwd=folder,
            stdin=follower,
            stdout=follower,
            stderr=follower,
            env=environment,
            start_new_session=True,
            preexec_fn=lambda: ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(follower)
        self._seen = ""

    def type(self, keys: str) -> None:
        os.write(self._leader, keys.encode())

    def until(self, text: str) -> str:
        """All that was written up to and with the text, without colours."""
        while text not in self._seen:
            if not select([self._leader], [], [], _PATIENCE)[0]:
                raise AssertionError(f"no {text!r} in {self._seen!r}")
            try:
                chunk = os.read(self._leader, 65_536)
            except OSError:  # how Linux says that the other side is closed
                chunk = b""
            if not chunk:
                raise AssertionError(f"closed before {text!r}: {self._seen!r}")
            self._seen += _ESCAPES.sub("", chunk.decode(errors="replace"))
        end = self._seen.index(text) + len(text)
        before, self._seen = self._seen[:end], self._seen[end:]
        return before

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._leader)


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    (tmp_path / "bids.jsonl").write_text('{"item":"pen","price":3}\n{"item":"","price":5}\n{"item":null,"price":7}\n')
    opened = Screen(tmp_path, "--input", "bids=bids.jsonl")
    try:
        opened.until("streamsql>")
        yield opened
    finally:
        opened.close()


def test_a_session(screen: Screen, tmp_path: Path) -> None:
    # A query over two lines, its table completed with Tab.
    screen.type("SELECT item, price + 1 AS more\r")
    screen.until("...>")
    screen.type("FROM bi\t")
    screen.until("ds")
    screen.type(";\r")
    table = screen.until("3 rows")
    assert "│ pen  │    4 │" in table
    assert "│      │    6 │" in table
    assert "│ NULL │    8 │" in table

    # An error shows where, and leaves the session alive.
    screen.type("SELECT itm FROM bids;\r")
    assert "^^^" in screen.until('did you mean "item"?')

    # A query without end is drawn again and again, until Ctrl-C.
    screen.type("CREATE TABLE g (k INT) WITH ('connector' = 'datagen', 'fields.k.min' = '7', 'fields.k.max' = '7');\r")
    screen.until("ok")
    screen.type("SELECT k, COUNT(*) AS n FROM g GROUP BY k;\r")
    screen.until("Ctrl-C stops")
    screen.until("Ctrl-C stops")
    screen.type("\x03")
    screen.until("streamsql>")

    # What is typed is dropped with Ctrl-C; commands; the end.
    screen.type("SELECT nonsense\x03")
    screen.until("streamsql>")
    screen.type("\\d\r")
    assert "bids  table  filesystem  bids.jsonl" in screen.until("g     table  datagen")
    screen.type("\\q\r")
    assert screen.process.wait(30) == 0
    assert "+FROM bids;" in (tmp_path / "history").read_text()


def test_ctrl_d_leaves(screen: Screen) -> None:
    screen.type("\x04")
    assert screen.process.wait(30) == 0
