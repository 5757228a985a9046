"""CREATE TABLE … AS: where its rows go, and when they are there."""

from __future__ import annotations

from pathlib import Path

import pytest

import streamsql
from streamsql.errors import StreamSqlError


def test_rows_go_into_a_file_that_a_later_query_reads(tmp_path: Path) -> None:
    with streamsql.connect() as session:
        session.sql("CREATE TABLE t (a INT); INSERT INTO t VALUES (1), (2)")
        query = session.sql(
            f"CREATE TABLE f WITH ('connector' = 'filesystem', 'path' = '{tmp_path}/f.jsonl')"
            " AS SELECT a * 2 AS a FROM t;"
            "SELECT SUM(a) AS s FROM f"
        )
        assert query.to_arrow().to_pylist() == [{"s": 6}]


def test_it_sees_what_an_insert_before_it_writes() -> None:
    with streamsql.connect() as session:
        query = session.sql(
            "CREATE TABLE t (a INT); INSERT INTO t VALUES (1);"
            "CREATE TABLE m AS SELECT a FROM t; INSERT INTO t VALUES (2); SELECT * FROM m"
        )
        assert query.to_arrow().to_pylist() == [{"a": 1}]


def test_where_the_table_exists_already_nothing_is_inserted() -> None:
    with streamsql.connect() as session:
        session.sql("CREATE TABLE m AS SELECT 1 AS a")
        session.sql("CREATE TABLE IF NOT EXISTS m AS SELECT 2 AS a")
        with pytest.raises(StreamSqlError, match="m exists already"):
            session.sql("CREATE TABLE m AS SELECT 3 AS a")
        assert session.sql("SELECT * FROM m").to_arrow().to_pylist() == [{"a": 1}]
