"""ProcessingTimeJoin: each left row with the right rows as they are when it arrives, never corrected afterwards."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch, Times, concat_batches
from streamsql.operators.base import Operator
from streamsql.operators.join_input import InputSpec, JoinInput, StepChanges
from streamsql.operators.join_pairs import Condition
from streamsql.operators.join_result import Result
from streamsql.operators.side_rows import SideRows, keyed_rows
from streamsql.record import record
from streamsql.state.base import State
from streamsql.state.fixed_width import Int64Array, int64_array
from streamsql.state.key_codes import KeyCodes
from streamsql.state.order_codes import order_codes
from streamsql.state.ordering import lexical_order


class ProcessingTimeJoin(Operator):
    """INNER, or LEFT where `padded`; the time of the result is that of the left side.

    A step is taken as a whole: a left row meets the right rows that were there at its place in the arrival order, a row
    of both sides itself too. Where a side's rows are not single rows of the step, the right changes come first. The
    partners of a row come as they arrived; where the right side takes rows back, by their values.
    """

    needs_arrivals = True
    timed_ports = (0,)

    def __init__(
        self,
        inputs: tuple[InputSpec, InputSpec],
        codes: KeyCodes,
        condition: Condition | None,
        result: Result,
        *,
        padded: bool,
    ) -> None:
        self.schema = result.schema
        self._left, spec = inputs
        self._codes = codes
        self._right = JoinInput(spec, codes)
        self._waiting: list[Batch] = []
        self._side = SideRows(self._left, condition, result, padded=padded)
        self._arrow = spec.schema.to_arrow()

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        if port:
            self._right.collect(batch)
        elif len(batch):
            self._waiting.append(batch)
        return ()

    def on_step_end(self) -> Iterable[Batch]:
        changes = self._right.take_step(0)
        waiting, self._waiting = self._waiting, []
        if waiting:
            left = concat_batches(waiting)
            at, numbers = self._partners(left, changes)
            right = pa.RecordBatch.from_arrays(self._right.trace.take(numbers), schema=self._arrow)
            yield self._side.joined(left, *self._in_order(at, right))
        else:
            self._apply(changes, 1)
            self._apply(changes, -1)
        if changes.size:
            trace = self._right.trace
            trace.settle()
            self._codes.forget_unused(trace.rows, lambda: [trace.used_codes()])

    def states(self) -> dict[str, State]:
        given = self._side.given
        return {"right": self._right.trace, "keys": self._codes, **({} if given is None else {"given": given})}

    def _apply(self, changes: StepChanges, sign: int) -> Int64Array:
        """Add the step's right rows, or take them back; the number of each."""
        rows = changes.signed(sign)
        return self._right.apply(rows, sign) if len(rows) else np.empty(0, np.int64)

    def _partners(self, left: Batch, changes: StepChanges) -> tuple[Int64Array, Int64Array]:
        """Pairs (position in the left batch, number of a right row) that were there; the step's changes are applied."""
        trace = self._right.trace
        added = self._apply(changes, 1)
        codes, keyed = self._codes.find([left.rows.column(each) for each in self._left.keys], len(left))
        rows = keyed_rows(left, keyed)
        found = [(rows[:0], rows[:0]), *trace.probe(codes[rows], 1 << 62)]
        places, numbers = (np.concatenate(each) for each in zip(*found, strict=True))
        at, counts = rows[places], trace.live(numbers)
        removed = self._apply(changes, -1)
        if len(added) or len(removed):
            ordered = changes.ordered and left.arrivals is not None
            came = _Came.of(added, removed, changes, ordered=ordered)
            times = left.arrivals[at] if ordered and left.arrivals is not None else np.ones(len(at), np.int64)
            counts = came.counts_at(times, numbers, counts)
        if (counts == 1).all():
            return at, numbers
        return np.repeat(at, counts), np.repeat(numbers, counts)

    def _in_order(self, at: Int64Array, right: pa.RecordBatch) -> tuple[Int64Array, pa.RecordBatch]:
        if self._right.spec.append_only or not bool((at[1:] == at[:-1]).any()):
            return at, right
        order = lexical_order([at, *(code for column in right.columns for code in order_codes(column))])
        return at[order], right.take(int64_array(order))


@record(eq=False)
class _Came:
    """The changes of a step by row, then by when they came: +1 or -1 each, and the sums of all and of the +1."""

    places: Int64Array
    width: int
    sums: Int64Array
    added: Int64Array

    @classmethod
    def of(cls, added: Int64Array, removed: Int64Array, changes: StepChanges, *, ordered: bool) -> _Came:
        numbers = np.concatenate([added, removed])
        arrivals = np.concatenate([changes.added.arrivals, changes.removed.arrivals])
        arrivals = arrivals if ordered else np.zeros(len(numbers), np.int64)
        signs = np.repeat(np.array([1, -1]), [len(added), len(removed)])
        width = int(arrivals.max()) + 2
        places = numbers * width + arrivals
        order = lexical_order([places])
        sums, adds = (np.append(0, np.cumsum(each[order])) for each in (signs, signs > 0))
        return cls(places[order], width, sums, adds)

    def counts_at(self, times: Times, numbers: Int64Array, counts: Int64Array) -> Int64Array:
        """How often each row was there at a time of the step. `counts`: how often after all that came, before any left.

        What comes at that very time is there; what leaves then is not.
        """
        first, end = (np.searchsorted(self.places, (numbers + more) * self.width) for more in (0, 1))
        then = np.searchsorted(self.places, numbers * self.width + np.minimum(times, self.width - 1), "right")
        before = counts - (self.added[end] - self.added[first])
        found: Int64Array = np.maximum(before + self.sums[then] - self.sums[first], 0)
        return found
