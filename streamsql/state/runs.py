"""Runs: partial groups in the order of their number, with their keys or in cells."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from streamsql.record import record
from streamsql.state.dense_groups import DenseGroups, add_up
from streamsql.state.fixed_width import BoolArray, Int64Array
from streamsql.state.partial import Partial
from streamsql.state.partial_aggregates import PartialAggregates
from streamsql.state.partial_rows import numbered, slice_groups, sorted_groups, take_groups, with_number


class Run(ABC):
    """Groups with numbers from `low` to `high`; the number is the first key."""

    low: int
    high: int

    @property
    @abstractmethod
    def size(self) -> int:
        """How many groups there are, or cells for them."""

    @property
    @abstractmethod
    def rows(self) -> int:
        """How many groups and collected values are kept."""

    @abstractmethod
    def numbers(self) -> Int64Array:
        """The numbers of the groups, ascending; one may come more than once, or stand for no group."""

    @abstractmethod
    def between(self, start: int, stop: int) -> Run | None:
        """The groups with numbers from `start` up to (not including) `stop`."""

    @abstractmethod
    def select(self, mask: BoolArray) -> list[Run]:
        """The groups of those `numbers` for which `mask` holds."""

    @abstractmethod
    def sparse(self) -> SparseRun:
        """The groups with their keys."""


@record(eq=False)
class SparseRun(Run):
    """Groups with their keys."""

    partial: Partial
    of_groups: Int64Array
    low: int
    high: int

    @property
    def size(self) -> int:
        return len(self.of_groups)

    @property
    def rows(self) -> int:
        return self.partial.rows

    def numbers(self) -> Int64Array:
        return self.of_groups

    def between(self, start: int, stop: int) -> SparseRun | None:
        if start <= self.low and self.high < stop:
            return self
        if stop <= self.low or self.high < start:
            return None
        first = int(np.searchsorted(self.of_groups, start)) if start > self.low else 0
        last = int(np.searchsorted(self.of_groups, stop)) if stop <= self.high else len(self.of_groups)
        if first == last:
            return None
        numbers = self.of_groups[first:last]
        return SparseRun(slice_groups(self.partial, first, last), numbers, int(numbers[0]), int(numbers[-1]))

    def select(self, mask: BoolArray) -> list[Run]:
        if bool(mask.all()):
            return [self]
        return [_sparse(take_groups(self.partial, np.flatnonzero(mask)))] if mask.any() else []

    def sparse(self) -> SparseRun:
        return self


@record(eq=False)
class DenseRun(Run):
    """Groups in cells."""

    groups: DenseGroups
    low: int
    high: int

    @property
    def size(self) -> int:
        return self.groups.grid.width

    @property
    def rows(self) -> int:
        return self.groups.rows

    def numbers(self) -> Int64Array:
        return np.arange(self.low, self.high + 1)

    def between(self, start: int, stop: int) -> DenseRun | None:
        if start <= self.low and self.high < stop:
            return self
        if stop <= self.low or self.high < start:
            return None
        low, high = max(self.low, start), min(self.high, stop - 1)
        return DenseRun(self.groups.between(low, high + 1), low, high)

    def select(self, mask: BoolArray) -> list[Run]:
        if bool(mask.all()):
            return [self]
        numbers = self.numbers()
        edges = np.flatnonzero(np.diff(mask, prepend=False, append=False))
        stretches = zip(numbers[edges[::2]].tolist(), numbers[edges[1::2] - 1].tolist(), strict=True)
        return [DenseRun(self.groups.between(low, high + 1), low, high) for low, high in stretches]

    def sparse(self) -> SparseRun:
        partial = self.groups.partial()
        return SparseRun(partial, partial.extra_values(), self.low, self.high)


def run_of(groups: Partial | DenseGroups) -> Run:
    """A run of groups, of which there is one at least; of partial ones the number is the one extra key."""
    if isinstance(groups, DenseGroups):
        low = groups.grid.lows[0]
        return DenseRun(groups, low, low + groups.grid.spans[0] - 1)
    return _sparse(groups)


def _sparse(partial: Partial) -> SparseRun:
    ordered = sorted_groups(partial)
    numbers = ordered.extra_values()
    low, high = (int(numbers[0]), int(numbers[-1])) if len(numbers) else (0, -1)
    return SparseRun(ordered, numbers, low, high)


def merged(runs: Sequence[Run], algebra: PartialAggregates) -> Run:
    """One run of the groups of several."""
    dense = [each.groups for each in runs if isinstance(each, DenseRun)]
    if len(dense) == len(runs) and (total := add_up(dense, algebra.parts.slots)) is not None:
        return run_of(total)
    return _sparse(algebra.merge([each.sparse().partial for each in runs], keep_extra=True))


def merged_as(number: int, runs: Sequence[Run], algebra: PartialAggregates) -> Run:
    """One run of the groups of several, all of them under one number."""
    dense = [each.groups for each in runs if isinstance(each, DenseRun)]
    if len(dense) == len(runs):
        singly = [one for each in dense for one in each.singly(number)]
        if (total := add_up(singly, algebra.parts.slots)) is not None:
            return run_of(total)
    parts = [each.sparse() for each in runs]
    if len(parts) == 1 and parts[0].low == parts[0].high:
        return _sparse(numbered(parts[0].partial, np.full(parts[0].size, number)))
    return _sparse(with_number(algebra.merge([each.partial for each in parts]), number))
