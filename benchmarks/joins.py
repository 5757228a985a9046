"""Updating joins in memory: a large stream with a smaller one, both in the order of time, one engine thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from benchmarks.data import START
from benchmarks.in_memory import batch, memory_session, stream
from benchmarks.measure import Pair, measure

HOT_SHARE = 0.3
HOUR = 3_600_000_000
DDL = """CREATE TABLE bids (auction {0}, price BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts);
CREATE TABLE auctions (id {0}, seller BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts);"""
PAIRS = "SELECT bids.auction, bids.price, auctions.seller FROM bids {} JOIN auctions ON bids.auction = auctions.id"
SEMI = "SELECT auction, price FROM bids WHERE auction IN (SELECT id FROM auctions)"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A query, the same in both engines, and the rows of both inputs that it is to take in a second."""

    name: str
    sql: str
    wanted: float
    key_type: str = "BIGINT"
    hot: bool = False


BENCHMARKS = (
    Benchmark("inner join, integer key", PAIRS.format("INNER"), 2.5e6),
    Benchmark("inner join, one key in 30 % of the rows", PAIRS.format("INNER"), 1.25e6, hot=True),
    Benchmark("inner join, text key", PAIRS.format("INNER"), 1e6, key_type="STRING"),
    Benchmark("left join, integer key", PAIRS.format("LEFT"), 1.25e6),
    Benchmark("IN (query), integer key", SEMI, 1.25e6),
)


def run(rows: int) -> list[Pair]:
    """`rows` bids and 6 % as many auctions, each of which comes once."""
    pairs = []
    for each in BENCHMARKS:
        tables = _tables(rows, rows * 3 // 50, each)
        session = memory_session(DDL.format(each.key_type), tables)
        pairs.append(
            measure(
                each.name,
                sum(table.num_rows for table in tables.values()),
                lambda session=session, sql=each.sql: stream(session, sql),  # type: ignore[misc]
                lambda tables=tables, sql=each.sql: batch(tables, sql),  # type: ignore[misc]
                each.wanted,
            )
        )
    return pairs


def _tables(bids: int, auctions: int, benchmark: Benchmark) -> Mapping[str, pa.Table]:
    random = np.random.default_rng(1)
    auction, ids = random.integers(0, auctions, bids), random.permutation(auctions)
    if benchmark.hot:
        auction[random.random(bids) < HOT_SHARE] = ids[0]

    def key(values: np.ndarray) -> pa.Array:  # type: ignore[type-arg]
        text = benchmark.key_type == "STRING"
        return pa.array(np.char.add("auction-", values.astype(str)) if text else values)

    def times(count: int) -> pa.Array:
        return pa.array(START + np.sort(random.integers(0, HOUR, count)) // 1_000 * 1_000, pa.timestamp("us"))

    return {
        "bids": pa.table({"auction": key(auction), "price": random.integers(1, 1_000_000, bids), "ts": times(bids)}),
        "auctions": pa.table({"id": key(ids), "seller": random.integers(0, 100_000, auctions), "ts": times(auctions)}),
    }
