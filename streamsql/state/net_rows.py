"""All rows of a changelog that are still there, in order of arrival."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch, Weights
from streamsql.expr.types import Schema
from streamsql.state.base import State
from streamsql.state.fixed_width import Int64Array
from streamsql.state.grouping import group_rows, normalize_key, single_chunk
from streamsql.state.ordering import lexical_order
from streamsql.state.retractions import never_added

_SETTLE_FROM = 4_096
"""Below so many rows, cancelling pairs is not worth the while."""


class NetRows(State):
    """Keeps rows until they are taken back; of equal rows the earliest arrivals go first."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._arrow_schema = schema.to_arrow()
        self._batches: list[pa.RecordBatch] = []
        self._weights: list[Weights] = []
        self._retracts = False
        self._settled = 0

    def add(self, batch: Batch) -> None:
        """Take in changes; memory holds at most twice the rows that are left."""
        self._batches.append(pa.RecordBatch.from_arrays(batch.rows.columns, schema=self._arrow_schema))
        self._weights.append(batch.sign())
        self._retracts |= batch.weights is not None
        if self._retracts and self.rows > max(_SETTLE_FROM, 2 * self._settled):
            self._settle()

    def table(self) -> pa.Table:
        """The rows that are left, in one chunk where they fit. DataError where a row was taken back but never added."""
        if self._retracts:
            self._settle()
            self._refuse_negative()
        return pa.Table.from_batches(self._batches, self._arrow_schema).combine_chunks()

    @property
    def rows(self) -> int:
        return sum(each.num_rows for each in self._batches)

    def save(self) -> dict[str, pa.Table]:
        weights = np.concatenate([np.empty(0, np.int8), *self._weights])
        return {
            "rows": pa.Table.from_batches(self._batches, self._arrow_schema),
            "weights": pa.table({"weight": pa.array(weights, pa.int8())}),
        }

    def load(self, tables: dict[str, pa.Table]) -> None:
        weights = tables["weights"]["weight"].to_numpy()
        self._retracts = bool((weights < 0).any())
        self._replace(tables["rows"].cast(self._arrow_schema), weights)

    def _replace(self, rows: pa.Table, weights: Weights) -> None:
        self._batches = rows.to_batches()
        ends = np.cumsum([each.num_rows for each in self._batches], dtype=np.int64)
        self._weights = np.split(weights, ends[:-1]) if self._batches else []
        self._settled = rows.num_rows

    def _settle(self) -> None:
        """Cancel added rows against equal ones taken back."""
        if not self._batches:
            return
        weights = np.concatenate(self._weights)
        if not (weights < 0).any():
            self._settled = len(weights)
            return
        rows = pa.Table.from_batches(self._batches, self._arrow_schema).combine_chunks()
        groups, _ = group_rows([normalize_key(single_chunk(each)) for each in rows.columns])
        kept = left_over(groups, weights)
        self._replace(rows.take(pa.array(kept)).combine_chunks(), weights[kept])

    def _refuse_negative(self) -> None:
        for batch, row in self._negative():
            values = [column.slice(row, 1) for column in batch.columns]
            raise never_added(self._schema, range(len(values)), values)

    def _negative(self) -> Iterator[tuple[pa.RecordBatch, int]]:
        for batch, weights in zip(self._batches, self._weights, strict=True):
            for row in np.flatnonzero(weights < 0)[:1]:
                yield batch, int(row)


def left_over(groups: Int64Array, weights: Weights | Int64Array) -> Int64Array:
    """Positions of the rows that stay: of each group as many of the surplus sign as the surplus, the last ones."""
    surplus = np.zeros(int(groups.max()) + 1, np.int64)
    np.add.at(surplus, groups, weights)
    candidates = np.flatnonzero(np.sign(surplus)[groups] == weights)[::-1]
    by_group = candidates[lexical_order([groups[candidates]])]
    members = groups[by_group]
    first = np.flatnonzero(np.diff(members, prepend=-1))
    place = np.arange(len(members)) - np.repeat(first, np.diff(np.append(first, len(members))))
    return np.sort(by_group[place < np.abs(surplus[members])])
