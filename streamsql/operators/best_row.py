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
from streamsql.state.interleaving import interleaved
from streamsql.state.lifetimes import Lifetimes
from streamsql.state.ordering import best_of_groups
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
        new = [take_rows(each, best[won]) for each in rows.columns]
        changed = self._changed(new, owners.ids[won], had[won])
        self.best.put(owners.ids[won], [new[each] for each in self._place])
        if self.lifetimes is not None:
            self.lifetimes.touch(owners.ids[won])
        return (changed,)

    def _best_of_step(self, rows: pa.RecordBatch, owners: Partitions) -> Int64Array:
        """The best of the new rows of each partition."""
        codes = codes_of({each.column: rows.column(each.column) for each in self._order}, self._order)
        return best_of_groups(owners.of_rows, len(owners.ids), codes, later_first=self._later_first)

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

    def _changed(self, new: list[pa.Array], ids: Int64Array, had: BoolArray) -> Batch:
        """What each partition's row was, directly before what it is."""
        columns, weights = new[: len(self._arrow_schema) - self._numbered], None
        held = np.flatnonzero(had)
        if len(held):
            weights = np.insert(np.ones(len(ids), np.int8), held, -1)
            columns = [
                interleaved(each, held, self._kept(column, each, ids, held)) for column, each in enumerate(columns)
            ]
        if self._numbered:
            columns = [*columns, int64_array(np.ones(len(columns[0]), np.int64))]
        return Batch(pa.RecordBatch.from_arrays(columns, schema=self._arrow_schema), weights)

    def _kept(self, column: int, new: pa.Array, ids: Int64Array, held: Int64Array) -> pa.Array:
        """A column of the rows that are replaced by the new ones at `held`."""
        return take_rows(new, held) if column in self._shared else self.best.column(self._place[column], ids[held])


def _varies(type_: pa.DataType) -> bool:
    """Whether values that count as one key may differ."""
    return bool(pa.types.is_floating(type_) or pa.types.is_nested(type_))
