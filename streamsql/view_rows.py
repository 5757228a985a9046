"""The rows of a materialised view: read as they are now, or followed from one state to the next."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import field

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch, Times
from streamsql.expr.types import Schema
from streamsql.memory_rows import Stored
from streamsql.memory_source import MemorySource
from streamsql.ports import ReadRequest, SourceBatch
from streamsql.record import record
from streamsql.runtime.changelog import consolidate
from streamsql.runtime.folded_rows import COMPACT_ROWS, FoldedRows
from streamsql.time import BEGIN_OF_TIME, Time


class ViewRows:
    """What a view's changes add up to; one thread at a time puts changes, any thread reads.

    `updating`: rows may be taken back.
    """

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.updating = False
        self.ended = False
        """No more changes come, because of an `error` if there is one."""
        self.error: Exception | None = None
        self._watermark: Time = BEGIN_OF_TIME
        self._lock = threading.Lock()
        self._folded = FoldedRows()
        self._nothing = Batch(pa.RecordBatch.from_pylist([], schema.to_arrow()))
        self._followers: list[ViewFollower] = []

    def put(self, changed: Batch | None, watermark: Time) -> None:
        """Go on to the next state: what changes is seen as a whole, and time has come as far as `watermark` then."""
        if changed is None or not len(changed):
            if watermark == self._watermark:
                return
            changed = self._nothing
        changed = changed.with_rows(pa.RecordBatch.from_arrays(changed.rows.columns, schema=self._nothing.rows.schema))
        with self._lock:
            self._watermark = watermark
            if len(changed):
                self._folded.add(changed)
            followers = tuple(self._followers)
            for each in followers:
                each.waiting.add(changed, watermark)
        for each in followers:
            each.ring()

    def rows(self) -> list[Batch]:
        """The rows that are there now."""
        with self._lock:
            return list(self._folded.rows())

    def snapshot(self) -> MemorySource:
        """A source of the rows that are there now."""
        with self._lock:
            rows, watermark = list(self._folded.rows()), self._watermark
        last = Stored(self._nothing.rows, watermark=watermark, watermarks=np.empty(0, np.int64))
        return MemorySource(self.schema, [*(Stored(each.rows, watermarks=_marks(each)) for each in rows), last])

    def follow(self, *, at_once: bool) -> ViewFollower:
        """A source of the rows that are there now, then of what changes."""
        follower = ViewFollower(self, at_once=at_once)
        with self._lock:
            rows = self._folded.rows()
            if rows or self._watermark != BEGIN_OF_TIME:
                follower.waiting.add(consolidate(rows) if rows else self._nothing, self._watermark)
            self._followers.append(follower)
        return follower

    def take(self, follower: ViewFollower) -> tuple[Batch, Time] | None:
        """What a follower reads next: all that one put has changed, and how far time came with it."""
        with self._lock:
            return follower.waiting.take()

    def leave(self, follower: ViewFollower) -> None:
        """Keep nothing for a follower any more."""
        with self._lock:
            if follower in self._followers:
                self._followers.remove(follower)

    def end(self, error: Exception | None = None) -> None:
        """No more changes come: followers end after what waits for them, with the error if there is one."""
        with self._lock:
            followers = tuple(self._followers)
            self.error, self.ended = self.error or error, True
        for each in followers:
            each.ring()


def _marks(changed: Batch) -> Times | None:
    """The watermarks of rows, of which no rows have none."""
    if changed.watermarks is None:
        return None if len(changed) else np.empty(0, np.int64)
    return changed.watermarks.values


class _Waiting:
    """Changes that a follower has not read; where it lags far behind, several steps become one, net."""

    def __init__(self) -> None:
        self.put = 0
        self.taken = 0
        self._steps: deque[tuple[Batch, int, Time]] = deque()
        self._rows = 0
        self._limit = COMPACT_ROWS

    def __bool__(self) -> bool:
        return bool(self._steps)

    def add(self, changed: Batch, watermark: Time) -> None:
        self.put += 1
        if self._steps and not len(changed):  # only time has gone on
            before, count, _ = self._steps.pop()
            self._steps.append((before, count + 1, watermark))
            return
        self._steps.append((changed, 1, watermark))
        self._rows += len(changed)
        if self._rows > self._limit and len(self._steps) > 1:
            net = consolidate([each for each, _, _ in self._steps])
            self._steps = deque([(net, sum(count for _, count, _ in self._steps), watermark)])
            self._rows, self._limit = len(net), max(COMPACT_ROWS, 2 * len(net))

    def take(self) -> tuple[Batch, Time] | None:
        if not self._steps:
            return None
        changed, count, watermark = self._steps.popleft()
        self.taken += count
        self._rows -= len(changed)
        return changed, watermark


@record(eq=False, frozen=False)
class ViewFollower:
    """Reads a view's rows and then what changes, each time as one delivery. It never waits: it rings.

    `at_once`: it is read in the thread that refreshes views. `stalled_by` is what LiveRun asks of those it follows: a
    view waits for no one.
    """

    view: ViewRows
    at_once: bool
    waiting: _Waiting = field(default_factory=_Waiting)
    ring: Callable[[], None] = lambda: None
    stalled_by: Callable[[], threading.Thread | None] = lambda: None
    bounded = False
    in_memory = True

    @property
    def schema(self) -> Schema:
        return self.view.schema

    @property
    def updating(self) -> bool:
        """Whether rows may be taken back."""
        return self.view.updating

    @property
    def ready(self) -> bool:
        """Whether there are changes, or the end, to read."""
        return bool(self.waiting) or self.view.ended

    @property
    def arrived(self) -> int:
        """How often rows have come so far, the end counted too."""
        return self.waiting.put + self.view.ended

    @property
    def delivered(self) -> int:
        """How much of that has been read, but for the end."""
        return self.waiting.taken

    def join(self) -> None:
        """Changes are kept for it since it was made."""

    def leave(self) -> None:
        """Be no reader any more."""
        self.view.leave(self)

    def subscribe(self, ring: Callable[[], None]) -> None:
        """Call `ring`, from any thread, when there is news."""
        self.ring = ring

    def read(self, request: ReadRequest) -> Iterator[SourceBatch]:
        """Change by change, however many rows it has; an empty batch where there is nothing new."""
        indices = [self.schema.names.index(name) for name in request.columns]
        nothing = pa.RecordBatch.from_pylist([], self.schema.to_arrow()).select(indices)
        done = 0
        try:
            while True:
                ended, taken = self.view.ended, self.view.take(self)
                if taken is not None:
                    changed, watermark = taken
                    done += len(changed)
                    rows, marks = changed.rows.select(indices), _marks(changed)
                    yield SourceBatch(rows, {"rows": done}, changed.weights, watermark=watermark, watermarks=marks)
                elif ended:
                    break
                else:
                    yield SourceBatch(nothing, {"rows": done})
            if self.view.error is not None:
                raise self.view.error
        finally:
            self.leave()
