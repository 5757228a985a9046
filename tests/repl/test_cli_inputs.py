"""--input: what a table reads instead of what it declares, and tables that are only inputs."""

from __future__ import annotations

import pytest

from tests.repl.conftest import CommandLine

ALL = "SELECT * FROM t"
JSON = '{"k":"a","v":1}\n{"k":"b","v":2}\n'
DECLARED = "CREATE TABLE t (k STRING, v BIGINT) WITH ('connector'='filesystem', 'path'='gone.csv', 'format'='csv');"


def test_an_undeclared_input_has_the_columns_of_its_data(cli: CommandLine) -> None:
    assert cli.sql(ALL, "--input", f"t={cli.file('t.jsonl', JSON)}").out == JSON


def test_a_declared_table_reads_the_input_by_its_own_columns(cli: CommandLine) -> None:
    data = cli.file("t.jsonl", '{"v":1,"extra":true}\n{"k":"b","v":"2"}\n')
    assert cli.sql(DECLARED + ALL, "--input", f"t={data}").out == '{"k":null,"v":1}\n{"k":"b","v":2}\n'


def test_a_declared_table_keeps_its_watermark(cli: CommandLine) -> None:
    declared = (
        "CREATE TABLE t (ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector'='datagen', 'number-of-rows'='5');"
        "SELECT window_start, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE))"
        " GROUP BY window_start, window_end"
    )
    data = cli.file("t.csv", "ts\n2025-01-01 00:00:30\n2025-01-01 00:01:00\n2025-01-01 00:00:59\n")
    ended = cli.sql(declared, "--input", f"t={data}", "--batch-size", "1")
    assert ended.out == (
        '{"window_start":"2025-01-01 00:00:00.000","n":1}\n{"window_start":"2025-01-01 00:01:00.000","n":1}\n'
    )
    assert ended.err == "late: 1 row dropped by WindowAggregate (read them with --late FILE)\n"


def test_a_declared_csv_header_is_skipped_and_columns_go_by_position(cli: CommandLine) -> None:
    with_header = cli.file("a.csv", "k,v\na,1\n")
    assert cli.sql(DECLARED + ALL, "--input", f"t={with_header}").out == '{"k":"a","v":1}\n'
    without = cli.file("b.csv", "a,1\n")
    assert cli.sql(DECLARED + ALL, "--input", f"t={without}").out == '{"k":"a","v":1}\n'


def test_options_of_the_same_format_stay(cli: CommandLine) -> None:
    declared = DECLARED.replace("'format'='csv'", "'format'='csv', 'csv.field-delimiter'=';'")
    assert cli.sql(declared + ALL, "--input", f"t={cli.file('t.csv', 'a;1')}").out == '{"k":"a","v":1}\n'


def test_options_of_the_old_connector_and_format_go(cli: CommandLine) -> None:
    declared = DECLARED.replace("'format'='csv'", "'format'='csv', 'csv.field-delimiter'=';', 'scan.startup'='x'")
    assert cli.sql(declared + ALL, "--input", f"t={cli.file('t.jsonl', JSON)}").out == JSON


def test_an_unknown_ending_keeps_the_declared_format(cli: CommandLine) -> None:
    assert cli.sql(DECLARED + ALL, "--input", f"t={cli.file('t.data', 'a,1')}").out == '{"k":"a","v":1}\n'


def test_an_in_memory_table_may_be_an_input(cli: CommandLine) -> None:
    declared = "CREATE TABLE t (v BIGINT);"
    assert cli.sql(declared + ALL, "--input", f"t={cli.file('t.jsonl', JSON)}").out == '{"v":1}\n{"v":2}\n'


def test_text_files_are_lines(cli: CommandLine) -> None:
    data = cli.file("words.txt", "to be, or\n\nnot\n")
    assert cli.sql(ALL, "--input", f"t={data}").out == '{"line":"to be, or"}\n{"line":""}\n{"line":"not"}\n'


