"""In-memory tables: rows kept in the session, written by INSERT and `push`, read as they are now or followed."""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streamsql.errors import BackPressure, UsageError
from streamsql.expr.types import Schema
from streamsql.ports import ReadRequest, RowKind, RowKinds, SinkMode, SourceBatch
from streamsql.time import Time

CAPACITY = 65_536
_LOOK_AGAIN = 0.1
"""Seconds after which a waiting `push` looks whether anyone is still there to make room."""


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """Rows as they came; no weights: all +1. `watermark`: time has come at least so far after them."""

    rows: pa.RecordBatch
    weights: npt.NDArray[np.int8] | None = None
    watermark: Time | None = None

    def slice(self, start: int, count: int) -> Stored:
        """Some of the rows; the watermark goes with the last one."""
        if not start and count == self.rows.num_rows:
            return self
        weights = None if self.weights is None else self.weights[start : start + count]
        last = start + count == self.rows.num_rows
        return Stored(self.rows.slice(start, count), weights, self.watermark if last else None)


@dataclass(eq=False)
class Stream:
    """A table held open for pushing: whoever follows it waits for more until it is closed.

    `capacity`: by how many rows the slowest follower may lag before `push` waits. Unless `keep_rows`, rows that all
    followers have read are forgotten.
    """

    capacity: int = CAPACITY
    keep_rows: bool = True
    open: bool = True


@dataclass(slots=True)
class _Cursor:
    """Where a reader stands: at which entry of all there ever were, which row of it, and at which row of all."""

    entry: int = 0
    offset: int = 0
    rows: int = 0

    def take(self, stored: Sequence[Stored], batch_rows: int, forgotten: int = 0) -> list[Stored]:
        """The next rows, small batches put together, at most `batch_rows`; a watermark ends them.

        `forgotten`: how many entries there were before the stored ones.
        """
        taken: list[Stored] = []
        missing = batch_rows
        while self.entry - forgotten < len(stored) and missing:
            whole = stored[self.entry - forgotten]
            count = min(missing, whole.rows.num_rows - self.offset)
            part = whole.slice(self.offset, count)
            taken.append(part)
            missing, self.offset, self.rows = missing - count, self.offset + count, self.rows + count
            if self.offset == whole.rows.num_rows:
                self.entry, self.offset = self.entry + 1, 0
            if part.watermark is not None:
                break
        return taken


class MemoryTable:
    """Rows in the order in which they came; every method may be called from any thread."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._changed = threading.Condition()
        self._stored: list[Stored] = []
        self._ends: list[int] = []
        self._forgotten = _Cursor()
        self._followers: list[FollowingSource] = []
        self._stream: Stream | None = None
        self._room: list[Callable[[], None]] = []

    def append(self, rows: pa.RecordBatch, weights: npt.NDArray[np.int8] | None = None) -> None:
        """Add rows of the table's schema; weights -1 take rows back."""
        with self._changed:
            self._add(Stored(self._conformed(rows), weights))
        self._ring()

    def push(
        self, stream: Stream, rows: pa.RecordBatch, *, watermark: Time | None = None, timeout: float | None = None
    ) -> None:
        """Add rows to an open stream, all or none, waiting until the slowest follower has room for them.

        Raises BackPressure after `timeout` seconds, or when no one will ever make room.
        """
        entry = Stored(self._conformed(rows), None, watermark)
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while (slow := self._without_room(stream, rows.num_rows)) is not None:
                left = _LOOK_AGAIN if deadline is None else min(_LOOK_AGAIN, deadline - time.monotonic())
                if left <= 0:
                    raise BackPressure(f"a query lags {slow.lag:,} rows behind: there is no room for more")
                # Whoever is to take the query's changes gets a moment to begin.
                if not self._changed.wait(left):
                    slow.refuse_if_stuck()
            self._add(entry)
        self._ring()

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
    def updating(self) -> bool:
        """Whether rows have been taken back."""
        with self._changed:
            return any(each.weights is not None and bool((each.weights < 0).any()) for each in self._stored)

    @property
    def entries(self) -> int:
        """How often rows have come so far."""
        with self._changed:
            return self._forgotten.entry + len(self._stored)

    def snapshot(self) -> tuple[Stored, ...]:
        """The rows present now."""
        with self._changed:
            return tuple(self._stored)

    def source(self, *, follow: bool = False) -> MemorySource | FollowingSource:
        """The rows present now; to `follow` an open stream goes on with what comes until it is closed."""
        with self._changed:
            if follow and self._stream is not None and self._stream.open:
                return FollowingSource(self, self._stream)
            return MemorySource(self)

    def sink(self) -> MemorySink:
        return MemorySink(self)

    def follow(self, source: FollowingSource, delivered: int) -> None:
        """Count a reader in, which has read so many rows before."""
        with self._changed:
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
                self._forget(source.stream)
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
        return pa.RecordBatch.from_arrays(rows.columns, schema=wanted)

    def _add(self, entry: Stored) -> None:
        self._stored.append(entry)
        self._ends.append(self.rows + entry.rows.num_rows)

    def _without_room(self, stream: Stream, count: int) -> FollowingSource | None:
        if not stream.open:
            raise UsageError("the table is closed for pushing", hint="session.table(name) opens it again")
        for each in self._followers:
            if each.lag and each.lag + count > stream.capacity:
                return each
        return None

    def _forget(self, stream: Stream) -> None:
        if stream.keep_rows:
            return
        read = min(each.cursor.entry for each in self._followers) - self._forgotten.entry
        if read:
            self._forgotten = _Cursor(self._forgotten.entry + read, 0, self._ends[read - 1])
            del self._stored[:read], self._ends[:read]

    def _tell_room(self) -> None:
        for each in tuple(self._room):
            each()

    def _ring(self) -> None:
        for each in tuple(self._followers):
            each.ring()


