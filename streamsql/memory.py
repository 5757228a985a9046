"""In-memory tables: rows kept in the session, read as a bounded input, written by INSERT."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streamsql.errors import UsageError
from streamsql.expr.types import Schema
from streamsql.ports import ReadRequest, RowKind, RowKinds, SinkMode, SourceBatch

Stored = tuple[pa.RecordBatch, npt.NDArray[np.int8] | None]
"""Rows and their weights; no weights: all +1."""


class MemoryTable:
    """Rows in the order in which they came; reading and appending are thread-safe."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._lock = threading.Lock()
        self._batches: list[Stored] = []

    def append(self, rows: pa.RecordBatch, weights: npt.NDArray[np.int8] | None = None) -> None:
        """Add rows of the table's schema; weights -1 take rows back."""
        wanted = self.schema.to_arrow()
        if rows.schema.types != wanted.types:
            raise UsageError(f"rows of {rows.schema} do not fit a table of {wanted}")
        with self._lock:
            self._batches.append((pa.RecordBatch.from_arrays(rows.columns, schema=wanted), weights))

    @property
    def updating(self) -> bool:
        """Whether rows have been taken back."""
        with self._lock:
            return any(weights is not None and bool((weights < 0).any()) for _, weights in self._batches)

    def snapshot(self) -> list[Stored]:
        """The rows present now."""
        with self._lock:
            return list(self._batches)

    def source(self) -> MemorySource:
        return MemorySource(self)

    def sink(self) -> MemorySink:
        return MemorySink(self)


class MemorySource:
    """Reads the rows that were there when reading began."""

    bounded = True
    in_memory = True

    def __init__(self, table: MemoryTable) -> None:
        self.schema = table.schema
        self._table = table

    def read(self, request: ReadRequest) -> Iterator[SourceBatch]:
        """The stored rows in batches of `batch_rows`, small ones put together; the position counts rows delivered."""
        indices = [self.schema.names.index(name) for name in request.columns]
        done = int(request.start["rows"]) if request.start else 0
        for some in _put_together(self._table.snapshot(), done, request.batch_rows):
            rows = (
                pa.concat_batches([each.select(indices) for each, _ in some])
                if len(some) > 1
                else some[0][0].select(indices)
            )
            done += rows.num_rows
            yield SourceBatch(rows, {"rows": done}, _weights(some))


def _put_together(stored: list[Stored], skip: int, batch_rows: int) -> Iterator[list[Stored]]:
    """The stored rows but for the first `skip`, in lists of `batch_rows` rows each (the last may have fewer)."""
    waiting: list[Stored] = []
    missing = batch_rows
    for rows, weights in stored:
        start = min(skip, rows.num_rows)
        skip -= start
        while start < rows.num_rows:
            taken = min(missing, rows.num_rows - start)
            part = rows if taken == rows.num_rows else rows.slice(start, taken)
            waiting.append((part, None if weights is None else weights[start : start + taken]))
            start, missing = start + taken, missing - taken
            if not missing:
                yield waiting
                waiting, missing = [], batch_rows
    if waiting:
        yield waiting


def _weights(some: list[Stored]) -> npt.NDArray[np.int8] | None:
    if all(weights is None for _, weights in some):
        return None
    return np.concatenate([np.ones(rows.num_rows, np.int8) if weights is None else weights for rows, weights in some])


class MemorySink:
    """Appends to an in-memory table when the run has ended well; a failed run leaves it as it was."""

    mode: SinkMode = "changelog"

    def __init__(self, table: MemoryTable) -> None:
        self._table = table
        self._written: list[Stored] = []

    def open(self, schema: Schema, *, changelog: bool, bounded: bool = True) -> None:
        self._written = []

    def write(self, rows: pa.RecordBatch, kinds: RowKinds | None) -> None:
        weights = None
        if kinds is not None:
            taken = (kinds == RowKind.UPDATE_BEFORE) | (kinds == RowKind.DELETE)
            weights = np.where(taken, -1, 1).astype(np.int8)
        self._written.append((rows, weights))

    def commit(self) -> None:
        for rows, weights in self._written:
            self._table.append(rows, weights)
        self._written = []

    def abort(self) -> None:
        self._written = []
