"""What goes wrong: the exit code, the message, and never a traceback."""

from __future__ import annotations

import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from streamsql_repl import run as run_module

from tests.repl.conftest import CommandLine

TABLE = """\
CREATE TABLE t (k STRING, v INT) WITH (
  'connector' = 'filesystem',
  'path' = 't.jsonl'
);
"""
JSON = '{"k":"a","v":1}\n{"k":"b","v":0}\n'


@pytest.fixture
def t(cli: CommandLine) -> CommandLine:
    cli.file("t.jsonl", JSON)
    return cli


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            TABLE + "SELECT k,\n  vv FROM t",
            'error: unknown column vv\n  at q.sql:6:3\n    6 |   vv FROM t\n      |   ^^\nhint: did you mean "v"?\n',
        ),
        (
            TABLE + "SELECT k FROM tt",
            "error: unknown table tt\n  at q.sql:5:15\n    5 | SELECT k FROM tt\n      |               ^^\n"
            'hint: did you mean "t"?\n',
        ),
        (
            "SELECT k FROM t",
            "error: unknown table t\n  at q.sql:1:15\n    1 | SELECT k FROM t\n      |               ^\n"
            "hint: declare it with CREATE TABLE t (…) WITH (…), or give its data with --input t=PATH\n",
        ),
        (
            TABLE + "SELEC k FROM t",
            'error: syntax error: expected a statement such as SELECT, CREATE TABLE or INSERT INTO, found "SELEC"\n'
            "  at q.sql:5:1\n    5 | SELEC k FROM t\n      | ^^^^^\nhint: did you mean SELECT?\n",
        ),
        (
            TABLE + "SELECT UPER(k) FROM t",
            "error: there is no function UPER\n  at q.sql:5:8\n    5 | SELECT UPER(k) FROM t\n",
        ),
        (
            TABLE.replace("filesystem", "filesistem") + "SELECT k FROM t",
            "error: unknown connector 'filesistem'\n  at q.sql:2:17\n    2 |   'connector' = 'filesistem',\n"
            "      |                 ^^^^^^^^^^^^\n",
        ),
        (
            TABLE.replace("'t.jsonl'", "'t.jsonl',\n  'format' = 'jason'") + "SELECT k FROM t",
            "error: unknown format 'jason'\n  at q.sql:4:14\n",
        ),
        (
            TABLE.replace("'t.jsonl'", "'t.jsonl',\n  'json.ignore' = 'true'") + "SELECT k FROM t",
            "error: unknown option 'json.ignore' of table t (filesystem, json)\n  at q.sql:4:3\n",
        ),
        (
            TABLE.replace("'t.jsonl'", "'tt.jsonl'") + "SELECT k FROM t",
            "error: file not found: tt.jsonl\n  at q.sql:3:12\n",
        ),
        (TABLE + "SET 'streamsql.batch-sise' = '7'", "error: unknown setting 'streamsql.batch-sise'\n  at q.sql:5:1\n"),
        (TABLE + "CREATE VIEW v AS SELECT x FROM t", "error: unknown column x\n  at q.sql:5:25\n"),
        (TABLE + TABLE, "error: t exists already\n  at q.sql:5:1\n"),
        (TABLE + "SELECT * FROM t$late", "error: there is no t$late yet: no query before this one could have dropped"),
    ],
)
def test_wrong_sql_ends_with_2_and_shows_where(t: CommandLine, script: str, message: str) -> None:
    ended = t.sql(script)
    assert ended.err.startswith(message)
    assert (ended.code, ended.out) == (2, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run",), "Missing argument 'SCRIPT.sql'"),
        (("run", "q.sql", "--inputs", "t=t.jsonl"), "No such option"),
        (("run", "q.sql", "--result", "tables"), "'tables' is not one of 'changelog', 'table'"),
        (("run", "q.sql", "--batch-size", "0"), "error: Invalid value for '--batch-size': 0 is below 1\n"),
        (("rum", "q.sql"), "No such command 'rum'"),
        (("--result", "table", "run", "q.sql"), "error: --result stands before the command\n"),
        (("-c", "SELECT 1", "run", "q.sql"), "error: -c and run do not go together\n"),
        (("-f", "q.sql", "run", "q.sql"), "error: -f and run do not go together\n"),
        (("-f", "q.sql", "-c", "SELECT 1"), "error: -c and -f do not go together\n"),
        (("run", "nope.sql"), "error: cannot read the script nope.sql: No such file or directory\n"),
        (("run", "Q.sql"), "hint: did you mean q.sql?\n"),
        (("run", "nowhere/q.sql"), "hint: there is no folder nowhere\n"),
        (("run", "."), "error: cannot read the script .: Is a directory\n"),
        (("run", "t.parquet"), "error: t.parquet is not UTF-8 text: invalid start byte at byte 3\n"),
        (
            ("run", "q.sql", "--output", "o.xyz"),
            "error: --output o.xyz: its ending tells no format\nhint: known endings",
        ),
        (("run", "q.sql", "--output", "no/o.csv"), "error: cannot write no/o.csv: there is no folder no\n"),
        (("run", "q.sql", "--late", "no/l.jsonl"), "error: --late no/l.jsonl: there is no folder no\n"),
        (("run", "q.sql", "--rejects", "."), "error: --rejects .: it is there and is no file\n"),
        (("run", "q.sql", "--late", "x", "--rejects", "x"), "error: --late and --rejects cannot both write x\n"),
        (("compare", "q.sql", "--batch-sizes", "1,x"), "error: --batch-sizes 1,x: 'x' is no step size\n"),
        (("compare", "ddl.sql"), "error: ddl.sql has no query to compare\n"),
        (("explain", "ddl.sql"), "error: ddl.sql has no query to explain\n"),
    ],
)
def test_wrong_arguments_end_with_2(t: CommandLine, arguments: tuple[str, ...], message: str) -> None:
    t.file("q.sql", TABLE + "SELECT k FROM t")
    t.file("ddl.sql", TABLE)
    (t.folder / "t.parquet").write_bytes(b"PA\xff1")
    ended = t(*arguments)
    assert message in ended.err
    assert (ended.code, ended.out) == (2, "")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "SELECT 1 / v AS x FROM t",
            "error: division by zero: 1 / 0\n  at q.sql:5:8\n    5 | SELECT 1 / v AS x FROM t\n",
        ),
        ("SELECT CAST(k AS INT) AS x FROM t", "  at q.sql:5:8\n    5 | SELECT CAST(k AS INT) AS x FROM t\n"),
        ("SELECT SUM(1 / v) AS x FROM t GROUP BY k", "error: division by zero: 1 / 0\n  at q.sql:5:12\n"),
        ("SELECT 2147483647 + v AS x FROM t", "  at q.sql:5:8\n"),
    ],
)
def test_an_expression_that_fails_on_a_row_ends_with_1(t: CommandLine, query: str, message: str) -> None:
    ended = t.sql(TABLE + query)
    assert message in ended.err
    assert ended.err.startswith("error: ")
    assert ended.code == 1


