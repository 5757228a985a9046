"""A job in a thread of its own, and the bounded buffer in which its changes wait to be taken."""

from __future__ import annotations

import atexit
import threading
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Protocol, runtime_checkable

import pyarrow as pa

from streamsql.expr.types import Schema
from streamsql.ports import RowKinds
from streamsql.runtime.changelog import Key
from streamsql.runtime.job import Job
from streamsql.runtime.output import Changes

_LEAVE_AFTER = 2.0
"""How many seconds to wait for an engine thread that was told to stop; one stuck in a source ends with the process."""

Wake = Callable[[], None]


class ChangeBuffer:
    """Where an engine thread puts changes, waiting while `limit` rows are there; the other end is thread-safe too."""

    def __init__(self, limit: int) -> None:
        self.changed = threading.Condition()
        self.finished = False
        """No more changes come; what is buffered can still be taken."""
        self.error: BaseException | None = None
        self.consumer = threading.current_thread()
        self._limit = limit
        self._changes: deque[Changes] = deque()
        self._rows = 0
        self._discarding = False
        self._stalled = False
        self._wakes: list[Wake] = []

    def open(self, schema: Schema, key: Key | None) -> None:
        """Part of the output protocol: nothing to prepare."""

    def publish(self, rows: pa.RecordBatch, kinds: RowKinds | None) -> None:
        """Called by the engine: hand on a step's changes as soon as there is room."""
        with self.changed:
            self._stalled = True
            while self._rows and self._rows + rows.num_rows > self._limit and not self._discarding:
                self.changed.wait()
            self._stalled = False
            if not self._discarding:
                self._changes.append((rows, kinds))
                self._rows += rows.num_rows
        self.wake()

    def end(self) -> None:
        """Part of the output protocol: `finish` is called when the thread is done."""

    def abort(self) -> None:
        """Part of the output protocol: the error comes with `finish`."""

    def finish(self, error: BaseException | None = None) -> None:
        """No more changes will come, because of an error if there is one."""
        with self.changed:
            self.finished, self.error = True, error
        self.wake()

    def take(self) -> Changes | None:
        """The next step's changes, if there are any now; after the last one the error that ended the job is raised."""
        with self.changed:
            self.consumer = threading.current_thread()
            if self._changes:
                rows, kinds = self._changes.popleft()
                self._rows -= rows.num_rows
                self.changed.notify_all()
                return rows, kinds
            if self.error is not None:
                error, self.error = self.error, None
                raise error
            return None

    def wait(self, timeout: float | None, until: Callable[[], bool] = lambda: False) -> bool:
        """Wait until there are changes, the end, or what `until` asks for; False when the time is over."""
        with self.changed:
            self.consumer = threading.current_thread()
            return self.changed.wait_for(lambda: bool(self._changes) or self.finished or until(), timeout)

    @property
    def has_news(self) -> bool:
        """Whether there is something to take, or nothing will come any more."""
        with self.changed:
            return bool(self._changes) or self.finished

    @property
    def exhausted(self) -> bool:
        """Whether everything, the error that ended the job included, has been taken."""
        with self.changed:
            return self.finished and not self._changes and self.error is None

    def discard(self) -> None:
        """Drop what is buffered and all that comes: no one takes it any more."""
        with self.changed:
            self._discarding = True
            self._changes.clear()
            self._rows = 0
        self.wake()

    def let_through(self) -> None:
        """Never make the engine wait again: it is about to stop."""
        with self.changed:
            self._limit = 1 << 62
        self.wake()

    def stalled_by(self) -> threading.Thread | None:
        """The thread that has to take changes before the engine goes on; None where it waits for no one."""
        with self.changed:
            return self.consumer if self._stalled else None

    def add_wake(self, wake: Wake) -> None:
        """Call `wake`, from any thread, whenever something has changed."""
        with self.changed:
            self._wakes.append(wake)

    def remove_wake(self, wake: Wake) -> None:
        with self.changed:
            self._wakes.remove(wake)

    def wake(self) -> None:
        """Tell everyone who waits that something has changed."""
        with self.changed:
            self.changed.notify_all()
            wakes = tuple(self._wakes)
        for each in wakes:
            each()


@runtime_checkable
class Followed(Protocol):
    """A source of rows in memory that goes on as they come: FollowingSource, and what follows a materialised view."""

    stalled_by: Callable[[], threading.Thread | None]

    @property
    def arrived(self) -> int:
        """How often rows have come so far, the end counted too."""
        ...

    @property
    def delivered(self) -> int:
        """How much of that has been read, but for the end."""
        ...

    def join(self) -> None:
        """Count as a reader from now on: what is pushed next waits for it."""
        ...

    def leave(self) -> None:
        """Be no reader any more."""
        ...


class LiveRun:
    """Runs a job in one engine thread; `stop` and everything of its `buffer` may be called from any thread.

    `make_job` gets the output; `ended` is called in the engine thread when the job is over.
    """

    def __init__(self, make_job: Callable[[ChangeBuffer], Job], ended: Callable[[Job], None], limit: int) -> None:
        self.buffer = ChangeBuffer(limit)
        self.job = make_job(self.buffer)
        self._followed = [
            (inlet, inlet.reader.source) for inlet in self.job.inlets if isinstance(inlet.reader.source, Followed)
        ]
        for _, source in self._followed:
            source.stalled_by = self.buffer.stalled_by
            # From now on, not only when the thread comes to it: what is pushed next counts as waiting.
            source.join()
        self._ended = ended
        self._processed = [0] * len(self._followed)
        self._thread = threading.Thread(target=self._run, name=f"streamsql-{next(_numbers)}", daemon=True)
        _running.add(self)
        self._thread.start()

    def stop(self) -> None:
        """End after the current step; changes that were published can still be taken."""
        self.job.stop()
        self.buffer.let_through()

    def abandon(self) -> None:
        """Stop, and drop what no one has taken."""
        self.job.stop()
        self.buffer.discard()

    def close(self) -> None:
        """Abandon the job, and wait until its sources are released."""
        self.abandon()
        if self._thread is not threading.current_thread():
            self._thread.join(_LEAVE_AFTER)

    def pushed(self) -> list[int]:
        """How often each followed table has been pushed into by now; closing it counts too."""
        return [source.arrived for _, source in self._followed]

    def has_processed(self, entries: list[int]) -> bool:
        """Whether what was published follows from so many pushes into each table; a bounded job must have ended."""
        pairs = zip(self._processed, entries, strict=True)
        return not self.job.bounded and all(done >= wanted for done, wanted in pairs)

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            while self.job.step():
                self._note_progress()
        except BaseException as raised:  # whatever it is, it belongs to the thread that takes the changes
            error = raised
        try:
            self._ended(self.job)
        finally:
            for _, source in self._followed:
                source.leave()
            _running.discard(self)
            self.buffer.finish(error)

    def _note_progress(self) -> None:
        """Rows that are read but wait for another source have not been processed."""
        if self._followed and all(each.buffer is None for each in self.job.inlets):
            self._processed = [source.delivered + inlet.ended for inlet, source in self._followed]
            self.buffer.wake()


_numbers = count(1)
_running: weakref.WeakSet[LiveRun] = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    """A daemon thread that is still inside Arrow when the interpreter goes would take the process down with it."""
    for each in tuple(_running):
        with suppress(RuntimeError):
            each.close()