def test_globs_and_folders_are_read_in_path_order(cli: CommandLine) -> None:
    (cli.folder / "days" / "deep").mkdir(parents=True)
    for name, value in (("2.jsonl", 2), ("1.jsonl", 1), ("_skipped.jsonl", 7), ("deep/3.jsonl", 3), (".x.jsonl", 8)):
        cli.file(f"days/{name}", f'{{"v":{value}}}\n')
    assert cli.sql(ALL, "--input", "t=days").out == '{"v":1}\n{"v":2}\n{"v":3}\n'
    assert cli.sql(ALL, "--input", "t=days/[12].jsonl").out == '{"v":1}\n{"v":2}\n'


def test_stdin_is_json(cli: CommandLine) -> None:
    assert cli.sql(ALL, "--input", "t=-", stdin=JSON).out == JSON
    assert cli.sql(DECLARED + ALL, "--input", "t=-", stdin=JSON).out == JSON


def test_stdin_in_another_format(cli: CommandLine) -> None:
    assert cli.sql(ALL, "--input", "t=-", "--input-format", "csv", stdin="k,v\na,1\n").out == '{"k":"a","v":1}\n'
    assert cli.sql(ALL, "--input", "t=-", "--input-format", "raw", stdin="to be\n").out == '{"line":"to be"}\n'


def test_stdin_that_is_not_json_says_how_to_say_so(cli: CommandLine) -> None:
    ended = cli.sql(DECLARED + ALL, "--input", "t=-", stdin="k,v\na,1\n")
    assert ended.code == 1
    assert ended.err.startswith("error: stdin:1: not valid JSON")
    assert "hint: stdin is read as JSON lines unless --input-format says otherwise" in ended.err


def test_the_format_option_is_for_names_that_tell_nothing(cli: CommandLine) -> None:
    lines = cli.file("t.jsonl", JSON)
    ended = cli.sql(
        "SELECT v FROM t; SELECT v FROM s",
        *("--input", f"t={lines}", "--input", "s=-", "--input-format", "csv"),
        stdin="v\n7\n",
    )
    assert ended.out == '{"v":1}\n{"v":2}\n{"v":7}\n'


