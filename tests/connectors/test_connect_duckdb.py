"""Tables in DuckDB files: read, looked up and written; the files themselves stay in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from streamsql.errors import DataError, StreamSqlError, UsageError
from streamsql.expr import types as t
from streamsql.expr.types import Schema
from streamsql.plugins import load_connector
from streamsql.ports import ReadRequest, RowKind, TableOptions
from streamsql.query import Query
from streamsql.session import Session
from streamsql.time import ManualClock
from tests.connectors.tables import ALL_TYPES, all_types, batch, kinds

DIM = "CREATE TABLE dim (k BIGINT, name VARCHAR); INSERT INTO dim VALUES (1, 'a'), (2, 'b'), (NULL, 'n'), (2, 'c')"
KEYED = t.schema(("k", t.BIGINT), ("name", t.STRING))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "shop.duckdb"
    run(found, DIM)
    return found


def run(path: Path, sql: str) -> list[Any]:
    with duckdb.connect(str(path)) as connection:
        return connection.execute(sql).fetchall()


def table_options(path: Path, table: str, schema: Schema | None = KEYED, **more: Any) -> TableOptions:
    return TableOptions("t", schema, {"path": str(path), "table": table}, ManualClock(), **more)


def connected(path: Path, table: str = "dim", options: str = "") -> Session:
    session = Session()
    session.sql(f"CREATE TABLE dim WITH ('connector' = 'duckdb', 'path' = '{path}', 'table' = '{table}'{options})")
    return session


def rows(session: Session, sql: str) -> list[tuple[Any, ...]]:
    query = session.sql(sql)
    assert isinstance(query, Query)
    assert query.compare().found.rows == 0
    return [tuple(row.values()) for row in query.to_arrow().to_pylist()]


def test_a_table_is_read_with_its_own_columns(path: Path) -> None:
    session = connected(path)
    assert rows(session, "SELECT name, k + 1 AS next FROM dim") == [("a", 2), ("b", 3), ("n", None), ("c", 3)]
    assert rows(session, "SELECT COUNT(*) AS n FROM dim WHERE k = 2") == [(2,)]


def test_of_another_schema_and_with_odd_names(path: Path) -> None:
    run(
        path,
        'CREATE SCHEMA "my s"; CREATE TABLE "my s"."a""b" ("o""k" INT); INSERT INTO "my s"."a""b" VALUES (7)',
    )
    session = Session()
    session.sql(f"CREATE TABLE dim WITH ('connector' = 'duckdb', 'path' = '{path}', 'table' = 'my s.a\"b')")
    assert rows(session, "SELECT * FROM dim") == [(7,)]


def test_reading_goes_on_at_any_position(path: Path) -> None:
    source = load_connector("duckdb").source(table_options(path, "dim"))
    found = list(source.read(ReadRequest(("name",), batch_rows=3)))
    assert [each.rows.column(0).to_pylist() for each in found] == [["a", "b", "n"], ["c"]]
    rest = source.read(ReadRequest(("k",), batch_rows=3, start=found[0].position))
    assert [each.rows.column(0).to_pylist() for each in rest] == [[2]]
    counted = list(source.read(ReadRequest((), batch_rows=3)))
    assert [(each.rows.num_rows, each.rows.num_columns) for each in counted] == [(3, 0), (1, 0)]


@pytest.mark.parametrize("cache", ["", ", 'lookup.cache' = 'PARTIAL'", ", 'lookup.cache' = 'FULL'"])
def test_a_table_is_looked_up(path: Path, cache: str) -> None:
    session = connected(path, options=cache)
    session.sql("CREATE TABLE orders (id INT, k BIGINT)")
    columns = {"id": pa.array([1, 2, 3, 4], pa.int32()), "k": pa.array([2, None, 5, 1], pa.int64())}
    session.tables.memory("orders").append(pa.record_batch(columns))
    query = "SELECT o.id, d.name FROM orders AS o LEFT JOIN dim FOR SYSTEM_TIME AS OF PROCTIME() AS d ON o.k = d.k"
    assert rows(session, query) == [(1, "b"), (1, "c"), (2, None), (3, None), (4, "a")]


def test_others_write_between_lookups(path: Path) -> None:
    with connected(path) as session:
        session.sql("CREATE TABLE orders (id INT, k BIGINT)")
        orders = session.table("orders")
        changes = session.sql(
            "SELECT o.id, d.name FROM orders AS o JOIN dim FOR SYSTEM_TIME AS OF PROCTIME() AS d ON o.k = d.k"
        ).changes()
        orders.push({"id": 1, "k": 1})
        assert changes.drain(30) == [("+I", (1, "a"))]
        run(path, "UPDATE dim SET name = 'new' WHERE k = 1")
        orders.push({"id": 2, "k": 1})
        assert changes.drain(30) == [("+I", (2, "new"))]


def test_all_types_survive(tmp_path: Path) -> None:
    options = table_options(tmp_path / "all.duckdb", "t", ALL_TYPES)
    sink = load_connector("duckdb").sink(options)
    sink.open(ALL_TYPES, changelog=False)
    sink.write(all_types(), None)
    sink.commit()
    found = list(load_connector("duckdb").source(options).read(ReadRequest(ALL_TYPES.names)))
    cast = pa.Table.from_batches([each.rows for each in found]).cast(ALL_TYPES.to_arrow())
    assert repr(cast.to_pylist()) == repr(all_types().to_pylist())


def test_rows_are_appended_when_the_run_has_ended(path: Path) -> None:
    sink = load_connector("duckdb").sink(table_options(path, "dim"))
    sink.open(KEYED, changelog=False)
    sink.write(batch(KEYED, k=[8], name=["gone"]), None)
    sink.abort()
    session = connected(path)
    session.sql("INSERT INTO dim VALUES (9, 'z')")
    assert run(path, "SELECT name FROM dim ORDER BY ALL") == [("a",), ("b",), ("c",), ("n",), ("z",)]
    session.sql("INSERT OVERWRITE dim VALUES (7, 'y')")
    assert run(path, "SELECT * FROM dim") == [(7, "y")]


def test_with_a_key_rows_are_replaced_and_deleted(path: Path) -> None:
    sink = load_connector("duckdb").sink(table_options(path, "totals", primary_key=("k",)))
    assert sink.mode == "upsert"
    sink.open(KEYED, changelog=False)
    sink.write(batch(KEYED, k=[1, 2], name=["one", "two"]), None)
    sink.write(
        batch(KEYED, k=[1, 1, 2], name=["one", "uno", "two"]),
        kinds(RowKind.UPDATE_BEFORE, RowKind.UPDATE_AFTER, RowKind.DELETE),
    )
    sink.commit()
    assert run(path, "SELECT * FROM totals") == [(1, "uno")]


def test_in_a_run_without_end_each_step_is_kept(path: Path) -> None:
    sink = load_connector("duckdb").sink(table_options(path, "dim"))
    sink.open(KEYED, changelog=False, bounded=False)
    sink.write(batch(KEYED, k=[8], name=["kept"]), None)
    sink.abort()
    assert run(path, "SELECT name FROM dim WHERE k = 8") == [("kept",)]


def test_a_view_in_the_file_opens_no_other_file(path: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("k\n1\n")
    run(path, f"CREATE VIEW spy AS SELECT * FROM read_csv('{secret}')")
    with pytest.raises(StreamSqlError, match="disabled by configuration"):
        connected(path, "spy")


ERRORS = {
    "absent": ("absent.duckdb", "dim", UsageError, "file not found: "),
    "table": ("shop.duckdb", "dims", UsageError, "Table with name dims does not exist"),
    "not a database": ("shop.txt", "dim", DataError, "not a valid DuckDB database"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_say_which_file_and_why(path: Path, name: str) -> None:
    file, table, kind, message = ERRORS[name]
    (path.parent / "shop.txt").write_text("hello " * 1000)
    with pytest.raises(kind, match=message) as caught:
        connected(path.parent / file, table)
    assert str(path.parent / file) in caught.value.message


def test_options_are_named(path: Path) -> None:
    with pytest.raises(UsageError, match=r"table dim \(duckdb\) needs the option 'table'"):
        Session().sql(f"CREATE TABLE dim WITH ('connector' = 'duckdb', 'path' = '{path}')")
    with pytest.raises(UsageError, match=r"unknown option 'tabel' of table dim \(duckdb\)"):
        Session().sql(f"CREATE TABLE dim WITH ('connector' = 'duckdb', 'path' = '{path}', 'tabel' = 'dim')")
