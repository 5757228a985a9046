"""Append-only joins deliver the same rows in the same order however the input is cut, and in batch mode."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from streamsql.query import Query
from streamsql.runtime.output import CollectOutput
from streamsql.runtime.settings import JobSettings
from streamsql.session import Session, connect
from streamsql.sql import statements as s

START = dt.datetime(2025, 6, 2, 10)
TIMED = ", ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND"
QUERIES = {
    "inner": "SELECT a.n, b.n FROM a JOIN b ON a.k = b.k",
    "condition": "SELECT a.n, b.n FROM a JOIN b ON a.k = b.k AND a.n < b.n",
    "cross": "SELECT a.n, b.n FROM a CROSS JOIN b",
    "self": "SELECT x.n, y.n FROM a AS x JOIN a AS y ON x.k = y.k",
    "three": "SELECT a.n, b.n, c.n FROM a JOIN b ON a.k = b.k JOIN c ON b.k = c.k",
    "around": "SELECT x.n, b.n, y.n FROM a AS x JOIN b ON x.k = b.k JOIN a AS y ON b.k = y.k",
    "three with conditions": "SELECT a.n, b.n, c.n FROM a JOIN b ON a.k = b.k AND a.n < b.n JOIN c ON b.k = c.k"
    " AND (a.n + b.n) % 2 = c.n % 2",
    "four": "SELECT d.n, a.n, c.n, b.n FROM a JOIN b ON a.k = b.k JOIN c ON b.k = c.k JOIN b AS d ON d.n = c.n - 100",
    "two of two": "SELECT x.n, y.m FROM (SELECT a.k, b.n FROM a JOIN b ON a.k = b.k) AS x JOIN"
    " (SELECT b.k, c.n AS m FROM b JOIN c ON b.k = c.k) AS y ON x.k = y.k",
    "three without key": "SELECT a.n, b.n, c.n FROM a CROSS JOIN b JOIN c ON a.k = c.k",
    "twice": "SELECT x.n, c.n FROM (SELECT b.n, a.k FROM a JOIN b ON a.k = b.k) AS x JOIN c ON x.k = c.k UNION ALL"
    " SELECT x.n, c.n FROM (SELECT b.n, a.k FROM a JOIN b ON a.k = b.k) AS x JOIN c ON x.n = c.n - 100",
    "semi": "SELECT a.n FROM a LEFT SEMI JOIN b ON a.k = b.k",
    "semi condition": "SELECT a.n FROM a LEFT SEMI JOIN b ON a.k = b.k AND a.n < b.n",
    "semi self": "SELECT x.n FROM a AS x LEFT SEMI JOIN a AS y ON x.k = y.k AND x.n <> y.n",
    "of a semi": "SELECT x.n, b.n FROM (SELECT a.* FROM a LEFT SEMI JOIN c ON a.k = c.k) AS x JOIN b ON x.k = b.k",
    "union": "SELECT a.n, b.n FROM a JOIN b ON a.k = b.k UNION ALL SELECT n, k FROM a",
}


def session_of(seed: int) -> Session:
    """Tables a, b and c, in time and out of it; with odd seeds b has no watermark."""
    random = np.random.default_rng(seed)
    session = connect()
    for number, name in enumerate("abc"):
        timed = not (seed % 2 and name == "b")
        (statement,) = session.statements(f"CREATE TABLE {name} (k INT, n INT{TIMED if timed else ''});")
        session.apply(statement)
        count = int(random.integers(5, 13))
        seconds = np.arange(count) + random.integers(-3, 4, count)
        columns: list[list[Any]] = [
            random.integers(0, 3, count).tolist(),
            list(range(100 * number, 100 * number + count)),
        ]
        if timed:
            columns.append([START + dt.timedelta(seconds=int(each)) for each in seconds])
        table = session.tables.memory(name)
        arrow = table.schema.to_arrow()
        arrays = [pa.array(each, type_) for each, type_ in zip(columns, arrow.types, strict=True)]
        table.append(pa.RecordBatch.from_arrays(arrays, schema=arrow))
    return session


def rows_of(session: Session, sql: str, batch_rows: int) -> list[dict[str, Any]]:
    (query,) = session.statements(sql)
    assert isinstance(query, s.Query)
    engine = session.engine(job_settings=JobSettings(batch_rows=batch_rows, read_ahead=0))
    output = CollectOutput()
    engine.run(engine.job([engine.optimized(query.plan)], [output]))
    return list(output.to_table().to_pylist())


@pytest.mark.parametrize("name", QUERIES)
def test_order_does_not_depend_on_cuts(name: str) -> None:
    for seed in range(4):
        session = session_of(seed)
        one_by_one = rows_of(session, QUERIES[name], 1)
        assert one_by_one
        for batch_rows in (2, 5, 65_536):
            assert rows_of(session, QUERIES[name], batch_rows) == one_by_one, (seed, batch_rows)
        query = session.sql(QUERIES[name])
        assert isinstance(query, Query)
        assert query.batch().to_pylist() == one_by_one, (seed, "batch")
