"""SortedRuns: from an integer to the numbers of the rows stored under it, in sorted runs that merge as they grow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from streamsql.record import record
from streamsql.state.fixed_width import BoolArray, Int64Array
from streamsql.state.matches import Matches, joined
from streamsql.state.ordering import packed_integers, stable_order

_NONE = np.empty(0, np.int64)
_FAN_IN = 4
"""So many runs of like sizes become one."""
_RUN_COST = 64
"""Searching one more run costs as much as so many keys more, even for a single key."""


@record(eq=False)
class Run:
    """Keys in ascending order, and the row of each; rows of one key ascend. `unique`: no key comes twice."""

    keys: Int64Array
    rows: Int64Array
    unique: bool

    def __len__(self) -> int:
        return len(self.keys)


class SortedRuns:
    """A log-structured index. Rows are given in ascending order, so that older runs hold smaller row numbers.

    Runs merge when there are some of like sizes, and all of them when searching several has cost what merging does.
    A run's smallest and largest key let whole runs be skipped: keys that grow with time meet only the runs of their
    time. `alive`, where given, says which rows are worth keeping when runs merge.
    """

    def __init__(self, alive: Callable[[Int64Array], BoolArray] | None = None) -> None:
        self._alive = alive
        self._runs: list[Run] = []
        self._searched = 0

    def __len__(self) -> int:
        return sum(map(len, self._runs))

    def insert(self, keys: Int64Array, rows: Int64Array) -> None:
        """Add rows under keys; `rows` ascend and are larger than all before."""
        if not len(keys):
            return
        order = stable_order([keys])
        if order is not None:
            keys, rows = keys[order], rows[order]
        self._runs.append(_run(keys, rows))
        while len(self._runs) >= _FAN_IN and len(self._runs[-_FAN_IN]) <= 2 * len(self._runs[-1]):
            self._runs[-_FAN_IN:] = [self._merged(self._runs[-_FAN_IN:])]

    def probe(self, keys: Int64Array) -> Matches:
        """The rows under each of `keys`, which may repeat and come in any order."""
        order = stable_order([keys])
        keys = keys if order is None else keys[order]
        if self._searched > len(self):
            self._runs, self._searched = [self._merged(self._runs)], 0
        found = [Matches((), _NONE, _NONE, _NONE, _NONE)]
        for number, run in enumerate(self._runs):
            wanted = _within(run, keys)
            if number:
                self._searched += _RUN_COST + wanted.stop - wanted.start
            at, starts, counts = _probe_run(run, keys, wanted)
            if len(at):
                at = at if order is None else order[at]
                found.append(Matches((run.rows,), at, np.zeros(len(at), np.int64), starts, counts))
        return joined(*found)

    def pop_up_to(self, limit: int) -> Int64Array:
        """Remove all keys up to `limit`; the rows under them, ascending."""
        taken, left = [_NONE], []
        for run in self._runs:
            end = int(np.searchsorted(run.keys, limit, "right"))
            taken.append(run.rows[:end])
            if end < len(run):
                left.append(_run(run.keys[end:], run.rows[end:]) if end else run)
        self._runs = left
        return np.sort(np.concatenate(taken))

    def renumber(self, numbers: Int64Array) -> None:
        """Give each row the number `numbers[row]`, ascending like the old ones; -1 forgets it."""
        renumbered = (replace(each, rows=numbers[each.rows]) for each in self._runs)
        kept = (_filtered(each, each.rows >= 0) for each in renumbered)
        self._runs = [each for each in kept if len(each)]

    def _merged(self, runs: list[Run]) -> Run:
        if self._alive is not None:
            runs = [_filtered(each, self._alive(each.rows)) for each in runs]
        runs = [each for each in runs if len(each)]
        if len(runs) < 2:
            return runs[0] if runs else _run(_NONE, _NONE)
        keys, rows = (np.concatenate(each) for each in ([run.keys for run in runs], [run.rows for run in runs]))
        packed = packed_integers([keys, rows])
        if packed is None:
            order = np.argsort(keys, kind="stable")  # sorted stretches: the merge gallops
            return _run(keys[order], rows[order])
        numbers, (_, bits) = packed
        numbers.sort(kind="stable")
        return _run((numbers >> bits) + keys.min(), (numbers & ((1 << bits) - 1)) + rows.min())


def _run(keys: Int64Array, rows: Int64Array) -> Run:
    return Run(keys, rows, not (keys[1:] == keys[:-1]).any())


def _filtered(run: Run, mask: BoolArray) -> Run:
    return run if mask.all() else _run(run.keys[mask], run.rows[mask])


def _within(run: Run, keys: Int64Array) -> slice:
    """Which of sorted keys lie between the run's smallest and largest."""
    if not len(run) or not len(keys) or keys[-1] < run.keys[0] or keys[0] > run.keys[-1]:
        return slice(0, 0)
    first = 0 if keys[0] >= run.keys[0] else int(np.searchsorted(keys, run.keys[0], "left"))
    last = len(keys) if keys[-1] <= run.keys[-1] else int(np.searchsorted(keys, run.keys[-1], "right"))
    return slice(first, last)


def _probe_run(run: Run, keys: Int64Array, within: slice) -> tuple[Int64Array, Int64Array, Int64Array]:
    """Of sorted keys: positions of those that the run has, where their rows start, and how many these are."""
    wanted = keys[within]
    if not len(wanted):
        return _NONE, _NONE, _NONE
    low = np.searchsorted(run.keys, wanted, "left")
    hit = np.flatnonzero(run.keys[low] == wanted)
    starts = low[hit]
    if run.unique:
        return within.start + hit, starts, np.ones(len(hit), np.int64)
    return within.start + hit, starts, np.searchsorted(run.keys, wanted[hit], "right") - starts
