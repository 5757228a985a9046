"""LIMIT and OFFSET: the first rows that arrive, or that a Sort emits."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from streamsql.batch import Batch
from streamsql.expr.types import Schema
from streamsql.operators.base import Operator
from streamsql.state.base import State


class RowCount(State):
    """How many rows have been seen."""

    def __init__(self) -> None:
        self.seen = 0

    def save(self) -> dict[str, pa.Table]:
        return {"seen": pa.table({"rows": pa.array([self.seen], pa.int64())})}

    def load(self, tables: dict[str, pa.Table]) -> None:
        self.seen = tables["seen"]["rows"][0].as_py()

    @property
    def rows(self) -> int:
        return 0


class Limit(Operator):
    """Passes on rows `offset` up to `offset + limit` of an append-only input; `limit` None: all from `offset` on."""

    def __init__(self, schema: Schema, limit: int | None, offset: int = 0) -> None:
        self.schema = schema
        self.count = RowCount()
        self._first = offset
        self._end = None if limit is None else offset + limit

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        before = self.count.seen
        self.count.seen += len(batch)
        start = max(self._first - before, 0)
        end = len(batch) if self._end is None else min(self._end - before, len(batch))
        if start >= end:
            return ()
        return (batch if end - start == len(batch) else batch.slice(start, end - start),)
