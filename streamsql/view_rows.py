"""The rows of a materialised view: read as they are now, or followed from one state to the next."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from streamsql.batch import Batch
from streamsql.expr.types import Schema
from streamsql.memory import MemorySource
from streamsql.memory_rows import Stored
from streamsql.ports import ReadRequest, SourceBatch
from streamsql.runtime.changelog import consolidate
from streamsql.runtime.folded_rows import COMPACT_ROWS, FoldedRows


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
        self._lock = threading.Lock()
        self._folded = FoldedRows()
        self._followers: list[ViewFollower] = []

    def put(self, changed: Batch) -> None:
        """Go on to the next state: what changes is seen as a whole."""
        with self._lock:
            self._folded.add(changed)
            followers = tuple(self._followers)
            for each in followers:
                each.waiting.add(changed)
        for each in followers:
            each.ring()

    def rows(self) -> list[Batch]:
        """The rows that are there now."""
        with self._lock:
            return list(self._folded.rows())

    def snapshot(self) -> MemorySource:
        """A source of the rows that are there now."""
        return MemorySource(self.schema, [Stored(each.rows) for each in self.rows()])

    def follow(self, *, at_once: bool) -> ViewFollower:
        """A source of the rows that are there now, then of what changes."""
        follower = ViewFollower(self, at_once=at_once)
        with self._lock:
            rows = self._folded.rows()
            if rows:
                follower.waiting.add(consolidate(rows))
            self._followers.append(follower)
        return follower

    def take(self, follower: ViewFollower) -> Batch | None:
        """What a follower reads next: all that one put has changed."""
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


class _Waiting:
    """Changes that a follower has not read; where it lags far behind, several steps become one, net."""

    def __init__(self) -> None:
        self.put = 0
        self.taken = 0
        self._steps: deque[tuple[Batch, int]] = deque()
        self._rows = 0
        self._limit = COMPACT_ROWS

    def __bool__(self) -> bool:
        return bool(self._steps)

    def add(self, changed: Batch) -> None:
        self.put += 1
        self._steps.append((changed, 1))
        self._rows += len(changed)
        if self._rows > self._limit and len(self._steps) > 1:
            net = consolidate([each for each, _ in self._steps])
            self._steps = deque([(net, sum(count for _, count in self._steps))])
            self._rows, self._limit = len(net), max(COMPACT_ROWS, 2 * len(net))

    def take(self) -> Batch | None:
        if not self._steps:
            return None
        changed, count = self._steps.popleft()
        self.taken += count
        self._rows -= len(changed)
        return changed


@dataclass(eq=False)
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
                ended, changed = self.view.ended, self.view.take(self)
                if changed is not None:
                    done += len(changed)
                    yield SourceBatch(changed.rows.select(indices), {"rows": done}, changed.weights)
                elif ended:
                    break
                else:
                    yield SourceBatch(nothing, {"rows": done})
            if self.view.error is not None:
                raise self.view.error
        finally:
            self.leave()
