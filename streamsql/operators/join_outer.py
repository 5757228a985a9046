"""OuterJoin: LEFT, RIGHT and FULL JOIN, whose rows without partner are padded with NULL until one comes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from streamsql.batch import Batch
from streamsql.operators.join import TwoInputs
from streamsql.operators.join_input import InputSpec, StepChanges, signs
from streamsql.operators.join_pairs import Condition, in_order
from streamsql.operators.join_partners import Partners, alone
from streamsql.operators.join_result import Result
from streamsql.state.key_codes import KeyCodes


class OuterJoin(TwoInputs):
    """Keeps for each row of a preserved side how many partners it has; `kept`: the ports of those sides.

    Per step: pairs and paddings taken back, then pairs and paddings that are new; no row comes and goes in one step.
    Rows with a NULL in their key never have a partner: they pass through, and are not kept.
    """

    def __init__(
        self,
        left: InputSpec,
        right: InputSpec,
        codes: KeyCodes,
        condition: Condition | None,
        result: Result,
        kept: Sequence[int],
    ) -> None:
        super().__init__(left, right, codes, condition, result)
        self._kept = tuple(kept)

    def _step(self, left: StepChanges, right: StepChanges) -> Iterator[Batch]:
        partners = {port: Partners((self._left, self._right)[port].trace, port) for port in self._kept}
        pairs = {}
        for sign in signs(left, right):
            matched = self._match(left, right, sign)
            for each in partners.values():
                each.record(matched, sign)
            pairs[sign] = in_order(matched)
        padded = {port: each.changes(alone) for port, each in partners.items()}
        for sign in (-1, 1):
            if sign in pairs:
                yield from self._writer.pairs(pairs[sign], sign, ordered=False)
            for port, (numbers, amounts) in padded.items():
                yield from self._writer.rows(port, np.repeat(numbers, np.maximum(amounts * sign, 0)), sign)
                unkeyed = (left, right)[port].unkeyed
                if unkeyed is not None:
                    yield from self._writer.passed(port, unkeyed, sign)