@pytest.mark.parametrize("mode", [(), ("--batch",)])
def test_a_malformed_json_record_is_named(cli: CommandLine, mode: tuple[str, ...]) -> None:
    cli.file("t.jsonl", '{"k":"a","v":1}\n{"k":"b","v":\n{"k":"c","v":3}\n')
    ended = cli.sql(TABLE + "SELECT k, v FROM t", *mode)
    assert ended.code == 1
    assert ended.err.startswith("error: t.jsonl:2: ")
    assert '{"k":"b","v":' in ended.err


def test_the_good_rows_before_a_bad_record_are_there(cli: CommandLine) -> None:
    cli.file("t.jsonl", '{"k":"a","v":1}\n{"k":"b","v":\n{"k":"c","v":3}\n')
    assert cli.sql(TABLE + "SELECT k, v FROM t").out == '{"k":"a","v":1}\n'


def test_a_malformed_csv_record_is_named(cli: CommandLine) -> None:
    cli.file("t.csv", "k,v\na,1\nb,x\n")
    ended = cli.sql(TABLE + "SELECT k, v FROM t", "--input", "t=t.csv")
    assert ended.code == 1
    assert ended.err.startswith("error: t.csv:3: column v: 'x' is not INT\n")


def test_a_truncated_parquet_file(cli: CommandLine) -> None:
    pq.write_table(pa.table({"k": ["a"] * 1000, "v": range(1000)}), "whole.parquet")
    (cli.folder / "t.parquet").write_bytes((cli.folder / "whole.parquet").read_bytes()[:500])
    ended = cli.sql(TABLE + "SELECT k, v FROM t", "--input", "t=t.parquet")
    assert ended.code == 1
    assert ended.err.startswith("error: t.parquet: not a whole parquet file")


