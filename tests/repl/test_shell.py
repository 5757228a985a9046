"""What the shell says, without a terminal."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pyarrow as pa
import pytest
from rich.console import Console
from streamsql_repl.drawing import draw
from streamsql_repl.live import LiveTable
from streamsql_repl.shell import Shell

from streamsql.expr.types import BIGINT, STRING, Column, Schema
from streamsql.runtime.metrics import Progress
from streamsql.session import connect


class Typing:
    """`typing(text)` enters a text and gives what was printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._out = io.StringIO()
        self._capsys = capsys
        self.shell = Shell(connect(), Console(file=self._out, width=80, highlight=False))

    def __call__(self, text: str) -> str:
        self.shell.enter(text)
        printed = self._out.getvalue() + self._capsys.readouterr().err
        self._out.seek(0)
        self._out.truncate()
        return printed


@pytest.fixture
def typing(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Typing:
    monkeypatch.chdir(tmp_path)
    return Typing(capsys)


def test_ddl_insert_select(typing: Typing) -> None:
    assert typing("CREATE TABLE t (k STRING, v INT);") == "ok\n"
    assert typing("INSERT INTO t VALUES ('a', 1), ('b', 2);") == "2 rows into t\n"
    assert typing("SELECT k, SUM(v) AS total FROM t GROUP BY k; SELECT 1 AS one") == (
        "┏━━━┳━━━━━━━┓\n┃ k ┃ total ┃\n┡━━━╇━━━━━━━┩\n│ a │     1 │\n│ b │     2 │\n└───┴───────┘\n2 rows\n"
        "┏━━━━━┓\n┃ one ┃\n┡━━━━━┩\n│   1 │\n└─────┘\n1 row\n"
    )


def test_an_error_shows_its_place_in_what_was_typed_and_ends_it(typing: Typing) -> None:
    assert typing("SET 'streamsql.seed' = '1';\nSELECT 1; SELECT x; SELECT 2;").endswith(
        "error: unknown column x: there is no FROM\n  at SQL:2:18\n    2 |           SELECT x;\n"
        "      |                  ^\nhint: write FROM and its table; a text is written 'x'\n"
    )
    assert typing("SELECT 2 AS two;").endswith("1 row\n")


def test_commands(typing: Typing) -> None:
    assert typing("\\d") == "no tables yet: CREATE TABLE makes one, \\help CREATE TABLE shows how\n"
    typing("CREATE TABLE t (k STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts);")
    typing("CREATE VIEW v AS SELECT k, ts FROM t;")
    assert typing("\\d") == "t  table in memory\nv  view\n"
    assert typing("\\d t") == "k   STRING\nts  TIMESTAMP(3)  event time\n"
    assert typing("\\d v") == "k   STRING\nts  TIMESTAMP(3)  event time\n"
    assert typing("\\d tt") == 'error: there is no table tt\nhint: did you mean "t"?\n'
    assert typing("\\timng") == 'error: there is no command \\timng\nhint: did you mean "\\timing"?\n'
    assert typing("\\i") == "error: \\i needs a FILE\nhint: write \\i FILE\n"
    assert typing("\\timing") == "timing is on\n"
    assert re.fullmatch(r"ok\ntime: \d+\.\d{3} s\n", typing("SET 'streamsql.seed' = '1';"))
    assert typing("\\help upper") == "UPPER  scalar  UPPER(text): in capitals\n"
    assert "\\watermark" in typing("help")
    typing("CREATE FUNCTION plus_one(x INT) RETURNS INT RETURN x + 1;")
    assert typing("\\help plus_one") == "PLUS_ONE(x INT)\n"
    assert typing("\\help uper") == 'error: there is no help on uper\nhint: did you mean "UPPER"?\n'
    assert typing("EXPLAIN SELECT k FROM t;").splitlines()[0].startswith("Scan(t, columns=[k])")
    assert (typing("exit"), typing.shell.running) == ("", False)


def test_a_script(typing: Typing, tmp_path: Path) -> None:
    (tmp_path / "s.sql").write_text("CREATE TABLE t (k INT);\nSELECT\n  kk FROM t;\n")
    assert typing("\\i s.sql") == (
        'ok\nerror: unknown column kk\n  at s.sql:3:3\n    3 |   kk FROM t;\n      |   ^^\nhint: did you mean "k"?\n'
    )
    assert typing("\\i nowhere.txt") == "error: cannot read the script nowhere.txt: No such file or directory\n"


def test_what_was_left_out(typing: Typing, tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text('{"ts":"2025-01-01 00:00:59"}\n{"ts":"2025-01-01 00:00:01"}\n{"ts":null}\n')
    typing(
        "CREATE TABLE t (ts TIMESTAMP(3), WATERMARK FOR ts AS ts)"
        " WITH ('connector' = 'filesystem', 'path' = 't.jsonl');"
    )
    windows = "TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND))"
    query = f"SELECT COUNT(*) AS n FROM {windows} GROUP BY window_start, window_end;"
    assert typing(query).endswith(
        "1 row\nlate: 1 row; read them with SELECT * FROM t$late\n"
        "rejected: 1 row; read them with SELECT * FROM t$rejects\n"
    )
    assert typing("SELECT _lateness FROM t$late;").endswith("1 row\n")


def test_watermark_before_any_query(typing: Typing) -> None:
    assert typing("\\watermark") == "no query has run yet\n"


def test_a_live_table_is_drawn_again_at_most_ten_times_a_second() -> None:
    out = io.StringIO()
    seconds = [0.0]
    console = Console(file=out, width=60, height=12, highlight=False, force_terminal=True, color_system=None)
    live = LiveTable(console, append_only=True, clock=lambda: seconds[0])
    live.standing = lambda: Progress(rows=9)
    live.open(Schema((Column("n", BIGINT),)), None)
    out.truncate(0)
    live.publish(pa.record_batch({"n": pa.array([1, 2], pa.int64())}), None)
    assert out.getvalue() == ""
    seconds[0] = 0.2
    live.publish(pa.record_batch({"n": pa.array(range(3, 10), pa.int64())}), None)
    drawn = out.getvalue()
    assert "9 rows (the last 5 shown)" in drawn
    assert "│ 5 │" in drawn
    assert "│ 4 │" not in drawn
    assert "read 9 rows  45 rows/s  Ctrl-C stops" in drawn
    live.end()


def drawn(columns: dict[str, list[object]], width: int) -> list[str]:
    types = Schema(tuple(Column(name, BIGINT if values == [1] else STRING) for name, values in columns.items()))
    rows = pa.RecordBatch.from_pydict(columns, schema=types.to_arrow())
    out = io.StringIO()
    Console(file=out, width=width).print(draw(types, [rows], width).table)
    return out.getvalue().splitlines()


def test_wide_characters_null_and_empty_texts() -> None:
    assert drawn({"s": ["東京", "", None, "NUL"]}, 40)[3:7] == [
        *("│ 東京 │", "│      │", "│ NULL │", "│ NUL  │"),
    ]


def test_long_values_are_cut() -> None:
    assert drawn({"n": [1], "s": ["x" * 100]}, 30)[3] == "│ 1 │ " + "x" * 21 + "… │"


def test_columns_in_the_middle_are_left_out() -> None:
    columns: dict[str, list[object]] = {f"column_{number}": ["0123456789"] for number in range(20)}
    lines = drawn(columns, 50)
    assert max(map(len, lines)) <= 50
    assert lines[1] == "┃ column_0   ┃ column_1   ┃ … ┃ column_19  ┃"
