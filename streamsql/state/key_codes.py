"""KeyCodes: one integer for the key of a row, whatever columns the key has."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from streamsql.state.base import State
from streamsql.state.fixed_width import (
    BoolArray,
    Int64Array,
    take_rows,
    valid_of,
)
from streamsql.state.hashing import HashRows, hash_rows
from streamsql.state.key_index import KeyIndex

_SWEEP_FROM = 4_096


class KeyCodes(State):
    """Equal keys have equal codes, others different ones; two inputs that are joined share one KeyCodes.

    Codes are the ids of a KeyIndex. No columns: one code for all. NULL is a key only where `null_safe` says so
    of its column; elsewhere a row with a NULL has no key, and matches nothing.
    """

    def __init__(
        self,
        types: Sequence[pa.DataType],
        null_safe: Sequence[bool] | None = None,
        *,
        hash_rows: HashRows = hash_rows,
    ) -> None:
        self._null_safe = tuple(null_safe or (False for _ in types))
        self._index = KeyIndex(types, hash_rows) if types else None

    @property
    def rows(self) -> int:
        return 0 if self._index is None else self._index.rows

    @property
    def bound(self) -> int:
        """All codes are below it."""
        return 1 if self._index is None else self._index.bound

    def encode(self, columns: Sequence[pa.Array], count: int) -> tuple[Int64Array, BoolArray | None]:
        """The code of each row, and which rows have a key; None: all. Unknown keys become known."""
        if self._index is None:
            return np.zeros(count, np.int64), None
        valid = self._keyed(columns)
        if valid is None:
            return self._index.ids_of(columns), None
        at = np.flatnonzero(valid)
        codes = np.full(count, -1)
        codes[at] = self._index.ids_of([take_rows(each, at) for each in columns])
        return codes, valid

    def find(self, columns: Sequence[pa.Array], count: int) -> tuple[Int64Array, BoolArray | None]:
        """As `encode`, but unknown keys stay unknown: their code is -1."""
        if self._index is None:
            return self.encode(columns, count)
        valid = self._keyed(columns)
        if valid is None:
            return self._index.lookup(columns), None
        codes, at = np.full(count, -1), np.flatnonzero(valid)
        codes[at] = self._index.lookup([take_rows(each, at) for each in columns])
        return codes, valid

    def forget_unused(self, live: int, used: Callable[[], Sequence[Int64Array]]) -> None:
        """Free the codes that are in none of `used`, where most must be; `live`: no more codes than so many are."""
        if (
            self._index is None
            or not self._index.rows
            or 0 < self._index.rows <= 2 * live + (_SWEEP_FROM if live else 0)
        ):
            return
        free = np.zeros(self._index.bound, np.bool_)
        free[self._index.live_ids()] = True
        for each in used():
            free[each] = False
        self._index.free(np.flatnonzero(free))

    def save(self) -> dict[str, pa.Table]:
        return {} if self._index is None else self._index.save()

    def load(self, tables: dict[str, pa.Table]) -> None:
        if self._index is not None:
            self._index.load(tables)

    def _keyed(self, columns: Sequence[pa.Array]) -> BoolArray | None:
        found: BoolArray | None = None
        for column, null_safe in zip(columns, self._null_safe, strict=True):
            valid = None if null_safe else valid_of(column)
            if valid is not None:
                found = valid if found is None else found & valid
        return found
