"""Operators over Arrow batches in memory, one engine thread, results consumed but not written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from benchmarks.data import bids, uniform_keys
from benchmarks.measure import KERNELS_READY, Pair, measure
from streamsql.engine import Engine
from streamsql.ports import RowKinds
from streamsql.runtime.output import CallbackOutput, weights_of
from streamsql.runtime.settings import JobSettings
from streamsql.session import Session, connect
from streamsql.sql import statements as s

DDL = """CREATE TABLE bids (auction BIGINT, bidder BIGINT, price BIGINT, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '4' SECOND);"""
AGGREGATES = "COUNT(*) AS n, SUM(price) AS total, MAX(price) AS best"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A query in both dialects, and the rows a second that it is to reach in batches of 64K rows."""

    name: str
    sql: str
    duckdb: str
    wanted: float
    uniform: bool = False


BENCHMARKS = (
    Benchmark(
        "filter + project",
        "SELECT auction, price * 2 AS doubled, ts FROM bids WHERE price > 1000000",
        "SELECT auction, price * 2 AS doubled, ts FROM bids WHERE price > 1000000",
        30e6,
    ),
    Benchmark(
        "TUMBLE 10 s by auction",
        f"SELECT window_start, auction, {AGGREGATES} FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), "
        "INTERVAL '10' SECOND)) GROUP BY window_start, window_end, auction",
        f"SELECT epoch_us(ts) // 10000000 AS w, auction, {AGGREGATES} FROM bids GROUP BY 1, 2",
        15e6,
    ),
    Benchmark(
        "HOP 10 s by 2 s, by auction",
        "SELECT window_start, auction, COUNT(*) AS n FROM TABLE(HOP(TABLE bids, DESCRIPTOR(ts), "
        "INTERVAL '2' SECOND, INTERVAL '10' SECOND)) GROUP BY window_start, window_end, auction",
        "SELECT epoch_us(ts) // 2000000 - i AS w, auction, COUNT(*) AS n FROM bids, "
        "(SELECT UNNEST(range(5)) AS i) GROUP BY 1, 2",
        12e6,
    ),
    Benchmark(
        "SESSION 10 s by bidder",
        "SELECT bidder, window_start, window_end, COUNT(*) AS n FROM TABLE(SESSION(TABLE bids PARTITION BY bidder, "
        "DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY bidder, window_start, window_end",
        "SELECT bidder, MIN(ts) AS s, MAX(ts) + INTERVAL 10 SECOND AS e, COUNT(*) AS n FROM (SELECT bidder, ts, "
        "SUM(CASE WHEN ts - p <= INTERVAL 10 SECOND THEN 0 ELSE 1 END) OVER (PARTITION BY bidder ORDER BY ts ROWS "
        "UNBOUNDED PRECEDING) AS g FROM (SELECT bidder, ts, LAG(ts) OVER (PARTITION BY bidder ORDER BY ts) AS p "
        "FROM bids)) GROUP BY bidder, g",
        8e6,
    ),
    Benchmark(
        "updating GROUP BY, skewed bidders",
        f"SELECT bidder, {AGGREGATES} FROM bids GROUP BY bidder",
        f"SELECT bidder, {AGGREGATES} FROM bids GROUP BY bidder",
        15e6,
    ),
    Benchmark(
        "updating GROUP BY, 1 M uniform keys",
        f"SELECT bidder, {AGGREGATES} FROM bids GROUP BY bidder",
        f"SELECT bidder, {AGGREGATES} FROM bids GROUP BY bidder",
        3e6,
        uniform=True,
    ),
)


def run(rows: int, batch_rows: int, step_rows: int = 65_536) -> list[Pair]:
    """All benchmarks over `rows` bids that come in batches of `batch_rows`, in steps of at most `step_rows`."""
    tables = {False: bids(rows), True: uniform_keys(rows, 1_000_000)}
    sessions = {uniform: memory_session(DDL, {"bids": table}, batch_rows) for uniform, table in tables.items()}
    share = 1.0 if batch_rows >= 65_536 else 0.25
    pairs = []
    for each in BENCHMARKS:
        session, data = sessions[each.uniform], tables[each.uniform]
        pairs.append(
            measure(
                each.name,
                rows,
                lambda session=session, sql=each.sql: stream(session, sql, step_rows),  # type: ignore[misc]
                lambda data=data, sql=each.duckdb: batch({"bids": data}, sql),  # type: ignore[misc]
                each.wanted * share,
            )
        )
    return pairs


def memory_session(ddl: str, tables: Mapping[str, pa.Table], batch_rows: int = 65_536) -> Session:
    """A session whose in-memory tables hold these rows, in batches; compiled kernels are there at once."""
    session = connect(settings=KERNELS_READY)
    for statement in session.statements(ddl):
        session.apply(statement)
    for name, table in tables.items():
        for each in table.combine_chunks().to_batches(max_chunksize=batch_rows):
            session.tables.memory(name).append(each)
    return session


def stream(session: Session, sql: str, step_rows: int = 65_536) -> int:
    """Run a query to its end; by how many rows its result has grown."""
    (statement,) = session.statements(sql)
    assert isinstance(statement, s.Query)
    engine: Engine = session.engine(job_settings=JobSettings(batch_rows=step_rows, read_ahead=0))
    count = 0

    def consume(rows: pa.RecordBatch, kinds: RowKinds | None) -> None:
        nonlocal count
        weights = weights_of(kinds)
        count += rows.num_rows if weights is None else int(weights.sum())

    engine.run(engine.job([engine.optimized(statement.plan)], [CallbackOutput(consume)]))
    return count


def batch(tables: Mapping[str, pa.Table], sql: str) -> int:
    """The same in DuckDB, with all its threads; how many rows the result has."""
    with duckdb.connect() as connection:
        for name, table in tables.items():
            connection.register(name, table)
        return int(connection.sql(sql).to_arrow_table().num_rows)
