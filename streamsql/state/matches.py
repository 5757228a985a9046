"""Matches: the rows that an index has found for keys, written out a part at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from streamsql.record import record
from streamsql.state.fixed_width import AnyArray, Int64Array
from streamsql.state.ordering import stable_order


@record(eq=False)
class Matches:
    """The rows found for some keys, not yet written out: `total` may be far more than fits in memory.

    Segment i says: key `at[i]` of those asked for has `counts[i]` rows, in `rows[part[i]]` from place `starts[i]` on.
    Segments go by (at, part), so that the rows of a key ascend.
    """

    rows: tuple[AnyArray, ...]
    at: Int64Array
    part: Int64Array
    starts: Int64Array
    counts: Int64Array

    @property
    def total(self) -> int:
        return int(self.counts.sum())

    def chunks(self, limit: int) -> Iterator[tuple[Int64Array, Int64Array]]:
        """All pairs (position among the keys asked for, row), in order, at most `limit` at a time."""
        ends = np.cumsum(self.counts)
        total = int(ends[-1]) if len(ends) else 0
        for begin in range(0, total, limit):
            yield self._slice(ends, begin, min(begin + limit, total))._expand()

    def _slice(self, ends: Int64Array, begin: int, end: int) -> Matches:
        """Pairs `begin` up to `end`; the first and the last segment may be parts of one."""
        if begin == 0 and end == ends[-1]:
            return self
        first = int(np.searchsorted(ends, begin, "right"))
        last = int(np.searchsorted(ends, end, "left"))
        segments = slice(first, last + 1)
        starts, counts = self.starts[segments].copy(), self.counts[segments].copy()
        skipped = begin - int(ends[first] - self.counts[first])
        starts[0] += skipped
        counts[0] -= skipped
        counts[-1] -= int(ends[last]) - end
        return Matches(self.rows, self.at[segments], self.part[segments], starts, counts)

    def _expand(self) -> tuple[Int64Array, Int64Array]:
        if not (self.counts != 1).any():
            return self.at, self._rows(self.part, self.starts)
        shift = self.starts - (np.cumsum(self.counts) - self.counts)
        places = np.arange(int(self.counts.sum())) + np.repeat(shift, self.counts)
        owners = self.part if len(self.rows) == 1 else np.repeat(self.part, self.counts)
        return np.repeat(self.at, self.counts), self._rows(owners, places)

    def _rows(self, owners: Int64Array, places: Int64Array) -> Int64Array:
        if len(self.rows) == 1:
            return self.rows[0][places].astype(np.int64, copy=False)
        rows = np.empty(len(places), np.int64)
        for number, part in enumerate(self.rows):
            mine = np.flatnonzero(owners == number)
            rows[mine] = part[places[mine]]
        return rows


def joined(*parts: Matches) -> Matches:
    """What several indexes have found for the same keys; the rows of each are larger than those of all before it."""
    parts = tuple(each for each in parts if len(each.at)) or parts[:1]
    if len(parts) == 1:
        return parts[0]
    rows = tuple(each for part in parts for each in part.rows)
    firsts = np.cumsum([0, *(len(part.rows) for part in parts[:-1])])
    numbers = np.concatenate([part.part + first for part, first in zip(parts, firsts, strict=True)])
    at, starts, counts = (
        np.concatenate(each) for each in zip(*((part.at, part.starts, part.counts) for part in parts), strict=True)
    )
    order = stable_order([at])
    if order is None:
        return Matches(rows, at, numbers, starts, counts)
    return Matches(rows, at[order], numbers[order], starts[order], counts[order])
