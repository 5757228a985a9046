"""What a query kept goes with it, and what a step delivered goes with the step: no garbage collector is needed."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pyarrow as pa
import pytest

from streamsql import connect
from streamsql.operators.base import Operator
from streamsql.runtime.output import CollectOutput
from streamsql.sql import statements as s
from streamsql.state.base import State

QUERIES = {
    "join": "SELECT a.k, b.v FROM t AS a JOIN t AS b ON a.k = b.k",
    "outer join": "SELECT a.k, b.v FROM t AS a LEFT JOIN (SELECT DISTINCT k, v FROM t) AS b ON a.k = b.k AND a.v < b.v",
    "semi-join": "SELECT * FROM t WHERE k IN (SELECT v FROM t)",
    "interval join": "SELECT a.v FROM t AS a JOIN t AS b"
    " ON a.k = b.k AND a.ts BETWEEN b.ts AND b.ts + INTERVAL '1' HOUR",
    "group": "SELECT k, COUNT(DISTINCT v), MIN(v) FROM t GROUP BY k",
    "windows": "SELECT k, COUNT(*) FROM TABLE(HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '5' MINUTE))"
    " GROUP BY k, window_start, window_end",
    "sessions": "SELECT k, COUNT(*) FROM TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '1' MINUTE))"
    " GROUP BY k, window_start, window_end",
    "over": "SELECT k, SUM(v) OVER (PARTITION BY k ORDER BY ts) FROM t",
    "rank": "SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v) AS n FROM t) WHERE n <= 2",
    "union": "SELECT k FROM t UNION SELECT v FROM t",
}


@pytest.fixture
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("without_collector")
@pytest.mark.parametrize("sql", QUERIES.values(), ids=QUERIES)
def test_state_goes_with_its_query(sql: str) -> None:
    session = connect()
    session.sql("CREATE TABLE t (k BIGINT, v BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)")
    session.sql("INSERT INTO t VALUES (1, 2, TIMESTAMP '2025-01-01 00:00:00'), (1, 3, TIMESTAMP '2025-01-01 00:01:00')")
    before = {id(each) for each in _kept()}
    assert isinstance(session.sql(sql).to_arrow(), pa.Table)
    assert [each for each in _kept() if id(each) not in before] == []


def test_a_join_of_a_join_does_not_keep_its_rows_again() -> None:
    session = connect()
    session.sql("CREATE TABLE a (k INT, x STRING); CREATE TABLE b (k INT, y STRING); CREATE TABLE c (k INT, z STRING)")
    numbers = range(1_000)
    for name in "abc":
        table = session.tables.memory(name)
        texts = [name * 1_000 for _ in numbers]
        table.append(pa.RecordBatch.from_arrays([pa.array(numbers, pa.int32()), texts], schema=table.schema.to_arrow()))
    (query,) = session.statements("SELECT x, y, z FROM a JOIN b ON a.k = b.k JOIN c ON b.k = c.k")
    assert isinstance(query, s.Query)
    engine, output = session.engine(), CollectOutput()
    job = engine.job([engine.optimized(query.plan)], [output])
    while job.step():
        sizes = {name: each.bytes for name, each in job.state_sizes().items()}
    assert 2_000_000 < sizes["Join"] < 2_200_000
    assert 1_000_000 < sizes["Join[2]"] < 1_200_000
    assert output.to_table().num_rows == 1_000


def _kept() -> list[State | Operator]:
    return [each for each in gc.get_objects() if isinstance(each, State | Operator)]
