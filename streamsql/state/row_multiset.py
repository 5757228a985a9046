"""RowMultiset: whole rows with how often each is there, changed by a changelog."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch
from streamsql.errors import DataError, Span
from streamsql.expr.types import Schema
from streamsql.record import record
from streamsql.state.base import State
from streamsql.state.fixed_width import BoolArray, Int64Array, int64_array, take_rows, values_of
from streamsql.state.grouping import group_rows, normalize_key, single_chunk
from streamsql.state.key_index import KeyIndex
from streamsql.state.lifetimes import unmatched
from streamsql.state.linear import scatter_add
from streamsql.state.ordering import lexical_order
from streamsql.state.retractions import never_added
from streamsql.state.stored_column import grown


@record(eq=False)
class RowStep:
    """What a batch did to the multiset: the ids of the rows whose count changed, and their counts before and after.

    `at`: for each of them, a row of the batch that holds it. `ignored`: how many rows took back what is not there.
    `still`: rows of the batch, one for each row that came and went as often.
    """

    ids: Int64Array
    before: Int64Array
    after: Int64Array
    at: Int64Array
    still: Int64Array
    ignored: int = 0

    def first_rows(self, batch: Batch) -> pa.RecordBatch:
        """The changed rows."""
        return batch.rows.take(int64_array(self.at))


class RowMultiset(State):
    """Equal rows share one id; ids of forgotten rows are given out again. NULL equals NULL, NaN NaN, -0.0 0.0.

    `lenient`: a row that takes back what is not there, as it was forgotten, has no effect. `source` and `span` say in
    messages where the rows come from.
    """

    def __init__(self, schema: Schema, *, lenient: bool = False, source: str = "", span: Span | None = None) -> None:
        self._lenient = lenient
        self._schema, self._source, self._span = schema, source, span
        self._index = KeyIndex(schema.to_arrow().types)
        self._counts = np.zeros(0, np.int64)

    @property
    def rows(self) -> int:
        return self._index.rows

    def apply(self, batch: Batch) -> RowStep:
        """Add weights; DataError where a row is taken back that is not there."""
        columns = batch.rows.columns
        same, first = group_rows([normalize_key(each) for each in columns])
        signs = batch.sign().astype(np.int64)
        ignored = self._ignore(columns, same, first, signs) if self._lenient and (signs < 0).any() else 0
        delta = scatter_add(same, len(first), signs)
        at = first[delta != 0]
        ids = self._index.lookup_or_insert([take_rows(each, at) for each in columns])
        self._counts = grown(self._counts, self._index.bound)
        before = self._counts[ids]
        after = before + delta[delta != 0]
        if bool((after < 0).any()):
            raise self._never_added(columns, int(at[(after < 0).nonzero()[0][0]]))
        self._counts[ids] = after
        moved = np.bincount(same[signs != 0], minlength=len(first)) > 0
        return RowStep(ids, before, after, at, first[moved & (delta == 0)], ignored)

    def check(self, batch: Batch) -> None:
        """Apply a batch whose rows count one by one: DataError also where a row is added only after it is taken back.
        Rows of which none is left are forgotten."""
        columns = batch.rows.columns
        if batch.weights is not None and (batch.weights < 0).any():
            same, first = group_rows([normalize_key(each) for each in columns])
            missing = self._missing(columns, same, first, batch.weights.astype(np.int64))
            if missing.any():
                raise self._never_added(columns, int(np.argmax(missing)))
        step = self.apply(batch)
        self.forget(step.ids[step.after == 0])

    def _never_added(self, columns: list[pa.Array], row: int) -> DataError:
        values = [each.slice(row, 1) for each in columns]
        return never_added(self._schema, range(len(columns)), values, self._span, source=self._source)

    def _ignore(self, columns: list[pa.Array], same: Int64Array, first: Int64Array, signs: Int64Array) -> int:
        """Set the signs of rows that take back what is not there to 0; how many there are."""
        missing = self._missing(columns, same, first, signs)
        signs[missing] = 0
        return int(np.count_nonzero(missing))

    def _missing(self, columns: list[pa.Array], same: Int64Array, first: Int64Array, signs: Int64Array) -> BoolArray:
        """Which rows take back what is not there, one by one."""
        ids = self._index.lookup([take_rows(each, first) for each in columns])
        known = np.flatnonzero(ids >= 0)
        before = np.zeros(len(first), np.int64)
        before[known] = self._counts[ids[known]]
        missing, _ = unmatched(same, signs, before)
        return missing

    def copies(
        self, ids: Int64Array, changed: Int64Array, before: Int64Array, after: Int64Array
    ) -> tuple[Int64Array, Int64Array]:
        """How often rows were there, and are, given the step that changed some of them."""
        new = self._counts[ids]
        old = new.copy()
        by_id = lexical_order([changed])
        at = by_id[np.minimum(np.searchsorted(changed[by_id], ids), len(changed) - 1)]
        hit = changed[at] == ids
        old[hit], new[hit] = before[at[hit]], after[at[hit]]
        return old, new

    def column(self, position: int, ids: Int64Array) -> pa.Array:
        """One column of the rows of ids."""
        return self._index.column(position, ids)

    def forget(self, ids: Int64Array) -> None:
        """Give up distinct rows."""
        self._counts[ids] = 0
        self._index.free(ids)

    def save(self) -> dict[str, pa.Table]:
        ids = self._index.live_ids()
        return {**self._index.save(), "counts": pa.table({"id": int64_array(ids), "count": self._counts[ids]})}

    def load(self, tables: dict[str, pa.Table]) -> None:
        self._index.load(tables)
        ids, counts = (values_of(single_chunk(tables["counts"][name])) for name in ("id", "count"))
        self._counts = np.zeros(self._index.bound, np.int64)
        self._counts[ids] = counts
