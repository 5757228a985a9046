"""What OVER keeps of the rows it has computed: accumulators of each key, or the rows that frames still reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from streamsql.batch import Times
from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.types import Schema
from streamsql.expr.windows import Frame
from streamsql.operators.lateness import times_of
from streamsql.record import record
from streamsql.state.accumulators import Accumulators
from streamsql.state.base import State
from streamsql.state.fixed_width import BoolArray, Int64Array, int64_array
from streamsql.state.frame_calls import FrameCalls, Placed, placed_result
from streamsql.state.frames import Layout, chosen, frame_bounds, joined
from streamsql.state.ordering import lexical_order
from streamsql.state.owner_numbers import OwnerNumbers
from streamsql.state.progress import Progress
from streamsql.state.row_lists import RowLists
from streamsql.state.row_slots import RowSlots
from streamsql.time import BEGIN_OF_TIME


@record(eq=False)
class Sorted:
    """New rows by owner and then in order; `of_rows`: positions in `owners`; `codes`: what peers are equal in."""

    rows: pa.RecordBatch
    of_rows: Int64Array
    owners: Int64Array
    codes: Sequence[Int64Array]


class OverHistory(State):
    """Computes calls for new rows, which come after all rows of their owners that were computed before.

    Calls with an unbounded frame go on from accumulators; others, and LAG, from kept rows. `time`: the event time that
    rows go by, if they do; `distance`: the column that a frame by values is measured in.
    """

    def __init__(
        self, schema: Schema, calls: Sequence[AggregateCall], frame: Frame, time: int | None, distance: int | None
    ) -> None:
        self._calls = FrameCalls(schema, calls)
        self._frame = frame
        self._time = time
        self._distance = distance
        self.unbounded = frame.start is None
        self._arrow_schema = schema.to_arrow()
        self._kept_rows = _rows_needed(self._calls, frame)
        self._kept_time = 0 if frame.by_rows or frame.start is None else -frame.start
        self._keeps_all = self.unbounded and bool(self._calls.whole)
        self._lists = RowLists()
        self._store = RowSlots(pa.schema([(f"c{i}", each) for i, each in enumerate(self._arrow_schema.types)]))
        self._carried = Accumulators(self._calls.algebra.parts.slots)
        self._numbers = OwnerNumbers({"last": BEGIN_OF_TIME, "rows": 0, "values": 0})
        self._computed = Progress()

    @property
    def rows(self) -> int:
        return self._lists.rows + self._carried.rows

    def last_times(self, owners: Int64Array) -> Times:
        """The time of the last row computed of each owner."""
        return self._numbers.take("last", owners)

    def drop(self, owners: Int64Array) -> None:
        """Forget all of owners."""
        _, kept = self._lists.take(owners)
        self._store.remove(kept)
        self._lists.put(owners, owners[:0], owners[:0])
        self._carried.drop(owners)
        self._numbers.drop(owners)

    def compute(self, new: Sorted) -> list[pa.Array]:
        """The results of all calls for the new rows, in their order; these are history afterwards."""
        every, fresh = self._with_kept(new)
        layout = Layout.of(every.of_rows, every.codes)
        ordinals = np.arange(every.rows.num_rows)
        found: dict[int, pa.Array] = {}
        if self._calls.linear and self.unbounded:
            found |= self._from_accumulators(new)
        if self._calls.whole or (self._calls.linear and not self.unbounded):
            keys = None if self._distance is None else times_of(every.rows, self._distance)
            lows, highs = (each[fresh] for each in frame_bounds(self._frame, layout, every.of_rows, keys))
            frames = ((lows, highs),)
            found |= self._calls.over_whole(every.rows, ordinals, frames)
            if self._calls.linear and not self.unbounded:
                columns = self._calls.accumulated(self._calls.columns(every.rows, ordinals), frames)
                found |= self._calls.results(columns, len(fresh))
        placed = self._placed(new, every, layout)
        for index in self._calls.placed:
            found[index] = placed_result(self._calls.calls[index], placed, fresh)
        self._keep(new, every, layout)
        return [found[index] for index in range(len(self._calls.calls))]

    def _with_kept(self, new: Sorted) -> tuple[Sorted, Int64Array]:
        """Kept and new rows together, and where the new ones stand."""
        holders, ids = self._lists.take(new.owners)
        count = new.rows.num_rows
        if not len(ids):
            return new, np.arange(count)
        of_rows = np.concatenate([holders, new.of_rows])
        order = lexical_order([of_rows])
        kept = self._store.take(ids)
        rows = pa.Table.from_batches([kept, kept.from_arrays(new.rows.columns, schema=kept.schema)])
        whole = rows.combine_chunks().to_batches()[0].take(int64_array(order))
        # A kept row is no peer of a new one, nor does it matter whose peer it is.
        codes = [np.concatenate([np.full(len(ids), np.iinfo(np.int64).min), each])[order] for each in new.codes]
        return Sorted(whole, of_rows[order], new.owners, codes), (order >= len(ids)).nonzero()[0]

    def _from_accumulators(self, new: Sorted) -> dict[int, pa.Array]:
        """Each owner's accumulators stand before its new rows, as if they were a row."""
        groups, count = len(new.owners), new.rows.num_rows
        old = self._carried.take(new.owners)
        own = self._calls.columns(new.rows, self._computed.number(count))
        starts = np.searchsorted(new.of_rows, np.arange(groups + 1))
        carried_at = starts[:-1] + np.arange(groups)
        order = np.empty(groups + count, np.int64)
        order[carried_at] = np.arange(groups)
        order[np.arange(count) + new.of_rows + 1] = np.arange(count) + groups
        columns = chosen(joined(old, own, (groups, count)), order)
        layout = Layout.of(new.of_rows, new.codes)
        ends = np.arange(1, count + 1) if self._frame.by_rows else layout.peers_end
        found = self._calls.accumulated(columns, ((carried_at[new.of_rows], ends + new.of_rows + 1),))
        whole = self._calls.accumulated(columns, ((carried_at, starts[1:] + np.arange(groups) + 1),))
        self._carried.put(new.owners, old, whole)
        return self._calls.results(found, count)

    def _placed(self, new: Sorted, every: Sorted, layout: Layout) -> Placed:
        """What ranks begin with: the rows computed before, less those that are kept and so counted anyway."""
        kept = np.bincount(every.of_rows, minlength=len(new.owners)) - np.bincount(
            new.of_rows, minlength=len(new.owners)
        )
        rows, values = (self._numbers.take(name, new.owners) for name in ("rows", "values"))
        # Kept rows of an owner all have one code: they count as one value.
        return Placed(layout, every.rows, (rows - kept)[every.of_rows], (values - (kept > 0))[every.of_rows])

    def _keep(self, new: Sorted, every: Sorted, layout: Layout) -> None:
        counts = np.bincount(new.of_rows, minlength=len(new.owners))
        own = Layout.of(new.of_rows, new.codes)
        values = np.bincount(new.of_rows[own.peers == np.arange(len(own.peers))], minlength=len(new.owners))
        for name, more in (("rows", counts), ("values", values)):
            self._numbers.put(name, new.owners, self._numbers.take(name, new.owners) + more)
        if self._time is not None:
            last = np.cumsum(counts) - 1
            self._numbers.put("last", new.owners, times_of(new.rows, self._time)[last])
        if self._keeps_all or self._kept_rows or self._kept_time:
            self._keep_rows(every, self._wanted(every, layout))

    def _wanted(self, every: Sorted, layout: Layout) -> BoolArray:
        """The rows that a frame to come may reach."""
        if self._keeps_all:
            return np.ones(every.rows.num_rows, np.bool_)
        wanted = layout.ends - np.arange(every.rows.num_rows) <= self._kept_rows
        if self._distance is not None:
            times = times_of(every.rows, self._distance)
            wanted |= times > times[layout.ends - 1] - self._kept_time
        return np.asarray(wanted)

    def _keep_rows(self, every: Sorted, wanted: BoolArray) -> None:
        _, old = self._lists.take(every.owners)
        self._store.remove(old)
        at = wanted.nonzero()[0]
        rows = every.rows.take(int64_array(at))
        ids = self._store.insert(pa.RecordBatch.from_arrays(rows.columns, schema=self._store.schema))
        self._lists.put(every.owners, every.of_rows[at], ids)

    def save(self) -> dict[str, pa.Table]:
        return {f"{name}.{table}": each for name, part in self._parts().items() for table, each in part.save().items()}

    def load(self, tables: dict[str, pa.Table]) -> None:
        for name, part in self._parts().items():
            own = {key.split(".", 1)[1]: each for key, each in tables.items() if key.split(".", 1)[0] == name}
            part.load(own)

    def _parts(self) -> Mapping[str, State]:
        return {
            "lists": self._lists,
            "store": self._store,
            "carried": self._carried,
            "numbers": self._numbers,
            "computed": self._computed,
        }


def _rows_needed(calls: FrameCalls, frame: Frame) -> int:
    """How many of the last rows are looked at again, whatever their values."""
    options = (calls.calls[index] for index in calls.placed)
    lags = [int(str(call.options[0])) for call in options if call.function == "LAG"]
    return max([*lags, -(frame.start or 0) if frame.by_rows else 0])
