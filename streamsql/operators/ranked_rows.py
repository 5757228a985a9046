"""Top-N over rows that may be taken back: changed partitions are ranked anew."""

from __future__ import annotations

from collections.abc import Sequence

from streamsql.batch import Batch
from streamsql.expr.types import Schema
from streamsql.expr.windows import SortKey
from streamsql.operators.changed_partitions import ChangedPartitions, Members
from streamsql.operators.rank_output import ranked_batch
from streamsql.state.ranking import RankBounds, Ranked, rank_changes
from streamsql.time import Duration


class RankedRows(ChangedPartitions):
    """Output: the input's columns and, where `bounds` say so, the rank; changes of a step by partition and rank."""

    def __init__(
        self,
        input_schema: Schema,
        partition: Sequence[int],
        order: Sequence[SortKey],
        ties: Sequence[int],
        bounds: RankBounds,
        schema: Schema,
        ttl: Duration | None = None,
    ) -> None:
        super().__init__(input_schema, partition, order, ties, schema, ttl)
        self._bounds = bounds

    def _changes(self, members: Members) -> Batch | None:
        ranked = Ranked.of(members.owners, members.codes, members.order)
        changes = rank_changes(ranked, self._bounds, members.old, members.new)
        return ranked_batch(self.content, members.ids, changes, self._bounds.numbered, self._arrow_schema)
