"""RowLists: for each owner a list of row ids in order, replaced a batch of owners at a time."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from streamsql.state.base import State
from streamsql.state.fixed_width import Int64Array, int64_array, values_of
from streamsql.state.grouping import single_chunk
from streamsql.state.stored_column import grown

_SWEEP_FROM = 4_096
"""Below so many places, moving lists together is not worth the while."""


class RowLists(State):
    """Lists in one array: a list that outgrows its room moves to the end, and dead room is swept."""

    def __init__(self) -> None:
        self._starts = np.empty(0, np.int64)
        self._lengths = np.empty(0, np.int64)
        self._rooms = np.empty(0, np.int64)
        self._rows = np.empty(0, np.int64)
        self._end = 0
        self._dead = 0

    @property
    def rows(self) -> int:
        return int(self._lengths.sum())

    def lengths(self, owners: Int64Array) -> Int64Array:
        """How long the lists of owners are."""
        self._reach(owners)
        return self._lengths[owners]

    def last(self, owners: Int64Array) -> Int64Array:
        """The last row of each owner's list, none of which may be empty."""
        return np.asarray(self._rows[self._starts[owners] + self._lengths[owners] - 1])

    def take(self, owners: Int64Array) -> tuple[Int64Array, Int64Array]:
        """The lists of owners one after the other: for each row the position of its owner in `owners`, and its id."""
        lengths = self.lengths(owners)
        position = np.repeat(np.arange(len(owners)), lengths)
        within = np.arange(len(position)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return position, self._rows[np.repeat(self._starts[owners], lengths) + within]

    def clear(self, owners: Int64Array) -> Int64Array:
        """Empty the lists of distinct owners; the ids that were in them."""
        _, rows = self.take(owners)
        self.put(owners, owners[:0], owners[:0])
        return rows

    def put(self, owners: Int64Array, positions: Int64Array, rows: Int64Array) -> None:
        """Replace the lists of distinct owners; `positions` say for each row, in order, whose it is."""
        self._reach(owners)
        lengths = np.bincount(positions, minlength=len(owners))
        moving = owners[lengths > self._rooms[owners]]
        if len(moving):
            self._move(moving, lengths[lengths > self._rooms[owners]])
        self._lengths[owners] = lengths
        within = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        self._rows[np.repeat(self._starts[owners], lengths) + within] = rows
        if self._dead > max(_SWEEP_FROM, self._end // 2):
            self._sweep()

    def save(self) -> dict[str, pa.Table]:
        owners = np.flatnonzero(self._lengths)
        positions, rows = self.take(owners)
        return {"lists": pa.table({"owner": int64_array(owners[positions]), "row": int64_array(rows)})}

    def load(self, tables: dict[str, pa.Table]) -> None:
        table = tables["lists"]
        owners, positions = np.unique(values_of(single_chunk(table["owner"])), return_inverse=True)
        self.put(owners, positions, values_of(single_chunk(table["row"])))

    def _reach(self, owners: Int64Array) -> None:
        size = int(owners.max(initial=-1)) + 1
        if size > len(self._lengths):
            self._starts, self._lengths = grown(self._starts, size), grown(self._lengths, size)
            self._rooms = grown(self._rooms, size)

    def _move(self, owners: Int64Array, lengths: Int64Array) -> None:
        """Give owners room at the end, a power of 2 each."""
        self._dead += int(self._rooms[owners].sum())
        rooms = np.left_shift(1, np.ceil(np.log2(lengths)).astype(np.int64))
        self._starts[owners] = self._end + np.cumsum(rooms) - rooms
        self._rooms[owners] = rooms
        self._end += int(rooms.sum())
        self._rows = grown(self._rows, self._end)

    def _sweep(self) -> None:
        owners = np.flatnonzero(self._lengths)
        positions, rows = self.take(owners)
        self._starts.fill(0)
        self._rooms.fill(0)
        self._end = self._dead = 0
        self._rows = np.empty(0, np.int64)
        self.put(owners, positions, rows)
