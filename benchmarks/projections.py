"""Twenty typical projections over Arrow batches in memory, each beside DuckDB: what the functions cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.in_memory import batch, memory_session, stream
from benchmarks.measure import Pair, measure

DDL = """CREATE TABLE bids (i INT, k BIGINT, x DOUBLE, d DECIMAL(12, 2), s STRING, number STRING,
  ts TIMESTAMP(3), maybe INT);"""


@dataclass(frozen=True, slots=True)
class Projection:
    """An expression in both dialects; DuckDB's is the same where none is given."""

    name: str
    sql: str
    duckdb: str = ""


PROJECTIONS = (
    Projection("comparison", "k > 500000"),
    Projection("BETWEEN, AND, OR", "i BETWEEN 100 AND 900 AND (x > 0.5 OR k < 1000)"),
    Projection("IN of five", "i IN (1, 5, 70, 300, 999)"),
    Projection("integer arithmetic", "k * 2 + i - 7"),
    Projection("integer division and remainder", "k / 100 + k % 7", "k // 100 + k % 7"),
    Projection("DOUBLE arithmetic", "x * 1.5e0 + x / 3e0"),
    Projection("DECIMAL arithmetic", "d * 3 + d"),
    Projection("ROUND of DOUBLE", "ROUND(x, 2)"),
    Projection("ABS, FLOOR, POWER", "ABS(x - 0.5e0) + FLOOR(x * 10e0) + POWER(x, 2)"),
    Projection("CASE of three", "CASE WHEN i < 100 THEN 'low' WHEN i < 500 THEN 'middle' ELSE 'high' END"),
    Projection("COALESCE and NULLIF", "COALESCE(maybe, NULLIF(i, 0), -1)"),
    Projection("LIKE prefix and inner", "s LIKE 'user%' AND s LIKE '%99%'"),
    Projection(
        "REGEXP_EXTRACT", "REGEXP_EXTRACT(s, '([a-z]+)-([0-9]+)', 2)", "regexp_extract(s, '([a-z]+)-([0-9]+)', 2)"
    ),
    Projection("UPPER, SUBSTRING and joining texts", "UPPER(SUBSTRING(s, 1, 4)) || '/' || number"),
    Projection(
        "TRIM, REPLACE, CHAR_LENGTH",
        "CHAR_LENGTH(REPLACE(TRIM(s), 'user', 'u'))",
        "length(replace(trim(s), 'user', 'u'))",
    ),
    Projection("YEAR, HOUR, DAYOFWEEK", "YEAR(ts) + HOUR(ts) + DAYOFWEEK(ts)"),
    Projection(
        "FLOOR TO HOUR, + INTERVAL",
        "FLOOR(ts TO HOUR) + INTERVAL '5' MINUTE",
        "date_trunc('hour', ts) + INTERVAL 5 MINUTE",
    ),
    Projection("DATE_FORMAT", "DATE_FORMAT(ts, 'yyyy-MM-dd HH:mm')", "strftime(ts, '%Y-%m-%d %H:%M')"),
    Projection("CAST of texts", "CAST(number AS INT) + 1", "CAST(number AS INTEGER) + 1"),
    Projection("CAST to texts", "CAST(k AS STRING)", "CAST(k AS VARCHAR)"),
)


def rows_of(rows: int, *, seed: int = 3) -> pa.Table:
    """Numbers, texts and times of the usual kinds; a tenth of `maybe` is there."""
    random = np.random.default_rng(seed)
    number = random.integers(0, 1_000, rows)
    text = pc.binary_join_element_wise("user-", pc.cast(pa.array(number), pa.string()), "")
    micros = 1_700_000_000_000_000 + np.arange(rows, dtype=np.int64) * 1_000
    return pa.table(
        {
            "i": pa.array(number.astype(np.int32)),
            "k": pa.array(random.integers(0, 1_000_000, rows)),
            "x": pa.array(random.random(rows)),
            "d": pc.cast(pa.array(random.integers(0, 10_000_000, rows) / 100), pa.decimal128(12, 2)),
            "s": text,
            "number": pc.cast(pa.array(number), pa.string()),
            "ts": pa.array(micros, pa.timestamp("us")),
            "maybe": pa.array(number.astype(np.int32), mask=random.random(rows) > 0.1),
        }
    )


def run(rows: int, batch_rows: int = 65_536) -> list[Pair]:
    """All projections, medians of several runs in turn with DuckDB."""
    table = rows_of(rows)
    session = memory_session(DDL, {"bids": table}, batch_rows)
    return [
        measure(
            each.name,
            rows,
            lambda sql=each.sql: stream(session, f"SELECT {sql} AS r FROM bids", batch_rows),  # type: ignore[misc]
            lambda sql=each.duckdb or each.sql: batch({"bids": table}, f"SELECT {sql} AS r FROM bids"),  # type: ignore[misc]
        )
        for each in PROJECTIONS
    ]
