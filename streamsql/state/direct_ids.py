"""DirectIds: from integers that lie close together to dense ids, by a table over their range: one read a key."""

from __future__ import annotations

import numpy as np

from streamsql.state.fixed_width import Int64Array

_SPREAD = 8
"""A table has at most so many places a key."""
_SMALL = 1 << 20
"""A table of so many places is small in any case: places that are never written take no memory."""


class DirectIds:
    """Values outside of the table's range have no id; `cover` moves the range, where the keys allow it."""

    def __init__(self) -> None:
        self._after = np.empty(0, np.int64)  # 0 for no id, else the one after it
        self._low = 0

    def find(self, values: Int64Array) -> Int64Array:
        """The id of each value, -1 for those that have none."""
        if len(values) and self.covers(values):
            found = self._after.take(values - self._low)
            found -= 1
            return found
        within = np.flatnonzero((values >= self._low) & (values < self._low + len(self._after)))
        found = np.full(len(values), -1)
        found[within] = self._after[values[within] - self._low] - 1
        return found

    def covers(self, values: Int64Array) -> bool:
        """Whether all of some values (at least one) lie in the table's range."""
        return int(values.min()) >= self._low and int(values.max()) < self._low + len(self._after)

    def cover(self, keys: Int64Array, ids: Int64Array, more: Int64Array) -> bool:
        """Have room for `keys`, whose ids these are, and for `more`; False where they lie too far apart for that."""
        low, high = int(more.min()), int(more.max())
        if len(keys):
            low, high = min(low, int(keys.min())), max(high, int(keys.max()))
        span = high - low + 1
        if span > max(_SMALL, _SPREAD * (len(keys) + len(more))):
            return False
        # Keys as a rule grow; room on both sides keeps the table from being made anew with each of them.
        below, above = (span // 4, span) if low < self._low or not len(self._after) else (0, span)
        self._low = max(low - below, int(np.iinfo(np.int64).min))
        self._after = np.zeros(high + above + 1 - self._low, np.int64)
        self.put(keys, ids)
        return True

    def put(self, values: Int64Array, ids: Int64Array) -> None:
        """Give values within the range an id; -1 takes it away."""
        self._after[values - self._low] = ids + 1
