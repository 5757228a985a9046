"""ORDER BY over a bounded result: all rows in order, once the input has ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa

from streamsql.batch import Batch
from streamsql.expr.types import Schema
from streamsql.expr.windows import SortKey
from streamsql.operators.base import Operator
from streamsql.operators.row_order import Term, order_terms, sorted_positions
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
            rows = rows.take(pa.array(sorted_positions(self._terms(rows))))
        for batch in rows.to_batches(max_chunksize=_BATCH_ROWS):
            yield Batch(batch)

    def _terms(self, rows: pa.Table) -> list[Term]:
        return [
            term
            for key in self._keys
            for term in order_terms(
                single_chunk(rows.column(key.column)), ascending=key.ascending, nulls_first=key.nulls_first
            )
        ]
