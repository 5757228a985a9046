"""SemiJoin: left rows by whether the right input has their key: IN and EXISTS, NOT EXISTS, NOT IN."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from streamsql.batch import Batch, Times
from streamsql.operators.base import Operator
from streamsql.operators.join_input import InputSpec, JoinInput, StepChanges, StepInput
from streamsql.operators.join_membership import Membership
from streamsql.operators.join_result import Result, ResultWriter
from streamsql.record import record
from streamsql.state.base import State
from streamsql.state.fixed_width import BoolArray, Int64Array
from streamsql.state.key_codes import KeyCodes
from streamsql.state.key_counts import KeyCounts
from streamsql.state.ordering import lexical_order
from streamsql.state.retractions import never_added

_NONE = np.empty(0, np.int64)


@record(eq=False)
class _KeyChanges:
    """By how much a step changes the count of each code, and when the first row that it adds arrived."""

    codes: Int64Array
    amounts: Int64Array
    arrivals: Times
    nulls: int

    def came(self, codes: Int64Array, new: BoolArray) -> Times:
        """When the first row of each code arrived in the step; -1 for keys that were there before (not `new`)."""
        if not len(self.codes):
            return np.full(len(codes), -1)
        place = np.minimum(np.searchsorted(self.codes, codes), len(self.codes) - 1)
        return np.where((self.codes[place] == codes) & new[place], self.arrivals[place], -1)

    @property
    def rows(self) -> int:
        return int(self.amounts.sum()) + self.nulls


class SemiJoin(Operator):
    """Keeps the left rows, and of the right input only how often each key is there.

    Left rows that are taken back showed as they did before the step, added ones show as they do after it; in between
    come those that the right input's changes turn.
    """

    net_input = True
    needs_arrivals = True

    def __init__(
        self, left: InputSpec, right: InputSpec, codes: KeyCodes, result: Result, membership: Membership
    ) -> None:
        self.schema = result.schema
        self._codes = codes
        self._left = JoinInput(left, codes, keeps_unkeyed=membership.shows_unkeyed)
        self._right = StepInput(right, codes, keeps_unkeyed=True)
        self._membership = membership
        self._counts = KeyCounts()
        self._writer = ResultWriter(result, {0: self._left.trace})

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        (self._right if port else self._left).collect(batch)
        return ()

    def on_step_end(self) -> Iterable[Batch]:
        left = self._left.take_step(0)
        right = self._right.take_step(left.size)
        if not (left.size or right.size):
            return
        yield from self._step(left, right, _key_changes(right))
        trace = self._left.trace
        trace.settle()
        live = trace.rows + self._counts.keys
        self._codes.forget_unused(live, lambda: [_keyed(trace.used_codes()), self._counts.used_codes()])

    def states(self) -> dict[str, State]:
        return {"left": self._left.trace, "right": self._counts, "keys": self._codes}

    def _step(self, left: StepChanges, right: StepChanges, keys: _KeyChanges) -> Iterator[Batch]:
        trace, holds = self._left.trace, self._membership.holds
        if len(left.removed):
            gone = self._left.apply(left.removed, -1)
            yield from self._writer.rows(0, gone[holds(left.removed.codes, self._counts)], -1)
        numbers, codes = self._candidates(keys)
        before = holds(codes, self._counts)
        new_keys = self._counts.of(keys.codes) == 0
        self._count(right, keys)
        after = holds(codes, self._counts)
        lost, won = np.flatnonzero(before & ~after), np.flatnonzero(after & ~before)
        yield from self._writer.rows(0, np.repeat(numbers[lost], trace.live(numbers[lost])), -1)
        times = trace.live(numbers[won])
        came = keys.came(codes[won], new_keys)
        if len(left.added):
            added = self._left.apply(left.added, 1)
            shown = np.flatnonzero(holds(left.added.codes, self._counts))
            arrivals = np.maximum(left.added.arrivals[shown], keys.came(left.added.codes[shown], new_keys))
            numbers = np.concatenate([np.repeat(numbers[won], times), added[shown]])
            arrivals = np.concatenate([np.repeat(came, times), arrivals])
        else:
            numbers, arrivals = np.repeat(numbers[won], times), np.repeat(came, times)
        order = lexical_order([arrivals, numbers])
        ordered = left.ordered and right.ordered
        yield from self._writer.rows(0, numbers[order], 1, arrivals[order] if ordered else None)

    def _candidates(self, keys: _KeyChanges) -> tuple[Int64Array, Int64Array]:
        """Numbers and codes of the kept left rows that the step's change of the right input may turn."""
        trace = self._left.trace
        if self._membership.turns(self._counts, keys.rows, keys.nulls):
            numbers = trace.live_rows()
            return numbers, trace.codes(numbers)
        counts = self._counts.of(keys.codes)
        codes = keys.codes[(counts == 0) != (counts + keys.amounts == 0)]
        found = [(_NONE, _NONE), *((numbers, codes[at]) for at, numbers in trace.probe(codes))]
        return np.concatenate([each for each, _ in found]), np.concatenate([each for _, each in found])

    def _count(self, right: StepChanges, keys: _KeyChanges) -> None:
        short = keys.codes[self._counts.of(keys.codes) + keys.amounts < 0]
        if len(short) or self._counts.nulls + keys.nulls < 0:
            code = short[0] if len(short) else -1
            row = int(np.flatnonzero(right.removed.codes == code)[0])
            spec = self._right.spec
            values = [right.removed.rows.column(each).slice(row, 1) for each in spec.keys]
            raise never_added(spec.schema, spec.keys, values, spec.span, source=spec.source)
        self._counts.add(keys.codes, keys.amounts, keys.nulls)


def _key_changes(right: StepChanges) -> _KeyChanges:
    codes = np.concatenate([right.removed.codes, right.added.codes])
    signs = np.repeat([-1, 1], [len(right.removed), len(right.added)])
    keyed = codes >= 0
    distinct, place = np.unique(codes[keyed], return_inverse=True)
    amounts = np.zeros(len(distinct), np.int64)
    np.add.at(amounts, place, signs[keyed])
    arrivals = np.full(len(distinct), -1)
    added = right.added.codes >= 0
    came, first = np.unique(right.added.codes[added], return_index=True)
    arrivals[np.searchsorted(distinct, came)] = right.added.arrivals[added][first]
    return _KeyChanges(distinct, amounts, arrivals, int(signs[~keyed].sum()))


def _keyed(codes: Int64Array) -> Int64Array:
    return codes[codes >= 0]
