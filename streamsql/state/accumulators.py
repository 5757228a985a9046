"""Accumulators of many groups, addressed by dense id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from streamsql.state.base import State
from streamsql.state.decomposition import ROWS, Slot
from streamsql.state.fixed_width import AnyArray, Int64Array, values_of
from streamsql.state.grouping import single_chunk
from streamsql.state.linear import Values
from streamsql.state.number_rows import NumberRows
from streamsql.state.stored_column import StoredColumn, grown, stored_column


class Accumulators(State):
    """The columns of each slot, beside the row count of each group; ids without rows read as blank."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        self._blanks: dict[str, Any] = {}
        for each in slots:
            self._blanks |= each.write(each.linear.blanks(1))
        self._blanks[ROWS] = np.zeros(1, np.int64)
        whole = [name for name, blank in self._blanks.items() if not isinstance(blank, pa.Array) and _is_whole(blank)]
        self._rows = NumberRows({name: int(self._blanks[name][0]) for name in whole})
        self._numbers: dict[str, AnyArray] = {}
        self._others: dict[str, StoredColumn] = {}
        for name, blank in self._blanks.items():
            if isinstance(blank, pa.Array):
                self._others[name] = stored_column(blank.type)
            elif name not in whole:
                self._numbers[name] = blank[:0]
        self._size = 0
        self._live = 0

    @property
    def rows(self) -> int:
        return self._live

    def take(self, ids: Int64Array) -> dict[str, Values]:
        """The columns of groups, by full name."""
        self._reach(int(ids.max(initial=-1)) + 1)
        found: dict[str, Values] = {**self._rows.take(ids)}
        found |= {name: values.take(ids) for name, values in self._numbers.items()}
        return found | {name: values.take(ids) for name, values in self._others.items()}

    def put(self, ids: Int64Array, old: Mapping[str, Values], new: Mapping[str, Values]) -> None:
        """Replace what `take` of the same distinct ids gave; columns may be added."""
        self._rows.put(ids, new)
        for name, values in new.items():
            if isinstance(values, pa.Array):
                self._others[name].put(ids, values)
            elif name not in self._rows.names:
                if name not in self._numbers:
                    self._numbers[name] = np.zeros(self._size, values.dtype)
                self._numbers[name][ids] = values
        self._live += int(np.count_nonzero(new[ROWS])) - int(np.count_nonzero(old[ROWS]))

    def clear(self, ids: Int64Array) -> None:
        """Make groups, which must be without rows, blank again."""
        self._rows.clear(ids)
        for name, values in self._numbers.items():
            values[ids] = self._blanks[name][0] if name in self._blanks else 0
        for name, stored in self._others.items():
            stored.put(ids, pa.nulls(len(ids), self._blanks[name].type))

    def drop(self, ids: Int64Array) -> None:
        """Make groups blank, whatever they hold."""
        self._reach(int(ids.max(initial=-1)) + 1)
        self._live -= int(np.count_nonzero(self._rows.column(ROWS)[ids]))
        self.clear(ids)

    def save(self) -> dict[str, pa.Table]:
        ids = np.flatnonzero(self._rows.column(ROWS))
        columns = {name: pa.array(values) for name, values in self.take(ids).items()}
        return {"groups": pa.table({"id": pa.array(ids), **columns})}

    def load(self, tables: dict[str, pa.Table]) -> None:
        table = tables["groups"]
        ids = values_of(single_chunk(table["id"]))
        self._reach(int(ids.max(initial=-1)) + 1)
        arrays = {name: single_chunk(table[name]) for name in table.column_names if name != "id"}
        columns = {name: each if name in self._others else values_of(each) for name, each in arrays.items()}
        self.put(ids, {ROWS: np.zeros(0, np.int64)}, columns)

    def _reach(self, size: int) -> None:
        if size <= self._size:
            return
        self._rows.reach(size)
        for name, values in self._numbers.items():
            self._numbers[name] = grown(values, size, self._blanks[name][0] if name in self._blanks else 0)
        fresh = np.arange(self._size, size)
        for name, stored in self._others.items():
            stored.put(fresh, pa.nulls(len(fresh), self._blanks[name].type))
        self._size = size


def _is_whole(blank: AnyArray) -> bool:
    return blank.dtype == np.int64 and blank.ndim == 1
