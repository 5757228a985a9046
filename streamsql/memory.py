"""In-memory tables: rows kept in the session, written by INSERT and `push`, read as they are now or followed."""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import field, replace

import numpy as np
import pyarrow as pa

from streamsql.batch import Weights
from streamsql.errors import BackPressure, UsageError
from streamsql.expr.types import Schema
from streamsql.memory_history import Compaction, net_rows, present
from streamsql.memory_rows import ALL_ROWS, Cursor, Deliver, Stored, Stream, Together, put_together
from streamsql.memory_source import MemorySource, history_compacted
from streamsql.ports import ReadRequest, SourceBatch
from streamsql.precision import cutter
from streamsql.record import record
from streamsql.state.grouping import group_rows, normalize_key
from streamsql.state.keyed_rows import KeyedRows
from streamsql.time import Time

_LOOK_AGAIN = 0.1
"""Seconds after which a waiting `push` looks whether anyone is still there to make room."""


class MemoryTable:
    """Rows in the order in which they came; every method may be called from any thread.

    `key`: positions of the primary key's columns. With one, a row that is added takes the place of the row of its key,
    and a row that is taken back stands for its key. All that is written is written `together`. Where the changes are
    many times the rows that are left, those that all followers have read are compacted, unless the table is `timed`:
    there a row that has gone has moved the watermark all the same.
    """

    def __init__(
        self, schema: Schema, key: Sequence[int] = (), together: Together = nullcontext, *, timed: bool = False
    ) -> None:
        self.schema = schema
        self.together = together
        self._cutters = [cutter(each.type) for each in schema.columns]
        self._keyed = KeyedRows(schema.to_arrow(), key) if key else None
        self.updating = self._keyed is not None
        """Whether rows may have been taken back."""
        self._changed = threading.Condition()
        self._stored: list[Stored] = []
        self._ends: list[int] = []
        self._forgotten = Cursor()
        self._compaction = None if timed else Compaction()
        self._followers: list[FollowingSource] = []
        self._stream: Stream | None = None
        self._room: list[Callable[[], None]] = []

    def append(self, rows: pa.RecordBatch, weights: Weights | None = None) -> None:
        """Add rows of the table's schema; weights -1 take rows back.

        UsageError where rows are taken back that a running query, by its plan, has seen once for all.
        """
        self._take_in(rows, weights, present=False)

    def _take_in(self, rows: pa.RecordBatch, weights: Weights | None, *, present: bool) -> None:
        """Add rows; where they must be `present` already, refuse what is not. Followers look while they hold a lock of
        their own, so the bell is rung without this one."""
        entry = Stored(self._conformed(rows), weights, conforming=True)
        with self.together(), self._changed:
            if present:
                self._refuse_absent(entry.rows)
            if weights is not None and (weights < 0).any() and not all(each.takes_back for each in self._followers):
                hint = "stop that query first, or declare a PRIMARY KEY: then every query expects rows to change"
                raise UsageError("a running query reads rows of this table once for all", hint=hint)
            self._add(entry)
        self._ring()

    def replace(self, rows: pa.RecordBatch) -> None:
        """Put rows in the place of those of their keys; UsageError, and no change, where a key is not there."""
        self._take_in(rows, None, present=True)

    def remove(self, rows: pa.RecordBatch) -> None:
        """Take rows back, those of a table with a key by their keys; UsageError where one is not there."""
        self._take_in(rows, np.full(rows.num_rows, -1, np.int8), present=True)

    def push(
        self, stream: Stream, rows: pa.RecordBatch, *, watermark: Time | None = None, timeout: float | None = None
    ) -> None:
        """Add rows to an open stream, all or none, waiting until the slowest follower has room for them.

        Raises BackPressure after `timeout` seconds, or when no one will ever make room.
        """
        entry = Stored(self._conformed(rows), None, watermark, conforming=True)
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._added(stream, entry):
            with self._changed:
                self._wait_for_room(stream, rows.num_rows, deadline)
        self._ring()

    def _added(self, stream: Stream, entry: Stored) -> bool:
        """Add rows if there is room for them now."""
        with self.together(), self._changed:
            if self._without_room(stream, entry.rows.num_rows) is not None:
                return False
            self._add(entry)
            return True

    def _wait_for_room(self, stream: Stream, count: int, deadline: float | None) -> None:
        while (slow := self._without_room(stream, count)) is not None:
            left = _LOOK_AGAIN if deadline is None else min(_LOOK_AGAIN, deadline - time.monotonic())
            if left <= 0:
                raise BackPressure(f"a query lags {slow.lag:,} rows behind: there is no room for more")
            # Whoever is to take the query's changes gets a moment to begin.
            if not self._changed.wait(left):
                slow.refuse_if_stuck()

    def open_stream(self, capacity: int, keep_rows: bool) -> Stream:
        """The stream that is open, or a new one."""
        with self._changed:
            if self._stream is None or not self._stream.open:
                self._stream = Stream(capacity, keep_rows)
            return self._stream

    def close_stream(self, stream: Stream) -> None:
        """No more rows come: followers end after the last one."""
        with self._changed:
            stream.open = False
            self._changed.notify_all()
        self._ring()

    @contextmanager
    def told_of_room(self, tell: Callable[[], None]) -> Iterator[None]:
        """Within: `tell` is called, from any thread, when a follower has read on or left."""
        self._room.append(tell)
        try:
            yield
        finally:
            self._room.remove(tell)

    @property
    def is_open(self) -> bool:
        """Whether someone holds the table open for pushing."""
        with self._changed:
            return self._stream is not None and self._stream.open

    @property
    def keyed(self) -> bool:
        """Whether rows go by a primary key."""
        return self._keyed is not None

    @property
    def entries(self) -> int:
        """How often rows have come so far."""
        with self._changed:
            return self._forgotten.entry + len(self._stored)

    def snapshot(self) -> tuple[Stored, ...]:
        """The changes that came so far."""
        with self._changed:
            return tuple(self._stored)

    def present(self) -> tuple[Stored, ...]:
        """The rows present now, none of them taken back."""
        return present(self.snapshot())

    def source(
        self, *, follow: bool = False, takes_back: bool = True, deliver: Deliver = put_together
    ) -> MemorySource | FollowingSource:
        """The rows present now; to `follow` an open stream goes on with what comes until it is closed.

        `takes_back`: the reader expects rows to be taken back, and gets what it reads by `deliver`.
        """
        with self._changed:
            if follow and self._stream is not None and self._stream.open:
                return FollowingSource(self, self._stream, takes_back, deliver=deliver)
            compacted = self._compacted_up_to
            return MemorySource(self.schema, self._stored, takes_back, compacted=compacted, deliver=deliver)

    def followed_at_once(self, deliver: Deliver = put_together) -> FollowingSource:
        """The rows present now and what comes, for who reads it in the thread that writes; it never ends."""
        return FollowingSource(self, Stream(), at_once=True, deliver=deliver)

    def follow(self, source: FollowingSource, delivered: int) -> None:
        """Count a reader in, which has read so many rows before."""
        with self._changed:
            if 0 < delivered < self._compacted_up_to:
                raise history_compacted()
            cursor, first = source.cursor, self._forgotten
            index = bisect_right(self._ends, delivered) if delivered else 0
            begin = self._ends[index - 1] if index else first.rows
            cursor.entry, cursor.rows = first.entry + index, max(delivered, first.rows)
            cursor.offset = cursor.rows - begin
            if source not in self._followers:
                self._followers.append(source)

    def leave(self, source: FollowingSource) -> None:
        """Count a reader out."""
        with self._changed:
            if source in self._followers:
                self._followers.remove(source)
            self._changed.notify_all()
        self._tell_room()

    def read_on(self, source: FollowingSource, batch_rows: int) -> tuple[list[Stored], bool]:
        """A follower's next rows, and whether none will ever follow."""
        with self._changed:
            taken = source.cursor.take(self._stored, batch_rows, self._forgotten.entry)
            if taken:
                self._forget()
                self._changed.notify_all()
            ended = not (taken or source.stream.open)
        self._tell_room()
        return taken, ended

    def has_news(self, source: FollowingSource) -> bool:
        """Whether `read_on` has something to tell."""
        with self._changed:
            return source.cursor.entry < self.entries or not source.stream.open

    @property
    def rows(self) -> int:
        """How many rows have come so far."""
        return self._ends[-1] if self._ends else self._forgotten.rows

    def _conformed(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        wanted = self.schema.to_arrow()
        if rows.schema.types != wanted.types:
            raise UsageError(f"rows of {rows.schema} do not fit a table of {wanted}")
        if not any(self._cutters):
            return rows if rows.schema is wanted else pa.RecordBatch.from_arrays(rows.columns, schema=wanted)
        columns = [each if cut is None else cut(each) for cut, each in zip(self._cutters, rows.columns, strict=True)]
        return pa.RecordBatch.from_arrays(columns, schema=wanted)

    def _refuse_absent(self, rows: pa.RecordBatch) -> None:
        if not rows.num_rows:
            return
        if self._keyed is not None:
            there = self._keyed.known(rows)
        else:
            held = pa.concat_batches([each.rows for each in self.present()] + [rows])
            groups, _ = group_rows([normalize_key(each) for each in held.columns])
            signs = np.where(np.arange(held.num_rows) < held.num_rows - rows.num_rows, 1, -1).astype(np.int8)
            net = np.bincount(groups, signs)
            there = (net >= 0)[groups[-rows.num_rows :]]
        if not there.all():
            row = rows.slice(int(np.argmin(there)), 1).to_pylist()[0]
            raise UsageError(f"the table has no such row: {row}", hint="push adds rows that are not there")

    def _add(self, entry: Stored) -> None:
        if self._keyed is not None and entry.rows.num_rows:
            added = np.ones(entry.rows.num_rows, np.bool_) if entry.weights is None else entry.weights > 0
            changes = self._keyed.apply(entry.rows, added)
            entry = replace(entry, rows=changes.rows, weights=changes.weights, replaced=changes.replaced)
        self._stored.append(entry)
        self.updating = self.updating or (entry.weights is not None and bool((entry.weights < 0).any()))
        self._ends.append(self.rows + entry.rows.num_rows)
        stored = self.rows - self._forgotten.rows
        if self._compaction is not None and self.updating and self._compaction.due(stored):
            self._compaction.done(*self._compacted(stored))

    @property
    def _compacted_up_to(self) -> int:
        return 0 if self._compaction is None else self._compaction.end

    def _compacted(self, stored: int) -> tuple[int, int | None]:
        """Put the rows that are left of all changes that every follower has read in the place of these; how many rows
        are stored then, and up to which number they are no more what came. Later entries and rows keep their numbers.
        """
        entries = [each.cursor.entry - self._forgotten.entry for each in self._followers]
        count = min([len(self._stored), *entries])
        left = present(self._stored[:count])
        rows, end = sum(each.rows.num_rows for each in left), self._ends[count - 1] if count else 0
        if len(left) != 1 or rows != net_rows(self._stored[:count]):
            return stored, None
        self._forgotten = Cursor(self._forgotten.entry + count - 1, 0, end - rows)
        self._stored[:count], self._ends[:count] = left, [end]
        return self.rows - self._forgotten.rows, end

    def _without_room(self, stream: Stream, count: int) -> FollowingSource | None:
        if not stream.open:
            raise UsageError("the table is closed for pushing", hint="session.table(name) opens it again")
        for each in self._followers:
            if each.lag and each.lag + count > stream.capacity:
                return each
        return None

    def _forget(self) -> None:
        if self._stream is None or self._stream.keep_rows:
            return
        read = min(each.cursor.entry for each in self._followers) - self._forgotten.entry
        if read:
            self._forgotten = Cursor(self._forgotten.entry + read, 0, self._ends[read - 1])
            del self._stored[:read], self._ends[:read]

    def _tell_room(self) -> None:
        for each in tuple(self._room):
            each()

    def _ring(self) -> None:
        for each in tuple(self._followers):
            each.ring()


@record(eq=False, frozen=False)
class FollowingSource:
    """Reads a table's rows and what is pushed later, until its stream is closed. It never waits: it rings.

    `takes_back`: the reader expects rows to be taken back.
    `stalled_by`: the thread whose turn it is to take results before more rows are read; None while reading goes on.
    `at_once`: whoever reads wants all rows that are there as one delivery, and never waits for more.
    """

    table: MemoryTable
    stream: Stream
    takes_back: bool = True
    cursor: Cursor = field(default_factory=Cursor)
    ring: Callable[[], None] = lambda: None
    stalled_by: Callable[[], threading.Thread | None] = lambda: None
    at_once: bool = False
    deliver: Deliver = put_together
    bounded = False
    in_memory = True

    @property
    def schema(self) -> Schema:
        return self.table.schema

    @property
    def ready(self) -> bool:
        """Whether there are rows, or the end, to read."""
        return self.table.has_news(self)

    @property
    def lag(self) -> int:
        """How many rows wait to be read."""
        return self.table.rows - self.cursor.rows

    @property
    def updating(self) -> bool:
        """Whether rows may have been taken back."""
        return self.table.updating

    @property
    def arrived(self) -> int:
        """How often rows have come so far, the end counted too."""
        return self.table.entries + (not self.stream.open)

    @property
    def delivered(self) -> int:
        """How much of that has been read, but for the end."""
        return self.cursor.entry

    def join(self) -> None:
        """Count as a reader from now on: what is pushed next waits for it."""
        self.table.follow(self, 0)

    def leave(self) -> None:
        """Be no reader any more."""
        self.table.leave(self)

    def subscribe(self, ring: Callable[[], None]) -> None:
        """Call `ring`, from any thread, when there is news."""
        self.ring = ring

    def read(self, request: ReadRequest) -> Iterator[SourceBatch]:
        """As MemorySource, then what comes; an empty batch where there is nothing new."""
        nothing = Stored(pa.RecordBatch.from_pylist([], self.schema.to_arrow()))
        limit = ALL_ROWS if self.at_once else request.batch_rows
        self.table.follow(self, int(request.start["rows"]) if request.start else 0)
        try:
            ended = False
            while not ended:
                some, ended = self.table.read_on(self, limit)
                if some:
                    yield self.deliver(some, request.columns, self.cursor.rows)
                elif not ended:
                    yield self.deliver([nothing], request.columns, self.cursor.rows)
        finally:
            self.leave()

    def refuse_if_stuck(self) -> None:
        """BackPressure where waiting for this reader would take for ever."""
        thread = self.stalled_by()
        if thread is threading.current_thread():
            raise BackPressure(
                "push would wait for ever: this thread has not taken the changes of a query that reads the table",
                hint="take them between pushes (changes.drain()), in another thread, or stop the query",
            )
        if thread is not None and not thread.is_alive():
            raise BackPressure("no one takes the changes of a query that reads the table: its thread has ended")
