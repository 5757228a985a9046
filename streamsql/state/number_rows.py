"""NumberRows: several whole numbers for each id, side by side, so that to read or write them is to go to one place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from streamsql.state.fixed_width import Int64Array
from streamsql.state.stored_column import grown


class NumberRows:
    """Named int64 columns; an id that was not written has the number of its column in `blanks`."""

    def __init__(self, blanks: Mapping[str, int]) -> None:
        self.names = tuple(blanks)
        self._blanks = np.array(list(blanks.values()), np.int64)
        self._rows = np.zeros((0, len(self.names)), np.int64)
        self._whole = np.dtype((np.void, 8 * len(self.names)))
        self._size = 0

    def reach(self, size: int) -> None:
        """Have room for ids below `size`."""
        if size <= self._size:
            return
        self._rows = grown(self._rows, size)
        if self._blanks.any():
            self._rows[self._size : size] = self._blanks
        self._size = size

    def column(self, name: str) -> Int64Array:
        """The numbers of all ids, to be read."""
        return self._rows[: self._size, self.names.index(name)]

    def take(self, ids: Int64Array) -> dict[str, Int64Array]:
        """The columns of ids."""
        found = self._rows.take(ids, axis=0)
        return {name: found[:, at] for at, name in enumerate(self.names)}

    def put(self, ids: Int64Array, columns: Mapping[str, Any]) -> None:
        """Write those of the columns that are among its own; ids are distinct."""
        mine = [name for name in self.names if name in columns]
        if len(mine) < len(self.names):
            for name in mine:
                self._rows[ids, self.names.index(name)] = columns[name]
            return
        rows = np.empty((len(ids), len(mine)), np.int64)
        for at, name in enumerate(mine):
            rows[:, at] = columns[name]
        self._rows.view(self._whole)[:, 0][ids] = rows.view(self._whole)[:, 0]

    def clear(self, ids: Int64Array) -> None:
        """Make ids as they were before they were written."""
        self._rows[ids] = self._blanks
