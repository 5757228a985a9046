"""WindowJoin: rows of two inputs that lie in the same window, joined when the window closes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from streamsql.batch import Batch, Times, concat_batches
from streamsql.operators.base import LateRows
from streamsql.operators.join_input import Changes, InputSpec
from streamsql.operators.join_pairs import PAIRS_AT_ONCE, Condition, Pairs
from streamsql.operators.join_result import Result, ResultWriter
from streamsql.operators.timed_join import Came, Step, TimedInput, TimedJoin
from streamsql.record import record
from streamsql.row_watermarks import GivenWatermarks
from streamsql.state.fixed_width import Int64Array, values_of
from streamsql.state.key_codes import KeyCodes
from streamsql.time import Duration

_LAST = np.iinfo(np.int64).max


@record(eq=False)
class _Part:
    """Rows of the result: the numbers that hold their window, of one port, and what they are put in order by."""

    port: int
    numbers: Int64Array
    lefts: Int64Array
    rights: Int64Array
    batches: Iterator[Batch]


class WindowJoin(TimedJoin):
    """Delivers pairs (`pairs`), and the rows of `lone` ports that have no partner; left rows with one where neither is
    asked for.

    `bounds`: where window_start and window_end stand in each input; both are among the keys. A row is late when its
    window had closed. Rows come by window end and start, then as they arrived on the left, then on the right; padded
    rows of the right side come last in their window.
    """

    def __init__(
        self,
        inputs: tuple[InputSpec, InputSpec],
        bounds: tuple[tuple[int, int], tuple[int, int]],
        tick: Duration,
        codes: KeyCodes,
        condition: Condition | None,
        result: Result,
        *,
        pairs: bool,
        lone: tuple[int, ...],
    ) -> None:
        sides = [TimedInput(inputs[port], codes, port, bounds[port][1], -tick) for port in (0, 1)]
        super().__init__(sides[0], sides[1], codes)
        self.schema = result.schema
        self._bounds = bounds
        self._tick = tick
        self._condition = condition
        self._with_pairs = pairs
        self._lone = lone
        self._writer = ResultWriter(result, {0: sides[0].trace, 1: sides[1].trace})

    def _came(self, reached: int) -> tuple[Came, Came]:
        return self._left.came(reached, self._tick), self._right.came(reached, self._tick)

    def _step(self, step: Step) -> Iterator[Batch]:
        closed, codes = [], []
        for port, side, came in ((0, self._left, step.left), (1, self._right, step.right)):
            rows = self._open(port, side, came)
            if len(rows):
                side.apply(rows, 1)
            gone = side.trace.expire(step.after)
            closed.append(gone)
            codes.append(side.trace.codes(gone))
        if not (len(closed[0]) or len(closed[1])):
            return
        at, other = self._matching(closed, equal_pairs(*codes))
        yield from self._ordered([*self._parts(closed, at, other)], step)

    def _open(self, port: int, side: TimedInput, came: Came) -> Changes:
        """The rows whose window is open, under the codes of their keys; others are reported."""
        late = came.times <= came.watermarks
        if late.any():
            if self.on_late is not None:
                self.on_late(_late_rows(came.take(late), port))
            came = came.take(~late)
        return side.keyed(came, np.zeros(len(came), np.int64), keeps_unkeyed=port in self._lone)

    def _matching(
        self, closed: list[Int64Array], found: tuple[Int64Array, Int64Array]
    ) -> tuple[Int64Array, Int64Array]:
        """The pairs, by positions in the closed rows, for which the condition holds."""
        if self._condition is None:
            return found
        kept = [np.empty(0, np.bool_)]
        for begin in range(0, len(found[0]), PAIRS_AT_ONCE):
            left, right = (closed[port][found[port][begin : begin + PAIRS_AT_ONCE]] for port in (0, 1))
            pairs = Pairs(left, right, np.zeros(len(left), np.int64), np.ones(len(left), np.bool_))
            kept.append(self._condition.holds(self._left.trace, self._right.trace, pairs))
        holds = np.concatenate(kept)
        return found[0][holds], found[1][holds]

    def _parts(self, closed: list[Int64Array], at: Int64Array, other: Int64Array) -> Iterator[_Part]:
        if self._with_pairs:
            left, right = closed[0][at], closed[1][other]
            nothing = np.zeros(len(left), np.int64)
            pairs = Pairs(left, right, nothing, nothing.astype(np.bool_))
            yield _Part(0, left, left, right, self._writer.pairs(pairs, 1, ordered=False))
        elif not self._lone:
            left = closed[0][np.unique(at)]
            yield _Part(0, left, left, left, self._writer.rows(0, left, 1))
        for port in self._lone:
            met = np.zeros(len(closed[port]), np.bool_)
            met[other if port else at] = True
            alone = closed[port][~met]
            beside = np.full(len(alone), _LAST if port else -1)
            lefts, rights = (beside, alone) if port else (alone, beside)
            yield _Part(port, alone, lefts, rights, self._writer.rows(port, alone, 1))

    def _ordered(self, parts: list[_Part], step: Step) -> Iterator[Batch]:
        """The rows by window, left and right row, with the watermark that each had before it."""
        bounds = [self._bounds_of(each.port, each.numbers) for each in parts]
        starts, ends = (np.concatenate([each[which] for each in bounds]) for which in (0, 1))
        lefts, rights = (np.concatenate(each) for each in zip(*((p.lefts, p.rights) for p in parts), strict=True))
        batches = [batch for each in parts for batch in each.batches]
        if batches:
            order = np.lexsort((rights, lefts, starts, ends))
            places = step.rises(ends[order] - self._tick)
            watermarks = GivenWatermarks(step.watermarks_at(places))
            yield replace(concat_batches(batches).take(order), watermarks=watermarks)

    def _bounds_of(self, port: int, numbers: Int64Array) -> tuple[Times, Times]:
        start, end = (self._right if port else self._left).trace.take(numbers, self._bounds[port])
        return values_of(start), values_of(end)


def equal_pairs(left: Int64Array, right: Int64Array) -> tuple[Int64Array, Int64Array]:
    """The positions of all equal numbers of two arrays, by the left one, then by the right one.

    >>> [each.tolist() for each in equal_pairs(np.array([7, 5, 7]), np.array([7, 6, 7]))]
    [[0, 0, 2, 2], [0, 2, 0, 2]]
    """
    order = np.argsort(right, kind="stable")
    first = np.searchsorted(right[order], left)
    counts = np.searchsorted(right[order], left, "right") - first
    at = np.repeat(np.arange(len(left)), counts)
    nth = np.arange(len(at)) - np.repeat(np.cumsum(counts) - counts, counts)
    return at, order[first[at] + nth]


def _late_rows(came: Came, port: int) -> LateRows:
    once = np.ones(len(came), np.int32)
    lateness = came.watermarks - came.times
    return LateRows(came.rows, None, came.watermarks, lateness, once, np.zeros((0, 3), np.int64), port)
