"""Query: results in every form, rows and changes, over tables that are as they are."""

from __future__ import annotations

import asyncio

import duckdb
import pandas
import polars
import pyarrow as pa
import pytest

import streamsql
from streamsql.changes import Row


@pytest.fixture
def session() -> streamsql.Session:
    session = streamsql.connect()
    session.execute("CREATE TABLE bids (item STRING, price INT)")
    session.execute("INSERT INTO bids VALUES ('pen', 3), ('ink', 5), ('pen', 4)")
    return session


@pytest.fixture
def totals(session: streamsql.Session) -> streamsql.Query:
    return session.sql("SELECT item, SUM(price) AS total FROM bids GROUP BY item")


def test_schema(totals: streamsql.Query) -> None:
    assert totals.columns == ("item", "total")
    assert [str(each.type) for each in totals.schema] == ["STRING", "INT"]


def test_results_in_every_form(totals: streamsql.Query) -> None:
    rows = [{"item": "ink", "total": 5}, {"item": "pen", "total": 7}]
    assert totals.to_arrow().to_pylist() == rows
    assert totals.to_arrow_reader().read_all().to_pylist() == rows
    assert pa.table(totals).to_pylist() == rows
    assert totals.df().equals(pandas.DataFrame({"item": ["ink", "pen"], "total": pandas.array([5, 7], "int32")}))
    assert totals.pl().to_dicts() == rows
    assert polars.DataFrame(totals).to_dicts() == rows


def test_duckdb_reads_a_query(totals: streamsql.Query) -> None:
    assert totals.columns  # DuckDB finds the variable by its name
    assert duckdb.sql("SELECT SUM(total) FROM totals").fetchall() == [(12,)]


def test_reader_of_appended_rows_streams(session: streamsql.Session) -> None:
    reader = session.sql("SELECT item FROM bids WHERE price > 3").to_arrow_reader()
    assert [each["item"] for batch in reader for each in batch.to_pylist()] == ["ink", "pen"]


def test_rows(session: streamsql.Session, totals: streamsql.Query) -> None:
    assert list(totals) == [("ink", 5), ("pen", 7)]
    (row,) = session.sql("SELECT 1 AS one, 'x' AS text")
    assert (row.one, row["text"], row[0], dict(row)) == (1, "x", 1, {"one": 1, "text": "x"})
    assert repr(row) == "Row(one=1, text='x')"
    with pytest.raises(KeyError, match='did you mean "text"'):
        row["txt"]
    with pytest.raises(AttributeError, match="no column two"):
        _ = row.two


def test_changes(totals: streamsql.Query) -> None:
    assert list(totals.changes()) == [("+I", ("pen", 7)), ("+I", ("ink", 5))]
    (batch,) = totals.changes().batches()
    assert batch.to_pydict() == {"op": ["+I", "+I"], "item": ["pen", "ink"], "total": [7, 5]}


def test_changes_row_by_row(session: streamsql.Session) -> None:
    session.execute("SET 'streamsql.batch-size' = '1'")
    query = session.sql("SELECT COUNT(*) AS op FROM bids")
    kinds = [(each.op, each.row.op) for each in query.changes()]
    assert kinds == [("+I", 1), ("-U", 1), ("+U", 2), ("-U", 2), ("+U", 3)]
    assert [each.schema.names for each in query.changes().batches()] == [["_op", "op"]] * 3


def test_show(totals: streamsql.Query, capsys: pytest.CaptureFixture[str]) -> None:
    totals.show(1)
    assert capsys.readouterr().out == "item │ total\n─────┼──────\nink  │     5\n2 rows, the first 1 shown\n"


def test_compare_and_explain(totals: streamsql.Query) -> None:
    assert totals.compare().exit_code == 0
    assert "Aggregate(keys=[item]" in totals.explain()


def test_async_rows(session: streamsql.Session, totals: streamsql.Query) -> None:
    async def collect(query: streamsql.Query) -> list[Row]:
        return [row async for row in query]

    assert asyncio.run(collect(totals)) == [("ink", 5), ("pen", 7)]
    assert asyncio.run(collect(session.sql("SELECT price FROM bids"))) == [(3,), (5,), (4,)]


def test_statements_say_ok(session: streamsql.Session) -> None:
    assert session.sql("CREATE TABLE t (a INT)").to_arrow().to_pylist() == [{"result": "OK"}]
    with pytest.raises(streamsql.UsageError, match=r"execute\(\) runs no query"):
        session.execute("SELECT 1")


def test_errors_show_the_sql(session: streamsql.Session) -> None:
    query = session.sql("SELECT 1 / (price - 3) AS x FROM bids")
    for run in (query.to_arrow, lambda: list(query.changes()), lambda: query.to_arrow_reader().read_all()):
        with pytest.raises(streamsql.DataError, match="division by zero") as raised:
            run()
        assert "at SQL:1:8" in str(raised.value)


def test_closed_session(totals: streamsql.Query, session: streamsql.Session) -> None:
    with session:
        totals.to_arrow()
    for use in (totals.to_arrow, totals.changes, lambda: session.sql("SELECT 1"), lambda: session.table("bids")):
        with pytest.raises(streamsql.UsageError, match="the session is closed"):
            use()
    session.close()


def test_arguments_of_another_type(session: streamsql.Session) -> None:
    with pytest.raises(streamsql.UsageError, match="SQL is a text, not int"):
        session.sql(5)  # type: ignore[arg-type]
    with pytest.raises(streamsql.UsageError, match="a function is wanted, not int"):
        session.create_function(5)  # type: ignore[arg-type]
    session.execute("CREATE TABLE timed (ts TIMESTAMP(3), WATERMARK FOR ts AS ts)")
    with session.table("timed") as timed, pytest.raises(streamsql.UsageError, match="to a datetime, not str"):
        timed.advance("2025-01-01")  # type: ignore[arg-type]


def test_a_chain_that_is_too_long_for_the_stack(session: streamsql.Session) -> None:
    with pytest.raises(streamsql.SqlError, match="a chain of operators is too long"):
        session.sql(f"SELECT {' + '.join(['price'] * 5000)} AS total FROM bids").to_arrow()
