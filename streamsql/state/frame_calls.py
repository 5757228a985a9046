"""The calls of one OVER window, computed over the frames of sorted rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa

from streamsql.expr.aggregates import AggregateCall, is_frame_call, skips_nulls
from streamsql.expr.types import Schema, arrow_type
from streamsql.record import record
from streamsql.state.decomposition import ROWS, Groups
from streamsql.state.fixed_width import BoolArray, Int64Array, int64_array
from streamsql.state.frames import Layout, Stretches, over_frames
from streamsql.state.linear import Columns, Count, Linear, Values
from streamsql.state.ordering import lexical_order
from streamsql.state.partial_aggregates import PartialAggregates
from streamsql.state.row_groups import NumberedGroups, RowGroups

_EXPANDED = 1 << 18
"""So many rows at most are repeated for the frames that they lie in at a time."""


def each_row(keys: Sequence[pa.Array], count: int) -> RowGroups:
    """Every row as a group of its own."""
    return NumberedGroups(np.arange(count), count, tuple(keys), np.ones(count, np.int64))


class FrameCalls:
    """Calls by how they are computed: `linear` from accumulators, `whole` from all rows of the frame, `placed` from
    where the row stands. Each holds positions in the list of calls."""

    def __init__(self, schema: Schema, calls: Sequence[AggregateCall]) -> None:
        self.calls = tuple(calls)
        self.placed = [index for index, call in enumerate(calls) if not is_frame_call(call)]
        singly = {
            index: PartialAggregates(schema, (), [call], append_only=True)
            for index, call in enumerate(calls)
            if is_frame_call(call)
        }
        self.linear = [index for index, each in singly.items() if not (each.parts.sets or each.parts.lists)]
        self.whole = [index for index in singly if index not in self.linear]
        self.algebra = PartialAggregates(schema, (), [calls[each] for each in self.linear], True, each_row)
        self._whole_algebra = PartialAggregates(schema, (), [calls[each] for each in self.whole], True)

    def columns(self, rows: pa.RecordBatch, ordinals: Int64Array) -> dict[str, Values]:
        """The accumulators of each row by itself."""
        return dict(self.algebra.partial(rows, None, (), ordinals).columns)

    def accumulated(self, columns: Mapping[str, Values], frames: Stretches) -> dict[str, Values]:
        """The accumulators of frames."""
        found: dict[str, Values] = {ROWS: _over_stretches(Count(), {"": columns[ROWS]}, frames)[""]}
        for slot in self.algebra.parts.slots:
            found |= slot.write(_over_stretches(slot.linear, slot.read(columns), frames))
        return found

    def results(self, columns: Mapping[str, Values], size: int) -> dict[int, pa.Array]:
        """The results of the linear calls, by position."""
        groups = Groups(size, columns, {}, {})
        return {index: result(groups) for index, result in zip(self.linear, self.algebra.parts.results, strict=True)}

    def over_whole(self, rows: pa.RecordBatch, ordinals: Int64Array, frames: Stretches) -> dict[int, pa.Array]:
        """The results of the calls that need all rows of a frame."""
        if not self.whole:
            return {}
        lengths = np.sum([highs - lows for lows, highs in frames], axis=0)
        held = np.flatnonzero(lengths)
        if len(held) < len(lengths):
            results = self.over_whole(rows, ordinals, _part(frames, held))
            return {index: _spread(each, held, len(lengths), self.calls[index]) for index, each in results.items()}
        found: list[list[pa.Array]] = []
        sums = np.cumsum(lengths)
        begin = 0
        while begin < len(lengths):
            before = int(sums[begin - 1]) if begin else 0
            end = max(begin + 1, int(np.searchsorted(sums, before + _EXPANDED, "right")))
            found.append(self._repeated(rows, ordinals, _part(frames, slice(begin, end))))
            begin = end
        parts = (
            zip(*found, strict=True)
            if found
            else ([pa.array([], arrow_type(self.calls[each].type))] for each in self.whole)
        )
        return {index: pa.concat_arrays(list(each)) for index, each in zip(self.whole, parts, strict=True)}

    def _repeated(self, rows: pa.RecordBatch, ordinals: Int64Array, frames: Stretches) -> list[pa.Array]:
        members = [_members(lows, highs) for lows, highs in frames]
        frame, at = (np.concatenate(each) for each in zip(*members, strict=True))
        if len(members) > 1:
            order = lexical_order([frame, at])
            frame, at = frame[order], at[order]
        partial = self._whole_algebra.partial(rows.take(int64_array(at)), None, [int64_array(frame)], ordinals[at])
        return self._whole_algebra.finish(partial)[1]


def _over_stretches(linear: Linear, columns: Columns, frames: Stretches) -> Columns:
    first, *others = (over_frames(linear, columns, lows, highs) for lows, highs in frames)
    for each in others:
        first = linear.combine(first, each)
    return first


def _part(frames: Stretches, at: Int64Array | slice) -> Stretches:
    return tuple((lows[at], highs[at]) for lows, highs in frames)


def _members(lows: Int64Array, highs: Int64Array) -> tuple[Int64Array, Int64Array]:
    """The rows of frames one after the other: of each the number of its frame, and where it stands."""
    lengths = highs - lows
    frame = np.repeat(np.arange(len(lows)), lengths)
    return frame, np.arange(len(frame)) - np.repeat(np.cumsum(lengths) - lengths, lengths) + lows[frame]


def _spread(results: pa.Array, held: Int64Array, size: int, call: AggregateCall) -> pa.Array:
    """The results of frames that hold rows among those that hold none: a count is 0 there, all else NULL."""
    places = np.zeros(size, np.int64)
    places[held] = np.arange(len(held))
    there = np.zeros(size, np.bool_)
    there[held] = True
    found = results.take(int64_array(places, there))
    return found if call.type.nullable else found.fill_null(0)


@record(eq=False)
class Placed:
    """Sorted rows with what was before them in their partition: so many rows, so many different values to order by.

    `frames`: those of the rows, for NTH_VALUE, which goes by them.
    """

    layout: Layout
    rows: pa.RecordBatch
    rows_before: Int64Array
    values_before: Int64Array
    frames: Stretches = ()


def placed_result(call: AggregateCall, of: Placed, at: Int64Array) -> pa.Array:
    """The result of a ranking or navigation function for the rows at some positions."""
    return _PLACED[call.function](call, of, at)


def _row_number(call: AggregateCall, of: Placed, at: Int64Array) -> pa.Array:
    return int64_array(of.rows_before[at] + at - of.layout.begins[at] + 1)


def _rank(call: AggregateCall, of: Placed, at: Int64Array) -> pa.Array:
    return int64_array(of.rows_before[at] + of.layout.peers[at] - of.layout.begins[at] + 1)


def _dense_rank(call: AggregateCall, of: Placed, at: Int64Array) -> pa.Array:
    values = np.cumsum(of.layout.peers == np.arange(len(of.layout.peers)))
    return int64_array((of.values_before + values - values[of.layout.begins] + 1)[at])


def _percent_rank(call: AggregateCall, of: Placed, at: Int64Array) -> pa.Array:
    others = np.maximum(of.layout.ends[at] - of.layout.begins[at] - 1, 1)
    return pa.array((of.layout.peers[at] - of.layout.begins[at]) / others)


def _cume_dist(call: AggregateCall, of: Placed, at: Int64Array) -> pa.Array:
    begins = of.layout.begins[at]
    return pa.array((of.layout.peers_end[at] - begins) / (of.layout.ends[at] - begins))


def _ntile(call: AggregateCall, of: Placed, at: Int64Array) -> pa.Array:
    """The first rows make buckets that are one larger."""
    buckets = _number(call)
    size = of.layout.ends[at] - of.layout.begins[at]
    small, larger = np.divmod(size, buckets)
    place = at - of.layout.begins[at]
    split = larger * (small + 1)
    return int64_array(
        np.where(place < split, place // (small + 1), larger + (place - split) // np.maximum(small, 1)) + 1
    )


@record(eq=False)
class _Counted:
    """The rows that navigation counts: where each stands, and how many are before each row (and before the end)."""

    rows: Int64Array
    before: Int64Array

    @staticmethod
    def of(call: AggregateCall, values: pa.Array) -> _Counted:
        """All rows, or those whose value is not NULL."""
        if not skips_nulls(call):
            return _Counted(np.arange(len(values)), np.arange(len(values) + 1))
        there = np.asarray(values.is_valid())
        return _Counted(there.nonzero()[0], np.append(0, np.cumsum(there)))

    def at(self, numbers: Int64Array, low: Int64Array, high: Int64Array) -> tuple[Int64Array, BoolArray]:
        """The counted rows of these numbers, and which of them there are from `low` up to (not including) `high`."""
        known = (numbers >= 0) & (numbers < len(self.rows))
        found = self.rows[np.where(known, numbers, 0)] if len(self.rows) else np.zeros(len(numbers), np.int64)
        return found, known & (found >= low) & (found < high)


def _nth_value(call: AggregateCall, of: Placed, at: Int64Array) -> pa.Array:
    return _first_found(call, of, at, tuple(of.frames), _number(call) - 1)


def _last_of_frame(call: AggregateCall, of: Placed, at: Int64Array) -> pa.Array:
    return _first_found(call, of, at, tuple(reversed(of.frames)), -1)


def _first_found(call: AggregateCall, of: Placed, at: Int64Array, frames: Stretches, number: int) -> pa.Array:
    """The value so many rows from the beginning, or, counted from -1 down, from the end."""
    values = of.rows.column(call.args[0])
    counted = _Counted.of(call, values)
    source, found = np.zeros(len(at), np.int64), np.zeros(len(at), np.bool_)
    left = np.full(len(at), number)
    for lows, highs in frames:
        low, high = lows[at], highs[at]
        edge = counted.before[low if number >= 0 else high]
        rows, there = counted.at(edge + left, low, high)
        source = np.where(there & ~found, rows, source)
        found |= there
        left -= counted.before[high] - counted.before[low] if number >= 0 else 0
    return values.take(int64_array(source, found))


def _shifted(direction: int) -> Callable[[AggregateCall, Placed, Int64Array], pa.Array]:
    def of_row(call: AggregateCall, of: Placed, at: Int64Array) -> pa.Array:
        values = of.rows.column(call.args[0])
        counted = _Counted.of(call, values)
        distance = _number(call)
        numbers = counted.before[at] - distance if direction < 0 else counted.before[at + 1] + distance - 1
        wanted, there = counted.at(numbers, of.layout.begins[at], of.layout.ends[at])
        found = values.take(int64_array(np.where(there, wanted, 0), there))
        if len(call.args) == 1 or bool(there.all()):
            return found
        default = of.rows.column(call.args[1]).take(int64_array(at))
        source = np.where(there, np.arange(len(at)), np.arange(len(at)) + len(at))
        return pa.concat_arrays([found, default]).take(int64_array(source))

    return of_row


def _number(call: AggregateCall) -> int:
    number = call.options[0]
    assert isinstance(number, int)
    return number


_PLACED: Mapping[str, Callable[[AggregateCall, Placed, Int64Array], pa.Array]] = {
    "ROW_NUMBER": _row_number,
    "RANK": _rank,
    "DENSE_RANK": _dense_rank,
    "PERCENT_RANK": _percent_rank,
    "CUME_DIST": _cume_dist,
    "NTILE": _ntile,
    "NTH_VALUE": _nth_value,
    "LAST_OF_FRAME": _last_of_frame,
    "LAG": _shifted(-1),
    "LEAD": _shifted(1),
}
PLACED = frozenset(_PLACED)
"""The functions that go by the row's place in its partition."""
