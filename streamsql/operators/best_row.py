"""Top-1 and deduplication over rows that are only added: of each partition one row is kept, the best so far."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch
from streamsql.expr.types import Schema
from streamsql.expr.windows import SortKey
from streamsql.operators.rank_output import Partitions, codes_of, partitions_of
from streamsql.operators.whole_steps import WholeSteps
from streamsql.state.fixed_width import BoolArray, Int64Array, int64_array, take_rows
from streamsql.state.lifetimes import Lifetimes
from streamsql.state.ordering import lexical_order
from streamsql.state.row_per_key import RowPerKey
from streamsql.time import BEGIN_OF_TIME, Duration, Time


class BestRow(WholeSteps):
    """Output: the input's columns and, where `numbered`, a last one that holds 1; changes of a step by partition.

    As TopRows does for ROW_NUMBER up to 1: of equal rows the first to arrive is best, or the last where `later_first`.
    Columns of the partition are read from its new row, which has the same, and not kept beside its key.
    """

    net_output = True

    def __init__(
        self,
        input_schema: Schema,
        partition: Sequence[int],
        order: Sequence[SortKey],
        schema: Schema,
        *,
        numbered: bool,
        later_first: bool,
        ttl: Duration | None = None,
    ) -> None:
        super().__init__()
        self.schema = schema
        self._arrow_schema = schema.to_arrow()
        self._partition, self._order = tuple(partition), tuple(order)
        self._numbered, self._later_first = numbered, later_first
        fields = input_schema.to_arrow()
        self._shared = {each for each in partition if not _varies(fields.types[each])}
        kept = [each for each in range(len(fields)) if each not in self._shared]
        self._place = {column: place for place, column in enumerate(kept)}
        schema_of_kept = pa.schema([(f"c{each}", fields.types[each]) for each in kept])
        self.best = RowPerKey(schema_of_kept, [fields.types[each] for each in partition] or [pa.int8()])
        self.expires = ttl is not None
        self.lifetimes = Lifetimes(ttl) if ttl is not None else None

    def expire(self, now: Time) -> int:
        assert self.lifetimes is not None
        gone = self.lifetimes.expired(now)
        self.best.index.free(gone)
        return len(gone)

    def _on_step(self, batch: Batch) -> Iterable[Batch]:
        rows = batch.rows
        bound = self.best.index.bound
        owners = partitions_of(self.best.index, rows, self._partition)
        had = owners.ids < bound
        if self.lifetimes is not None:
            had &= self.lifetimes.written(owners.ids) != BEGIN_OF_TIME
        best = self._best_of_step(rows, owners)
        won = np.flatnonzero(~had | self._beats(rows, best, owners.ids, had))
        if not len(won):
            return ()
        changed = self._changed(rows, best[won], owners.ids[won], had[won])
        self.best.put(owners.ids[won], [take_rows(rows.column(each), best[won]) for each in self._place])
        if self.lifetimes is not None:
            self.lifetimes.touch(owners.ids[won])
        return (changed,)

    def _best_of_step(self, rows: pa.RecordBatch, owners: Partitions) -> Int64Array:
        """The best of the new rows of each partition."""
        codes = codes_of({each.column: rows.column(each.column) for each in self._order}, self._order)
        order = lexical_order([owners.of_rows, *codes, *([-np.arange(rows.num_rows)] if self._later_first else [])])
        return order[np.flatnonzero(np.diff(owners.of_rows[order], prepend=-1))]

    def _beats(self, rows: pa.RecordBatch, best: Int64Array, ids: Int64Array, had: BoolArray) -> BoolArray:
        """Whether the best new row of each partition comes before the kept one, where it has one."""
        won = np.zeros(len(best), np.bool_)
        held = np.flatnonzero(had)
        columns = {each.column: self._joined(rows, each.column, ids[held], best[held]) for each in self._order}
        better, equal = np.zeros(len(held), np.bool_), np.ones(len(held), np.bool_)
        for codes in codes_of(columns, self._order):
            kept, new = codes[: len(held)], codes[len(held) :]
            better |= equal & (new < kept)
            equal &= new == kept
        won[held] = better | equal if self._later_first else better
        return won

    def _joined(self, rows: pa.RecordBatch, column: int, ids: Int64Array, at: Int64Array) -> pa.Array:
        """A column of kept rows, then of new ones."""
        new = take_rows(rows.column(column), at)
        return pa.concat_arrays([new if column in self._shared else self.best.column(self._place[column], ids), new])

    def _changed(self, rows: pa.RecordBatch, at: Int64Array, ids: Int64Array, had: BoolArray) -> Batch:
        """What each partition's row was, directly before what it is."""
        held = np.flatnonzero(had)
        replaces = np.repeat(np.arange(len(at)), 1 + had)
        is_new = np.ones(len(replaces), np.bool_)
        is_new[held + np.arange(len(held))] = False
        old = np.cumsum(had) - 1
        place = np.where(is_new, len(held) + replaces, old[replaces])
        columns = []
        for column in range(len(self._arrow_schema) - self._numbered):
            if column in self._shared:
                columns.append(take_rows(rows.column(column), at[replaces]))
            else:
                kept = self.best.column(self._place[column], ids[held])
                columns.append(take_rows(pa.concat_arrays([kept, take_rows(rows.column(column), at)]), place))
        if self._numbered:
            columns.append(int64_array(np.ones(len(replaces), np.int64)))
        weights = np.where(is_new, 1, -1).astype(np.int8) if len(held) else None
        return Batch(pa.RecordBatch.from_arrays(columns, schema=self._arrow_schema), weights)


def _varies(type_: pa.DataType) -> bool:
    """Whether values that count as one key may differ."""
    return bool(pa.types.is_floating(type_) or pa.types.is_nested(type_))
