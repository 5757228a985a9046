"""What joins share that go by time: a step's rows in the order in which they came, each with its watermark."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch, Times, concat_batches
from streamsql.operators.base import Operator
from streamsql.operators.join_input import Changes, InputSpec, JoinInput
from streamsql.operators.lateness import times_of, watermarks_of
from streamsql.record import record
from streamsql.state.base import State
from streamsql.state.fixed_width import BoolArray, Int64Array
from streamsql.state.kept_rows import empty_rows
from streamsql.state.key_codes import KeyCodes
from streamsql.state.progress import Progress
from streamsql.time import BEGIN_OF_TIME, Duration, Time

UNKEYED = (-1, -2)
"""The code of rows without a key, by port: they match nothing, not even each other."""


@record(eq=False)
class Came:
    """The rows that a step brings to one input.

    `times`: their event times. `watermarks`: what held when each arrived. `arrivals`: their place among all rows of the
    step; None for rows that are not single rows of it: those come when the watermark has reached their time.
    """

    rows: pa.RecordBatch
    times: Times
    watermarks: Times
    arrivals: Times | None

    def __len__(self) -> int:
        return len(self.times)

    @property
    def behind(self) -> int:
        """How many came at or behind the watermark."""
        return int(np.count_nonzero(self.times <= self.watermarks))

    def take(self, mask: BoolArray) -> Came:
        """The rows where `mask` holds."""
        at = np.flatnonzero(mask)
        arrivals = None if self.arrivals is None else self.arrivals[at]
        return Came(self.rows.take(pa.array(at)), self.times[at], self.watermarks[at], arrivals)


class TimedInput(JoinInput):
    """An input whose rows are kept as long as time says: up to `reach` after their own (see Trace.expire)."""

    def __init__(self, spec: InputSpec, codes: KeyCodes, port: int, time: int, reach: Duration) -> None:
        super().__init__(spec, codes)
        self.time = time
        self._reach = reach
        self._port = port
        self._empty = empty_rows(spec.schema.to_arrow())

    def came(self, reached: Time, tick: Duration = 0) -> Came:
        """The rows collected in this step. `tick`: how much earlier than at their time rows of operators come."""
        waiting, self._waiting = [each for each in self._waiting if len(each)], []
        if not waiting:
            none = np.empty(0, np.int64)
            return Came(self._empty, none, none, none)
        batch = concat_batches(waiting)
        times = times_of(batch.rows, self.time) - tick
        if batch.arrivals is None and batch.watermarks is None:
            return Came(batch.rows, times, np.maximum(times - 1, reached), None)
        return Came(batch.rows, times, watermarks_of(batch, reached).values, batch.arrivals)

    def keyed(self, came: Came, places: Int64Array, *, keeps_unkeyed: bool) -> Changes:
        """The rows under the codes of their keys; `places` stand for when they came."""
        codes, keyed = self._codes.encode([came.rows.column(each) for each in self.spec.keys], len(came))
        if keyed is None:
            return Changes(came.rows, codes, places)
        changes = Changes(came.rows, np.where(keyed, codes, UNKEYED[self._port]), places)
        return changes if keeps_unkeyed else changes.take(keyed)

    def apply(self, changes: Changes, sign: int) -> Int64Array:
        """Store rows; they are never taken back."""
        last_needed = times_of(changes.rows, self.time) + (self._reach - 1)
        return self.trace.add(changes.codes, changes.rows, last_needed)


@record(eq=False)
class Step:
    """What a step brings: rows of both inputs, each with its place in their common order.

    `watermarks`: what held before each, by place. The step takes the watermark from `before` to `after`.
    """

    left: Came
    right: Came
    left_places: Int64Array
    right_places: Int64Array
    watermarks: Times
    before: Time
    after: Time

    @property
    def behind(self) -> int:
        """How many rows came at or behind the watermark."""
        return self.left.behind + self.right.behind

    def rises(self, times: Times) -> Int64Array:
        """The place of the row that takes the watermark to each time; -1 where it had risen before the first one, as by
        the end of an input."""
        return np.searchsorted(np.append(self.watermarks, self.after), times) - 1

    def arrivals_at(self, places: Int64Array) -> Times | None:
        """The place of each among all rows of the step; None where it has none."""
        if self.left.arrivals is None or self.right.arrivals is None:
            return None
        arrivals = np.empty(len(self.watermarks), np.int64)
        arrivals[self.left_places], arrivals[self.right_places] = self.left.arrivals, self.right.arrivals
        return arrivals[places]

    def watermarks_at(self, places: Int64Array) -> Times:
        """The watermark before the row at each place; that before the step at -1."""
        return np.append(self.watermarks, self.before)[places]


def take_step(left: Came, right: Came, before: Time, after: Time) -> Step:
    """Order the rows of both inputs by watermark, then as they came; at one watermark rows of operators come last."""
    marks = np.concatenate([left.watermarks, right.watermarks])
    derived = np.repeat([left.arrivals is None, right.arrivals is None], [len(left), len(right)])
    arrivals = [np.zeros(len(each), np.int64) if each.arrivals is None else each.arrivals for each in (left, right)]
    order = np.lexsort((np.concatenate(arrivals), derived, marks))
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    return Step(left, right, places[: len(left)], places[len(left) :], marks[order], before, after)


class TimedJoin(Operator):
    """Takes a step as a whole, when all of it is in; what each row meets is decided by its watermark."""

    needs_arrivals = True

    def __init__(self, left: TimedInput, right: TimedInput, codes: KeyCodes) -> None:
        self._codes = codes
        self._left, self._right = left, right
        self.progress = Progress()
        self._risen: Time = BEGIN_OF_TIME

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        (self._right if port else self._left).collect(batch)
        return ()

    def on_watermark(self, time: Time) -> Iterable[Batch]:
        self._risen = time
        return ()

    def on_step_end(self) -> Iterable[Batch]:
        before = self.progress.time
        rose = self.progress.advance(self._risen)
        left, right = self._came(before)
        if not (len(left) or len(right) or rose):
            return
        yield from self._step(take_step(left, right, before, self.progress.time))
        live = 0
        for each in (self._left.trace, self._right.trace):
            each.settle()
            live += each.rows
        self._codes.forget_unused(live, lambda: [_keyed(each.trace.used_codes()) for each in (self._left, self._right)])

    def states(self) -> dict[str, State]:
        return {
            "left": self._left.trace,
            "right": self._right.trace,
            "keys": self._codes,
            "progress": self.progress,
        }

    def _came(self, reached: Time) -> tuple[Came, Came]:
        return self._left.came(reached), self._right.came(reached)

    @abstractmethod
    def _step(self, step: Step) -> Iterator[Batch]:
        """What the step adds to the result."""


def _keyed(codes: Int64Array) -> Int64Array:
    return codes[codes >= 0]
