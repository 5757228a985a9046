"""GroupAggregate: GROUP BY without a window, whose result rows are replaced as the input changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from streamsql.batch import Batch, concat_batches
from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.types import Schema
from streamsql.operators.base import Operator
from streamsql.operators.changed_rows import changed_rows
from streamsql.state.base import State
from streamsql.state.group_state import GroupState
from streamsql.state.partial_aggregates import Partial, PartialAggregates
from streamsql.state.progress import Progress

_PARTIAL_ROWS = 1 << 16
_MAX_PARTIALS = 8


class GroupAggregate(Operator):
    """Updating aggregation: at the end of a step each group that changed gives its old row (-1) and its new one (+1).

    `keys`, and `args` and `filter` of the calls, are positions in the input. Output columns are the keys, then one for
    each call. `arrival`: the order of arrival does not depend on how the input was cut. Without calls it is
    DISTINCT; without keys it is one group, which has a row only while it has input.
    Groups come in the order in which the step met them; a group whose results stayed as they were gives nothing.
    """

    net_output = True

    def __init__(
        self,
        input_schema: Schema,
        keys: Sequence[int],
        calls: Sequence[AggregateCall],
        schema: Schema,
        append_only: bool,
        arrival: bool = True,
    ) -> None:
        self.schema = schema
        self._arrow_schema = schema.to_arrow()
        self._algebra = PartialAggregates(input_schema, keys, calls, append_only, arrival=arrival)
        self._groups = GroupState(self._algebra)
        self._waiting: list[Batch] = []
        self._partials: list[Partial] = []
        self._progress = Progress()

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        self._waiting.append(batch)
        if sum(map(len, self._waiting)) >= _PARTIAL_ROWS:
            self._aggregate_waiting()
        return ()

    def on_step_end(self) -> Iterable[Batch]:
        self._aggregate_waiting()
        if not self._partials:
            return
        step = self._algebra.merge(self._partials)
        self._partials = []
        if not step.size:
            return
        update = self._groups.apply(step)
        changed = changed_rows(update, self._arrow_schema)
        if changed is not None:
            yield changed

    def states(self) -> dict[str, State]:
        numbered: dict[str, State] = {"progress": self._progress} if self._algebra.needs_ordinals else {}
        return self._groups.parts() | numbered

    def _aggregate_waiting(self) -> None:
        waiting = [each for each in self._waiting if len(each)]
        self._waiting = []
        if not waiting:
            return
        batch = concat_batches(waiting)
        ordinals = None
        if self._algebra.needs_ordinals:
            ordinals = self._progress.number(len(batch))
        self._partials.append(self._algebra.partial(batch.rows, batch.weights, ordinals=ordinals))
        if len(self._partials) >= _MAX_PARTIALS:
            self._partials = [self._algebra.merge(self._partials)]
