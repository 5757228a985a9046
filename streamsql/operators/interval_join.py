"""IntervalJoin: pairs of rows whose event times lie near each other; rows are kept only as long as that is possible."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from streamsql.batch import Batch, concat_batches
from streamsql.operators.base import RowsBehind
from streamsql.operators.join_input import InputSpec
from streamsql.operators.join_pairs import Condition, Pairs, in_order, match
from streamsql.operators.join_result import Result, ResultWriter
from streamsql.operators.timed_join import Step, TimedInput, TimedJoin
from streamsql.record import record
from streamsql.row_watermarks import GivenWatermarks
from streamsql.state.fixed_width import Int64Array, values_of
from streamsql.state.key_codes import KeyCodes
from streamsql.time import BEGIN_OF_TIME, Duration


@record(eq=False)
class Arrived:
    """The rows of one input that a step stored: numbers from `first` on, at these places."""

    first: int
    places: Int64Array

    def places_of(self, numbers: Int64Array) -> Int64Array:
        """Where each row came in the step; -1 for rows from before it."""
        found = np.full(len(numbers), -1)
        new = np.flatnonzero(numbers >= self.first)
        found[new] = self.places[numbers[new] - self.first]
        return found


@record(eq=False)
class Padded:
    """Rows without partner, and what they are put in order by."""

    batches: Sequence[Batch]
    keys: tuple[Int64Array, ...]


class IntervalJoin(TimedJoin):
    """INNER, LEFT, RIGHT and FULL; `kept`: the ports whose rows are delivered without partner too.

    A row is there until the watermark reaches its time plus the reach of its side: a later row, however late, meets
    what is there at its own watermark. Pairs come as their later row arrives. After them come the rows that the rise of
    the watermark then leaves without partner: by the time at which they expire, their own time, and arrival.
    """

    def __init__(
        self,
        inputs: tuple[InputSpec, InputSpec],
        times: tuple[int, int],
        reaches: tuple[Duration, Duration],
        codes: KeyCodes,
        condition: Condition | None,
        result: Result,
        kept: Sequence[int],
    ) -> None:
        sides = [TimedInput(inputs[port], codes, port, times[port], reaches[port]) for port in (0, 1)]
        super().__init__(sides[0], sides[1], codes)
        self.schema = result.schema
        self.watermark_shift = -max(0, *reaches)
        self._condition = condition
        self._kept = tuple(kept)
        self._writer = ResultWriter(result, {0: sides[0].trace, 1: sides[1].trace})

    def _step(self, step: Step) -> Iterator[Batch]:
        if step.behind and self.on_behind is not None:
            self.on_behind(RowsBehind(step.behind))
        left = self._left.keyed(step.left, step.left_places, keeps_unkeyed=0 in self._kept)
        right = self._right.keyed(step.right, step.right_places, keeps_unkeyed=1 in self._kept)
        matched = match(self._left, self._right, (left, right), 1, self._condition)
        pairs = self._still_there(in_order(matched), step)
        for port in self._kept:
            numbers = pairs.right if port else pairs.left
            (self._right if port else self._left).trace.add_to_tallies(numbers, np.ones(len(numbers), np.int64))
        padded = [
            *self._expire(0, self._left, Arrived(matched.first_left, left.arrivals), step),
            *self._expire(1, self._right, Arrived(matched.first_right, right.arrivals), step),
        ]
        found = self._writer.pairs(pairs, 1, ordered=True)
        if padded:
            yield self._interleaved(pairs, [*found], padded, step)
            return
        for batch in found:
            assert batch.arrivals is not None
            yield self._timed(batch, batch.arrivals, step)

    def _still_there(self, pairs: Pairs, step: Step) -> Pairs:
        """The pairs whose earlier row had not expired when the later one came."""
        if not step.behind or not len(pairs):
            return pairs
        earlier_left = self._left.trace.expiries(pairs.left)
        expiries = np.where(pairs.left_later, self._right.trace.expiries(pairs.right), earlier_left)
        return pairs.take(np.flatnonzero(expiries >= step.watermarks_at(pairs.arrivals)))

    def _expire(self, port: int, side: TimedInput, arrived: Arrived, step: Step) -> Iterator[Padded]:
        """Free the rows whose time is over; those without partner that must be delivered."""
        gone = side.trace.expire(step.after)
        if port not in self._kept:
            return
        lone = gone[side.trace.tallies(gone) == 0]
        if not len(lone):
            return
        last_needed = side.trace.expiries(lone)
        places = np.maximum(step.rises(last_needed + 1), arrived.places_of(lone))
        times = values_of(side.trace.take(lone, [side.time])[0])
        keys = (places, np.ones(len(lone), np.int64), last_needed, times, np.full(len(lone), port))
        yield Padded([*self._writer.rows(port, lone, 1)], keys)

    def _interleaved(self, pairs: Pairs, found: Sequence[Batch], padded: Sequence[Padded], step: Step) -> Batch:
        """Pairs and padded rows in the order in which they come row by row."""
        none = np.zeros(len(pairs), np.int64)
        keys = [(pairs.arrivals, none, none, none, none), *(each.keys for each in padded)]
        by_key = [np.concatenate(parts) for parts in zip(*keys, strict=True)]
        order = np.lexsort(by_key[::-1])
        batches = [*found, *(batch for each in padded for batch in each.batches)]
        plain = concat_batches([replace(each, arrivals=None) for each in batches]).take(order)
        return self._timed(plain, by_key[0][order], step)

    def _timed(self, batch: Batch, places: Int64Array, step: Step) -> Batch:
        """With the watermark as those see it who read the result."""
        marks = step.watermarks_at(places)
        shifted = np.where(marks == BEGIN_OF_TIME, marks, marks + self.watermark_shift)
        arrivals = None if self._kept else step.arrivals_at(places)
        return replace(batch, watermarks=GivenWatermarks(shifted), arrivals=arrivals)
