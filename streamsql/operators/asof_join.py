"""AsofJoin: each left row with the nearest right row before it, or after it, over inputs that may change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch
from streamsql.operators.join import TwoInputs
from streamsql.operators.join_input import InputSpec, StepChanges
from streamsql.operators.join_pairs import Condition, Pairs
from streamsql.operators.join_result import Result
from streamsql.record import record
from streamsql.state.fixed_width import BoolArray, Int64Array, valid_of
from streamsql.state.key_codes import KeyCodes
from streamsql.state.order_codes import order_codes
from streamsql.state.ordering import distinct, lexical_order
from streamsql.state.trace import Trace

_NONE = np.int64(-1)
_NO_ROWS = np.empty(0, np.int64)


@record
class Nearest:
    """Which right row is the nearest: `values` are the positions of what both sides go by, of one type.

    `forward`: the first one after the left row, else the last one before it. `strict`: equal values are neither.
    Of right rows with equal values the last counts, by the columns of `ties`, without any by arrival.
    """

    values: tuple[int, int]
    forward: bool
    strict: bool
    ties: tuple[int, ...] | None


@record(eq=False)
class _Found:
    """Left rows with what they have found, and right rows that no one has: -1 where there is no row of a side.

    `copies`: how often each stands in the result.
    """

    left: Int64Array
    right: Int64Array
    copies: Int64Array


@record(eq=False)
class _Rows:
    """Stored rows of one side under the codes that changed: whose they are, and their numbers."""

    owners: Int64Array
    numbers: Int64Array

    @classmethod
    def of(cls, trace: Trace, codes: Int64Array) -> _Rows:
        """The live rows under codes."""
        found = list(trace.probe(codes))
        if not found:
            return cls(_NO_ROWS, _NO_ROWS)
        owners, numbers = (np.concatenate(each) for each in zip(*found, strict=True))
        return cls(owners, numbers)

    def take(self, at: BoolArray | None) -> _Rows:
        """The rows where a mask holds; None: all."""
        return self if at is None else _Rows(self.owners[at], self.numbers[at])


class AsofJoin(TwoInputs):
    """Looks anew at all rows of the keys that a step changes, before and after, and delivers what differs.

    `kept`: the ports of the sides whose rows are delivered without partner too.
    """

    def __init__(
        self,
        left: InputSpec,
        right: InputSpec,
        codes: KeyCodes,
        condition: Condition | None,
        result: Result,
        nearest: Nearest,
        kept: Sequence[int],
    ) -> None:
        super().__init__(left, right, codes, condition, result)
        self._nearest = nearest
        self._kept = tuple(kept)

    def _step(self, left: StepChanges, right: StepChanges) -> Iterator[Batch]:
        codes = distinct(np.concatenate([each.codes for side in (left, right) for each in (side.removed, side.added)]))
        before = self._found(codes)
        for stored, changes in ((self._left, left), (self._right, right)):
            for sign in (-1, 1):
                if len(changes.signed(sign)):
                    stored.apply(changes.signed(sign), sign)
        changed = _difference(before, self._found(codes))
        for sign in (-1, 1):
            yield from self._deliver(changed, sign)
            for port in self._kept:
                unkeyed = (left, right)[port].unkeyed
                if unkeyed is not None:
                    yield from self._writer.passed(port, unkeyed, sign)

    def _found(self, codes: Int64Array) -> _Found:
        """What the result has of the rows under codes."""
        left, right = _Rows.of(self._left.trace, codes), _Rows.of(self._right.trace, codes)
        partners = self._partners(left, right)
        parts = [(left.numbers, partners, self._left.trace.live(left.numbers))]
        if 0 not in self._kept:
            met = partners >= 0
            parts = [(left.numbers[met], partners[met], parts[0][2][met])]
        if 1 in self._kept:
            # Of equal rows, which share a number, one alone is found.
            copies = self._right.trace.live(right.numbers) - np.isin(right.numbers, partners)
            parts.append((np.full(len(copies), _NONE), right.numbers, copies))
        return _Found(*(np.concatenate(each) for each in zip(*parts, strict=True)))

    def _partners(self, left: _Rows, right: _Rows) -> Int64Array:
        """The number of the right row that each left row meets, -1 for none."""
        partners = np.full(len(left.numbers), _NONE)
        mine, other = self._values(0, left), self._values(1, right)
        valid = valid_of(mine)
        place = np.arange(len(partners)) if valid is None else np.flatnonzero(valid)
        left, right = left.take(valid), right.take(valid_of(other))
        if not (len(left.numbers) and len(right.numbers)):
            return partners
        values = pa.concat_arrays([mine.drop_null(), other.drop_null()])
        # Right rows in order; for each left row the place of the last one that is not after it.
        order, owners, last = self._in_order(left, right, values)
        numbers = right.numbers[order]
        last[(last < 0) | (owners[np.maximum(last, 0)] != left.owners)] = _NONE
        if self._condition is not None:
            last = self._passing(left, numbers, owners, last)
        met = last >= 0
        partners[place[met]] = numbers[last[met]]
        return partners

    def _in_order(self, left: _Rows, right: _Rows, values: pa.Array) -> tuple[Int64Array, Int64Array, Int64Array]:
        """The order of the right rows by owner, value and ties; their owners so; the place of each left row's last."""
        count = len(left.numbers)
        codes = order_codes(values, ascending=not self._nearest.forward)
        mine = np.arange(len(values)) < count
        # Among equal values a left row stands behind the right ones, where it may meet them.
        side = ~mine if self._nearest.strict else mine
        owners = np.concatenate([left.owners, right.owners])
        ties = [np.concatenate([np.zeros(count, np.int64), each]) for each in self._ties(right)]
        order = lexical_order([owners, *codes, side.astype(np.int64), *ties])
        theirs = order >= count
        before = np.cumsum(theirs) - 1
        last = np.empty(count, np.int64)
        last[order[~theirs]] = before[~theirs]
        of_right = order[theirs] - count
        return of_right, right.owners[of_right], last

    def _ties(self, right: _Rows) -> list[Int64Array]:
        if self._nearest.ties is None:
            return [right.numbers]
        columns = self._right.trace.take(right.numbers, self._nearest.ties)
        return [code for each in columns for code in order_codes(each)]

    def _passing(self, left: _Rows, numbers: Int64Array, owners: Int64Array, last: Int64Array) -> Int64Array:
        """For each left row the last right row, at or before `last`, for which the condition holds."""
        found = np.full(len(last), _NONE)
        rows = np.flatnonzero(last >= 0)
        place = last[rows]
        while len(rows):
            assert self._condition is not None
            pairs = _pairs(left.numbers[rows], numbers[place])
            holds = self._condition.holds(self._left.trace, self._right.trace, pairs)
            found[rows[holds]] = place[holds]
            rows, place = rows[~holds], place[~holds] - 1
            there = (place >= 0) & (owners[np.maximum(place, 0)] == left.owners[rows])
            rows, place = rows[there], place[there]
        return found

    def _values(self, port: int, rows: _Rows) -> pa.Array:
        side = (self._left, self._right)[port]
        return side.trace.take(rows.numbers, [self._nearest.values[port]])[0]

    def _deliver(self, changed: _Found, sign: int) -> Iterator[Batch]:
        at = changed.copies * sign > 0
        left, right, copies = changed.left[at], changed.right[at], np.abs(changed.copies[at])
        pairs = (left >= 0) & (right >= 0)
        yield from self._writer.pairs(_pairs(left[pairs], right[pairs], copies[pairs]), sign, ordered=False)
        for port, numbers, other in ((0, left, right), (1, right, left)):
            alone = other < 0
            yield from self._writer.rows(port, np.repeat(numbers[alone], copies[alone]), sign)


def _pairs(left: Int64Array, right: Int64Array, times: Int64Array | None = None) -> Pairs:
    return Pairs(left, right, np.zeros(len(left), np.int64), np.zeros(len(left), np.bool_), times)


def _difference(before: _Found, after: _Found) -> _Found:
    """What the result has more often after (copies above 0) or before (below 0)."""
    left = np.concatenate([before.left, after.left])
    right = np.concatenate([before.right, after.right])
    copies = np.concatenate([-before.copies, after.copies])
    if not len(left):
        return _Found(left, right, copies)
    order = lexical_order([left, right])
    left, right = left[order], right[order]
    first = np.flatnonzero(np.append(True, (left[1:] != left[:-1]) | (right[1:] != right[:-1])))
    copies = np.add.reduceat(copies[order], first)
    changed = copies != 0
    return _Found(left[first][changed], right[first][changed], copies[changed])
