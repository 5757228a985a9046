"""Scripts of several statements: INSERTs and their counts, EXPLAIN, DESCRIBE, SHOW, SET, in-memory tables."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from tests.repl.conftest import CommandLine

SOURCE = "CREATE TABLE bids (item STRING, price INT) WITH ('connector' = 'filesystem', 'path' = 'bids.jsonl');\n"


@pytest.fixture
def bids(cli: CommandLine) -> CommandLine:
    cli.file("bids.jsonl", '{"item":"pen","price":3}\n{"item":"ink","price":5}\n{"item":"pen","price":4}\n')
    return cli


def sink(name: str, path: str, columns: str = "item STRING, price INT") -> str:
    return f"CREATE TABLE {name} ({columns}) WITH ('connector' = 'filesystem', 'path' = '{path}');\n"


def test_inserts_say_how_many_rows_they_wrote(bids: CommandLine) -> None:
    ended = bids.sql(
        SOURCE
        + sink("cheap", "cheap.csv")
        + sink("dear", "dear.parquet")
        + "INSERT INTO cheap SELECT * FROM bids WHERE price < 5;\nINSERT INTO dear SELECT * FROM bids WHERE price >= 5;"
    )
    assert (ended.code, ended.out, ended.err) == (0, "", "cheap: 2 rows\ndear: 1 row\n")
    assert bids.read("cheap.csv") == "item,price\npen,3\npen,4\n"
    assert pq.read_table("dear.parquet").to_pylist() == [{"item": "ink", "price": 5}]


def test_a_statement_set(bids: CommandLine) -> None:
    ended = bids.sql(
        SOURCE
        + sink("a", "a.jsonl")
        + sink("b", "b.jsonl")
        + "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT * FROM bids; INSERT INTO b VALUES ('x', 1); END;"
    )
    assert (ended.code, ended.err) == (0, "a: 3 rows\nb: 1 row\n")
    assert bids.read("b.jsonl") == '{"item":"x","price":1}\n'


def test_an_updating_insert_writes_its_changes(bids: CommandLine) -> None:
    ended = bids.sql(
        SOURCE
        + sink("totals", "totals.jsonl", "item STRING, total INT")
        + "INSERT INTO totals SELECT item, SUM(price) FROM bids GROUP BY item;",
        *("--batch-size", "1"),
    )
    assert (ended.code, ended.err) == (0, "totals: 4 rows\n")
    assert bids.read("totals.jsonl").splitlines()[2:] == [
        '{"op":"-U","item":"pen","total":3}',
        '{"op":"+U","item":"pen","total":7}',
    ]


def test_a_batch_insert_writes_the_final_table(bids: CommandLine) -> None:
    ended = bids.sql(
        SOURCE
        + sink("totals", "totals.jsonl", "item STRING, total INT")
        + "INSERT INTO totals SELECT item, SUM(price) FROM bids GROUP BY item;",
        "--batch",
    )
    assert (ended.code, ended.err) == (0, "totals: 2 rows\n")
    assert bids.read("totals.jsonl") == '{"item":"ink","total":5}\n{"item":"pen","total":7}\n'


def test_batch_mode_by_its_setting(bids: CommandLine) -> None:
    ended = bids.sql(
        f"{SOURCE}SET 'execution.runtime-mode' = 'batch'; SELECT item, SUM(price) AS t FROM bids GROUP BY item;"
    )
    assert ended.out == '{"item":"ink","t":5}\n{"item":"pen","t":7}\n'


def test_a_table_that_an_insert_wrote_is_read_after_it(bids: CommandLine) -> None:
    ended = bids.sql(
        SOURCE
        + sink("copy", "copy.csv")
        + "INSERT INTO copy SELECT * FROM bids WHERE price > 3;\nSELECT item FROM copy;"
    )
    assert (ended.code, ended.out) == (0, '{"item":"ink"}\n{"item":"pen"}\n')


def test_a_view_of_a_table_that_an_insert_wrote(bids: CommandLine) -> None:
    ended = bids.sql(
        SOURCE
        + "CREATE TABLE kept (item STRING, price INT);\nCREATE VIEW v AS SELECT item FROM kept;\n"
        + "INSERT INTO kept SELECT * FROM bids WHERE price > 3;\nSELECT item FROM v;"
    )
    assert (ended.code, ended.out) == (0, '{"item":"ink"}\n{"item":"pen"}\n')


def test_an_in_memory_table_keeps_what_was_taken_back(bids: CommandLine) -> None:
    ended = bids.sql(
        SOURCE
        + "CREATE TABLE totals (item STRING, total INT);\n"
        + "INSERT INTO totals SELECT item, SUM(price) FROM bids GROUP BY item;\n"
        + "SELECT COUNT(*) AS n, SUM(total) AS total FROM totals;",
        *("--batch-size", "1", "--result", "table"),
    )
    assert (ended.code, ended.out) == (0, '{"n":2,"total":12}\n')


def test_two_inserts_do_not_replace_each_others_file(cli: CommandLine) -> None:
    ended = cli.sql(sink("a", "a.jsonl") + "INSERT INTO a VALUES ('x', 1);\nINSERT INTO a VALUES ('y', 2);")
    assert ended.code == 2
    assert ended.err == (
        "error: a.jsonl is written by two INSERTs of this script\n  at q.sql:3:13\n"
        "    3 | INSERT INTO a VALUES ('y', 2);\n      |             ^\n"
        "hint: write one INSERT with UNION ALL, or into a folder: 'path' = 'a.jsonl.d/'\n"
    )
    assert cli.files() == []


def test_two_inserts_into_a_folder_are_two_parts(cli: CommandLine) -> None:
    (cli.folder / "a").mkdir()
    table = sink("a", "a/").replace("'path'", "'format' = 'json', 'path'")
    ended = cli.sql(f"{table}INSERT INTO a VALUES ('x', 1);\nINSERT INTO a VALUES ('y', 2);\nSELECT price FROM a;")
    assert (ended.code, ended.out) == (0, '{"price":1}\n{"price":2}\n')


def test_statements_speak_in_their_order(bids: CommandLine) -> None:
    ended = bids.sql(
        SOURCE
        + "SELECT item FROM bids WHERE price = 5;\nDESCRIBE bids;\nCREATE VIEW v AS SELECT item FROM bids;\n"
        + "CREATE FUNCTION twice(x INT) AS x + x;\nCREATE MACRO clip(x, top) AS LEAST(x, top);\nSHOW USER FUNCTIONS;\n"
        + "SHOW TABLES;\nSHOW VIEWS;\nSET 'table.local-time-zone' = 'Europe/Paris';\nSET;\n"
    )
    assert ended.code == 0
    assert ended.out.splitlines() == [
        '{"item":"ink"}',
        "item   STRING",
        "price  INT",
        "CLIP(x, top)",
        "TWICE(x INT)",
        "bids",
        "v",
        "v",
        "'execution.runtime-mode' = 'streaming'",
        "'streamsql.batch-size' = '65536'",
        "'streamsql.clock' = 'system'",
        "'streamsql.compiled' = 'auto'",
        "'streamsql.seed' = '0'",
        "'table.local-time-zone' = 'Europe/Paris'",
    ]


def test_explain_in_a_script_is_what_the_command_says(bids: CommandLine) -> None:
    query = "SELECT item, SUM(price) AS total FROM bids GROUP BY item"
    in_script = bids.sql(f"{SOURCE}EXPLAIN {query};")
    assert in_script.code == 0
    assert "Aggregate" in in_script.out
    assert "number of keys (item)" in in_script.out
    bids.file("p.sql", SOURCE + query)
    assert bids("explain", "p.sql").out == in_script.out


def test_explain_of_a_materialized_view_is_that_of_rows_kept(cli: CommandLine) -> None:
    query = "SELECT item, price FROM t ORDER BY price DESC LIMIT 1"
    script = f"CREATE TABLE t (item STRING, price INT);\nEXPLAIN CREATE MATERIALIZED VIEW best AS {query};"
    in_script = cli.sql(script)
    assert (in_script.code, in_script.err) == (0, "")
    assert in_script.out.startswith("Rank(ROW_NUMBER, order=[price DESC], ranks 1 to 1)")
    cli.file("p.sql", script)
    assert cli("explain", "p.sql").out == in_script.out
    ended = cli.sql("CREATE TABLE t (item STRING);\nEXPLAIN CREATE VIEW v AS SELECT item FROM t;")
    assert ended.code == 2
    assert "EXPLAIN takes a query, an INSERT or CREATE MATERIALIZED VIEW" in ended.err


def test_explain_needs_no_data(cli: CommandLine) -> None:
    cli.file("p.sql", f"{SOURCE}SELECT item FROM bids; INSERT INTO bids SELECT item, nosuch FROM bids$rejects")
    assert cli("explain", "p.sql").code == 2
    cli.file("p.sql", f"{SOURCE}SELECT item FROM bids; SELECT reason FROM bids$rejects")
    ended = cli("explain", "p.sql")
    assert (ended.code, ended.err) == (0, "")
    assert len(ended.out.split("\n\n")) == 2


def test_settings_of_the_command_line(bids: CommandLine) -> None:
    ended = bids.sql("SET;", "--batch-size", "7", "--seed", "3")
    assert "'streamsql.batch-size' = '7'\n" in ended.out
    assert "'streamsql.seed' = '3'\n" in ended.out


def test_a_failing_statement_undoes_no_earlier_job(bids: CommandLine) -> None:
    ended = bids.sql(
        SOURCE + sink("a", "a.jsonl") + "INSERT INTO a SELECT * FROM bids;\nDESCRIBE a;\nSELECT nope FROM bids;"
    )
    assert (ended.code, ended.out) == (2, "item   STRING\nprice  INT\n")
    assert "a.jsonl" in bids.files()


def test_queries_of_one_job_fail_together(bids: CommandLine) -> None:
    ended = bids.sql(
        SOURCE + sink("a", "a.jsonl") + "INSERT INTO a SELECT * FROM bids;\nSELECT 1 / (price - 5) FROM bids;"
    )
    assert ended.code == 1
    assert bids.files() == ["bids.jsonl"]


def test_blackhole_and_print(bids: CommandLine) -> None:
    ended = bids.sql(
        SOURCE
        + "CREATE TABLE gone (item STRING, price INT) WITH ('connector' = 'blackhole');\n"
        + "CREATE TABLE shown (item STRING, price INT) WITH ('connector' = 'print');\n"
        + "INSERT INTO gone SELECT * FROM bids;\nINSERT INTO shown SELECT * FROM bids WHERE price = 5;"
    )
    assert (ended.code, ended.err) == (0, "gone: 3 rows\nshown: 1 row\n")
    assert ended.out == "+I[ink, 5]\n"
