"""Rows kept under a number (a session's slot, a window's end) until they are taken."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from streamsql.record import record
from streamsql.state.base import State
from streamsql.state.fixed_width import BoolArray, Int64Array, int64_array, values_of
from streamsql.state.grouping import single_chunk

Shrink = Callable[[Int64Array, pa.RecordBatch], Int64Array]
"""From numbers and rows to the positions, ascending, of those that are still worth keeping."""

FANOUT = 16
"""So many chunks of one level become one of the next."""


@record(eq=False)
class _Chunk:
    numbers: Int64Array
    rows: pa.RecordBatch
    level: int

    def take(self, mask: BoolArray) -> _Chunk:
        at = np.flatnonzero(mask)
        return _Chunk(self.numbers[at], self.rows.take(int64_array(at)), self.level)


class KeptRows(State):
    """Rows in order of arrival; `shrink` may throw some away when chunks are merged."""

    def __init__(self, schema: pa.Schema, shrink: Shrink | None = None) -> None:
        self._schema = schema
        self._shrink = shrink
        self._chunks: list[_Chunk] = []

    @property
    def rows(self) -> int:
        return sum(len(each.numbers) for each in self._chunks)

    def add(self, numbers: Int64Array, rows: pa.RecordBatch) -> None:
        """Keep rows; `numbers` run parallel."""
        if not len(numbers):
            return
        self._chunks.append(_Chunk(numbers, rows, 0))
        while len(self._chunks) >= FANOUT and self._chunks[-FANOUT].level == self._chunks[-1].level:
            self._chunks[-FANOUT:] = [self._merged(self._chunks[-FANOUT:])]

    def take(self, numbers: Int64Array) -> tuple[Int64Array, pa.RecordBatch]:
        """Remove the rows under small numbers, which are not negative. Each comes with the position in `numbers`."""
        size = int(numbers.max(initial=-1)) + 2
        place = np.full(size, -1)
        place[numbers] = np.arange(len(numbers))
        found, rows = self._remove(lambda kept: place[np.minimum(kept, size - 1)] >= 0)
        return place[found], rows

    def take_up_to(self, limit: int) -> tuple[Int64Array, pa.RecordBatch]:
        """Remove the rows under numbers up to `limit`; with their numbers."""
        return self._remove(lambda kept: np.asarray(kept <= limit))

    def save(self) -> dict[str, pa.Table]:
        if not self._chunks:
            return {}
        whole = self._merged(self._chunks)
        return {"rows": pa.Table.from_batches([whole.rows]), "numbers": pa.table({"number": pa.array(whole.numbers)})}

    def load(self, tables: dict[str, pa.Table]) -> None:
        if tables:
            rows = tables["rows"].combine_chunks().to_batches()[0]
            self.add(values_of(single_chunk(tables["numbers"]["number"])), rows)

    def _remove(self, wanted: Callable[[Int64Array], BoolArray]) -> tuple[Int64Array, pa.RecordBatch]:
        taken = [_Chunk(np.empty(0, np.int64), empty_rows(self._schema), 0)]
        left = []
        for chunk in self._chunks:
            mask = wanted(chunk.numbers)
            if mask.all():
                taken.append(chunk)
            elif mask.any():
                taken.append(chunk.take(mask))
                left.append(chunk.take(~mask))
            else:
                left.append(chunk)
        self._chunks = left
        return np.concatenate([each.numbers for each in taken]), pa.concat_batches([each.rows for each in taken])

    def _merged(self, chunks: list[_Chunk]) -> _Chunk:
        numbers = np.concatenate([each.numbers for each in chunks])
        rows = pa.concat_batches([each.rows for each in chunks])
        if self._shrink is not None:
            at = self._shrink(numbers, rows)
            if len(at) < len(numbers):
                numbers, rows = numbers[at], rows.take(int64_array(at))
        return _Chunk(numbers, rows, chunks[0].level + 1)


def empty_rows(schema: pa.Schema) -> pa.RecordBatch:
    """No rows of a schema."""
    return pa.RecordBatch.from_arrays([pa.array([], each.type) for each in schema], schema=schema)
