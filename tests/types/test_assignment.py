"""What INSERT puts into a column without a CAST, and what it refuses; NULL and NOT NULL."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamsql.errors import DataError, SqlError
from streamsql.session import Session, connect
from tests.types.matrix import shown

TAKEN = [
    ("TINYINT", "127", "127"),
    ("BIGINT", "1", "1"),
    ("FLOAT", "1.5", "1.5"),
    ("DECIMAL(3, 1)", "1.25e0", "1.3"),
    ("STRING", "'a'", "'a'"),
    ("VARCHAR(2)", "'abc'", "'ab'"),
    ("CHAR(3)", "'a'", "'a  '"),
    ("BINARY(3)", "X'01'", "x'010000'"),
    ("TIMESTAMP(3)", "DATE '2024-02-29'", "2024-02-29 00:00:00"),
    ("DATE", "TIMESTAMP '2024-02-29 12:00:00'", "2024-02-29"),
    ("TIMESTAMP_LTZ(3)", "TIMESTAMP '2024-02-29 12:00:00'", "2024-02-29 12:00:00Z"),
    ("INTERVAL DAY", "INTERVAL '1' HOUR", "3600000000 µs"),
    ("ARRAY<BIGINT>", "ARRAY[1, NULL]", "[1, NULL]"),
    ("MAP<STRING, DOUBLE>", "MAP['a', 1]", "[['a', 1.0]]"),
    ("ROW<x BIGINT, y STRING>", "ROW(1, NULL)", "(1, NULL)"),
    ("ARRAY<INT>", "NULL", "NULL"),
]

REFUSED = [
    ("TINYINT", "128", "value 1 is INT, t.c is TINYINT", "write CAST(… AS TINYINT) where it is meant"),
    ("FLOAT", "1e0", "value 1 is DOUBLE, t.c is FLOAT", "write CAST(… AS FLOAT) where it is meant"),
    ("DATE", "'2024-01-01'", "value 1 is CHAR(10), t.c is DATE", "write CAST(… AS DATE) where it is meant"),
    ("STRING", "1", "value 1 is INT, t.c is STRING", "write CAST(… AS STRING) where it is meant"),
    ("BOOLEAN", "1", "value 1 is INT, t.c is BOOLEAN", "write CAST(… AS BOOLEAN) where it is meant"),
    (
        "INTERVAL DAY",
        "INTERVAL '1' MONTH",
        "value 1 is INTERVAL YEAR TO MONTH, t.c is INTERVAL DAY TO SECOND",
        "months have no fixed number of days",
    ),
    (
        "ROW<x INT>",
        "ROW(1, 2)",
        "value 1 is ROW<EXPR$0 INT NOT NULL, EXPR$1 INT NOT NULL>, t.c is ROW<x INT>",
        "it has 2 fields, the type has 1",
    ),
]


def table_of(type_: str) -> Session:
    session = connect()
    session.sql(f"CREATE TABLE t (c {type_})")
    return session


@pytest.mark.parametrize(("type_", "sql", "value"), TAKEN)
def test_taken(type_: str, sql: str, value: str) -> None:
    session = table_of(type_)
    session.sql(f"INSERT INTO t VALUES ({sql})")
    query = session.sql("SELECT c FROM t")
    assert query is not None
    assert [shown(each) for each in query.to_arrow().column(0).to_pylist()] == [value]


@pytest.mark.parametrize(("type_", "sql", "message", "hint"), REFUSED)
def test_refused(type_: str, sql: str, message: str, hint: str) -> None:
    with pytest.raises(SqlError) as caught:
        table_of(type_).sql(f"INSERT INTO t VALUES ({sql})")
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_null_is_not_written_into_a_column_that_is_not_null() -> None:
    with pytest.raises(DataError) as caught:
        table_of("INT NOT NULL").sql("INSERT INTO t SELECT x FROM (VALUES (1), (NULL)) AS v(x)")
    assert caught.value.message == "c is NOT NULL, a row has NULL for it"
    assert caught.value.hint == "leave such rows out: WHERE c IS NOT NULL, or give a value: COALESCE(c, …)"
    assert caught.value.span is not None


def test_null_is_not_read_from_a_column_that_is_not_null(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"c": 1}\n{"c": null}\n')
    session = connect()
    session.sql(
        "CREATE TABLE t (c INT NOT NULL) WITH ('connector' = 'filesystem', 'format' = 'json',"
        f" 'path' = '{tmp_path}/rows.jsonl')"
    )
    query = session.sql("SELECT COUNT(c) AS n FROM t")
    assert query is not None
    for run in (query.to_arrow, query.batch):
        with pytest.raises(DataError) as caught:
            run()
        assert caught.value.message == "t.c is NOT NULL, row 2 has NULL for it"
