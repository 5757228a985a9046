"""What both operators over SESSION windows share: the open sessions, their rows, lateness, rows taken back."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch, Times
from streamsql.expr.types import Schema, arrow_type
from streamsql.expr.windows import Session
from streamsql.operators.base import OpenWindows, Operator
from streamsql.operators.lateness import Mask, times_of, watermarks_of
from streamsql.operators.session_cuts import SessionCuts
from streamsql.operators.session_lateness import late_for_sessions
from streamsql.operators.session_retraction import by_sign, take_back
from streamsql.state.fixed_width import Int64Array, int64_array
from streamsql.state.kept_rows import KeptRows
from streamsql.state.progress import Progress
from streamsql.state.session_index import Assigned, ClosedSessions, SessionIndex
from streamsql.time import Time, tick


class SessionOperator(Operator):
    """Puts rows into sessions by key, and hands each session on when it closes.

    `time` and `keys` are positions in the input. A row whose session has closed is late.
    """

    def __init__(
        self, input_schema: Schema, window: Session, time: int, precision: int, keys: Sequence[int], schema: Schema
    ) -> None:
        self.schema = schema
        self._arrow_schema = schema.to_arrow()
        self._gap = window.gap
        self._time = time
        self._tick = tick(precision)
        self._keys = tuple(keys)
        key_types = [arrow_type(input_schema.columns[each].type) for each in keys]
        kept = [(each.name, each.type) for each in input_schema.to_arrow()]
        self._kept_schema = pa.schema([*kept, ("$arrival", pa.int64())])
        self._cuts = SessionCuts(key_types)
        self.sessions = SessionIndex(key_types, window.gap, self._tick)
        self.kept = KeptRows(self._kept_schema)
        self.progress = Progress()

    @abstractmethod
    def _keep(self, batch: Batch, assigned: Assigned, member: Int64Array, arrivals: Int64Array) -> None:
        """Take in rows, of which none is late; `member` says for each its session, a position in `assigned.slots`."""

    @abstractmethod
    def _emit(self, closed: ClosedSessions) -> Iterator[Batch]:
        """The output rows of closed sessions, in order."""

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        for part in by_sign(batch):
            watermarks = self._watermarks(part)
            if part.weights is None:
                self._add(part, watermarks)
            else:
                late = take_back(self.sessions, self.kept, part, self._keys, self._time, watermarks)
                self._report(part, late, watermarks)
        return ()

    def on_watermark(self, time: Time) -> Iterable[Batch]:
        return self._advance(time)

    def open_windows(self) -> OpenWindows:
        """The sessions that wait for the watermark."""
        starts, ends = self.sessions.open()
        return OpenWindows(starts, ends, self._tick)

    def _watermarks(self, batch: Batch) -> Times:
        return np.maximum.accumulate(watermarks_of(batch, self.progress.time).values)

    def _advance(self, time: Time) -> Iterator[Batch]:
        if self.progress.advance(time):
            closed = self.sessions.close(time)
            if closed is not None:
                yield from self._emit(closed)

    def _add(self, batch: Batch, watermarks: Times) -> None:
        times = times_of(batch.rows, self._time)
        assigned = self.sessions.assign([batch.rows.column(each) for each in self._keys], times, watermarks)
        member, arrivals = assigned.member, self.progress.number(len(batch))
        late = member < 0
        if late.any():
            self._report(batch, late, watermarks)
            batch, member, arrivals = batch.filter(~late), member[~late], arrivals[~late]
        if len(batch):
            self._keep(batch, assigned, member, arrivals)

    def _keep_rows(self, batch: Batch, slots: Int64Array, arrivals: Int64Array) -> None:
        columns = [*batch.rows.columns, int64_array(arrivals)]
        self.kept.add(slots, pa.RecordBatch.from_arrays(columns, schema=self._kept_schema))

    def _report(self, batch: Batch, late: Mask, watermarks: Times) -> None:
        if self.on_late is not None and bool(late.any()):
            times = times_of(batch.rows, self._time)
            self.on_late(late_for_sessions(batch, late, times, watermarks, self._gap))

    def _report_cuts(self, closed: ClosedSessions, owners: Int64Array, rows: pa.RecordBatch) -> None:
        """Tell the listener, if there is one, of rows whose sessions were cut off from closed ones."""
        if self.on_cut is not None and (cut := self._cuts.cut(closed, owners, rows)) is not None:
            self.on_cut(cut)
