"""`streamsql validate`: every error of a script, nothing run."""

from __future__ import annotations

import json

from tests.repl.conftest import CommandLine

TABLE = (
    "CREATE TABLE t (a INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)"
    " WITH ('connector' = 'filesystem', 'path' = 't.jsonl');\n"
)
ROWS = '{"a":1,"ts":"2025-01-01 00:00:00"}\n'


def validate(cli: CommandLine, script: str, *arguments: str) -> tuple[int, list[str]]:
    """The exit code and the first lines of all errors with where they are."""
    ended = cli("validate", cli.file("q.sql", script), *arguments)
    lines = ended.err.splitlines()
    places = [each.removeprefix("  at ") if each.startswith("  at ") else each for each in lines]
    return ended.code, [each for each in places if each.startswith(("error: ", "q.sql:"))]


def test_a_script_without_errors(cli: CommandLine) -> None:
    cli.file("t.jsonl", ROWS)
    ended = cli("validate", cli.file("q.sql", TABLE + "SELECT a FROM t; SELECT * FROM t$rejects"))
    assert (ended.code, ended.out, ended.err) == (0, "q.sql: no errors\n", "")


def test_all_errors_of_all_statements_in_order(cli: CommandLine) -> None:
    cli.file("t.jsonl", ROWS)
    script = (
        f"{TABLE}SELECT b, a, UPER(a) AS c FROM t WHERE d > 1 ORDER BY e;\n"
        "SELEC 1;\n"
        "CREATE TABLE u (a INT, b BADTYPE);\n"
        "SELECT * FROM u;\n"
        "SET 'no.such' = '1'; SELECT a FROM tt;\n"
        "SELECT 'x"
    )
    assert validate(cli, script) == (
        2,
        [
            *("error: unknown column b", "q.sql:2:8"),
            *("error: there is no function UPER", "q.sql:2:14"),
            *("error: unknown column d", "q.sql:2:40"),
            *("error: unknown column e", "q.sql:2:55"),
            'error: syntax error: expected a statement such as SELECT, CREATE TABLE or INSERT INTO, found "SELEC"',
            "q.sql:3:1",
            *('error: syntax error: expected a type, found "BADTYPE"', "q.sql:4:26"),
            *("error: unknown setting 'no.such'", "q.sql:6:1"),
            *("error: unknown table tt", "q.sql:6:36"),
            *("error: syntax error: this string has no closing '", "q.sql:7:8"),
            "q.sql: 9 errors",
        ],
    )


def test_what_only_follows_from_a_wrong_declaration_is_left_out(cli: CommandLine) -> None:
    script = (
        "CREATE TABLE w (a INT) WITH ('connector' = 'nosuch');\n"
        "CREATE VIEW v AS SELECT a FROM w;\n"
        "INSERT INTO w SELECT a FROM v;"
    )
    assert validate(cli, script) == (2, ["error: unknown connector 'nosuch'", "q.sql:1:44", "q.sql: 1 error"])


def test_inputs_are_looked_at(cli: CommandLine) -> None:
    cli.file("t.jsonl", ROWS + '{"a":"x"}\n')
    code, lines = validate(cli, TABLE + "SELECT a FROM t")
    assert (code, lines) == (2, ["error: t.jsonl:2: column a: 'x' is not INT", "q.sql: 1 error"])


def test_an_input_that_no_one_reads(cli: CommandLine) -> None:
    cli.file("t.jsonl", ROWS)
    ended = cli("validate", cli.file("q.sql", "SELECT a FROM bids"), "--input", "bidz=t.jsonl")
    assert ended.code == 2
    assert 'error: --input bidz: the script uses no table bidz\nhint: did you mean "bids"?\n' in ended.err


def test_nothing_is_written(cli: CommandLine) -> None:
    cli.file("t.jsonl", ROWS)
    script = (
        TABLE
        + "CREATE TABLE o (a INT) WITH ('connector' = 'filesystem', 'path' = 'o.csv'); INSERT INTO o SELECT a FROM t"
    )
    assert validate(cli, script)[0] == 0
    assert cli.files() == ["t.jsonl"]


def test_functions(cli: CommandLine) -> None:
    assert "UPPER" in cli("functions").out
    assert cli("functions", "upper").out == (
        "UPPER         scalar  UPPER(text): in capitals\nduckdb.upper  duckdb  DuckDB's upper(…)\n"
    )
    assert cli("functions", "list?gg").out.startswith("LISTAGG  aggregate  LISTAGG([DISTINCT] text")
    (found,) = json.loads(cli("functions", "UPPE?", "--json").out)
    assert found == {"name": "UPPER", "kind": "scalar", "usage": "UPPER(text)", "text": "in capitals"}
    ended = cli("functions", "uperr")
    assert (ended.code, ended.err) == (2, 'error: there is no function like uperr\nhint: did you mean "UPPER"?\n')


def test_connectors(cli: CommandLine) -> None:
    assert cli("connectors", "print").out.splitlines()[1:3] == [
        "  'print-identifier'             stands before each row (text)",
        "  'standard-error'               write to stderr, not to stdout (boolean; default false)",
    ]
    names = [each["name"] for each in json.loads(cli("connectors", "--json").out)]
    assert {"filesystem", "datagen", "json", "csv"} <= set(names)
    ended = cli("connectors", "jsn")
    assert (ended.code, ended.err) == (2, 'error: there is no connector or format jsn\nhint: did you mean "json"?\n')
