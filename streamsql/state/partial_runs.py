"""Partial groups by a number (a pane, a session), in a few sorted runs, of which the smaller ones are merged."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from streamsql.record import record
from streamsql.state.base import State
from streamsql.state.fixed_width import Int64Array
from streamsql.state.partial import Partial
from streamsql.state.partial_aggregates import PartialAggregates
from streamsql.state.partial_rows import numbered, slice_groups, sorted_groups, with_number

MOST_RUNS = 32
"""With more runs than this, the smaller half becomes one: so few groups are rewritten often."""


@record(eq=False)
class Run:
    """Groups in the order of their number, which is the first key: `numbers`. Never empty."""

    partial: Partial
    numbers: Int64Array
    low: int
    high: int

    @staticmethod
    def of(partial: Partial) -> Run:
        ordered = sorted_groups(partial)
        numbers = ordered.extra_values()
        return Run(ordered, numbers, int(numbers[0]), int(numbers[-1]))

    def between(self, start: int, stop: int) -> Run | None:
        """The groups with numbers from `start` up to (not including) `stop`."""
        if start <= self.low and self.high < stop:
            return self
        if stop <= self.low or self.high < start:
            return None
        first = int(np.searchsorted(self.numbers, start)) if start > self.low else 0
        last = int(np.searchsorted(self.numbers, stop)) if stop <= self.high else len(self.numbers)
        if first == last:
            return None
        numbers = self.numbers[first:last]
        part = slice_groups(self.partial, first, last)
        return Run(part, numbers, int(numbers[0]), int(numbers[-1]))


class PartialRuns(State):
    """A multiset of partials with one extra key, their number; equal numbers and keys may stand in several runs."""

    def __init__(self, algebra: PartialAggregates) -> None:
        self.algebra = algebra
        self._runs: list[Run] = []

    @property
    def rows(self) -> int:
        return sum(each.partial.rows for each in self._runs)

    def add(self, partial: Partial, above: int | None = None) -> None:
        """Add groups, of which only those with a number `above` another are wanted; their first key is the number."""
        if not len(partial):
            return
        run: Run | None = Run.of(partial)
        if run is not None and above is not None:
            run = run.between(above + 1, run.high + 1)
        if run is None:
            return
        self._runs.append(run)
        if len(self._runs) > MOST_RUNS:
            self._runs.sort(key=lambda each: -each.partial.rows)
            self._merge_last(MOST_RUNS // 2)

    def numbers(self) -> Int64Array:
        """The numbers that there are, each once, in order."""
        return np.unique(np.concatenate([np.empty(0, np.int64), *(each.numbers for each in self._runs)]))

    def below(self, limit: int) -> list[Run]:
        """The groups with a lower number than `limit`."""
        return _present(each.between(each.low, limit) for each in self._runs if each.low < limit)

    def drop_below(self, limit: int) -> None:
        """Forget the groups with a lower number than `limit`."""
        if any(each.low < limit for each in self._runs):
            self._runs = _present(each.between(limit, each.high + 1) for each in self._runs)

    def join_below(self, number: int) -> None:
        """Merge the groups with a lower number; they get this one."""
        parts = self.below(number)
        if not parts:
            return
        self.drop_below(number)
        if len(parts) == 1 and parts[0].low == parts[0].high:
            self.add(numbered(parts[0].partial, np.full(len(parts[0].numbers), number)))
        else:
            self.add(with_number(self.algebra.merge([each.partial for each in parts]), number))

    def save(self) -> dict[str, pa.Table]:
        if len(self._runs) > 1:
            self._merge_last(len(self._runs))
        return self._runs[0].partial.save() if self._runs else {}

    def load(self, tables: dict[str, pa.Table]) -> None:
        if tables:
            self.add(self.algebra.load(tables, extra=1))

    def _merge_last(self, count: int) -> None:
        merged = self.algebra.merge([each.partial for each in self._runs[-count:]], keep_extra=True)
        self._runs[-count:] = [Run.of(merged)]


def _present(runs: Iterable[Run | None]) -> list[Run]:
    return [each for each in runs if each is not None]
