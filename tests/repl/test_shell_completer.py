"""What Tab offers, by where the cursor is: at the | in the text."""

from __future__ import annotations

import pytest
from streamsql_repl.completer import Vocabulary, completions

COLUMNS = {"bids": ("item", "price", "ts"), "flights": ("origin", "select", "two words")}
NAMES = Vocabulary(
    keywords=("AND", "FROM", "GROUP BY", "SELECT", "WHERE"),
    starts=("CREATE TABLE", "SELECT", "SET"),
    functions=("PI", "UPPER"),
    tables=("bids", "flights"),
    columns=lambda table: COLUMNS.get(table, ()),
    settings=("streamsql.batch-size", "streamsql.seed"),
    connectors={"filesystem": ("path", "format"), "datagen": ("number-of-rows",)},
    formats={"json": ("json.ignore-parse-errors",), "csv": ("csv.header",)},
    commands=("\\d", "\\help", "\\i"),
    topics=("SELECT", "UPPER"),
    files=lambda begin: tuple(each for each in ("data/", "data.csv") if each.startswith(begin)),
)


def offered(text: str) -> list[str]:
    before, _, after = text.partition("|")
    return [each.text for each in completions(before + after, len(before), NAMES)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("se|", ["select", "set"]),
        ("SELECT 1; CRE|", ["CREATE TABLE"]),
        ("SELECT p| FROM bids", ["price", "pi("]),
        ("SELECT P| FROM bids", ["price", "PI("]),
        ("SELECT up|", ["upper("]),
        ("SELECT ite|", ["item"]),
        ("SELECT o| FROM flights; SELECT 1", ["origin"]),
        ("SELECT b.| FROM bids AS b", ["item", "price", "ts"]),
        ("SELECT b.p| FROM flights, bids b", ["price"]),
        ("SELECT se| FROM flights", ["`select`", "select"]),
        ("SELECT `two| FROM flights", ["`two words`"]),
        ("SELECT window| FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' DAY))",
         ["window_start", "window_end", "window_time"]),
        ("SELECT * FROM b|", ["bids"]),
        ("SELECT * FROM bids, f|", ["flights"]),
        ("SELECT * FROM bids JOIN fl|", ["flights"]),
        ("SELECT * FROM TABLE(TUMBLE(TABLE b|", ["bids"]),
        ("SELECT * FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(t|", ["ts"]),
        ("WITH big AS (SELECT 1) SELECT * FROM bi|", ["big", "bids"]),
        ("INSERT INTO f|", ["flights"]),
        ("SELECT item FROM bids wh|", ["where"]),
        ("SELECT item FROM bids WHERE item = 'U|'", []),
        ("SELECT 1 -- se|", []),
        ("SET '|", ["streamsql.batch-size' = '", "streamsql.seed' = '"]),
        ("RESET 'streamsql.s|'", ["streamsql.seed"]),
        ("CREATE TABLE t (a INT) WITH ('|", ["connector' = '"]),
        ("CREATE TABLE t (a INT) WITH ('connector' = 'f|", ["filesystem'"]),
        ("CREATE TABLE t (a INT) WITH ('connector' = 'filesystem', 'format' = 'json', '|",
         ["path' = '", "json.ignore-parse-errors' = '"]),
        ("CREATE TABLE t (a INT) WITH ('connector' = 'filesystem', 'path' = 'da|", ["data/", "data.csv'"]),
        ("\\h|", ["\\help"]),
        ("\\d f|", ["flights"]),
        ("\\help up|", ["UPPER"]),
        ("\\i data.|", ["data.csv"]),
    ],
)  # fmt: skip
def test_offered(text: str, expected: list[str]) -> None:
    assert offered(text) == expected


def test_what_is_typed_is_replaced() -> None:
    (found,) = completions("SELECT `two", 11, Vocabulary(tables=("t",), columns=lambda table: ("two words",)))
    assert (found.text, found.replaces, found.kind) == ("`two words`", 4, "column")
