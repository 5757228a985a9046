"""DuckDB over the benchmark's tables."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from benchmarks.nexmark.data import Tables


def batch(tables: Tables, sql: str) -> pa.Table:
    """A query's answer, computed with all cores over the Arrow batches; of a statement that writes files, nothing."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, batches in tables.items():
            connection.register(name, pa.Table.from_batches(batches))
        relation = connection.sql(sql)
        return pa.table({}) if relation is None else relation.to_arrow_table()
