"""Late rows and rejected records: counted on stderr, in files, and as tables of the same script."""

from __future__ import annotations

import json

import pytest

from tests.repl.conftest import CommandLine

TABLE = """\
CREATE TABLE clicks (ts TIMESTAMP(3), page STRING, WATERMARK FOR ts AS ts - INTERVAL '10' SECOND)
WITH ('connector' = 'filesystem', 'path' = 'clicks.csv');
"""
COUNT = """\
SELECT window_start, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end;
"""
# The third row lies 5 s before the watermark of the second; its window closed at 12:01:00.
LATE = "ts,page\n2025-01-01 12:00:10,a\n2025-01-01 12:01:10,b\n2025-01-01 12:00:55,c\n2025-01-01 12:01:20,d\n"
COUNTS = '{"window_start":"2025-01-01 12:00:00.000","n":1}\n{"window_start":"2025-01-01 12:01:00.000","n":2}\n'
LATE_ROW = (
    '{"ts":"2025-01-01 12:00:55.000","page":"c","_operator":"WindowAggregate",'
    '"_watermark":"2025-01-01 12:01:00.000000","_lateness":"+0 00:00:05.000","_windows_missed":1,"_op":"+I"}\n'
)
ON_TIME = "ts,page\n2025-01-01 12:00:10,a\n2025-01-01 12:01:10,b\n"


@pytest.fixture
def late(cli: CommandLine) -> CommandLine:
    cli.file("clicks.csv", LATE)
    return cli


def test_late_rows_are_counted(late: CommandLine) -> None:
    ended = late.sql(TABLE + COUNT)
    assert (ended.code, ended.out) == (0, COUNTS)
    assert ended.err == "late: 1 row dropped by WindowAggregate (read them with --late FILE)\n"


@pytest.mark.parametrize("size", ["1", "3", "100"])
def test_late_rows_in_a_file(late: CommandLine, size: str) -> None:
    ended = late.sql(TABLE + COUNT, "--late", "late.jsonl", "--batch-size", size)
    assert ended.err == "late: 1 row dropped by WindowAggregate (written to late.jsonl)\n"
    assert late.read("late.jsonl") == LATE_ROW.replace("{", '{"_source":"clicks",', 1)


def test_late_rows_on_stdout(late: CommandLine) -> None:
    ended = late.sql(TABLE + COUNT, "--late", "-", "--output", "out.jsonl")
    assert ended.out == LATE_ROW.replace("{", '{"_source":"clicks",', 1)
    assert ended.err == "late: 1 row dropped by WindowAggregate (written to stdout)\n"


def test_no_late_rows_are_an_empty_file(cli: CommandLine) -> None:
    cli.file("clicks.csv", ON_TIME)
    ended = cli.sql(TABLE + COUNT, "--late", "late.jsonl", "--rejects", "rejects.jsonl")
    assert (ended.code, ended.err) == (0, "")
    assert (cli.read("late.jsonl"), cli.read("rejects.jsonl")) == ("", "")


def test_late_rows_of_two_tables_keep_their_own_columns(late: CommandLine) -> None:
    other = TABLE.replace("clicks", "views").replace("page STRING", "page INT")
    late.file("views.csv", LATE.replace(",a", ",1").replace(",b", ",2").replace(",c", ",3").replace(",d", ",4"))
    ended = late.sql(TABLE + other + COUNT + COUNT.replace("clicks", "views"), "--late", "late.jsonl")
    assert ended.code == 0
    rows = [json.loads(line) for line in late.read("late.jsonl").splitlines()]
    assert [(row["_source"], row["page"]) for row in rows] == [("clicks", "c"), ("views", 3)]


def test_late_rows_as_a_table_of_the_same_script(late: CommandLine) -> None:
    ended = late.sql(TABLE + COUNT + "SELECT * FROM clicks$late;")
    assert (ended.code, ended.out) == (0, COUNTS + LATE_ROW)


def test_the_late_table_is_there_when_nothing_was_late(cli: CommandLine) -> None:
    cli.file("clicks.csv", ON_TIME)
    ended = cli.sql(TABLE + COUNT + "DESCRIBE clicks$late; SELECT page FROM clicks$late;")
    assert ended.code == 0
    assert ended.out.splitlines()[2:] == [
        "ts               TIMESTAMP(3)",
        "page             STRING",
        "_operator        STRING",
        "_watermark       TIMESTAMP(6)",
        "_lateness        INTERVAL DAY TO SECOND",
        "_windows_missed  INT",
        "_op              STRING",
    ]


