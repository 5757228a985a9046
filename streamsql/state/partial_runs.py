"""Partial groups by a number (a pane, a session), in a few sorted runs that are merged as they become many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from streamsql.state.base import State
from streamsql.state.fixed_width import Int64Array, int64_array
from streamsql.state.partial import Partial
from streamsql.state.partial_aggregates import PartialAggregates
from streamsql.state.partial_rows import numbered, slice_groups, sorted_groups, take_groups

FANOUT = 16
"""So many runs of one level become one of the next: a group is rewritten once a level."""


class PartialRuns(State):
    """A multiset of partials whose one extra key is their number; equal numbers and keys may stand in several runs."""

    def __init__(self, algebra: PartialAggregates) -> None:
        self.algebra = algebra
        self._runs: list[Partial] = []
        self._levels: list[int] = []

    @property
    def rows(self) -> int:
        return sum(each.rows for each in self._runs)

    def add(self, partial: Partial) -> None:
        """Add groups; the first key is their number."""
        if not len(partial):
            return
        self._runs.append(sorted_groups(partial))
        self._levels.append(0)
        while len(self._levels) >= FANOUT and self._levels[-FANOUT] == self._levels[-1]:
            self._merge_last(FANOUT)

    def below(self, limit: int) -> list[Partial]:
        """The groups with a lower number than `limit`."""
        found = [slice_groups(each, 0, _count_below(each, limit)) for each in self._runs]
        return [each for each in found if len(each)]

    def drop_below(self, limit: int) -> None:
        """Forget the groups with a lower number than `limit`."""
        rest = [slice_groups(each, _count_below(each, limit), len(each)) for each in self._runs]
        self._keep(rest)

    def pull(self, numbers: Int64Array) -> list[Partial]:
        """Remove and return the groups with these numbers, which are sorted and distinct."""
        found, rest = [], []
        for each in self._runs:
            hit = _among(each.extra_values(), numbers)
            if hit.any():
                found.append(take_groups(each, np.flatnonzero(hit)))
                each = take_groups(each, np.flatnonzero(~hit))
            rest.append(each)
        self._keep(rest)
        return found

    def renumber(self, new_numbers: Int64Array) -> None:
        """Give number n the number `new_numbers[n]`."""
        renumbered = [numbered(each, new_numbers[each.extra_values()]) for each in self._runs]
        self._runs = [sorted_groups(each) for each in renumbered]

    def save(self) -> dict[str, pa.Table]:
        if not self._runs:
            return {}
        if len(self._runs) > 1:
            self._merge_last(len(self._runs))
        return self._runs[0].save()

    def load(self, tables: dict[str, pa.Table]) -> None:
        if tables:
            self.add(self.algebra.load(tables, extra=1))

    def _merge_last(self, count: int) -> None:
        merged = self.algebra.merge(self._runs[-count:], keep_extra=True)
        level = self._levels[-count] + 1
        self._runs[-count:] = [sorted_groups(merged)]
        self._levels[-count:] = [level]

    def _keep(self, runs: Sequence[Partial]) -> None:
        left = [(run, level) for run, level in zip(runs, self._levels, strict=True) if len(run)]
        self._runs = [run for run, _ in left]
        self._levels = [level for _, level in left]


def _count_below(run: Partial, limit: int) -> int:
    return int(np.searchsorted(run.extra_values(), limit))


def _among(values: Int64Array, numbers: Int64Array) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    at = np.minimum(np.searchsorted(numbers, values), max(len(numbers) - 1, 0))
    return np.asarray(numbers[at] == values) if len(numbers) else np.zeros(len(values), bool)


def constant_number(partial: Partial, number: int) -> Partial:
    """A partial without extra keys, all of whose groups get one number."""
    return Partial(
        partial.size,
        1,
        (int64_array(np.full(partial.size, number)), *partial.keys),
        partial.columns,
        partial.collections,
    )
