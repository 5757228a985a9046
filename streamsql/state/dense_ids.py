"""Dense ids: freed ones are given out again before new ones."""

from __future__ import annotations

import numpy as np

from streamsql.state.fixed_width import Int64Array


class DenseIds:
    """Which ids below `bound` are in use."""

    def __init__(self) -> None:
        self.bound = 0
        self._free = np.empty(0, np.int64)

    def __len__(self) -> int:
        return self.bound - len(self._free)

    def take(self, count: int) -> Int64Array:
        """Ids for so many new entries: freed ones first, then the next."""
        reused = min(count, len(self._free))
        split = len(self._free) - reused
        again, self._free = self._free[split:][::-1], self._free[:split]
        fresh = np.arange(self.bound, self.bound + count - reused)
        self.bound += len(fresh)
        return np.concatenate([again, fresh])

    def free(self, ids: Int64Array) -> None:
        """Give up distinct ids."""
        if len(ids):
            self._free = np.concatenate([self._free, np.sort(ids)[::-1]])

    def live(self) -> Int64Array:
        """The ids in use, ascending."""
        used = np.ones(self.bound, np.bool_)
        used[self._free] = False
        return np.flatnonzero(used)

    def restore(self, ids: Int64Array) -> None:
        """Have exactly these in use."""
        self.bound = int(ids.max(initial=-1)) + 1
        free = np.ones(self.bound, np.bool_)
        free[ids] = False
        self._free = np.flatnonzero(free)[::-1].copy()
