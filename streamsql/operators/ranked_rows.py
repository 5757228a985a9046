"""Top-N over rows that may be taken back: all rows of a partition are kept in order, changed partitions ranked anew."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch, concat_batches
from streamsql.expr.types import Schema
from streamsql.expr.windows import SortKey
from streamsql.operators.base import Operator
from streamsql.operators.rank_output import codes_of, partitions_of, ranked_batch
from streamsql.state.fixed_width import Int64Array
from streamsql.state.key_index import KeyIndex
from streamsql.state.ranking import RankBounds, Ranked, rank_changes
from streamsql.state.row_lists import RowLists
from streamsql.state.row_multiset import RowMultiset


class RankedRows(Operator):
    """Output: the input's columns and, where `bounds` say so, the rank; changes of a step by partition and rank.

    Equal rows rank by the columns of `ties`, since rows that are updated have no order of arrival that does not depend
    on how the input was cut into steps. All positions are those of the input.
    """

    net_output = True

    def __init__(
        self,
        input_schema: Schema,
        partition: Sequence[int],
        order: Sequence[SortKey],
        ties: Sequence[int],
        bounds: RankBounds,
        schema: Schema,
    ) -> None:
        self.schema = schema
        self._arrow_schema = schema.to_arrow()
        self._partition, self._order, self._bounds = tuple(partition), tuple(order), bounds
        self._ties = tuple(SortKey(each) for each in ties)
        types = input_schema.to_arrow().types
        self.keys = KeyIndex([types[each] for each in partition] or [pa.int8()])
        self.lists = RowLists()
        self.content = RowMultiset(input_schema)
        self._waiting: list[Batch] = []

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        if len(batch):
            self._waiting.append(batch)
        return ()

    def on_step_end(self) -> Iterable[Batch]:
        if not self._waiting:
            return ()
        batch, self._waiting = concat_batches(self._waiting), []
        step = self.content.apply(batch)
        changed = self._apply(step.first_rows(batch), step.ids, step.before, step.after) if len(step.ids) else None
        self.content.forget(step.ids[step.after == 0])
        return () if changed is None else (changed,)

    def _apply(self, rows: pa.RecordBatch, changed: Int64Array, before: Int64Array, after: Int64Array) -> Batch | None:
        """Rank the partitions of changed rows, which have so many copies before and after."""
        owners = partitions_of(self.keys, rows, self._partition)
        kept_position, kept = self.lists.take(owners.ids)
        fresh = (before == 0).nonzero()[0]
        ids = np.concatenate([kept, changed[fresh]])
        positions = np.concatenate([kept_position, owners.of_rows[fresh]])
        old, new = self._copies(ids, changed, before, after)
        columns = {key.column: self.content.column(key.column, ids) for key in (*self._order, *self._ties)}
        ranked = Ranked.of(positions, codes_of(columns, self._order), codes_of(columns, self._ties))
        left = ranked.order[new[ranked.order] > 0]
        self.lists.put(owners.ids, positions[left], ids[left])
        changes = rank_changes(ranked, self._bounds, old, new)
        result = ranked_batch(self.content, ids, changes, self._bounds.numbered, self._arrow_schema)
        self.keys.free(owners.ids[np.bincount(positions[left], minlength=len(owners.ids)) == 0])
        return result

    def _copies(
        self, ids: Int64Array, changed: Int64Array, before: Int64Array, after: Int64Array
    ) -> tuple[Int64Array, Int64Array]:
        """The copies of each row before and after the step."""
        new = self.content.counts(ids)
        old = new.copy()
        by_id = np.argsort(changed)
        at = np.searchsorted(changed[by_id], ids)
        at = by_id[np.minimum(at, len(changed) - 1)]
        hit = changed[at] == ids
        old[hit], new[hit] = before[at[hit]], after[at[hit]]
        return old, new
