"""Writing the last rows of keys: a row replaces the one with its key, one that is empty beside its key deletes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa

from streamsql.expr.types import Schema
from streamsql.ports import RowKind, RowKinds, Sink, SinkMode


class ReplacingSink(Sink, Protocol):
    """A sink that says which file it replaces."""

    @property
    def replaces(self) -> str | None: ...


class UpsertSink:
    """Hands a table's changes on as rows by `key`; the query's rows are unique by it."""

    mode: SinkMode = "upsert"
    overwrites = True

    def __init__(self, sink: ReplacingSink, key: Sequence[str]) -> None:
        self._sink = sink
        self._key = tuple(key)
        self._places: list[int] = []

    @property
    def replaces(self) -> str | None:
        """As the sink below."""
        return self._sink.replaces

    def open(self, schema: Schema, *, changelog: bool, bounded: bool = True) -> None:
        """Row kinds are not shown: a row by itself says what it does."""
        self._places = [schema.names.index(each) for each in self._key]
        self._sink.open(schema, changelog=False, bounded=bounded)

    def write(self, rows: pa.RecordBatch, kinds: RowKinds | None) -> None:
        """The keys that are gone after the step, then the rows that came."""
        if kinds is not None:
            added = (kinds == RowKind.INSERT) | (kinds == RowKind.UPDATE_AFTER)
            rows = pa.concat_batches([self._deletions(rows, added), rows.filter(pa.array(added))])
        if rows.num_rows:
            self._sink.write(rows, None)

    def _deletions(
        self, rows: pa.RecordBatch, added: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    ) -> pa.RecordBatch:
        from streamsql.state.grouping import group_rows, normalize_key

        groups, _ = group_rows([normalize_key(rows.column(each)) for each in self._places])
        gone = np.flatnonzero(~added & ~np.isin(groups, groups[added]))
        nothing = pa.nulls(len(gone), pa.int64())
        columns = [
            column.take(pa.array(gone) if place in self._places else nothing)
            for place, column in enumerate(rows.columns)
        ]
        return pa.RecordBatch.from_arrays(columns, schema=rows.schema)

    def commit(self) -> None:
        """As the sink below."""
        self._sink.commit()

    def abort(self) -> None:
        """As the sink below."""
        self._sink.abort()
