"""Join: an inner join of two inputs, both of which may change, in the same step too."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator

from streamsql.batch import Batch
from streamsql.operators.base import Operator
from streamsql.operators.join_input import InputSpec, JoinInput, StepChanges, signs
from streamsql.operators.join_pairs import Condition, Matched, in_order, match
from streamsql.operators.join_result import Result, ResultWriter
from streamsql.operators.paired_rows import Rows
from streamsql.state.base import State
from streamsql.state.key_codes import KeyCodes
from streamsql.time import Time


class TwoInputs(Operator):
    """What joins share that keep the rows of both inputs: a step is taken as a whole, when all of it is in.

    A step is Δa ⋈ b and then (a + Δa) ⋈ Δb; rows are taken back before others are added. Rows come as row by row would
    have given them.
    """

    net_input = True
    needs_arrivals = True

    def __init__(
        self, left: InputSpec, right: InputSpec, codes: KeyCodes, condition: Condition | None, result: Result
    ) -> None:
        self.schema = result.schema
        self._codes = codes
        self.expires = left.ttl is not None or right.ttl is not None
        self._left, self._right = (JoinInput(each, codes, nets=self.expires) for each in (left, right))
        self._condition = condition
        # Which rows take back what has expired is to be seen before they cancel others of their step.
        self.net_input = not self.expires
        self._writer = ResultWriter(result, {0: self._left, 1: self._right})

    @property
    def sides(self) -> tuple[Rows, Rows]:
        """The rows of both inputs that are there."""
        return self._left, self._right

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        (self._right if port else self._left).collect(batch)
        return ()

    def expire(self, now: Time) -> int:
        return sum(each.trace.outlive(now) for each in (self._left, self._right) if each.spec.ttl is not None)

    def on_step_end(self) -> Iterable[Batch]:
        left = self._left.take_step(0)
        right = self._right.take_step(left.size)
        if self.expires:
            self.ignore(self._left.forget_ignored() + self._right.forget_ignored())
        if not (left.size or right.size):
            return
        yield from self._step(left, right)
        live = 0
        for each in (self._left, self._right):
            each.trace.settle()
            live += each.trace.rows
        self._codes.forget_unused(live, lambda: [self._left.trace.used_codes(), self._right.trace.used_codes()])

    @abstractmethod
    def _step(self, left: StepChanges, right: StepChanges) -> Iterator[Batch]:
        """The changes of the result."""

    def _match(self, left: StepChanges, right: StepChanges, sign: int) -> Matched:
        return match(self._left, self._right, (left.signed(sign), right.signed(sign)), sign, self._condition)

    def states(self) -> dict[str, State]:
        return {"left": self._left.trace, "right": self._right.trace, "keys": self._codes}


class Join(TwoInputs):
    """Inner (and cross) join."""

    def _step(self, left: StepChanges, right: StepChanges) -> Iterator[Batch]:
        ordered = left.ordered and right.ordered
        for sign in signs(left, right):
            yield from self._writer.pairs(in_order(self._match(left, right, sign)), sign, ordered=ordered)
