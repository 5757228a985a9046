"""ORDER BY over a bounded result: all rows in order, once the input has ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from streamsql.batch import Batch
from streamsql.expr.types import Schema
from streamsql.expr.windows import SortKey
from streamsql.operators.base import Operator
from streamsql.state.grouping import single_chunk
from streamsql.state.net_rows import NetRows
from streamsql.time import END_OF_TIME, Time

_BATCH_ROWS = 65_536


class Sort(Operator):
    """Keeps the net rows and emits them at END_OF_TIME, equal ones in order of arrival.

    `keys` hold positions; without keys the rows come in order of arrival. NaN is the largest value, text is ordered by
    code point, NULL stands where the key says.
    """

    net_output = True

    def __init__(self, schema: Schema, keys: Sequence[SortKey]) -> None:
        self.schema = schema
        self.kept = NetRows(schema)
        self._keys = tuple(keys)

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        self.kept.add(batch)
        return ()

    def on_watermark(self, time: Time) -> Iterable[Batch]:
        return self._emit() if time == END_OF_TIME else ()

    def _emit(self) -> Iterator[Batch]:
        rows = self.kept.table()
        if self._keys:
            rows = rows.take(_order(rows, self._keys))
        for batch in rows.to_batches(max_chunksize=_BATCH_ROWS):
            yield Batch(batch)


def _order(rows: pa.Table, keys: Sequence[SortKey]) -> pa.Array:
    """Row numbers in the order of the keys."""
    columns: list[pa.Array] = []
    directions: list[str] = []
    for key in keys:
        values = single_chunk(rows.column(key.column))
        direction = "ascending" if key.ascending else "descending"
        # Arrow has one place for all NULL and NaN: each gets a column of its own before the values.
        if values.null_count:
            columns.append(pc.cast(values.is_null(), pa.int8()))
            directions.append("descending" if key.nulls_first else "ascending")
        if pa.types.is_floating(values.type):
            columns.append(pc.cast(pc.is_nan(values), pa.int8()))
            directions.append(direction)
        columns.append(values)
        directions.append(direction)
    names = [str(index) for index in range(len(columns))]
    sort_keys = list(zip(names, directions, strict=True))
    return pc.sort_indices(pa.Table.from_arrays(columns, names), sort_keys=sort_keys)
