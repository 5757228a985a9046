"""What a lookup keeps: the whole table, read anew from time to time, or the keys that were asked for last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch
from streamsql.expr.types import Schema
from streamsql.operators.lookup_join import Lookup
from streamsql.plan.lookup_options import LookupOptions
from streamsql.state.fixed_width import BoolArray, Int64Array, take_rows
from streamsql.state.key_codes import KeyCodes
from streamsql.state.key_index import KeyIndex
from streamsql.state.stored_column import grown
from streamsql.state.trace import Trace
from streamsql.time import BEGIN_OF_TIME, Clock, Duration, Time


class WholeTable:
    """'lookup.cache' = 'FULL': all rows, found by the columns at `keys`; read when first asked, and after `reload`."""

    def __init__(
        self,
        schema: Schema,
        keys: Sequence[int],
        read: Callable[[], Iterable[Batch]],
        clock: Clock,
        reload: Duration | None,
    ) -> None:
        self._schema = schema
        self._arrow = schema.to_arrow()
        self._keys = tuple(keys)
        self._read = read
        self._clock = clock
        self._reload = reload
        self._read_at: Time | None = None

    def find(self, keys: Sequence[pa.Array]) -> tuple[Int64Array, pa.RecordBatch]:
        """The rows of keys, in the order of the table."""
        now = self._clock.now()
        if self._read_at is None or (self._reload is not None and now - self._read_at >= self._reload):
            self._fill()
            self._read_at = now
        codes, _ = self._codes.find(keys, len(keys[0]))
        return rows_under(self._rows, codes, self._arrow)

    def _fill(self) -> None:
        self._codes = KeyCodes([self._arrow.field(each).type for each in self._keys])
        self._rows = Trace(self._schema, updating=False)
        for batch in self._read():
            codes, keyed = self._codes.encode([batch.rows.column(each) for each in self._keys], len(batch))
            if keyed is not None:
                batch, codes = batch.filter(keyed), codes[keyed]
            self._rows.add(codes, batch.rows)


class LastKeys:
    """'lookup.cache' = 'PARTIAL': the rows of keys that were looked up, also that there are none.

    A key is looked up again when it has expired; of more than `max_rows` keys those used last are kept.
    """

    def __init__(
        self, schema: Schema, types: Sequence[pa.DataType], ask: Lookup, clock: Clock, options: LookupOptions
    ) -> None:
        self._arrow = schema.to_arrow()
        self._ask = ask
        self._clock = clock
        self._options = options
        self._index = KeyIndex(types)
        self._rows = Trace(schema, updating=False)
        self._written, self._used, self._turns = (np.empty(0, np.int64) for _ in range(3))
        self._turn = 0
        self._swept_at: Time = BEGIN_OF_TIME

    @property
    def keys(self) -> int:
        """How many keys are kept."""
        return self._index.rows

    def find(self, keys: Sequence[pa.Array]) -> tuple[Int64Array, pa.RecordBatch]:
        """The rows of keys; those that are not kept are looked up together."""
        now = self._clock.now()
        self._forget_expired(now)
        ids = self._index.lookup(keys)
        missing = np.flatnonzero(ids < 0)
        without_rows = ids[:0]
        if len(missing):
            asked = [take_rows(each, missing) for each in keys]
            at, rows = self._ask.find(asked)
            ids[missing] = self._keep(asked, at, rows, now)
            without_rows = np.delete(ids[missing], at)
        self._turn += 1
        self._used[ids], self._turns[ids] = now, self._turn
        found = rows_under(self._rows, ids, self._arrow)
        if not self._options.missing_keys:
            self._forget(without_rows)
        self._forget_unused()
        self._rows.settle()
        return found

    def _keep(self, keys: Sequence[pa.Array], at: Int64Array, rows: pa.RecordBatch, now: Time) -> Int64Array:
        ids = self._index.lookup_or_insert(keys)
        bound = self._index.bound
        self._written, self._used, self._turns = (
            grown(each, bound) for each in (self._written, self._used, self._turns)
        )
        self._written[ids] = now
        self._rows.add(ids[at], rows)
        return ids

    def _forget_expired(self, now: Time) -> None:
        limits = [each for each in (self._options.after_write, self._options.after_access) if each is not None]
        if not limits or now == self._swept_at:
            return
        self._swept_at = now
        ids = self._index.live_ids()
        self._forget(ids[self._expired(ids, now)])

    def _expired(self, ids: Int64Array, now: Time) -> BoolArray:
        expired = np.zeros(len(ids), np.bool_)
        for limit, since in ((self._options.after_write, self._written), (self._options.after_access, self._used)):
            if limit is not None:
                expired |= now - since[ids] >= limit
        return expired

    def _forget_unused(self) -> None:
        excess = self._index.rows - (self._options.max_rows or self._index.rows)
        if excess > 0:
            ids = self._index.live_ids()
            self._forget(ids[np.argsort(self._turns[ids], kind="stable")[:excess]])

    def _forget(self, ids: Int64Array) -> None:
        if not len(ids):
            return
        for _, numbers in self._rows.probe(ids, 1 << 62):
            self._rows.delete(numbers)
        self._index.free(ids)


def rows_under(trace: Trace, codes: Int64Array, schema: pa.Schema) -> tuple[Int64Array, pa.RecordBatch]:
    """The rows under codes, each with the place of its code, ascending."""
    found = [(codes[:0], codes[:0]), *trace.probe(codes, 1 << 62)]
    at, numbers = (np.concatenate(each) for each in zip(*found, strict=True))
    return at, pa.RecordBatch.from_arrays(trace.take(numbers), schema=schema)
