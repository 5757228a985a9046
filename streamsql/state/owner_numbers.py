"""OwnerNumbers: some whole numbers for each owner, by dense id."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from streamsql.state.base import State
from streamsql.state.fixed_width import Int64Array, int64_array, values_of
from streamsql.state.grouping import single_chunk
from streamsql.state.stored_column import grown


class OwnerNumbers(State):
    """Columns of numbers, each with what owners have that were never put."""

    def __init__(self, defaults: Mapping[str, int]) -> None:
        self._defaults = dict(defaults)
        self._columns = {name: np.empty(0, np.int64) for name in defaults}
        self._size = 0

    @property
    def rows(self) -> int:
        return self._size

    def take(self, name: str, owners: Int64Array) -> Int64Array:
        """One column of owners."""
        self._reach(int(owners.max(initial=-1)) + 1)
        return np.asarray(self._columns[name][owners])

    def put(self, name: str, owners: Int64Array, numbers: Int64Array) -> None:
        """Set one column of distinct owners."""
        self._reach(int(owners.max(initial=-1)) + 1)
        self._columns[name][owners] = numbers

    def drop(self, owners: Int64Array) -> None:
        """Let owners have what they had before any was put."""
        for name, default in self._defaults.items():
            self.put(name, owners, np.full(len(owners), default))

    def save(self) -> dict[str, pa.Table]:
        return {"numbers": pa.table({name: int64_array(each[: self._size]) for name, each in self._columns.items()})}

    def load(self, tables: dict[str, pa.Table]) -> None:
        table = tables["numbers"]
        self._size = table.num_rows
        self._columns = {name: values_of(single_chunk(table[name])).copy() for name in self._defaults}

    def _reach(self, size: int) -> None:
        if size > self._size:
            for name, default in self._defaults.items():
                self._columns[name] = grown(self._columns[name], size, default)
            self._size = size
