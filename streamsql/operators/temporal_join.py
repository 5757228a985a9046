"""TemporalJoin: each left row with the version of its key that is valid at its own time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from streamsql.batch import Batch, Times, concat_batches
from streamsql.operators.base import RowsBehind
from streamsql.operators.interval_join import Arrived
from streamsql.operators.join_input import Changes, InputSpec
from streamsql.operators.join_pairs import Condition, Pairs
from streamsql.operators.join_result import Result, ResultWriter
from streamsql.operators.timed_join import Step, TimedInput, TimedJoin
from streamsql.record import record
from streamsql.row_watermarks import GivenWatermarks
from streamsql.state.fixed_width import BoolArray, Int64Array, values_of
from streamsql.state.frames import places
from streamsql.state.key_codes import KeyCodes
from streamsql.time import BEGIN_OF_TIME, END_OF_TIME, Duration, Time


@record(eq=False)
class _Due:
    """Left rows whose time has come, in the order in which they are delivered.

    `watermarks` and `places`: when they arrived, for those that did so in this step; else before all.
    """

    numbers: Int64Array
    codes: Int64Array
    times: Times
    watermarks: Times
    places: Int64Array


class TemporalJoin(TimedJoin):
    """INNER, or LEFT where `padded`. A left row waits until the watermark reaches its time; it is never late.

    Of each key those versions are kept that are newer than the watermark, and the last one before. A left row that
    comes behind the watermark meets only these; a version that comes behind it counts for the left rows that still
    wait, and later ones. `latest_only`: versions that are older than one that is there are none. `lag`: a version
    counts for left rows from so long (µs) after its time on. `ended`: the column of versions that are none, but end
    the one before.
    """

    def __init__(
        self,
        inputs: tuple[InputSpec, InputSpec],
        times: tuple[int, int],
        codes: KeyCodes,
        condition: Condition | None,
        result: Result,
        *,
        padded: bool,
        latest_only: bool,
        lag: Duration,
        ended: int | None = None,
    ) -> None:
        sides = [TimedInput(inputs[port], codes, port, times[port], 0) for port in (0, 1)]
        super().__init__(sides[0], sides[1], codes)
        self.schema = result.schema
        self._condition = condition
        self._padded = padded
        self._latest_only = latest_only
        self._lag = lag
        self._ended = ended
        self._writer = ResultWriter(result, {0: sides[0].trace, 1: sides[1].trace})

    def _step(self, step: Step) -> Iterator[Batch]:
        if step.behind and self.on_behind is not None:
            self.on_behind(RowsBehind(step.behind))
        left = self._left.keyed(step.left, step.left_places, keeps_unkeyed=self._padded)
        versions = self._right.keyed(step.right, step.right_places, keeps_unkeyed=False)
        if self._latest_only and len(versions):
            versions = versions.take(self._newest(versions))
        arrived = Arrived(self._left.trace.bound, left.arrivals), Arrived(self._right.trace.bound, versions.arrivals)
        self._left.apply(left, 1)
        self._right.apply(versions, 1)
        due = self._due(arrived[0], step)
        if len(due.numbers):
            yield from self._deliver(due, self._valid(due, arrived[1], step))
        self._forget(step.after)

    def _newest(self, versions: Changes) -> BoolArray:
        """Which versions are not older than any of their key that came before."""
        codes = np.unique(versions.codes)
        found = [(versions.codes, self._times(self._right, versions), versions.arrivals)]
        for at, numbers in self._right.trace.probe(codes):
            found.append((codes[at], self._times_of(self._right, numbers), np.full(len(at), -1)))
        of, times, came = (np.concatenate(each) for each in zip(*found, strict=True))
        order = np.lexsort((came, of))
        ranks, groups = (np.unique(each, return_inverse=True)[1] for each in (times, of))
        highest = groups[order] * (len(order) + 1) + ranks[order]
        newest = np.empty(len(order), np.bool_)
        newest[order] = highest >= np.maximum.accumulate(highest)
        return newest[: len(versions)]

    def _due(self, arrived: Arrived, step: Step) -> _Due:
        trace = self._left.trace
        numbers = trace.expire(step.after)
        new = numbers >= arrived.first
        own = arrived.places_of(numbers)
        marks = np.where(new, step.watermarks_at(own), BEGIN_OF_TIME)
        times = self._times_of(self._left, numbers)
        order = np.lexsort((numbers, times, np.maximum(step.rises(times), own)))
        codes = trace.codes(numbers[order])
        return _Due(numbers[order], codes, times[order], marks[order], own[order])

    def _valid(self, due: _Due, arrived: Arrived, step: Step) -> Int64Array:
        """The number of the version that each row meets, -1 for none."""
        codes = np.unique(due.codes)
        found = [(np.empty(0, np.int64), np.empty(0, np.int64)), *self._right.trace.probe(codes)]
        groups, numbers = (np.concatenate(each) for each in zip(*found, strict=True))
        times = self._times_of(self._right, numbers)
        order = np.lexsort((numbers, times, groups))
        groups, numbers, times = groups[order], numbers[order], times[order]
        wanted = np.searchsorted(codes, due.codes)
        until, kept = due.times - self._lag, np.maximum(due.times, due.watermarks) - self._lag
        last = places(groups, times, wanted, kept, "right") - 1
        valid = np.full(len(due.numbers), -1)
        met = np.flatnonzero(last >= 0)
        met = met[(groups[last[met]] == wanted[met]) & (times[last[met]] <= until[met])]
        valid[met] = numbers[last[met]]
        late = self._behind(groups, numbers, times, arrived, step)
        if len(late):
            again = np.flatnonzero(np.isin(wanted, late))
            valid[again] = self._valid_among_late(due, again, arrived, step)
        return valid

    def _behind(
        self, groups: Int64Array, numbers: Int64Array, times: Times, arrived: Arrived, step: Step
    ) -> Int64Array:
        """The groups that got a version in this step which came behind the watermark."""
        new = np.flatnonzero(numbers >= arrived.first)
        marks = step.watermarks_at(arrived.places_of(numbers[new]))
        return np.unique(groups[new[times[new] <= marks]])

    def _valid_among_late(self, due: _Due, rows: Int64Array, arrived: Arrived, step: Step) -> Int64Array:
        """The same for some of the rows, each of which sees only versions that came before it was delivered."""
        valid = np.full(len(rows), -1)
        for at, numbers in self._right.trace.probe(due.codes[rows], 1 << 62):
            row, times = rows[at], self._times_of(self._right, numbers)
            own = arrived.places_of(numbers)
            old = numbers < arrived.first
            seen = old | (step.watermarks_at(own) < due.times[row]) | (own < due.places[row])
            seen &= times <= np.maximum(due.times[row], due.watermarks[row]) - self._lag
            at, numbers, times = at[seen], numbers[seen], times[seen]
            order = np.lexsort((numbers, times, at))
            at, numbers, times = at[order], numbers[order], times[order]
            last = np.flatnonzero(np.append(at[1:] != at[:-1], np.ones(min(1, len(at)), np.bool_)))
            last = last[times[last] <= due.times[rows[at[last]]] - self._lag]
            valid[at[last]] = numbers[last]
        return valid

    def _deliver(self, due: _Due, valid: Int64Array) -> Iterator[Batch]:
        if self._ended is not None:
            met = np.flatnonzero(valid >= 0)
            (over,) = self._right.trace.take(valid[met], [self._ended])
            valid[met[values_of(over)]] = -1
        if self._condition is not None:
            met = np.flatnonzero(valid >= 0)
            holds = self._condition.holds(self._left.trace, self._right.trace, _pairs(due.numbers[met], valid[met]))
            valid[met[~holds]] = -1
        met, alone = np.flatnonzero(valid >= 0), np.flatnonzero(valid < 0)
        found = [*self._writer.pairs(_pairs(due.numbers[met], valid[met]), 1, ordered=False)]
        delivered = met
        if self._padded:
            found += self._writer.rows(0, due.numbers[alone], 1)
            delivered = np.concatenate([met, alone])
        if not found:
            return
        order = np.argsort(delivered)
        marks = np.maximum(due.watermarks, due.times - 1)[delivered[order]]
        yield replace(concat_batches(found).take(order), watermarks=GivenWatermarks(marks))

    def _forget(self, time: Time) -> None:
        """Free the versions that no row can meet any more: those before the last one that time has reached."""
        trace = self._right.trace
        if time == END_OF_TIME:
            trace.delete(trace.live_rows())
            return
        time = max(time - self._lag, BEGIN_OF_TIME)
        passed = trace.passed(time)
        if not len(passed):
            return
        codes = np.unique(trace.codes(passed))
        for at, numbers in trace.probe(codes, 1 << 62):
            times = self._times_of(self._right, numbers)
            over = np.flatnonzero(times <= time)
            order = over[np.lexsort((numbers[over], times[over], at[over]))]
            trace.delete(numbers[order[:-1][at[order[1:]] == at[order[:-1]]]])

    def _times(self, side: TimedInput, rows: Changes) -> Times:
        return values_of(rows.rows.column(side.time))

    def _times_of(self, side: TimedInput, numbers: Int64Array) -> Times:
        return values_of(side.trace.take(numbers, [side.time])[0])


def _pairs(left: Int64Array, right: Int64Array) -> Pairs:
    return Pairs(left, right, np.zeros(len(left), np.int64), np.zeros(len(left), np.bool_))
