"""KeyCounts: how many rows there are of each key, for joins that need no more of an input than that."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from streamsql.state.base import State
from streamsql.state.fixed_width import Int64Array, int64_array, values_of
from streamsql.state.grouping import single_chunk
from streamsql.state.stored_column import grown


class KeyCounts(State):
    """Counts by dense code (see KeyCodes); `nulls`: how many rows have a NULL in their key, and so no code."""

    def __init__(self) -> None:
        self._counts = np.zeros(0, np.int64)
        self.keys = 0
        """How many codes have rows."""
        self.nulls = 0
        self.total = 0

    @property
    def rows(self) -> int:
        return self.keys + (self.nulls > 0)

    def of(self, codes: Int64Array) -> Int64Array:
        """How many rows each code has; -1, the code of no key, has none."""
        self._counts = grown(self._counts, int(codes.max(initial=0)) + 1)
        return np.where(codes < 0, 0, self._counts[codes])

    def add(self, codes: Int64Array, amounts: Int64Array, nulls: int) -> None:
        """Change counts; codes are distinct."""
        self._counts = grown(self._counts, int(codes.max(initial=-1)) + 1)
        before = self._counts[codes]
        after = before + amounts
        self._counts[codes] = after
        self.keys += int(np.count_nonzero(after) - np.count_nonzero(before))
        self.nulls += nulls
        self.total += int(amounts.sum()) + nulls

    def used_codes(self) -> Int64Array:
        """The codes that have rows."""
        return np.flatnonzero(self._counts)

    def save(self) -> dict[str, pa.Table]:
        codes = self.used_codes()
        return {
            "counts": pa.table({"code": int64_array(codes), "count": int64_array(self._counts[codes])}),
            "nulls": pa.table({"nulls": pa.array([self.nulls], pa.int64())}),
        }

    def load(self, tables: dict[str, pa.Table]) -> None:
        codes, counts = (values_of(single_chunk(tables["counts"][name])) for name in ("code", "count"))
        self.add(codes, counts, int(tables["nulls"]["nulls"][0].as_py()))
