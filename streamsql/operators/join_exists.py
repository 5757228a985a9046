"""ConditionalSemiJoin: EXISTS and NOT EXISTS where more is asked of a partner than an equal key."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from streamsql.batch import Batch, Times
from streamsql.operators.join import TwoInputs
from streamsql.operators.join_input import InputSpec, StepChanges
from streamsql.operators.join_pairs import Condition, Matched
from streamsql.operators.join_partners import Partners, accompanied, alone
from streamsql.operators.join_result import Result
from streamsql.state.fixed_width import Int64Array
from streamsql.state.key_codes import KeyCodes
from streamsql.state.ordering import lexical_order


class ConditionalSemiJoin(TwoInputs):
    """Left rows that have a partner, or with `negated` those that have none; it keeps how many each has.

    A left row with a NULL in its key has none.
    """

    def __init__(
        self,
        left: InputSpec,
        right: InputSpec,
        codes: KeyCodes,
        condition: Condition | None,
        result: Result,
        *,
        negated: bool,
    ) -> None:
        super().__init__(left, right, codes, condition, result)
        self._presence = alone if negated else accompanied

    def _step(self, left: StepChanges, right: StepChanges) -> Iterator[Batch]:
        partners = Partners(self._left.trace, 0)
        for sign in (-1, 1):
            matched = self._match(left, right, sign)
            partners.record(matched, sign)
        numbers, amounts = partners.changes(self._presence)
        yield from self._writer.rows(0, np.repeat(numbers, np.maximum(-amounts, 0)), -1)
        added = np.repeat(numbers, np.maximum(amounts, 0))
        if left.ordered and right.ordered and self._presence is accompanied:
            arrivals = _first_meetings(added, matched)
            order = lexical_order([arrivals])
            yield from self._writer.rows(0, added[order], 1, arrivals[order])
        else:
            yield from self._writer.rows(0, added, 1)
        if left.unkeyed is not None and self._presence is alone:
            for sign in (-1, 1):
                yield from self._writer.passed(0, left.unkeyed, sign)


def _first_meetings(numbers: Int64Array, matched: Matched) -> Times:
    """When in the step the first partner of each left row, of ascending numbers, was there together with it."""
    first = np.full(len(numbers), np.iinfo(np.int64).max)
    if len(numbers):
        for pairs in (matched.new_left, matched.new_right):
            place = np.minimum(np.searchsorted(numbers, pairs.left), len(numbers) - 1)
            mine = np.flatnonzero(numbers[place] == pairs.left)
            np.minimum.at(first, place[mine], pairs.arrivals[mine])
    return first
