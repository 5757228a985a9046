"""Rows that may be taken back, kept in order by partition: partitions that change in a step are looked at anew."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch
from streamsql.expr.types import Schema
from streamsql.expr.windows import SortKey
from streamsql.operators.rank_output import codes_of, partitions_of
from streamsql.operators.whole_steps import WholeSteps
from streamsql.record import record
from streamsql.state.fixed_width import Int64Array, take_rows
from streamsql.state.key_index import KeyIndex
from streamsql.state.lifetimes import Lifetimes
from streamsql.state.ordering import lexical_order
from streamsql.state.row_lists import RowLists
from streamsql.state.row_multiset import RowMultiset
from streamsql.time import Duration, Time


@record(eq=False)
class Members:
    """The rows of changed partitions, those that went with the step among them; all arrays run parallel but `order`.

    `ids`: of the rows; `owners`: the partition of each; `codes`: what they are ordered by; `old`, `new`: the copies
    before and after. `order`: positions by owner, codes and ties.
    """

    ids: Int64Array
    owners: Int64Array
    codes: list[Int64Array]
    old: Int64Array
    new: Int64Array
    order: Int64Array


class ChangedPartitions(WholeSteps):
    """Equal rows go by the columns of `ties`, since rows that are updated have no order of arrival that does not depend
    on how the input was cut into steps. All positions are those of the input. `ttl`: a partition is forgotten so long
    after it last changed."""

    net_output = True

    def __init__(
        self,
        input_schema: Schema,
        partition: Sequence[int],
        order: Sequence[SortKey],
        ties: Sequence[int],
        schema: Schema,
        ttl: Duration | None = None,
    ) -> None:
        super().__init__()
        self.schema = schema
        self._arrow_schema = schema.to_arrow()
        self._input_schema = input_schema.to_arrow()
        self._partition, self._order = tuple(partition), tuple(order)
        self._ties = tuple(SortKey(each) for each in ties)
        self.keys = KeyIndex([self._input_schema.types[each] for each in partition] or [pa.int8()])
        self.lists = RowLists()
        self.content = RowMultiset(input_schema, lenient=ttl is not None)
        self.expires = ttl is not None
        self.lifetimes = Lifetimes(ttl) if ttl is not None else None

    @abstractmethod
    def _changes(self, members: Members) -> Batch | None:
        """What the step changes in the output."""

    def expire(self, now: Time) -> int:
        assert self.lifetimes is not None
        gone = self.lifetimes.expired(now)
        self.content.forget(self.lists.clear(gone))
        self.keys.free(gone)
        return len(gone)

    def _on_step(self, batch: Batch) -> Iterable[Batch]:
        step = self.content.apply(batch)
        self.ignore(step.ignored)
        if self.lifetimes is not None and len(step.still):
            self.lifetimes.touch(self._known(batch, step.still))
        changed = self._apply(step.first_rows(batch), step.ids, step.before, step.after) if len(step.ids) else None
        self.content.forget(step.ids[step.after == 0])
        return () if changed is None else (changed,)

    def _known(self, batch: Batch, at: Int64Array) -> Int64Array:
        """The partitions of rows, as far as they are there."""
        columns = [take_rows(batch.rows.column(each), at) for each in self._partition]
        ids = self.keys.lookup(columns or [pa.array(np.zeros(len(at), np.int8))])
        return np.unique(ids[ids >= 0])

    def _apply(self, rows: pa.RecordBatch, changed: Int64Array, before: Int64Array, after: Int64Array) -> Batch | None:
        """Put changed rows, which have so many copies before and after, among the others of their partitions."""
        owners = partitions_of(self.keys, rows, self._partition)
        holders, kept = self.lists.take(owners.ids)
        fresh = (before == 0).nonzero()[0]
        ids = np.concatenate([kept, changed[fresh]])
        of_rows = np.concatenate([holders, owners.of_rows[fresh]])
        old, new = self.content.copies(ids, changed, before, after)
        columns = {key.column: self.content.column(key.column, ids) for key in (*self._order, *self._ties)}
        codes = codes_of(columns, self._order)
        order = lexical_order([of_rows, *codes, *codes_of(columns, self._ties)])
        left = order[new[order] > 0]
        self.lists.put(owners.ids, of_rows[left], ids[left])
        result = self._changes(Members(ids, of_rows, codes, old, new, order))
        empty = np.bincount(of_rows[left], minlength=len(owners.ids)) == 0
        if self.lifetimes is not None:
            self.lifetimes.touch(owners.ids[~empty])
            self.lifetimes.forget(owners.ids[empty])
        self.keys.free(owners.ids[empty])
        return result
