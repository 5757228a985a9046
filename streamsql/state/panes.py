"""Aggregating into panes, and making closing windows of them.

A row is accumulated once, in its pane; a closing window merges its panes, so no row is ever repeated.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch
from streamsql.record import record
from streamsql.state.dense_groups import DenseGroups
from streamsql.state.fixed_width import Int64Array, int64_array, values_of
from streamsql.state.partial import Partial
from streamsql.state.partial_aggregates import PartialAggregates
from streamsql.state.partial_rows import numbered, take_groups
from streamsql.state.partial_runs import PartialRuns
from streamsql.state.runs import Run, SparseRun, merged_as
from streamsql.state.window_grid import WindowGrid

EXPANSION_LIMIT = 1 << 20
"""So many groups at most are repeated for the windows they lie in before these are merged."""
FEW = 8
"""Up to one row in so many is aggregated in vain rather than left out."""
NO_PANE = np.iinfo(np.int64).max
SINGLY = 1024
"""With so many groups a window, merging windows one by one beats merging them all at once."""


@record(eq=False)
class ClosedWindows:
    """Finished groups: the window of each, its keys and its results."""

    windows: Int64Array
    keys: list[pa.Array]
    results: list[pa.Array]


def add_to_panes(
    runs: PartialRuns, batch: Batch, panes: Int64Array, dropped: Int64Array | None, ordinals: Int64Array | None
) -> None:
    """Aggregate rows by pane and key, but for those at the positions `dropped`, which are not all of them.

    `ordinals` are the arrival numbers of the rows, where something goes by them.
    """
    if dropped is None:
        runs.add(_by_pane(runs.algebra, batch, panes, ordinals))
    elif len(dropped) * FEW > len(panes):
        kept = np.delete(np.arange(len(panes)), dropped)
        numbers = None if ordinals is None else ordinals[kept]
        runs.add(_by_pane(runs.algebra, batch.pick(kept), panes[kept], numbers))
    else:
        # A few rows less are not worth a copy of all others: they get a pane of their own, which is thrown away.
        panes = panes.copy()
        panes[dropped] = NO_PANE
        panes[dropped] = nowhere = int(panes.min()) - 1
        runs.add(_by_pane(runs.algebra, batch, panes, ordinals), above=nowhere)


def _by_pane(
    algebra: PartialAggregates, batch: Batch, panes: Int64Array, ordinals: Int64Array | None
) -> Partial | DenseGroups:
    return algebra.dense(batch.rows, batch.weights, int64_array(panes), ordinals)


def close_windows(runs: PartialRuns, grid: WindowGrid, after: int, through: int) -> Iterator[ClosedWindows]:
    """The windows with a number above `after` and up to `through` that have rows, in ascending order.

    Panes without later windows are forgotten.
    """
    if through <= after:
        return
    found = runs.below(grid.beginning_after(through))
    if not found:
        return
    panes = [each.numbers() for each in found]
    first = max(min(int(grid.first(each).min()) for each in panes), after + 1)
    last = min(max(int(grid.last(each)[-1]) for each in panes), through)
    if first <= last:
        yield from _close(found, grid, runs.algebra, first, last)
    runs.drop_below(grid.ending_from(through + 1))
    joined = grid.joined_pane(through)
    if joined is not None:
        runs.join_below(joined)


def _close(
    runs: list[Run], grid: WindowGrid, algebra: PartialAggregates, first: int, last: int
) -> Iterator[ClosedWindows]:
    """The windows from `first` to `last` that have rows."""
    start, stop = grid.ending_from(first), grid.beginning_after(last)
    runs = [part for each in runs if (part := each.between(start, stop)) is not None]
    groups = sum(each.size for each in runs)
    windows = last - first + 1
    if not groups:
        return
    if windows == 1 and algebra.keys:
        parts = [part for each in runs for part in each.select(grid.first(each.numbers()) <= first)]
        if parts:
            yield _merge_one(parts, algebra, first)
    elif windows > 1 and (groups > SINGLY * windows or groups * min(windows, grid.width) > EXPANSION_LIMIT):
        middle = (first + last) // 2
        yield from _close(runs, grid, algebra, first, middle)
        yield from _close(runs, grid, algebra, middle + 1, last)
    else:
        yield _merge_all([_expanded(each.sparse(), grid, first, last) for each in runs], algebra)


def _merge_one(parts: list[Run], algebra: PartialAggregates, window: int) -> ClosedWindows:
    keys, results = algebra.finish(merged_as(window, parts, algebra).sparse().partial)
    return ClosedWindows(values_of(keys[0]), keys[1:], results)


def _expanded(run: SparseRun, grid: WindowGrid, first: int, last: int) -> Partial:
    """The groups once for each window from `first` to `last` that they count in, which becomes their number."""
    begin = np.maximum(grid.first(run.of_groups), first)
    counts = np.maximum(np.minimum(grid.last(run.of_groups), last) - begin + 1, 0)
    if bool((counts == 1).all()):
        return numbered(run.partial, begin)
    at = np.repeat(np.arange(len(counts)), counts)
    windows = np.arange(len(at)) - np.repeat(np.cumsum(counts) - counts, counts) + begin[at]
    return numbered(take_groups(run.partial, at), windows)


def _merge_all(parts: list[Partial], algebra: PartialAggregates) -> ClosedWindows:
    # A lone partial would be taken for merged already; what was repeated for its windows is not.
    keys, results = algebra.finish(algebra.merge([*parts, algebra.empty(extra=1)], keep_extra=True))
    return ClosedWindows(values_of(keys[0]), keys[1:], results)