class MemorySource:
    """Reads the rows that were there when reading began."""

    bounded = True
    in_memory = True

    def __init__(self, table: MemoryTable) -> None:
        self.schema = table.schema
        self._table = table

    def read(self, request: ReadRequest) -> Iterator[SourceBatch]:
        """The stored rows in batches of `batch_rows`, small ones put together; the position counts rows delivered."""
        indices = [self.schema.names.index(name) for name in request.columns]
        stored, cursor = self._table.snapshot(), _Cursor()
        done = int(request.start["rows"]) if request.start else 0
        while cursor.rows < done and cursor.take(stored, done - cursor.rows):
            pass
        while some := cursor.take(stored, request.batch_rows):
            yield _put_together(some, indices, cursor.rows)


@dataclass(eq=False)
class FollowingSource:
    """Reads a table's rows and what is pushed later, until its stream is closed. It never waits: it rings.

    `stalled_by`: the thread whose turn it is to take results before more rows are read; None while reading goes on.
    """

    table: MemoryTable
    stream: Stream
    cursor: _Cursor = field(default_factory=_Cursor)
    ring: Callable[[], None] = lambda: None
    stalled_by: Callable[[], threading.Thread | None] = lambda: None
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

    def subscribe(self, ring: Callable[[], None]) -> None:
        """Call `ring`, from any thread, when there is news."""
        self.ring = ring

    def read(self, request: ReadRequest) -> Iterator[SourceBatch]:
        """As MemorySource, then what comes; an empty batch where there is nothing new."""
        indices = [self.schema.names.index(name) for name in request.columns]
        nothing = pa.RecordBatch.from_pylist([], self.schema.to_arrow()).select(indices)
        self.table.follow(self, int(request.start["rows"]) if request.start else 0)
        try:
            ended = False
            while not ended:
                some, ended = self.table.read_on(self, request.batch_rows)
                if some:
                    yield _put_together(some, indices, self.cursor.rows)
                elif not ended:
                    yield SourceBatch(nothing, {"rows": self.cursor.rows})
        finally:
            self.table.leave(self)

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


def _put_together(some: list[Stored], indices: list[int], done: int) -> SourceBatch:
    parts = [each.rows.select(indices) for each in some]
    rows = pa.concat_batches(parts) if len(parts) > 1 else parts[0]
    return SourceBatch(rows, {"rows": done}, _weights(some), watermark=some[-1].watermark)


def _weights(some: list[Stored]) -> npt.NDArray[np.int8] | None:
    if all(each.weights is None for each in some):
        return None
    ones = (np.ones(each.rows.num_rows, np.int8) if each.weights is None else each.weights for each in some)
    return np.concatenate(list(ones))


class MemorySink:
    """Appends to an in-memory table when the run has ended well; a failed run leaves it as it was."""

    mode: SinkMode = "changelog"

    def __init__(self, table: MemoryTable) -> None:
        self._table = table
        self._written: list[tuple[pa.RecordBatch, npt.NDArray[np.int8] | None]] = []

    def open(self, schema: Schema, *, changelog: bool, bounded: bool = True) -> None:
        self._written = []

    def write(self, rows: pa.RecordBatch, kinds: RowKinds | None) -> None:
        weights = None
        if kinds is not None:
            taken = (kinds == RowKind.UPDATE_BEFORE) | (kinds == RowKind.DELETE)
            weights = np.where(taken, -1, 1).astype(np.int8)
        self._written.append((rows, weights))

    def commit(self) -> None:
        for rows, weights in self._written:
            self._table.append(rows, weights)
        self._written = []

    def abort(self) -> None:
        self._written = []
