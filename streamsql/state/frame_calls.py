"""The calls of one OVER window, computed over the frames of sorted rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa

from streamsql.expr.aggregates import AggregateCall, is_frame_call
from streamsql.expr.types import Schema, arrow_type
from streamsql.record import record
from streamsql.state.decomposition import ROWS, Groups
from streamsql.state.fixed_width import Int64Array, int64_array
from streamsql.state.frames import Layout, over_frames
from streamsql.state.linear import Count, Values
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

    def accumulated(self, columns: Mapping[str, Values], lows: Int64Array, highs: Int64Array) -> dict[str, Values]:
        """The accumulators of frames."""
        found: dict[str, Values] = {ROWS: over_frames(Count(), {"": columns[ROWS]}, lows, highs)[""]}
        for slot in self.algebra.parts.slots:
            found |= slot.write(over_frames(slot.linear, slot.read(columns), lows, highs))
        return found

    def results(self, columns: Mapping[str, Values], size: int) -> dict[int, pa.Array]:
        """The results of the linear calls, by position."""
        groups = Groups(size, columns, {}, {})
        return {index: result(groups) for index, result in zip(self.linear, self.algebra.parts.results, strict=True)}

    def over_whole(
        self, rows: pa.RecordBatch, ordinals: Int64Array, lows: Int64Array, highs: Int64Array
    ) -> dict[int, pa.Array]:
        """The results of the calls that need all rows of a frame."""
        if not self.whole:
            return {}
        held = np.flatnonzero(highs > lows)
        if len(held) < len(lows):
            results = self.over_whole(rows, ordinals, lows[held], highs[held])
            return {index: _spread(each, held, len(lows), self.calls[index]) for index, each in results.items()}
        found: list[list[pa.Array]] = []
        sums = np.cumsum(highs - lows)
        begin = 0
        while begin < len(lows):
            before = int(sums[begin - 1]) if begin else 0
            end = max(begin + 1, int(np.searchsorted(sums, before + _EXPANDED, "right")))
            found.append(self._repeated(rows, ordinals, lows[begin:end], highs[begin:end]))
            begin = end
        parts = (
            zip(*found, strict=True)
            if found
            else ([pa.array([], arrow_type(self.calls[each].type))] for each in self.whole)
        )
        return {index: pa.concat_arrays(list(each)) for index, each in zip(self.whole, parts, strict=True)}

    def _repeated(
        self, rows: pa.RecordBatch, ordinals: Int64Array, lows: Int64Array, highs: Int64Array
    ) -> list[pa.Array]:
        lengths = highs - lows
        frame = np.repeat(np.arange(len(lows)), lengths)
        at = np.arange(len(frame)) - np.repeat(np.cumsum(lengths) - lengths, lengths) + lows[frame]
        partial = self._whole_algebra.partial(rows.take(int64_array(at)), None, [int64_array(frame)], ordinals[at])
        return self._whole_algebra.finish(partial)[1]


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

    `frame`: where the frame of each begins and ends, for NTH_VALUE, which goes by it.
    """

    layout: Layout
    rows: pa.RecordBatch
    rows_before: Int64Array
    values_before: Int64Array
    frame: tuple[Int64Array, Int64Array] | None = None


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


def _nth_value(call: AggregateCall, of: Placed, at: Int64Array) -> pa.Array:
    assert of.frame is not None
    lows, highs = of.frame
    wanted = lows[at] + _number(call) - 1
    there = wanted < highs[at]
    return of.rows.column(call.args[0]).take(int64_array(np.where(there, wanted, 0), there))


def _shifted(direction: int) -> Callable[[AggregateCall, Placed, Int64Array], pa.Array]:
    def of_row(call: AggregateCall, of: Placed, at: Int64Array) -> pa.Array:
        values = of.rows.column(call.args[0])
        wanted = at + direction * _number(call)
        there = (wanted >= of.layout.begins[at]) & (wanted < of.layout.ends[at])
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
    "LAG": _shifted(-1),
    "LEAD": _shifted(1),
}
PLACED = frozenset(_PLACED)
"""The functions that go by the row's place in its partition."""
