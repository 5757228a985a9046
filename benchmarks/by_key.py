"""Rows chosen, counted and joined in time, by key and in memory: deduplication, Top-10, COUNT DISTINCT."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchmarks.data import START, bids
from benchmarks.in_memory import batch, memory_session, stream
from benchmarks.measure import Pair, measure

NEAR = "BETWEEN {0} - INTERVAL '10' SECOND AND {0} + INTERVAL '10' SECOND"
BIDS_DDL = """CREATE TABLE bids (auction BIGINT, bidder BIGINT, price BIGINT, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '4' SECOND);"""
STREAMS_DDL = """CREATE TABLE orders (id BIGINT, price BIGINT, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '1' SECOND);
CREATE TABLE payments (id BIGINT, amount BIGINT, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '1' SECOND);"""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A query of both engines, and the rows a second that it is to take in."""

    name: str
    sql: str
    wanted: float


def _ranked(columns: str, partition: str, order: str, last: int) -> str:
    return (
        f"SELECT {columns} FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY {partition} ORDER BY {order}) AS place "
        f"FROM bids) WHERE place <= {last}"
    )


def _distinct_counts() -> str:
    """Distinct bidders and auctions of four ranges of prices, by minute of the day."""
    limits = (10_000, 1_000_000, 10_000_000, 100_000_000)
    calls = (
        f"COUNT(DISTINCT {column}) FILTER (WHERE price < {limit}) AS {column}s_{limit}"
        for column in ("bidder", "auction")
        for limit in limits
    )
    return f"SELECT MINUTE(ts) AS m, {', '.join(calls)} FROM bids GROUP BY MINUTE(ts)"


BIDS = (
    Benchmark(
        "dedup, last row by two keys",
        _ranked("auction, bidder, price, ts", "bidder, auction", "ts DESC", 1),
        4e6,
    ),
    Benchmark("Top-10 per key", _ranked("auction, bidder, price", "auction", "price DESC", 10), 1.5e6),
    Benchmark("8 filtered COUNT DISTINCTs", _distinct_counts(), 1e6),
)
STREAMS = (
    Benchmark(
        "interval join, 10 s around",
        "SELECT orders.id, price, amount FROM orders JOIN payments ON orders.id = payments.id AND payments.ts "
        + NEAR.format("orders.ts"),
        1.5e6,
    ),
)


def run(rows: int) -> list[Pair]:
    """`rows` bids; for the join half as many orders, and as many payments. Both engines find as many rows."""
    return [*_measured(BIDS, BIDS_DDL, {"bids": bids(rows)}), *_measured(STREAMS, STREAMS_DDL, _streams(rows // 2))]


def _measured(benchmarks: Sequence[Benchmark], ddl: str, tables: Mapping[str, pa.Table]) -> list[Pair]:
    session = memory_session(ddl, tables)
    rows = sum(table.num_rows for table in tables.values())
    pairs = []
    for each in benchmarks:
        found, expected = stream(session, each.sql), batch(tables, each.sql)
        assert found == expected, f"{each.name}: {found} rows, DuckDB finds {expected}"
        pairs.append(
            measure(
                each.name,
                rows,
                lambda sql=each.sql: stream(session, sql),  # type: ignore[misc]
                lambda sql=each.sql: batch(tables, sql),  # type: ignore[misc]
                each.wanted,
            )
        )
    return pairs


def _streams(rows: int) -> Mapping[str, pa.Table]:
    """Orders and the payments of them, up to 20 s later or before; 10,000 rows a second of event time."""
    random = np.random.default_rng(3)
    ids = np.arange(rows)
    ordered = START + ids * 200 // 1_000 * 1_000
    paid = ordered + random.integers(-20_000, 20_000, rows) * 1_000
    by_time = np.argsort(paid, kind="stable")

    def times(values: npt.NDArray[np.int64]) -> pa.Array:
        return pa.array(values, pa.timestamp("us"))

    return {
        "orders": pa.table({"id": ids, "price": random.integers(1, 1_000_000, rows), "ts": times(ordered)}),
        "payments": pa.table(
            {"id": ids[by_time], "amount": random.integers(1, 1_000_000, rows), "ts": times(paid[by_time])}
        ),
    }
