"""The pairs that a step adds to a join, or takes from it: Δa with b, then a + Δa with Δb."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from streamsql.batch import Times
from streamsql.operators.join_input import Changes, JoinInput
from streamsql.operators.paired_rows import Rows
from streamsql.record import record
from streamsql.state.fixed_width import BoolArray, Int64Array
from streamsql.state.ordering import stable_order
from streamsql.state.trace import Trace

PAIRS_AT_ONCE = 1 << 17
"""So many pairs are tested or written at a time, however many there are."""
_NONE = np.empty(0, np.int64)
_STORED = np.int64(-1)
"""The arrival of a row that was there before the step."""
_NO_ARRIVALS = np.full(1, _STORED)


@record(eq=False)
class Pairs:
    """Numbers of a left and a right row each; when in the step the later of the two arrived, and which one it was.

    `times`: how often the pair comes, as the stored one of its rows is there so often; None: once.
    """

    left: Int64Array
    right: Int64Array
    arrivals: Times
    left_later: BoolArray
    times: Int64Array | None = None

    def __len__(self) -> int:
        return len(self.left)

    def often(self) -> Int64Array:
        """How often each pair comes."""
        return np.ones(len(self), np.int64) if self.times is None else self.times

    def take(self, at: Int64Array | slice) -> Pairs:
        """The pairs at positions."""
        times = None if self.times is None else self.times[at]
        return Pairs(self.left[at], self.right[at], self.arrivals[at], self.left_later[at], times)


@record(eq=False)
class Condition:
    """What is asked of a pair beyond an equal key: a predicate over `left`, then `right` columns (at least one)."""

    test: Callable[[pa.RecordBatch], BoolArray]
    left: tuple[int, ...]
    right: tuple[int, ...]
    schema: pa.Schema

    def holds(self, left: Rows, right: Rows, pairs: Pairs) -> BoolArray:
        """For which pairs it is TRUE."""
        columns = [*left.take(pairs.left, self.left), *right.take(pairs.right, self.right)]
        return self.test(pa.RecordBatch.from_arrays(columns, schema=self.schema))


@record(eq=False)
class Matched:
    """What one sign of a step did: the pairs that came (or went), and the numbers of the rows that did.

    `new_left`: pairs of a changed left row with rows that were there already; `new_right`: of a changed right row with
    all left rows, changed ones too. New rows have numbers from `first_left` and `first_right` on.
    """

    new_left: Pairs
    new_right: Pairs
    left: Int64Array
    right: Int64Array
    first_left: int
    first_right: int


def match(
    left: JoinInput, right: JoinInput, changes: tuple[Changes, Changes], sign: int, condition: Condition | None
) -> Matched:
    """Apply the changes of one sign to both inputs; every pair that differs comes exactly once.

    The rows taken back must be matched before any are added: then no pair is made that never was there as a whole.
    """
    mine, other = changes
    first_left, first_right = left.trace.bound, right.trace.bound
    numbers = left.apply(mine, sign) if len(mine) else _NONE
    by_left = []
    for at, stored in _probe(right.trace, mine, condition):
        later = np.ones(len(at), np.bool_)
        pairs = Pairs(numbers[at], stored, mine.arrivals[at], later, right.trace.counts(stored))
        by_left.append(_tested(left, right, pairs, condition))
    arrived = _arrivals_of(mine, numbers, first_left, left.trace.bound) if len(mine) and len(other) else _NO_ARRIVALS
    other_numbers = right.apply(other, sign) if len(other) else _NONE
    by_right = []
    for at, stored in _probe(left.trace, other, condition):
        left_arrivals, arrivals = arrived[np.maximum(stored - first_left, -1)], other.arrivals[at]
        later = left_arrivals > arrivals
        arrivals = np.maximum(left_arrivals, arrivals)
        pairs = Pairs(stored, other_numbers[at], arrivals, later, left.trace.counts(stored))
        by_right.append(_tested(left, right, pairs, condition))
    return Matched(_concat(by_left), _concat(by_right), numbers, other_numbers, first_left, first_right)


def _probe(trace: Trace, changes: Changes, condition: Condition | None) -> Iterator[tuple[Int64Array, Int64Array]]:
    if not len(changes) or not trace.rows:
        return iter(())
    return trace.probe(changes.codes, 1 << 62 if condition is None else PAIRS_AT_ONCE)


def _arrivals_of(changes: Changes, numbers: Int64Array, first: int, bound: int) -> Times:
    """The arrival of each new row from number `first` on; the last entry, -1, is for all others."""
    arrivals = np.full(bound - first + 1, _STORED)
    new = np.flatnonzero(numbers >= first)[::-1]
    arrivals[numbers[new] - first] = changes.arrivals[new]
    return arrivals


def _tested(left: Rows, right: Rows, pairs: Pairs, condition: Condition | None) -> Pairs:
    if condition is None or not len(pairs):
        return pairs
    return pairs.take(np.flatnonzero(condition.holds(left, right, pairs)))


def _concat(parts: Sequence[Pairs]) -> Pairs:
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return Pairs(_NONE, _NONE, _NONE, np.empty(0, np.bool_))
    return Pairs(
        np.concatenate([each.left for each in parts]),
        np.concatenate([each.right for each in parts]),
        np.concatenate([each.arrivals for each in parts]),
        np.concatenate([each.left_later for each in parts]),
        None if all(each.times is None for each in parts) else np.concatenate([each.often() for each in parts]),
    )


def in_order(matched: Matched) -> Pairs:
    """All pairs as row by row would have given them: by the later of their rows, then by the other one."""
    if not len(matched.new_right):
        return matched.new_left
    if not len(matched.new_left) and not matched.new_right.left_later.any():
        return matched.new_right
    pairs = _concat([matched.new_left, matched.new_right])
    later = np.where(pairs.left_later, pairs.left, pairs.right)
    # Pairs of one later row are in the order of the other one already.
    order = stable_order([pairs.arrivals, (~pairs.left_later).view(np.int8).astype(np.int64), later])
    return pairs if order is None else pairs.take(order)
