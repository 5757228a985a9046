"""Writing to an in-memory table: everything when the run has ended well, or nothing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streamsql.expr.types import Schema
from streamsql.memory import MemoryTable
from streamsql.ports import RowKind, RowKinds, SinkMode


class MemorySink:
    """Appends to an in-memory table when the run has ended well; a failed run leaves it as it was."""

    def __init__(self, table: MemoryTable) -> None:
        self.mode: SinkMode = "upsert" if table.keyed else "changelog"
        self._table = table
        self._written: list[tuple[pa.RecordBatch, npt.NDArray[np.int8] | None]] = []

    def open(self, schema: Schema, *, changelog: bool, bounded: bool = True) -> None:
        self._written = []

    def write(self, rows: pa.RecordBatch, kinds: RowKinds | None) -> None:
        weights = None
        if kinds is not None:
            taken = (kinds == RowKind.UPDATE_BEFORE) | (kinds == RowKind.DELETE)
            weights = np.where(taken, -1, 1).astype(np.int8)
            if self._table.keyed:
                # What goes by key goes before what comes, in whatever order a step tells of it.
                order = np.argsort(weights, kind="stable")
                rows, weights = rows.take(pa.array(order)), weights[order]
        self._written.append((rows, weights))

    def commit(self) -> None:
        with self._table.together():
            for rows, weights in self._written:
                self._table.append(rows, weights)
        self._written = []

    def abort(self) -> None:
        self._written = []
