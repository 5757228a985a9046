"""The changes of a source without a key, of which each row that is taken back must have been there."""

from __future__ import annotations

from collections.abc import Iterable

from streamsql.batch import Batch
from streamsql.errors import Span
from streamsql.expr.types import Schema
from streamsql.operators.base import Operator
from streamsql.state.row_multiset import RowMultiset


class CheckedRows(Operator):
    """Passes changes on as they are; DataError where a row is taken back that is not there, at every batch size."""

    def __init__(self, schema: Schema, source: str, span: Span | None) -> None:
        self.schema = schema
        self.kept = RowMultiset(schema, source=source, span=span)

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        if len(batch):
            self.kept.check(batch)
        return (batch,)
