"""What the ranking operators share: partitions as dense ids, sort keys as codes, changes of ranks as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch
from streamsql.expr.windows import SortKey
from streamsql.record import record
from streamsql.state.fixed_width import Int64Array, int64_array, take_rows
from streamsql.state.grouping import group_rows, normalize_key
from streamsql.state.key_index import KeyIndex
from streamsql.state.order_codes import order_codes
from streamsql.state.ranking import RankChanges


@record(eq=False)
class Partitions:
    """The partition of each row: its number in the batch, by first row, and the partition's id in the state."""

    of_rows: Int64Array
    ids: Int64Array

    def take(self, at: Int64Array) -> Partitions:
        """Of the rows at `at` only."""
        of_rows = self.of_rows[at]
        position = np.full(len(self.ids), -1)
        position[of_rows] = 0
        left = (position == 0).nonzero()[0]
        position[left] = np.arange(len(left))
        return Partitions(position[of_rows], self.ids[left])


def partitions_of(keys: KeyIndex, rows: pa.RecordBatch, partition: Sequence[int]) -> Partitions:
    """Find or make partitions; all rows are in one where `partition` is empty."""
    if not partition:
        return Partitions(np.zeros(rows.num_rows, np.int64), keys.lookup_or_insert([pa.array([0], pa.int8())]))
    columns = [rows.column(each) for each in partition]
    groups, first = group_rows([normalize_key(each) for each in columns])
    return Partitions(groups, keys.lookup_or_insert([take_rows(each, first) for each in columns]))


def codes_of(columns: Mapping[int, pa.Array], order: Sequence[SortKey]) -> list[Int64Array]:
    """The codes of all sort keys; `columns` by position."""
    return [
        code
        for key in order
        for code in order_codes(columns[key.column], ascending=key.ascending, nulls_first=key.nulls_first)
    ]


class StoredRows(Protocol):
    """Rows by id, a column at a time."""

    def column(self, position: int, ids: Int64Array) -> pa.Array: ...


def ranked_batch(
    store: StoredRows, ids: Int64Array, changes: RankChanges, numbered: bool, schema: pa.Schema
) -> Batch | None:
    """The rows of changes as a batch of `schema`: the stored columns that it has, then the rank where `numbered`."""
    if not len(changes.rows):
        return None
    at = ids[changes.rows]
    columns = [store.column(i, at) for i in range(len(schema) - numbered)]
    if numbered:
        columns.append(int64_array(changes.ranks))
    weights = changes.weights if bool((changes.weights < 0).any()) else None
    return Batch(pa.RecordBatch.from_arrays(columns, schema=schema), weights)
