"""The changes of a source by primary key, made exact: a row takes back just what its key had before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from streamsql.batch import Batch
from streamsql.expr.types import Schema
from streamsql.operators.base import Operator
from streamsql.state.fixed_width import int64_array
from streamsql.state.keyed_rows import KeyedRows
from streamsql.time import Duration, Time


class KeepLast(Operator):
    """A +1 row replaces the row of its key, a -1 row removes it, whatever else it says; repetitions say nothing new.

    `key`: positions. A -1 row whose key is not there changes nothing; `on_unknown` is told. `ttl`: a row is forgotten
    so long after it last came.
    """

    def __init__(self, schema: Schema, key: Sequence[int], ttl: Duration | None = None) -> None:
        self.schema = schema
        self.kept = KeyedRows(schema.to_arrow(), key, ttl)
        self.expires = ttl is not None

    def expire(self, now: Time) -> int:
        return self.kept.expire(now)

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        if not len(batch):
            return ()
        changes = self.kept.apply(batch.rows, batch.sign() > 0)
        if len(changes.unknown) and self.on_unknown is not None:
            self.on_unknown(batch.rows.take(int64_array(changes.unknown)))
        if not changes.rows.num_rows:
            return ()
        of_rows = changes.of_rows
        watermarks = None if batch.watermarks is None else batch.watermarks.take(of_rows)
        arrivals = None if batch.arrivals is None else batch.arrivals[of_rows]
        return (Batch(changes.rows, changes.weights, watermarks, arrivals),)
