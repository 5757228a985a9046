"""Taking deliveries from a source: in the engine's thread, or from a reader thread that runs a few batches ahead."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol

from streamsql.ports import RingingSource, SourceBatch

_MOMENT = 0.1
OpenSource = Callable[[], Iterator[SourceBatch]]


class Stopped(Exception):
    """The job was told to stop while it waited for a source; never leaves the runtime."""


class Feed(Protocol):
    """Deliveries of one source, in order. `ended` is set once the source has no more."""

    ended: bool

    def take(self) -> SourceBatch | None:
        """The next delivery, waited for; None at the end."""
        ...

    def poll(self) -> SourceBatch | None:
        """The next delivery if there is one now."""
        ...

    def close(self) -> None:
        """Release the source."""
        ...


class Doorbell:
    """One condition for all reader threads of a job and the engine's thread."""

    def __init__(self) -> None:
        self.condition = threading.Condition()
        self.stopped = False

    def ring(self) -> None:
        """Wake the engine's thread: a source has news."""
        with self.condition:
            self.condition.notify_all()

    def stop(self) -> None:
        """Wake the engine's thread for good; may be called from any thread and from a signal handler."""
        self.stopped = True
        # A signal handler may run while its own thread holds the lock: the flag is seen without it then.
        if self.condition.acquire(blocking=False):
            try:
                self.condition.notify_all()
            finally:
                self.condition.release()


class DirectFeed:
    """Reads in the thread that asks; a live source then waits for its moment inside `poll`."""

    def __init__(self, open_source: OpenSource) -> None:
        self.ended = False
        self._open = open_source
        self._iterator: Iterator[SourceBatch] | None = None

    def take(self) -> SourceBatch | None:
        if self._iterator is None:
            self._iterator = self._open()
        delivered = next(self._iterator, None)
        self.ended = delivered is None
        return delivered

    poll = take

    def close(self) -> None:
        _close(self._iterator)


class RingingFeed:
    """Reads in the engine's thread from a source that rings when it has news.

    It also counts as ready after a moment of silence, so that the clock gets its turn.
    """

    def __init__(self, open_source: OpenSource, source: RingingSource, doorbell: Doorbell) -> None:
        self.ended = False
        self._source = source
        self._direct = DirectFeed(open_source)
        self._polled_at = time.monotonic()
        source.subscribe(doorbell.ring)

    @property
    def ready(self) -> bool:
        """Whether `poll` has news: rows, the end, or that there has been silence."""
        return self._source.ready or time.monotonic() - self._polled_at >= _MOMENT

    def take(self) -> SourceBatch | None:
        self._polled_at = time.monotonic()
        delivered = self._direct.take()
        self.ended = self._direct.ended
        return delivered

    poll = take

    def close(self) -> None:
        self._direct.close()


class ThreadFeed:
    """Reads in a thread of its own, at most `limit` deliveries ahead of the engine.

    What the source raises is raised to the engine after everything delivered before it.
    """

    def __init__(self, open_source: OpenSource, limit: int, doorbell: Doorbell, name: str) -> None:
        self.ended = False
        self._open = open_source
        self._limit = limit
        self._doorbell = doorbell
        self._queue: deque[SourceBatch] = deque()
        self._finished = False
        self._closed = False
        self._quiet = False
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._read, name=f"streamsql-read-{name}", daemon=True)
        self._thread.start()

    @property
    def ready(self) -> bool:
        """Whether `poll` has news: a delivery, the end, or that the source has just found nothing."""
        return bool(self._queue) or self._finished or self._quiet

    def take(self) -> SourceBatch | None:
        condition = self._doorbell.condition
        with condition:
            while not (self._queue or self._finished):
                if self._doorbell.stopped:
                    raise Stopped
                # The timeout is for a stop by a signal handler that could not ring.
                condition.wait(_MOMENT)
            return self._next()

    def poll(self) -> SourceBatch | None:
        with self._doorbell.condition:
            self._quiet = False
            return self._next()

    def close(self) -> None:
        with self._doorbell.condition:
            self._closed = True
            self._queue.clear()
            self._doorbell.condition.notify_all()
        # A thread that waits inside its source (a terminal, a socket) is left to end with the process.
        self._thread.join(timeout=1)

    def _next(self) -> SourceBatch | None:
        if self._queue:
            self._doorbell.condition.notify_all()
            return self._queue.popleft()
        if self._finished:
            self.ended = True
            if self._error is not None:
                raise self._error
        return None

    def _read(self) -> None:
        try:
            iterator = self._open()
            for delivered in iterator:
                if not self._put(delivered):
                    break
            _close(iterator)
        except Exception as error:
            self._error = error
        finally:
            with self._doorbell.condition:
                self._finished = True
                self._doorbell.condition.notify_all()

    def _put(self, delivered: SourceBatch) -> bool:
        condition = self._doorbell.condition
        with condition:
            if not (delivered.rows.num_rows or delivered.rejects):
                self._quiet = True
                condition.notify_all()
                return not self._closed
            while len(self._queue) >= self._limit and not self._closed:
                condition.wait()
            if self._closed:
                return False
            self._queue.append(delivered)
            condition.notify_all()
            return True


def _close(iterator: Iterator[SourceBatch] | None) -> None:
    close = getattr(iterator, "close", None)
    if close is not None:
        close()
