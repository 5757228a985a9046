"""Bids as in Nexmark: 10,000 events a second of event time, hot auctions, skewed bidders, a little out of order."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

EVENTS_PER_SECOND = 10_000
START = 1_700_000_000_000_000  # 2023-11-14 22:13:20 UTC in µs


def bids(rows: int, *, seed: int = 1, disorder_seconds: float = 0.5) -> pa.Table:
    """`rows` bids: auction, bidder, price (BIGINT) and ts (timestamp[us], whole milliseconds)."""
    random = np.random.default_rng(seed)
    event = np.arange(rows, dtype=np.int64)
    late = random.exponential(disorder_seconds * 1e6, rows).astype(np.int64)
    time = START + event * (1_000_000 // EVENTS_PER_SECOND) - late
    newest = 1_000 + event * 3 // 46
    auction = np.where(random.random(rows) < 0.5, newest // 100 * 100, newest - random.integers(0, 100, rows))
    person = 1_000 + event // 46
    bidder = np.where(random.random(rows) < 0.75, person // 100 * 100, person - random.integers(0, 1_000, rows))
    return pa.table(
        {
            "auction": auction,
            "bidder": bidder,
            "price": (10 ** (random.random(rows) * 6) * 100).astype(np.int64),
            "ts": pa.array(time // 1_000 * 1_000, pa.timestamp("us")),
        }
    )


def uniform_keys(rows: int, keys: int, *, seed: int = 2) -> pa.Table:
    """`rows` rows whose `bidder` is one of `keys` values, all equally likely."""
    random = np.random.default_rng(seed)
    return bids(rows).set_column(1, "bidder", pa.array(random.integers(0, keys, rows)))