def test_a_truncated_gzip_file(cli: CommandLine) -> None:
    whole = gzip.compress(b"".join(b'{"k":"%d","v":%d}\n' % (number, number) for number in range(1000)))
    (cli.folder / "t.jsonl.gz").write_bytes(whole[:-100])
    ended = cli.sql(TABLE + "SELECT k, v FROM t", "--input", "t=t.jsonl.gz")
    assert ended.code == 1
    assert ended.err.startswith("error: t.jsonl.gz after line ")
    assert ended.out.startswith('{"k":"0","v":0}\n{"k":"1","v":1}\n')


def test_a_batch_over_an_endless_table_has_no_form(cli: CommandLine) -> None:
    endless = "CREATE TABLE g (v INT) WITH ('connector'='datagen'); SELECT v FROM g"
    ended = cli.sql(endless, "--batch")
    assert (ended.code, ended.err.splitlines()[0]) == (1, "error: no batch form: table g has no end")
    assert cli("compare", "q.sql").code == 1


def test_what_cannot_be_written_ends_with_1(t: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device", "o.jsonl")

    monkeypatch.setattr(run_module, "outline", full)
    ended = t.sql(TABLE)
    assert (ended.code, ended.err) == (1, "error: No space left on device: o.jsonl\n")


def test_a_defect_asks_for_a_report(t: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object) -> None:
        raise KeyError("something")

    monkeypatch.setattr(run_module, "outline", broken)
    ended = t.sql(TABLE)
    assert (ended.code, ended.err) == (
        3,
        "internal error: KeyError: 'something'\n"
        "This is a defect of streamsql. Please report it with the output of the same command and --debug.\n",
    )
    debugged = t.sql(TABLE, "--debug")
    assert debugged.code == 3
    assert debugged.err.startswith("Traceback (most recent call last):\n")
    assert debugged.err.endswith(ended.err)


def test_debug_shows_where_an_error_was_raised_and_keeps_the_code(t: CommandLine) -> None:
    ended = t.sql("SELECT x FROM t", "--debug")
    assert ended.code == 2
    assert ended.err.startswith("Traceback")
    assert "error: unknown table t" in ended.err


def test_no_arguments_print_help(cli: CommandLine) -> None:
    ended = cli()
    assert ended.code == 0
    assert ended.out.startswith("Usage: streamsql [OPTIONS] [COMMAND] [ARGS]...")
    assert cli("--help").out == ended.out
    assert cli("run", "--help").out.startswith("Usage: streamsql run [OPTIONS] SCRIPT.sql")


def test_version(cli: CommandLine) -> None:
    assert cli("--version").out == "streamsql, version 0.1.0\n"


@pytest.mark.parametrize("command", ["run", "compare", "explain", "validate"])
def test_a_chain_that_is_too_long_for_the_stack(cli: CommandLine, command: str) -> None:
    ended = cli(command, cli.file("q.sql", f"SELECT {' + '.join(['1'] * 5000)}"))
    assert ended.code == 2
    assert ended.err.startswith("error: the SQL is nested too deeply, or a chain of operators is too long\nhint: ")
