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
from streamsql.time import Duration, Time

_PARTIAL_ROWS = 1 << 16
_MAX_PARTIALS = 8


class GroupAggregate(Operator):
    """Updating aggregation: at the end of a step each group that changed gives its old row (-1) and its new one (+1).

    `keys`, and `args` and `filter` of the calls, are positions in the input. Output columns are the keys, then one for
    each call. `arrival`: the order of arrival does not depend on how the input was cut. Without calls it is
    DISTINCT; without keys it is one group, which has a row only while it has input.
    Groups come in the order in which the step met them; a group whose results stayed as they were gives nothing.
    `ttl`: a group is forgotten so long after its last row; the next one begins it anew.
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
        ttl: Duration | None = None,
    ) -> None:
        self.schema = schema
        self._arrow_schema = schema.to_arrow()
        self._algebra = PartialAggregates(input_schema, keys, calls, append_only, arrival=arrival)
        self._groups = GroupState(self._algebra, ttl)
        self.expires = ttl is not None
        self._judges = self.expires and not append_only
        self.net_output = not self._judges
        self._waiting: list[Batch] = []
        self._partials: list[Partial] = []
        self._progress = Progress()

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        self._waiting.append(batch)
        if not self._judges and sum(map(len, self._waiting)) >= _PARTIAL_ROWS:
            self._aggregate_waiting()
        return ()

    def on_step_end(self) -> Iterable[Batch]:
        if self._judges and self._waiting:
            yield from self._judge()
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

    def expire(self, now: Time) -> int:
        return self._groups.expire(now)

    def _judge(self) -> Iterable[Batch]:
        """Leave out rows that take back what has expired, and end groups that have no rows for a moment."""
        batch = concat_batches(self._waiting)
        self._waiting = [batch]
        if batch.weights is None or not (batch.weights < 0).any():
            return
        matched, ended, missing = self._groups.matched(batch)
        self._waiting = [matched]
        self.ignore(missing)
        gone = None if ended is None else changed_rows(ended, self._arrow_schema)
        if gone is not None:
            yield gone

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
