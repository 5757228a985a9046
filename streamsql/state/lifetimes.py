"""Lifetimes: when entries of a state were last written, and which of them have outlived their time to live."""

from __future__ import annotations

from collections import deque

import numpy as np
import pyarrow as pa

from streamsql.batch import Weights
from streamsql.state.base import State
from streamsql.state.fixed_width import BoolArray, Int64Array, int64_array, values_of
from streamsql.state.grouping import single_chunk
from streamsql.state.stored_column import grown
from streamsql.time import BEGIN_OF_TIME, Duration, Time

_SWEEP_FROM = 4_096
"""Below so many entries, forgetting writes that later ones have replaced is not worth the while."""


class Lifetimes(State):
    """Entries are dense ids; one expires when the clock stands `ttl` or more after its last write.

    Writes wait in a queue in the order of the clock, so that a step costs no more than what it writes and what expires;
    writes that later ones have replaced are swept when they outnumber the others.
    """

    def __init__(self, ttl: Duration) -> None:
        self.ttl = ttl
        self.now: Time = BEGIN_OF_TIME
        """What the clock says in this step; it never goes back."""
        self._written = np.empty(0, np.int64)
        self._queue: deque[tuple[Time, Int64Array]] = deque()
        self._queued = 0
        self._limit = _SWEEP_FROM

    @property
    def rows(self) -> int:
        return 0

    def touch(self, ids: Int64Array) -> None:
        """Entries are created or updated now."""
        if not len(ids):
            return
        self._written = grown(self._written, int(ids.max()) + 1, BEGIN_OF_TIME)
        self._written[ids] = self.now
        self._enqueue(self.now, ids)
        if self._queued > self._limit:
            self._sweep()

    def expired(self, now: Time) -> Int64Array:
        """Let it be `now`; the entries that have expired since it was last asked, ascending."""
        self.now = max(now, self.now)
        gone = []
        while self._queue and self._queue[0][0] + self.ttl <= self.now:
            written, ids = self._queue.popleft()
            self._queued -= len(ids)
            gone.append(ids[self._written[ids] == written])
        if not gone:
            return np.empty(0, np.int64)
        found = np.unique(np.concatenate(gone))
        self._written[found] = BEGIN_OF_TIME
        return found

    def forget(self, ids: Int64Array) -> None:
        """Entries are gone for another reason."""
        self._written[ids] = BEGIN_OF_TIME

    def renumber(self, kept: Int64Array) -> None:
        """The entries `kept`, ascending, are numbered anew from 0 on; there are no others."""
        self.restore(np.arange(len(kept)), self.written(kept))

    def written(self, ids: Int64Array) -> Int64Array:
        """When each entry was last written."""
        self._written = grown(self._written, int(ids.max(initial=-1)) + 1, BEGIN_OF_TIME)
        return np.asarray(self._written[ids])

    def restore(self, ids: Int64Array, written: Int64Array) -> None:
        """Have just these entries."""
        self._written = grown(np.empty(0, np.int64), int(ids.max(initial=-1)) + 1, BEGIN_OF_TIME)
        self._written[ids] = written
        self.now = max(self.now, int(written.max(initial=BEGIN_OF_TIME)))
        self._sweep()

    def save(self) -> dict[str, pa.Table]:
        ids = self._live()
        return {"written": pa.table({"id": int64_array(ids), "time": int64_array(self._written[ids])})}

    def load(self, tables: dict[str, pa.Table]) -> None:
        ids, written = (values_of(single_chunk(tables["written"][name])) for name in ("id", "time"))
        self.restore(ids, written)

    def _live(self) -> Int64Array:
        return np.flatnonzero(self._written != BEGIN_OF_TIME)

    def _enqueue(self, time: Time, ids: Int64Array) -> None:
        self._queue.append((time, ids))
        self._queued += len(ids)

    def _sweep(self) -> None:
        """Leave one write of each entry in the queue."""
        self._queue, self._queued = deque(), 0
        ids = self._live()
        self._limit = max(_SWEEP_FROM, 2 * len(ids))
        if not len(ids):
            return
        order = ids[np.argsort(self._written[ids], kind="stable")]
        times = self._written[order]
        starts = np.flatnonzero(np.concatenate([[True], times[1:] != times[:-1]]))
        for part, time in zip(np.split(order, starts[1:]), times[starts], strict=True):
            self._enqueue(int(time), part)


def unmatched(groups: Int64Array, weights: Weights | Int64Array, before: Int64Array) -> tuple[BoolArray, Int64Array]:
    """Row by row in order: which rows take back what is not there, and the last row that leaves its group with nothing.

    `groups`: the group of each row; `before`: how many rows each group has. A row that finds nothing to take back
    changes nothing. The second array is by group, -1 where the group never comes to 0 rows.
    """
    order = np.argsort(groups, kind="stable")
    owner, signs = groups[order], weights[order].astype(np.int64)
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    sums = np.cumsum(signs)
    base = (sums - signs)[starts]
    level = sums - np.repeat(base, np.diff(np.append(starts, len(owner)))) + before[owner]
    # Each group's sums lie below those of the groups before it, so that one running minimum serves all.
    lower = owner * (len(owner) + 1)
    debt = np.minimum.accumulate(np.minimum(level, 0) - lower) + lower
    debt = np.minimum(debt, 0)
    earlier = np.concatenate([[0], debt[:-1]])
    earlier[starts] = 0
    missing = np.zeros(len(owner), np.bool_)
    missing[order] = debt < earlier
    emptied = np.full(len(before), -1)
    at_zero = level == debt
    emptied[owner[at_zero]] = order[at_zero]
    return missing, emptied
