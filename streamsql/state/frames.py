"""Frames of OVER: where they begin and end in sorted rows, and accumulators over them.

An accumulator over any stretch of rows is made of stretches of 1, 2, 4 … rows, each combined of two of half its length,
so that nothing is ever subtracted: sums of floats stay exact to their digits, and extremes need no other way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from streamsql.expr.windows import Frame, Without
from streamsql.record import record
from streamsql.state.fixed_width import AnyArray, BoolArray, Int64Array, int64_array
from streamsql.state.linear import Columns, Linear, Values, replaced
from streamsql.state.ordering import lexical_order


@record(eq=False)
class Layout:
    """Sorted rows: where the partition of each begins and ends, and where its peers do, rows equal in the sort keys."""

    begins: Int64Array
    ends: Int64Array
    peers: Int64Array
    peers_end: Int64Array

    @staticmethod
    def of(partitions: Int64Array, codes: Sequence[AnyArray]) -> Layout:
        """`partitions` and the `codes` of the sort keys run parallel to the rows."""
        breaks = _differs(partitions)
        changes = breaks.copy()
        for each in codes:
            changes |= _differs(each)
        return Layout(*_runs(breaks), *_runs(changes))


def frame_bounds(
    frame: Frame,
    layout: Layout,
    partitions: Int64Array,
    keys: Int64Array | None,
    nulls: BoolArray | None = None,
) -> tuple[Int64Array, Int64Array]:
    """The first row of each row's frame, and the one after its last; never the one before the other.

    `keys`: the one sort key that distances by value are measured in, ascending within its partition. `nulls`: where it
    is NULL: no distance leads away from there.
    """
    rows = np.arange(len(layout.begins))
    if frame.by_groups:
        low, high = _group_bounds(frame, layout)
    elif frame.by_rows:
        low = layout.begins if frame.start is None else rows + frame.start
        high = layout.ends if frame.end is None else rows + frame.end + 1
    else:
        low = layout.begins if frame.start is None else layout.peers
        high = layout.ends if frame.end is None else layout.peers_end
        if frame.start:
            low = _value_bound(frame.start, partitions, keys, "left")
        if frame.end:
            high = _value_bound(frame.end, partitions, keys, "right")
        if nulls is not None:
            low = np.where(nulls & bool(frame.start), layout.peers, low)
            high = np.where(nulls & bool(frame.end), layout.peers_end, high)
    low = np.clip(low, layout.begins, layout.ends)
    return low, np.maximum(np.clip(high, layout.begins, layout.ends), low)


def _group_bounds(frame: Frame, layout: Layout) -> tuple[Int64Array, Int64Array]:
    starts = (layout.peers == np.arange(len(layout.peers))).nonzero()[0]
    edges = np.append(starts, len(layout.peers))
    group = np.searchsorted(starts, layout.peers)
    first = np.searchsorted(starts, layout.begins)
    after = np.searchsorted(edges, layout.ends)
    low = first if frame.start is None else np.clip(group + frame.start, first, after)
    high = after if frame.end is None else np.clip(group + frame.end + 1, first, after)
    return edges[low], edges[high]


Stretches = Sequence[tuple[Int64Array, Int64Array]]
"""Parts of frames in their order: of each frame the first row, and the one after the last."""


def stretches(frame: Frame, layout: Layout, low: Int64Array, high: Int64Array) -> Stretches:
    """Frames with their bounds in parts, so that what EXCLUDE names is between them."""
    rows = np.arange(len(low))
    kept: Stretches = ()
    match frame.without:
        case None:
            return ((low, high),)
        case Without.CURRENT_ROW:
            gap = rows, rows + 1
        case Without.GROUP:
            gap = layout.peers, layout.peers_end
        case Without.TIES:
            gap = layout.peers, layout.peers_end
            kept = ((np.clip(rows, low, high), np.clip(rows + 1, low, high)),)
    begin, end = (np.clip(each, low, high) for each in gap)
    return ((low, begin), *kept, (end, high))


def _value_bound(distance: int, partitions: Int64Array, keys: Int64Array | None, side: str) -> Int64Array:
    assert keys is not None
    wanted = keys + distance
    found = places(partitions, keys, partitions, wanted, side)
    # No number of 64 bits is so far away: the bound lies beyond the partition.
    beyond = np.flatnonzero(wanted < keys if distance > 0 else wanted > keys)
    found[beyond] = np.searchsorted(partitions, partitions[beyond], "right" if distance > 0 else "left")
    return found


def places(groups: Int64Array, values: Int64Array, wanted: Int64Array, numbers: Int64Array, side: str) -> Int64Array:
    """Where `numbers` would stand among `values` of their groups, as in `searchsorted`; both are sorted by group."""
    count = len(groups)
    after = np.repeat(np.array([1, 2 if side == "right" else 0]), [count, len(wanted)])
    order = lexical_order([np.concatenate([groups, wanted]), np.concatenate([values, numbers]), after])
    found = np.empty(len(wanted), np.int64)
    theirs = order >= count
    found[order[theirs] - count] = np.cumsum(~theirs)[theirs]
    return found


def over_frames(linear: Linear, columns: Columns, lows: Int64Array, highs: Int64Array) -> Columns:
    """Accumulate the rows from `lows` up to (not including) `highs`; `columns` have one value a row."""
    result: dict[str, Values] = dict(linear.blanks(len(lows)))
    level: Columns = columns
    at, left, step = lows.copy(), highs - lows, 1
    while True:
        rows = (left & step).nonzero()[0]
        if len(rows):
            found = linear.combine(chosen(result, rows), chosen(level, at[rows]))
            result = _with(result, rows, found)
            at[rows] += step
            left[rows] -= step
        if not left.any():
            return result
        level = linear.combine(_cut(level, slice(None, -step)), _cut(level, slice(step, None)))
        step *= 2


def chosen(columns: Columns, at: Int64Array) -> Columns:
    """The values at some positions."""
    return _each(columns, lambda values: values.take(int64_array(at)) if isinstance(values, pa.Array) else values[at])


def joined(first: Columns, second: Columns, sizes: tuple[int, int]) -> dict[str, Values]:
    """The values of both, one after the other; a column that one of them lacks is 0 there."""
    result: dict[str, Values] = {}
    for name in dict.fromkeys([*first, *second]):
        parts = [each.get(name) for each in (first, second)]
        known = next(each for each in parts if each is not None)
        if isinstance(known, pa.Array):
            result[name] = pa.concat_arrays(parts)
        else:
            pairs = zip(parts, sizes, strict=True)
            result[name] = np.concatenate([np.zeros(n, known.dtype) if part is None else part for part, n in pairs])
    return result


def _with(columns: dict[str, Values], at: Int64Array, found: Columns) -> dict[str, Values]:
    size = len(columns[""])
    for name, values in found.items():
        old = columns.get(name)
        if old is None:
            old = pa.nulls(size, values.type) if isinstance(values, pa.Array) else np.zeros(size, values.dtype)
        columns[name] = replaced(old, at, values)
    for name in columns.keys() - found.keys():
        columns[name] = replaced(columns[name], at, np.zeros(len(at), columns[name].dtype))
    return columns


def _cut(columns: Columns, part: slice) -> Columns:
    return _each(columns, lambda values: values[part])


def _each(columns: Columns, change: Callable[[Values], Values]) -> Columns:
    return {name: change(values) for name, values in columns.items()}


def _differs(values: AnyArray) -> BoolArray:
    different = np.ones(len(values), np.bool_)
    np.not_equal(values[1:], values[:-1], out=different[1:])
    return different


def _runs(breaks: BoolArray) -> tuple[Int64Array, Int64Array]:
    """For each row, where its run begins and ends."""
    starts = breaks.nonzero()[0]
    lengths = np.diff(np.append(starts, len(breaks)))
    return np.repeat(starts, lengths), np.repeat(starts + lengths, lengths)
