"""INSERTs of updating queries: what a table can take is known before anything runs, and read back as it was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamsql.errors import SqlError, StreamSqlError
from streamsql.session import Session

ROWS = "CREATE TABLE t (k INT, g STRING, v INT); INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2), (1, 'a', 5);"


def session(*statements: str) -> Session:
    found = Session(settings={"streamsql.batch-size": "1"})
    for each in (ROWS, *statements):
        found.execute(each)
    return found


def table(name: str, columns: str, path: Path, *options: str) -> str:
    listed = ", ".join(("'connector' = 'filesystem'", f"'path' = '{path}'", *options))
    return f"CREATE TABLE {name} ({columns}) WITH ({listed})"


def test_raw_lines_cannot_be_taken_back(tmp_path: Path) -> None:
    made = session(table("lines", "line STRING", tmp_path / "lines.txt"))
    with pytest.raises(SqlError) as caught:
        made.execute("INSERT INTO lines SELECT CAST(SUM(v) AS STRING) FROM t GROUP BY k")
    assert caught.value.message == "lines only takes rows that stay, but GROUP BY makes this query updating"
    assert "TUMBLE" in str(caught.value.hint)
    assert "'format' = 'debezium-json'" in str(caught.value.hint)
    assert caught.value.span is not None
    assert not (tmp_path / "lines.txt").exists()


def test_another_key_is_refused(tmp_path: Path) -> None:
    columns = "k INT, total INT, PRIMARY KEY (total) NOT ENFORCED"
    made = session(table("totals", columns, tmp_path / "totals.jsonl", "'changelog' = 'upsert'"))
    with pytest.raises(SqlError) as caught:
        made.execute("INSERT INTO totals SELECT k, SUM(v) FROM t GROUP BY k")
    assert caught.value.message == (
        "totals is written by its PRIMARY KEY (total), but the rows of this query have the key (k): GROUP BY makes it "
        "updating, and takes back rows by that"
    )
    assert caught.value.hint == (
        "declare PRIMARY KEY (k) NOT ENFORCED; or GROUP BY total; or write to a table without PRIMARY KEY that takes "
        "changes"
    )
    made.execute("CREATE TABLE kept (k INT, total INT, PRIMARY KEY (total) NOT ENFORCED)")
    with pytest.raises(SqlError, match="kept is written by its PRIMARY KEY"):
        made.execute("INSERT INTO kept SELECT k, SUM(v) FROM t GROUP BY k")


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_upserts_read_back(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"totals.{ending}"
    columns = "n BIGINT, most INT, PRIMARY KEY (n) NOT ENFORCED"
    made = session(table("totals", columns, path, "'changelog' = 'upsert'"))
    made.execute("INSERT INTO totals SELECT n, MAX(k) FROM (SELECT k, COUNT(*) AS n FROM t GROUP BY k) GROUP BY n")
    assert made.sql("SELECT * FROM totals").to_arrow().to_pylist() == [{"n": 1, "most": 2}, {"n": 2, "most": 1}]


def test_upserts_as_lines(tmp_path: Path) -> None:
    path = tmp_path / "totals.jsonl"
    made = session(table("totals", "n BIGINT, ks BIGINT, PRIMARY KEY (n) NOT ENFORCED", path, "'changelog' = 'upsert'"))
    made.execute("""INSERT INTO totals SELECT n, COUNT(*) FROM (SELECT g, COUNT(*) AS n FROM t WHERE k = 1 GROUP BY g)
        GROUP BY n""")
    assert path.read_text().splitlines() == ['{"n":1,"ks":1}', '{"n":1,"ks":null}', '{"n":2,"ks":1}']


@pytest.mark.parametrize("how", ["'changelog' = 'op'", "'format' = 'debezium-json'"])
def test_changelogs_read_back_also_of_rows_that_stay(tmp_path: Path, how: str) -> None:
    made = session(table("totals", "k INT, v INT", tmp_path / "totals.jsonl", how))
    made.execute("INSERT INTO totals SELECT k, SUM(v) FROM t GROUP BY k")
    assert made.sql("SELECT * FROM totals").to_arrow().to_pylist() == [{"k": 1, "v": 6}, {"k": 2, "v": 2}]
    made.execute("INSERT INTO totals SELECT k, v FROM t WHERE g = 'b'")
    assert made.sql("SELECT * FROM totals").to_arrow().to_pylist() == [{"k": 2, "v": 2}]


def test_a_keyed_table_in_memory_follows_a_query_with_its_key() -> None:
    made = session("CREATE TABLE totals (k INT, total INT, PRIMARY KEY (k) NOT ENFORCED)")
    for total in (6, 7):
        made.execute("INSERT INTO totals SELECT k, SUM(v) FROM t WHERE k = 1 GROUP BY k")
        assert made.sql("SELECT * FROM totals").to_arrow().to_pylist() == [{"k": 1, "total": total}]
        made.execute("INSERT INTO t VALUES (1, 'a', 1)")


def test_partitions_of_an_upsert_table_are_part_of_its_key(tmp_path: Path) -> None:
    made = session(
        f"""CREATE TABLE totals (k INT, g STRING, v INT, PRIMARY KEY (k) NOT ENFORCED) PARTITIONED BY (g)
        WITH ('connector' = 'filesystem', 'format' = 'json', 'path' = '{tmp_path}/totals', 'changelog' = 'upsert')"""
    )
    with pytest.raises(StreamSqlError, match="who deletes a key does not know its g"):
        made.execute("INSERT INTO totals SELECT k, g, v FROM t")
