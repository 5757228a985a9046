"""Deduplication that keeps the earliest row by event time: final once the watermark has reached its time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch, Times
from streamsql.expr.types import Schema
from streamsql.operators.base import LateRows, Operator
from streamsql.operators.lateness import times_of, watermarks_of
from streamsql.operators.rank_output import partitions_of
from streamsql.row_watermarks import GivenWatermarks
from streamsql.state.fixed_width import Int64Array, int64_array, values_of
from streamsql.state.key_index import KeyIndex
from streamsql.state.lifetimes import Lifetimes
from streamsql.state.ordering import lexical_order
from streamsql.state.progress import Progress
from streamsql.state.row_lists import RowLists
from streamsql.state.row_slots import RowSlots
from streamsql.time import Duration, Time

_DONE = -1


class FirstRows(Operator):
    """Output: one row a partition, the earliest by time (of equal ones the first to arrive); by time, then arrival.

    A row at or before the watermark is late, so no row can come before one that was emitted. `numbered`: with a last
    column that holds 1, the rank. All positions are those of the input. `ttl`: a partition is forgotten so long after
    its row was found or sent.
    """

    net_output = True

    def __init__(
        self,
        input_schema: Schema,
        partition: Sequence[int],
        time: int,
        numbered: bool,
        schema: Schema,
        *,
        ttl: Duration | None = None,
    ) -> None:
        self.schema = schema
        self._arrow_schema = schema.to_arrow()
        self._partition, self._time, self._numbered = tuple(partition), time, numbered
        types = input_schema.to_arrow().types
        self._hidden = len(types)
        stored = [*types, pa.int64(), pa.int64()]
        self._stored_schema = pa.schema([(f"c{i}", each) for i, each in enumerate(stored)])
        self.keys = KeyIndex([types[each] for each in partition] or [pa.int8()])
        self.candidates = RowLists()
        """Of each partition the best row so far, `_DONE` once that has been emitted."""
        self.store = RowSlots(self._stored_schema)
        self.progress = Progress()
        self.expires = ttl is not None
        self.lifetimes = Lifetimes(ttl) if ttl is not None else None

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        if not len(batch):
            return ()
        times, watermarks = times_of(batch.rows, self._time), watermarks_of(batch, self.progress.time).values
        arrivals = self.progress.number(len(batch))
        late = (times <= watermarks).nonzero()[0]
        if len(late):
            if self.on_late is not None:
                self.on_late(_late_rows(batch, late, watermarks[late], times[late]))
            kept = np.delete(np.arange(len(batch)), late)
            batch, times, arrivals = batch.take(kept), times[kept], arrivals[kept]
        if len(batch):
            self._add(batch, times, arrivals)
        return ()

    def expire(self, now: Time) -> int:
        assert self.lifetimes is not None
        gone = self.lifetimes.expired(now)
        _, held = self.candidates.take(gone)
        self.store.remove(held[held != _DONE])
        self.candidates.put(gone, gone[:0], gone[:0])
        self.keys.free(gone)
        return len(gone)

    def on_watermark(self, time: Time) -> Iterable[Batch]:
        if not self.progress.advance(time):
            return ()
        waiting = self.store.live_ids()
        due = waiting[values_of(self.store.column(self._time, waiting)) <= time]
        if not len(due):
            return ()
        arrivals, owners = (values_of(self.store.column(self._hidden + i, due)) for i in (0, 1))
        times = values_of(self.store.column(self._time, due))
        order = lexical_order([times, arrivals])
        due, times = due[order], times[order]
        columns = [self.store.column(position, due) for position in range(self._hidden)]
        if self._numbered:
            columns.append(int64_array(np.ones(len(due), np.int64)))
        rows = pa.RecordBatch.from_arrays(columns, schema=self._arrow_schema)
        self.candidates.put(owners, np.arange(len(owners)), np.full(len(owners), _DONE))
        if self.lifetimes is not None:
            self.lifetimes.touch(owners)
        self.store.remove(due)
        return (Batch(rows, None, GivenWatermarks(times - 1)),)

    def _add(self, batch: Batch, times: Times, arrivals: Int64Array) -> None:
        """Let new rows compete with the candidates of their partitions."""
        owners = partitions_of(self.keys, batch.rows, self._partition)
        holders, held = self.candidates.take(owners.ids)
        done = np.zeros(len(owners.ids), np.bool_)
        done[holders[held == _DONE]] = True
        holders, held = holders[held != _DONE], held[held != _DONE]
        at = (~done[owners.of_rows]).nonzero()[0]
        candidates = np.concatenate([holders, owners.of_rows[at]])
        held_times, held_arrivals = (values_of(self.store.column(i, held)) for i in (self._time, self._hidden))
        codes = [np.concatenate([held_times, times[at]]), np.concatenate([held_arrivals, arrivals[at]])]
        order = lexical_order([candidates, *codes])
        best = order[np.flatnonzero(np.diff(candidates[order], prepend=-1))]
        winners = best[best >= len(held)] - len(held)
        losers = np.setdiff1d(np.arange(len(held)), best, assume_unique=True)
        self.store.remove(held[losers])
        rows = at[winners]
        winning = owners.ids[owners.of_rows[rows]]
        taken = batch.rows.take(int64_array(rows)).columns
        columns = [*taken, int64_array(arrivals[rows]), int64_array(winning)]
        ids = self.store.insert(pa.RecordBatch.from_arrays(columns, schema=self._stored_schema))
        self.candidates.put(winning, np.arange(len(winning)), ids)
        if self.lifetimes is not None:
            self.lifetimes.touch(winning)


def _late_rows(batch: Batch, late: Int64Array, watermarks: Times, times: Times) -> LateRows:
    rows = batch.take(late)
    none = np.zeros(len(late), np.int32)
    return LateRows(rows.rows, rows.weights, watermarks, watermarks - times, none, np.zeros((0, 3), np.int64))