def test_the_late_table_of_an_insert(late: CommandLine) -> None:
    sink = "CREATE TABLE counts (s TIMESTAMP(3), n BIGINT) WITH ('connector' = 'blackhole'); INSERT INTO counts "
    ended = late.sql(f"{TABLE}{sink}{COUNT}SELECT page FROM `clicks$late`;")
    assert (ended.code, ended.out) == (0, '{"page":"c"}\n')


def test_late_rows_of_two_queries_come_one_after_the_other(late: CommandLine) -> None:
    ended = late.sql(TABLE + COUNT + "SHOW TABLES;" + COUNT + "SELECT page, _operator FROM clicks$late;")
    assert ended.out.splitlines()[-2:] == ['{"page":"c","_operator":"WindowAggregate"}'] * 2


def test_no_row_is_late_where_no_operator_asks_for_time(late: CommandLine) -> None:
    ended = late.sql(TABLE + "SELECT page FROM clicks;\nSELECT * FROM clicks$late;")
    assert ended.code == 2
    assert "error: there is no clicks$late yet" in ended.err


def test_null_event_times_are_rejects(cli: CommandLine) -> None:
    cli.file("clicks.csv", "ts,page\n2025-01-01 12:00:10,a\n,b\n")
    ended = cli.sql(f"{TABLE}{COUNT}SELECT COUNT(*) AS n FROM clicks$rejects;", "--rejects", "r.jsonl")
    assert ended.code == 0
    assert ended.out == '{"window_start":"2025-01-01 12:00:00.000","n":1}\n{"op":"+I","n":1}\n'
    assert ended.err == "rejected: 1 row of clicks (written to r.jsonl)\n"
    (row,) = (json.loads(line) for line in cli.read("r.jsonl").splitlines())
    assert (row["_source"], row["where"]) == ("clicks", "row 2")


def test_malformed_records_can_be_rejects(cli: CommandLine) -> None:
    cli.file("t.jsonl", '{"v":1}\n{"v":\n{"v":3}\n')
    table = (
        "CREATE TABLE t (v INT) WITH ('connector' = 'filesystem', 'path' = 't.jsonl', "
        "'json.ignore-parse-errors' = 'true');\n"
    )
    ended = cli.sql(f"{table}SELECT v FROM t; SELECT `where`, text FROM t$rejects;")
    assert (ended.code, ended.out) == (0, '{"v":1}\n{"v":3}\n{"where":"t.jsonl:2","text":"{\\"v\\":"}\n')
    assert ended.err == "rejected: 1 row of t (read them with --rejects FILE)\n"


def test_rejects_of_a_batch(cli: CommandLine) -> None:
    cli.file("clicks.csv", "ts,page\n2025-01-01 12:00:10,a\n,b\n")
    ended = cli.sql(TABLE + COUNT + "SELECT COUNT(*) AS n FROM clicks$rejects;", "--batch")
    assert (ended.code, ended.err) == (0, "rejected: 1 row of clicks (read them with --rejects FILE)\n")
    assert ended.out == '{"window_start":"2025-01-01 12:00:00.000","n":1}\n{"n":1}\n'


def test_the_rejects_table_is_there_when_nothing_was_rejected(late: CommandLine) -> None:
    ended = late.sql(TABLE + "SELECT page FROM clicks;\nSELECT * FROM clicks$rejects;")
    assert (ended.code, ended.out) == (0, '{"page":"a"}\n{"page":"b"}\n{"page":"c"}\n{"page":"d"}\n')


def test_options_of_a_format_told_by_the_ending_hold_for_other_data_of_that_format(cli: CommandLine) -> None:
    cli.file("other.json", '{"a":1}\n{"a":"x"}\noops\n[1]\n{"a":2}\n')
    script = (
        "CREATE TABLE t (a INT) WITH ('connector'='filesystem', 'path'='t.jsonl', 'json.ignore-parse-errors'='true');\n"
        "SELECT SUM(a) AS total, COUNT(*) AS n FROM t;"
    )
    ended = cli.sql(script, "--input", "t=other.json", "--rejects", "rejects.jsonl", "--result", "table")
    assert (ended.code, ended.out) == (0, '{"total":3,"n":3}\n')
    assert ended.err == "rejected: 3 rows of t (written to rejects.jsonl)\n"
    assert cli.read("rejects.jsonl").splitlines() == [
        '{"_source":"t","reason":"column a: \'x\' is not INT (read as NULL)","where":"other.json:2",'
        '"text":"{\\"a\\":\\"x\\"}"}',
        '{"_source":"t","reason":"not valid JSON: Expecting value at column 1","where":"other.json:3","text":"oops"}',
        '{"_source":"t","reason":"not a JSON object","where":"other.json:4","text":"[1]"}',
    ]