def test_the_format_option_wins_where_all_names_tell_one(cli: CommandLine) -> None:
    ended = cli.sql(ALL, "--input", f"t={cli.file('t.txt', JSON)}", "--input-format", "json")
    assert ended.out == JSON


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--input", "t"),
            "error: --input t: it names no table\nhint: write --input NAME=PATH, such as --input bids=bids.parquet\n",
        ),
        (
            ("--input", "=x.csv"),
            "error: --input =x.csv: it names no table\nhint: write --input NAME=PATH, such as --input",
        ),
        (("--input", "t=t.jsonl", "--input", "t=t.csv"), "error: --input t is given twice\n"),
        (("--input", "t=-", "--input", "u=-"), "error: --input t and --input u cannot both come from stdin\n"),
        (("--input", "t=t.jsn"), "error: file not found: t.jsn\nhint: did you mean t.jsonl?\n"),
        (("--input", "t=nowhere/t.csv"), "error: file not found: nowhere/t.csv\nhint: there is no folder nowhere\n"),
        (("--input", "t=*.parquet"), "error: no files found: *.parquet\n"),
        (("--input", "T=t.jsonl"), 'error: --input T: the script uses no table T\nhint: did you mean "t"?\n'),
        (("--input", "t=t.jsonl", "--input-format", "jsn"), "error: unknown format 'jsn'"),
        (("--input", "t=t.data"), "error: the format of t.data is not known by its ending\n"),
    ],
)
def test_wrong_inputs(cli: CommandLine, arguments: tuple[str, ...], message: str) -> None:
    for name in ("t.jsonl", "t.csv", "t.data"):
        cli.file(name, JSON)
    ended = cli.sql(ALL, *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(message)


def test_an_unused_input_stops_the_script_before_it_does_anything(cli: CommandLine) -> None:
    script = "CREATE TABLE o (v INT) WITH ('connector'='filesystem', 'path'='o.jsonl'); INSERT INTO o VALUES (1);"
    ended = cli.sql(script, "--input", f"t={cli.file('t.jsonl', JSON)}")
    assert ended.code == 2
    assert cli.files() == ["t.jsonl"]


def test_the_script_and_an_input_cannot_share_stdin(cli: CommandLine) -> None:
    ended = cli("run", "-", "--input", "t=-", stdin=ALL)
    assert (ended.code, ended.err) == (2, "error: the script and --input t=- cannot both come from stdin\n")


def test_the_script_itself_from_stdin(cli: CommandLine) -> None:
    assert cli("run", "-", "--input", f"t={cli.file('t.jsonl', JSON)}", stdin=ALL).out == JSON


def test_inputs_of_a_text_on_the_command_line(cli: CommandLine) -> None:
    assert cli("-c", ALL, "--input", f"t={cli.file('t.jsonl', JSON)}").out == JSON


def test_stdin_that_is_read_twice_is_copied_first(cli: CommandLine) -> None:
    script = "SELECT v FROM t WHERE v > 1; SELECT k FROM t WHERE v < 2;"
    assert cli.sql(script, "--input", "t=-", stdin=JSON).out == '{"v":2}\n{"k":"a"}\n'
    script = "SELECT v FROM t WHERE v > 1 UNION ALL SELECT v FROM t WHERE v < 2"
    assert sorted(cli.sql(script, "--input", "t=-", stdin=JSON).out.splitlines()) == ['{"v":1}', '{"v":2}']


def test_stdin_that_ddl_reads_twice_is_an_error(cli: CommandLine) -> None:
    table = DECLARED.replace("gone.csv", "-").replace("'csv'", "'json'")
    assert cli.sql(table + ALL, stdin=JSON).out == JSON
    ended = cli.sql(f"{table}SELECT v FROM t; SHOW TABLES; SELECT k FROM t;", stdin=JSON)
    assert ended.code == 1
    assert "error: stdin: it can be read once only\n" in ended.err


def test_columns_of_stdin_do_not_depend_on_how_fast_it_comes(cli: CommandLine) -> None:
    data = '{"a":1}\n' * 20_000 + '{"a":1.5,"b":true}\n'
    ended = cli.sql("DESCRIBE t; SELECT b FROM t WHERE a > 1", "--input", "t=-", stdin=data)
    assert ended.out == 'a  DOUBLE\nb  BOOLEAN\n{"b":true}\n'


def test_an_input_is_not_written(cli: CommandLine) -> None:
    data = cli.file("t.jsonl", JSON)
    ended = cli.sql(f"{DECLARED}INSERT INTO t VALUES ('x', 9);", "--input", f"t={data}")
    assert (ended.code, cli.read(data)) == (2, JSON)
    assert ended.err.startswith("error: t is given as an input: rows cannot be inserted into it\n")


def test_an_input_is_no_view(cli: CommandLine) -> None:
    ended = cli.sql("CREATE VIEW t AS SELECT 1 AS one; SELECT * FROM t", "--input", f"t={cli.file('t.jsonl', JSON)}")
    assert ended.code == 2
    assert ended.err.startswith("error: t is given as an input, which cannot stand in for a view\n  at q.sql:1:1\n")


def test_columns_that_nobody_declared_are_told(cli: CommandLine) -> None:
    cli.file("d/day=2025-06-01/a.csv", "id,x,at,ok,name\n1,1.5,2025-06-01 10:00:00,true,n\n")
    ended = cli.sql("SELECT id FROM t; SELECT name FROM t", "--input", "t=d")
    assert (ended.code, ended.err) == (
        0,
        "t: columns found in d: id BIGINT, x DOUBLE, at TIMESTAMP(3), ok BOOLEAN, name STRING, day DATE\n",
    )
    declared = (
        "CREATE TABLE t (id INT, day DATE) WITH ('connector' = 'filesystem', 'path' = 'd', 'csv.header' = 'true')"
    )
    assert cli.sql(f"{declared}; SELECT id, day FROM t").err == ""
    weird = cli.file("weird.jsonl", '{"\\u001b[31m":1}\n')
    assert cli.sql(ALL, "--input", f"t={weird}").err == "t: columns found in weird.jsonl: \\x1b[31m BIGINT\n"
    assert cli.sql(f"{declared.replace(') WITH', ') PARTITIONED BY (day) WITH')}; DESCRIBE t").out == (
        "id   INT\nday  DATE  partition key\n"
    )
    assert cli.sql("DESCRIBE t", "--input", "t=d").out.splitlines()[:2] == ["id    BIGINT", "x     DOUBLE"]
