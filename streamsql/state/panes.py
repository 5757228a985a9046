"""Aggregating into panes, and making closing windows of them.

A batch adds one partial per pane it touches; a closing window merges its panes, so no row is ever repeated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from streamsql.batch import Weights
from streamsql.state.fixed_width import Int64Array, int64_array, values_of
from streamsql.state.partial import Partial
from streamsql.state.partial_aggregates import PartialAggregates
from streamsql.state.partial_rows import numbered, slice_groups, take_groups
from streamsql.state.partial_runs import PartialRuns, constant_number
from streamsql.state.window_grid import WindowGrid

EXPANSION_LIMIT = 1 << 20
"""So many groups at most are repeated for the windows they lie in before these are merged."""
SINGLY = 2048
"""With so many groups a window, merging windows one by one beats merging them all at once."""


@dataclass(frozen=True, slots=True, eq=False)
class ClosedWindows:
    """Finished groups: the window of each, its keys and its results."""

    windows: Int64Array
    keys: list[pa.Array]
    results: list[pa.Array]


def add_to_panes(
    runs: PartialRuns,
    rows: pa.RecordBatch,
    panes: Int64Array,
    weights: Weights | None,
    ordinals: Int64Array | None,
) -> None:
    """Aggregate rows by pane and key."""
    algebra = runs.algebra
    edges = _few_stretches(panes)
    if edges is None:
        runs.add(algebra.partial(rows, weights, [int64_array(panes)], ordinals))
        return
    for start, stop in edges:
        part = algebra.partial(
            rows.slice(start, stop - start),
            None if weights is None else weights[start:stop],
            (),
            None if ordinals is None else ordinals[start:stop],
        )
        runs.add(constant_number(part, int(panes[start])))


def _few_stretches(panes: Int64Array) -> list[tuple[int, int]] | None:
    """Where the rows of each pane stand, if they stand together and there are at most four panes."""
    changes = np.flatnonzero(panes[1:] != panes[:-1]) + 1
    if len(changes) > 3:
        return None
    bounds = [0, *changes.tolist(), len(panes)]
    return list(zip(bounds[:-1], bounds[1:], strict=True))


def close_windows(
    runs: PartialRuns, grid: WindowGrid, after: int, through: int
) -> Iterator[ClosedWindows]:
    """The windows with a number above `after` and up to `through` that have rows, in ascending order.

    Panes without later windows are forgotten.
    """
    spans = [_Span.of(each, grid, after, through) for each in runs.below(grid.pane_limit(through))]
    spans = [each for each in spans if len(each.partial)]
    if spans:
        yield from _close(spans, runs.algebra)
    runs.drop_below(grid.ending_from(through + 1))


@dataclass(frozen=True, slots=True, eq=False)
class _Span:
    """Groups and the closing windows that each counts in."""

    partial: Partial
    first: Int64Array
    last: Int64Array

    @staticmethod
    def of(partial: Partial, grid: WindowGrid, after: int, through: int) -> _Span:
        panes = partial.extra_values()
        first = np.maximum(grid.first(panes), after + 1)
        last = np.minimum(grid.last(panes), through)
        return _Span(partial, first, last).within(first <= last)

    def within(self, mask: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> _Span:
        if bool(mask.all()):
            return self
        at = np.flatnonzero(mask)
        return _Span(take_groups(self.partial, at), self.first[at], self.last[at])

    def clipped(self, first: int, last: int) -> _Span:
        part = self.within((self.first <= last) & (self.last >= first))
        return _Span(part.partial, np.maximum(part.first, first), np.minimum(part.last, last))

    def expanded(self) -> Partial:
        """The groups once for each window, which becomes their number."""
        counts = self.last - self.first + 1
        if bool((counts == 1).all()):
            return numbered(self.partial, self.first)
        at = np.repeat(np.arange(len(counts)), counts)
        windows = np.arange(len(at)) - np.repeat(np.cumsum(counts) - counts, counts) + self.first[at]
        return numbered(take_groups(self.partial, at), windows)


def _close(spans: list[_Span], algebra: PartialAggregates) -> Iterator[ClosedWindows]:
    first = min(int(each.first.min()) for each in spans)
    last = max(int(each.last.max()) for each in spans)
    total = sum(int((each.last - each.first).sum()) + len(each.first) for each in spans)
    if first == last and algebra.keys:
        yield _merge_one(spans, algebra, first)
    elif first < last and (total > EXPANSION_LIMIT or total > SINGLY * (last - first + 1)):
        middle = (first + last) // 2
        for low, high in ((first, middle), (middle + 1, last)):
            halves = [each.clipped(low, high) for each in spans]
            halves = [each for each in halves if len(each.partial)]
            if halves:
                yield from _close(halves, algebra)
    else:
        yield _merge_all(spans, algebra)


def _merge_one(spans: list[_Span], algebra: PartialAggregates, window: int) -> ClosedWindows:
    keys, results = algebra.finish(algebra.merge([each.partial for each in spans]))
    return ClosedWindows(np.full(len(keys[0]), window), keys, results)


def _merge_all(spans: list[_Span], algebra: PartialAggregates) -> ClosedWindows:
    keys, results = algebra.finish(algebra.merge([each.expanded() for each in spans], keep_extra=True))
    return ClosedWindows(values_of(keys[0]), keys[1:], results)
