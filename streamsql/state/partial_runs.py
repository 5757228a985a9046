"""Partial groups by a number (a pane, a session), in a few sorted runs, of which the smaller ones are merged."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from streamsql.state.base import State
from streamsql.state.dense_groups import DenseGroups
from streamsql.state.fixed_width import Int64Array
from streamsql.state.partial import Partial
from streamsql.state.partial_aggregates import PartialAggregates
from streamsql.state.runs import Run, merged, merged_as, run_of

MOST_RUNS = 32
"""With more runs than this, the smaller half becomes one: so few groups are rewritten often."""


class PartialRuns(State):
    """A multiset of partials with one extra key, their number; equal numbers and keys may stand in several runs."""

    def __init__(self, algebra: PartialAggregates) -> None:
        self.algebra = algebra
        self._runs: list[Run] = []

    @property
    def rows(self) -> int:
        return sum(each.rows for each in self._runs)

    def add(self, groups: Partial | DenseGroups, above: int | None = None) -> None:
        """Add groups, of which only those with a number `above` another are wanted; their first key is the number."""
        if isinstance(groups, Partial) and not len(groups):
            return
        run: Run | None = run_of(groups)
        if run is not None and above is not None:
            run = run.between(above + 1, run.high + 1)
        if run is not None:
            self._add(run)

    def numbers(self) -> Int64Array:
        """The numbers that there are, each once, in order."""
        return np.unique(np.concatenate([np.empty(0, np.int64), *(each.sparse().of_groups for each in self._runs)]))

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
        if parts:
            self.drop_below(number)
            self._add(merged_as(number, parts, self.algebra))

    def save(self) -> dict[str, pa.Table]:
        if len(self._runs) > 1:
            self._merge_last(len(self._runs))
        return self._runs[0].sparse().partial.save() if self._runs else {}

    def load(self, tables: dict[str, pa.Table]) -> None:
        if tables:
            self.add(self.algebra.load(tables, extra=1))

    def _add(self, run: Run) -> None:
        self._runs.append(run)
        if len(self._runs) > MOST_RUNS:
            self._runs.sort(key=lambda each: -each.rows)
            self._merge_last(MOST_RUNS // 2)

    def _merge_last(self, count: int) -> None:
        self._runs[-count:] = [merged(self._runs[-count:], self.algebra)]


def _present(runs: Iterable[Run | None]) -> list[Run]:
    return [each for each in runs if each is not None]
