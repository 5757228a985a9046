"""What a person at a terminal sees, in a real one."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

STREAMSQL = [sys.executable, "-m", "streamsql_repl"]
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def terminal_text(folder: Path, *arguments: str, interrupt_at: bytes | None = None) -> tuple[int, str]:
    """The exit code and all that `streamsql …` writes to a terminal, without colours; stderr goes there too."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "COLUMNS": "80", "TERM": "xterm"}
    process = subprocess.Popen(
        [*STREAMSQL, *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=follower,
        env=environment,
    )
    os.close(follower)
    written = b""
    while chunk := _read(leader):
        written += chunk
        if interrupt_at is not None and interrupt_at in written:
            process.send_signal(signal.SIGINT)
            interrupt_at = None
    os.close(leader)
    return process.wait(60), _ESCAPES.sub("", written.decode()).replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # how Linux says that the other side is closed
        return b""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bids.jsonl").write_text(
        '{"item":"pen","price":3}\n{"item":"[red]ink","price":5}\n{"item":"pen","price":4}\n{"item":null,"price":1}\n'
    )
    return tmp_path


def run(folder: Path, script: str, *arguments: str) -> tuple[int, str]:
    (folder / "q.sql").write_text(script)
    code, text = terminal_text(folder, "run", "q.sql", "--input", "bids=bids.jsonl", *arguments)
    return code, text.removeprefix("bids: columns found in bids.jsonl: item STRING, price BIGINT\n")


def without_progress(text: str) -> str:
    """The line of progress is written again and again over itself; only what stays counts."""
    return "\n".join(line.rpartition("\r")[2] for line in text.split("\n"))


def test_a_terminal_shows_the_final_table(folder: Path) -> None:
    code, text = run(folder, "SELECT item, SUM(price) AS total FROM bids GROUP BY item", "--batch-size", "1")
    assert code == 0
    assert without_progress(text) == (
        "┏━━━━━━━━━━┳━━━━━━━┓\n"
        "┃ item     ┃ total ┃\n"
        "┡━━━━━━━━━━╇━━━━━━━┩\n"
        "│ NULL     │     1 │\n"
        "│ [red]ink │     5 │\n"
        "│ pen      │     7 │\n"
        "└──────────┴───────┘\n"
        "3 rows\n"
    )


def test_a_terminal_shows_a_changelog_when_asked_to(folder: Path) -> None:
    script = "SELECT item AS op, SUM(price) AS total FROM bids WHERE item = 'pen' GROUP BY item"
    code, text = run(folder, script, "--result", "changelog", "--batch-size", "1")
    assert code == 0
    assert without_progress(text) == (
        "┏━━━━━┳━━━━━┳━━━━━━━┓\n"
        "┃ _op ┃ op  ┃ total ┃\n"
        "┡━━━━━╇━━━━━╇━━━━━━━┩\n"
        "│ +I  │ pen │     3 │\n"
        "│ -U  │ pen │     3 │\n"
        "│ +U  │ pen │     7 │\n"
        "└─────┴─────┴───────┘\n"
        "3 rows\n"
    )


def test_values_are_written_as_in_files_and_cannot_steer_the_terminal(folder: Path) -> None:
    script = (
        "SELECT TIMESTAMP '2025-01-02 03:04:05' AS ts, CAST(1.50 AS DECIMAL(5, 2)) AS d, ARRAY[1, 2] AS a, "
        "'\x1b[31m' || U&'\\000a' AS s"
    )
    (folder / "q.sql").write_text(script)
    code, text = terminal_text(folder, "run", "q.sql")
    assert code == 0
    assert without_progress(text) == (
        "┏━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━┳━━━━━━━┳━━━━━━━━━━━━┓\n"
        "┃ ts                      ┃    d ┃ a     ┃ s          ┃\n"
        "┡━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━╇━━━━━━━╇━━━━━━━━━━━━┩\n"
        "│ 2025-01-02 03:04:05.000 │ 1.50 │ [1,2] │ \\x1b[31m\\n │\n"
        "└─────────────────────────┴──────┴───────┴────────────┘\n"
        "1 row\n"
    )


def test_several_selects_are_several_tables(folder: Path) -> None:
    code, text = run(folder, "SELECT COUNT(*) AS n FROM bids; SELECT 1 AS one")
    assert code == 0
    assert without_progress(text) == (
        "┏━━━┓\n┃ n ┃\n┡━━━┩\n│ 4 │\n└───┘\n1 row\n┏━━━━━┓\n┃ one ┃\n┡━━━━━┩\n│   1 │\n└─────┘\n1 row\n"
    )


def test_of_a_long_table_the_ends_are_shown(folder: Path) -> None:
    (folder / "bids.jsonl").write_text("".join(f'{{"item":{number}}}\n' for number in range(1, 301)))
    code, text = run(folder, "SELECT item FROM bids")
    assert code == 0
    told, *lines = without_progress(text).splitlines()
    assert told == "bids: columns found in bids.jsonl: item BIGINT"
    assert len(lines) == 206
    assert lines[3:5] + lines[101:106] + lines[-3:] == [
        *("│    1 │", "│    2 │"),
        *("│   99 │", "│  100 │", "│    … │", "│  201 │", "│  202 │"),
        *("│  300 │", "└──────┘", "300 rows (200 shown)"),
    ]


def test_errors_come_on_a_line_of_their_own(folder: Path) -> None:
    code, text = run(folder, "SELECT 1 / (price - 4) AS x FROM bids")
    assert code == 1
    assert without_progress(text).startswith("error: division by zero: 1 / 0\n  at q.sql:1:8\n")


def test_a_query_without_end_prints_rows_as_they_come(folder: Path) -> None:
    (folder / "q.sql").write_text(
        "CREATE TABLE g (id INT) WITH ('connector' = 'datagen', 'rows-per-second' = '100', 'fields.id.max' = '9',"
        " 'fields.id.min' = '9'); SELECT id FROM g"
    )
    code, text = terminal_text(folder, "run", "q.sql", interrupt_at=b'{"id":9}\r\n{"id":9}\r')
    assert code == 0
    assert '{"id":9}\n{"id":9}\n' in text
