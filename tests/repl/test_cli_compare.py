"""`streamsql compare`: what it prints, and that only unexplained differences are a failure."""

from __future__ import annotations

import re

import pytest
from streamsql_repl import compare as compare_module

from tests.repl.conftest import CommandLine
from tests.repl.test_cli_left_out import COUNT, LATE, TABLE


def without_times(text: str) -> list[str]:
    return re.sub(r" in [0-9.]+ s( \(.*\))?", "", text).splitlines()


def test_the_same_answer(cli: CommandLine) -> None:
    cli.file("q.sql", "SELECT k, COUNT(*) AS n FROM t GROUP BY k")
    data = cli.file("t.csv", "k\na\nb\na\n")
    ended = cli("compare", "q.sql", "--input", f"t={data}", "--batch-sizes", "1,2")
    assert ended.code == 0
    assert without_times(ended.out) == ["stream  2 rows", "batch   2 rows", "equal", "the same at batch sizes 1, 2"]


def test_late_rows_explain_a_difference(cli: CommandLine) -> None:
    cli.file("clicks.csv", LATE)
    cli.file("q.sql", TABLE + COUNT)
    ended = cli("compare", "q.sql")
    assert ended.code == 0
    assert without_times(ended.out)[:5] == [
        "stream  2 rows",
        "batch   2 rows",
        "2 rows differ: 1 only in stream, 1 only in batch",
        "all explained by",
        "  1 late row dropped by WindowAggregate (TUMBLE 1 min)",
    ]


def test_what_nothing_explains_ends_with_1(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.file("q.sql", "SELECT k FROM t")
    data = cli.file("t.csv", "k\na\n")
    wrong = compare_module.Query
    monkeypatch.setattr(compare_module, "Query", lambda engine, plan: WrongQuery(wrong(engine, plan)))
    ended = cli("compare", "q.sql", "--input", f"t={data}")
    assert ended.code == 1
    assert "UNEXPLAINED" in ended.out


class WrongQuery:
    """A query whose stream lost a row."""

    def __init__(self, query: compare_module.Query) -> None:
        self._query = query

    def compare(self) -> object:
        from streamsql.batch_mode.compare import StreamRun, compare

        engine, plan = self._query._engine, self._query._plan
        stream = StreamRun(self._query.to_arrow().slice(1), 0.001, [])
        return compare(plan, stream, engine.tables.open_source, engine.context)


def test_each_query_of_a_script_is_named_by_its_line(cli: CommandLine) -> None:
    cli.file(
        "q.sql",
        "CREATE TABLE kept (k STRING);\nINSERT INTO kept VALUES ('a'), ('b');\n"
        "SELECT k FROM kept WHERE k > 'a';\n"
        "CREATE TABLE o (k STRING) WITH ('connector'='filesystem', 'path'='o.csv');\n"
        "INSERT INTO o SELECT k FROM kept;",
    )
    ended = cli("compare", "q.sql")
    assert ended.code == 0
    assert without_times(ended.out) == [
        *("q.sql:2", "stream  2 rows", "batch   2 rows", "equal", ""),
        *("q.sql:3", "stream  1 row", "batch   1 row", "equal", ""),
        *("q.sql:5", "stream  2 rows", "batch   2 rows", "equal"),
    ]
    assert cli.files() == []


def test_stdin_is_read_for_both_sides(cli: CommandLine) -> None:
    cli.file("q.sql", "SELECT k FROM t")
    ended = cli("compare", "q.sql", "--input", "t=-", stdin='{"k":"a"}\n{"k":"b"}\n')
    assert without_times(ended.out) == ["stream  2 rows", "batch   2 rows", "equal"]
