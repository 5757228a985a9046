"""The queries of TPC-H as materialised views, beside the same tables in DuckDB, which computes them anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from benchmarks.tpch.changes import Added, Change
from benchmarks.tpch.queries import MACROS, NUMBERS, Parameters, duckdb_statements, statements
from benchmarks.tpch.schema import COLUMNS, KEYS, create_table
from streamsql.session import Session, connect

Rows = Counter[tuple[Any, ...]]


class Mirror:
    """Both engines with the same tables; `keyed`: with primary keys, so that a row replaces that of its key."""

    def __init__(
        self, parameters: Mapping[int, Parameters], *, keyed: bool = False, numbers: Iterable[int] = NUMBERS
    ) -> None:
        self.session: Session = connect()
        self.batch = duckdb.connect(config={"threads": 1})
        self._keyed = keyed
        self._answers: dict[int, str] = {}
        for each in MACROS:
            self.batch.execute(each)
        for name in COLUMNS:
            self.session.execute(create_table(name, keyed=keyed))
            self.batch.execute(create_table(name, keyed=False))
        for number in numbers:
            *views, query = statements(number, parameters[number])
            for each in (*views, f"CREATE MATERIALIZED VIEW q{number} AS {query}"):
                self.session.execute(each)
            *views, self._answers[number] = duckdb_statements(number, parameters[number])
            for each in views:
                self.batch.execute(each)

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(self._answers)

    def apply(self, change: Change) -> None:
        """The same change of both."""
        if isinstance(change, Added):
            self.add(change.table, change.rows)
        else:
            self.session.execute(change.sql)
            self.batch.execute(change.sql)

    def add(self, table: str, rows: pa.Table) -> None:
        self.append(table, rows, None)
        self.batch_add(table, rows)

    def batch_add(self, table: str, rows: pa.Table) -> None:
        """Rows for DuckDB's table alone."""
        self.batch.register("added", rows)
        if self._keyed:
            keys = KEYS[table]
            self.batch.execute(f"DELETE FROM {table} WHERE ({keys}) IN (SELECT ({keys}) FROM added)")
        self.batch.execute(f"INSERT INTO {table} SELECT * FROM added")

    def append(self, table: str, rows: pa.Table, weights: np.ndarray | None) -> None:
        """Rows for our table alone; weight -1 takes one back."""
        memory = self.session.tables.memory(table)
        for batch in rows.cast(memory.schema.to_arrow()).combine_chunks().to_batches():
            memory.append(batch, weights)

    def kept(self, number: int) -> Rows:
        """What the view shows."""
        found = self.session.sql(f"SELECT * FROM q{number}").to_arrow()
        return _counted(zip(*(each.to_pylist() for each in found.columns), strict=True))

    def computed(self, number: int) -> Rows:
        """What DuckDB computes of its tables."""
        return _counted(self.batch.execute(self._answers[number]).fetchall())

    def close(self) -> None:
        self.session.close()
        self.batch.close()


def _counted(rows: Iterable[tuple[Any, ...]]) -> Rows:
    return Counter(tuple(map(_plain, row)) for row in rows)


def _plain(value: Any) -> Any:
    """A DECIMAL without zeros at its end."""
    return value.normalize() if isinstance(value, Decimal) else value
