"""Tables in files, looked up: the same rows whatever is kept of them, also of files that change."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pytest

from streamsql.query import Query
from streamsql.runtime.checkpoint import from_files, restore, snapshot, to_files
from streamsql.runtime.output import CollectOutput
from streamsql.runtime.settings import JobSettings
from streamsql.session import Session
from streamsql.time import SECOND, ManualClock

ROWS = [(1, "a", 0), (2, "b", 5), (None, "none", 0), (2, "c", 0), (9, "z", 0)]
CACHES = (
    "",
    "'lookup.cache' = 'NONE'",
    "'lookup.cache' = 'PARTIAL'",
    "'lookup.cache' = 'PARTIAL', 'lookup.partial-cache.max-rows' = '1'",
    "'lookup.cache' = 'FULL'",
)
QUERY = """SELECT o.id, d.name FROM orders AS o
{kind} JOIN dim FOR SYSTEM_TIME AS OF o.at AS d ON o.k = d.k AND o.id > d.low AND d.name <> 'z'"""
INNER = [(1, "a"), (2, "c"), (6, "b"), (6, "c"), (7, "a")]
LEFT = [(1, "a"), (2, "c"), (3, None), (4, None), (5, None), (6, "b"), (6, "c"), (7, "a")]


def write(path: Path, rows: list[tuple[int | None, str, int]]) -> None:
    path.write_text("".join(f"{'' if k is None else k},{name},{low}\n" for k, name, low in rows))


def session(path: Path, options: str, clock: ManualClock | None = None) -> Session:
    found = Session(clock=clock or ManualClock())
    more = f", {options}" if options else ""
    found.sql("CREATE TABLE orders (id INT, k BIGINT, at AS PROCTIME())")
    found.sql(
        "CREATE TABLE dim (k BIGINT, name STRING, low INT) "
        f"WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'csv'{more})"
    )
    ids, keys = pa.array(range(1, 8), pa.int32()), pa.array([1, 2, None, 9, 77, 2, 1], pa.int64())
    found.tables.memory("orders").append(pa.record_batch({"id": ids, "k": keys}))
    return found


def answer(output: CollectOutput) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in output.to_table().to_pylist()]


@pytest.mark.parametrize("options", CACHES)
@pytest.mark.parametrize(("kind", "expected"), [("", INNER), ("LEFT", LEFT)])
def test_rows_of_a_file_at_every_batch_size_and_in_batch(
    tmp_path: Path, options: str, kind: str, expected: list[tuple[object, ...]]
) -> None:
    write(tmp_path / "dim.csv", ROWS)
    found = session(tmp_path / "dim.csv", options)
    query = found.sql(QUERY.format(kind=kind))
    assert isinstance(query, Query)
    assert "LookupJoin" in query.explain()
    for batch_rows in (1, 3, 100):
        output = CollectOutput()
        engine = found.engine(job_settings=JobSettings(batch_rows=batch_rows, read_ahead=0))
        engine.job([engine.optimized(query._plan)], [output]).run()
        assert answer(output) == expected
    assert query.compare().found.rows == 0


def test_restored_after_every_row(tmp_path: Path) -> None:
    write(tmp_path / "dim.csv", ROWS)
    found = session(tmp_path / "dim.csv", CACHES[2])
    query = found.sql(QUERY.format(kind="LEFT"))
    assert isinstance(query, Query)
    engine = found.engine(job_settings=JobSettings(batch_rows=1, read_ahead=0))
    plan, output = engine.optimized(query._plan), CollectOutput()
    job = engine.job([plan], [output])
    while job.step():
        saved = from_files(to_files(snapshot(job)))
        job.close()
        job = engine.job([plan], [output])
        restore(job, saved)
    assert answer(output) == LEFT


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ("", ["a", "a", "a"]),
        ("'lookup.cache' = 'NONE'", ["a", "new", "new"]),
        ("'lookup.full-cache.periodic-reload.interval' = '10 s'", ["a", "a", "new"]),
        ("'lookup.cache' = 'PARTIAL', 'lookup.partial-cache.expire-after-write' = '10 s'", ["a", "a", "new"]),
    ],
)
def test_a_file_that_changes_is_seen_when_what_is_kept_is_over(tmp_path: Path, options: str, names: list[str]) -> None:
    path, clock = tmp_path / "dim.csv", ManualClock()
    write(path, [(1, "a", 0)])
    with session(path, options, clock) as found:
        orders = found.table("orders")
        changes = found.sql(QUERY.format(kind="")).changes()
        assert [row[1] for _, row in changes.drain(30)] == ["a", "a"]
        write(tmp_path / "new.csv", [(1, "new", 0)])
        os.replace(tmp_path / "new.csv", path)
        got = ["a"]
        for seconds in (9, 10):
            clock.advance_to(seconds * SECOND)
            orders.push({"id": 20, "k": 1})
            got += [row[1] for _, row in changes.drain(30)]
        assert got == names


def test_orders_that_are_taken_back_take_back_what_they_met(tmp_path: Path) -> None:
    path = tmp_path / "dim.csv"
    path.write_text("1,a\n")
    with Session() as found:
        found.sql("CREATE TABLE orders (id INT, k BIGINT, PRIMARY KEY (id) NOT ENFORCED)")
        found.sql(
            f"CREATE TABLE dim (k BIGINT, name STRING) WITH ('connector' = 'filesystem', 'path' = '{path}', "
            "'lookup.cache' = 'NONE')"
        )
        orders = found.table("orders")
        changes = found.sql(
            "SELECT o.id, d.name FROM orders AS o LEFT JOIN dim FOR SYSTEM_TIME AS OF PROCTIME() AS d ON o.k = d.k"
        ).changes()
        orders.push([{"id": 1, "k": 1}, {"id": 2, "k": 3}])
        assert changes.drain(30) == [("+I", (1, "a")), ("+I", (2, None))]
        path.write_text("1,b\n3,c\n")
        found.execute("DELETE FROM orders WHERE id = 1")
        assert changes.drain(30) == [("-D", (1, "a"))]
        found.execute("UPDATE orders SET k = 1 WHERE id = 2")
        assert changes.drain(30) == [("-D", (2, None)), ("+I", (2, "b"))]


def test_a_table_with_a_watermark_is_a_stream(tmp_path: Path) -> None:
    path = tmp_path / "dim.csv"
    path.write_text("1,2025-01-01 10:00:00\n")
    found = Session()
    found.sql("CREATE TABLE orders (k INT)")
    for name, more in (("rates", ""), ("asked", ", 'lookup.cache' = 'FULL'")):
        found.sql(
            f"CREATE TABLE {name} (k INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) "
            f"WITH ('connector' = 'filesystem', 'path' = '{path}'{more})"
        )
    for name, node in (("rates", "ProcessingTimeJoin("), ("asked", "LookupJoin(")):
        query = found.sql(f"SELECT o.k FROM orders AS o JOIN {name} FOR SYSTEM_TIME AS OF PROCTIME() AS d ON o.k = d.k")
        assert isinstance(query, Query)
        assert node in query.explain()


@pytest.mark.parametrize("on", ["o.k = d.k + 1", "o.k IS NOT DISTINCT FROM d.k", "o.k < d.k", "o.k = d.k + 0.0"])
def test_without_a_column_that_is_compared_the_table_is_read(tmp_path: Path, on: str) -> None:
    write(tmp_path / "dim.csv", ROWS)
    found = session(tmp_path / "dim.csv", "")
    query = found.sql(f"SELECT o.id, d.name FROM orders AS o JOIN dim FOR SYSTEM_TIME AS OF o.at AS d ON {on}")
    assert isinstance(query, Query)
    assert "ProcessingTimeJoin" in query.explain()
    comparison = query.compare()
    assert comparison.found.rows == 0
    assert comparison.stream_rows > 0


def test_a_view_of_columns_and_conditions_is_looked_up(tmp_path: Path) -> None:
    write(tmp_path / "dim.csv", ROWS)
    found = session(tmp_path / "dim.csv", "'lookup.cache' = 'PARTIAL'")
    found.sql("CREATE VIEW known AS SELECT name AS word, k AS own FROM dim WHERE name <> 'c'")
    query = found.sql(
        "SELECT o.id, d.word FROM orders AS o LEFT JOIN known FOR SYSTEM_TIME AS OF o.at AS d ON d.own = o.k"
    )
    assert isinstance(query, Query)
    assert (
        "LookupJoin(LEFT, on=[k = k], where name <> 'c', dim (filesystem, [k, name], cache PARTIAL))" in query.explain()
    )
    assert [tuple(row.values()) for row in query.to_arrow().to_pylist()] == [
        (1, "a"),
        (2, "b"),
        (3, None),
        (4, "z"),
        (5, None),
        (6, "b"),
        (7, "a"),
    ]
    assert query.compare().found.rows == 0


@pytest.mark.parametrize("cache", CACHES)
def test_a_key_of_a_narrower_integer_type_is_looked_up(tmp_path: Path, cache: str) -> None:
    path, more = tmp_path / "dim.csv", f", {cache}" if cache else ""
    path.write_text("1,a\n-128,b\n127,c\n,n\n")
    found = Session()
    found.sql("CREATE TABLE orders (k BIGINT)")
    found.sql(f"CREATE TABLE dim (k TINYINT, name STRING) WITH ('connector' = 'filesystem', 'path' = '{path}'{more})")
    keys = pa.array([1, 257, None, 128, 127, -129, -128, 1], pa.int64())
    found.tables.memory("orders").append(pa.record_batch({"k": keys}))
    query = found.sql("SELECT o.k, d.name FROM orders AS o JOIN dim FOR SYSTEM_TIME AS OF PROCTIME() AS d ON o.k = d.k")
    assert isinstance(query, Query)
    assert "LookupJoin(INNER, on=[k = k]" in query.explain()
    got = [tuple(row.values()) for row in query.to_arrow().to_pylist()]
    assert got == [(1, "a"), (127, "c"), (-128, "b"), (1, "a")]
    assert query.compare().found.rows == 0


def test_records_that_cannot_be_read_are_rejects_of_the_table(tmp_path: Path) -> None:
    (tmp_path / "dim.csv").write_text("1,a,0\nx,b,0\n")
    found = session(tmp_path / "dim.csv", "'csv.ignore-parse-errors' = 'true'")
    query = found.sql(QUERY.format(kind=""))
    assert isinstance(query, Query)
    assert query.to_arrow().num_rows == 2
    rejects = found.sql("SELECT text FROM dim$rejects")
    assert isinstance(rejects, Query)
    assert rejects.to_arrow().to_pylist() == [{"text": "x,b,0"}]
