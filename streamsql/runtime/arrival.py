"""The arrival order of several sources: what reading row by row, the source furthest behind in time first, would give.

Rows are ordered by (watermark before the row, order of the sources, row number). A source without WATERMARK comes
before all time and is read to its end first. Live sources are taken as they come; as long as several of them have
rows waiting, the ones ahead in time wait too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from streamsql.batch import Batch
from streamsql.ports import Position, SourceBatch
from streamsql.runtime.read_ahead import Doorbell, Feed, RingingFeed, Stopped, ThreadFeed
from streamsql.runtime.source_reader import SourceReader
from streamsql.state.ordering import lexical_order
from streamsql.time import BEGIN_OF_TIME, END_OF_TIME, Clock, Duration, Time

_BEFORE_ALL_TIME = BEGIN_OF_TIME - 1


class Inlet:
    """One source on its way into the graph: what was read of it but not yet taken, and where its time stands."""

    def __init__(self, index: int, name: str, reader: SourceReader, timeout: Duration | None, clock: Clock) -> None:
        self.index = index
        self.name = name
        self.reader = reader
        self.live = not reader.source.bounded
        self.timed = reader.timed
        self.buffer: Batch | None = None
        self.position: Position | None = None
        self.ended = False
        self.idle = False
        self.feed: Feed | None = None
        self._timeout = timeout
        self._clock = clock
        self._heard_at = clock.now()

    @property
    def may_idle(self) -> bool:
        """Whether the table sets an idle timeout."""
        return self._timeout is not None

    @property
    def lead(self) -> Time:
        """The watermark before the first row that has not been read yet."""
        return self.reader.lead if self.timed else _BEFORE_ALL_TIME

    @property
    def watermark(self) -> Time:
        """The watermark after all rows that were taken."""
        if self.buffer is not None:
            marks = self.buffer.watermarks
            return int(marks.slice(0, 1).values[0]) if self.timed and marks is not None else BEGIN_OF_TIME
        return END_OF_TIME if self.ended else self.reader.watermark

    @property
    def holds(self) -> bool:
        """Whether other sources' rows must wait for this one's."""
        return (self.timed and self.buffer is not None) if self.live else not self.ended

    @property
    def waiting(self) -> bool:
        """Whether there is something to take without waiting for it; for live sources that ring."""
        source: Any = self.reader.source
        return self.buffer is not None or not (self.ended or (self.live and not source.ready))

    def open(self) -> Iterator[SourceBatch]:
        """The source's deliveries, from where a snapshot left it or from the beginning."""
        return self.reader.open(self.position)

    def start(self, feed: Feed) -> None:
        """Begin to read."""
        self.feed = feed
        self._heard_at = self._clock.now()

    def fill(self) -> None:
        """Read until there are rows or the source ends."""
        while self.buffer is None and not self.ended:
            assert self.feed is not None
            self._accept(self.feed.take())

    def poll(self) -> None:
        """Take what a live source has now."""
        if self.buffer is None and not self.ended:
            assert self.feed is not None
            self._accept(self.feed.poll())

    def take(self, count: int) -> Batch | None:
        """The first `count` rows of the buffer."""
        batch = self.buffer
        if batch is None or not count:
            return None
        if count == len(batch):
            self.buffer = None
            return batch
        self.buffer = batch.slice(count, len(batch) - count)
        return batch.slice(0, count)

    def rest(self, now: Time) -> None:
        """Decide whether the source counts as idle."""
        if self._timeout is not None:
            quiet = self.buffer is None and not self.ended
            self.idle = quiet and now - self._heard_at >= self._timeout

    def _accept(self, delivered: SourceBatch | None) -> None:
        assert self.feed is not None
        self.ended = self.feed.ended
        if delivered is None:
            return
        step = self.reader.prepare(delivered)
        self.position = step.position
        if len(step.batch):
            self.buffer = step.batch
            self._heard_at = self._clock.now()


class ArrivalOrder:
    """Cuts the sources' rows into steps, each a prefix of the arrival order of what is left."""

    def __init__(self, inlets: Sequence[Inlet], doorbell: Doorbell) -> None:
        self._inlets = inlets
        self._live = [each for each in inlets if each.live]
        self._doorbell = doorbell

    def next_step(self) -> list[tuple[int, Batch]]:
        """The rows of the next step, by source; waits for bounded sources, and for the next sign of life of live ones.

        Empty when all sources have ended, or when live ones have nothing.
        """
        self._poll()
        taken = self._take()
        if not taken and self._wait():
            self._poll()
            taken = self._take()
        return taken

    def _poll(self) -> None:
        # What joins look rows up in comes first among the sources. Polled last, it has brought all that was pushed
        # before the rows that look.
        for each in reversed(self._live):
            each.poll()

    def _wait(self) -> bool:
        """Wait until a live source has news; False where one reads in this thread, and waits there."""
        open_feeds = [each.feed for each in self._live if not each.ended]
        feeds = [each for each in open_feeds if isinstance(each, ThreadFeed | RingingFeed)]
        if not feeds or len(feeds) < len(open_feeds):
            return False
        with self._doorbell.condition:
            while not any(each.ready for each in feeds):
                if self._doorbell.stopped:
                    raise Stopped
                self._doorbell.condition.wait(0.1)
        return True

    def _take(self) -> list[tuple[int, Batch]]:
        first = self._furthest_behind()
        taken = []
        for each in self._inlets:
            if each.buffer is not None:
                batch = each.take(len(each.buffer) if first is None else _rows_before(each, first))
                if batch is not None:
                    taken.append((each.index, batch))
        return taken

    def _furthest_behind(self) -> Inlet | None:
        """The source whose next unread row comes first; all rows before that one are in the buffers."""
        while True:
            holding = [each for each in self._inlets if each.holds]
            if not holding:
                return None
            first = min(holding, key=lambda each: (each.lead, each.index))
            if first.buffer is not None:
                return first
            first.fill()


def _rows_before(inlet: Inlet, first: Inlet) -> int:
    """How many buffered rows of `inlet` come before the first unread row of `first`."""
    assert inlet.buffer is not None
    if inlet is first or (inlet.live and not inlet.timed):
        return len(inlet.buffer)
    if first.lead < BEGIN_OF_TIME or inlet.buffer.watermarks is None:
        return 0
    # Live sources whose watermarks stand still at one time must not shut each other out.
    same_time = inlet.live or inlet.index < first.index
    return int(np.searchsorted(inlet.buffer.watermarks.values, np.int64(first.lead), "right" if same_time else "left"))


def with_arrivals(taken: Sequence[tuple[int, Batch]]) -> list[tuple[int, Batch]]:
    """The rows of a step, by source, with their places in the arrival order."""
    lengths = [len(batch) for _, batch in taken]
    ranks = np.arange(sum(lengths))
    if len(taken) > 1 and any(batch.watermarks is not None for _, batch in taken):
        # In the order of the sources already, and a stable sort leaves equal watermarks so.
        marks = [np.full(len(b), BEGIN_OF_TIME) if b.watermarks is None else b.watermarks.values for _, b in taken]
        order = lexical_order([np.concatenate(marks)])
        ranks = np.empty(len(order), np.int64)
        ranks[order] = np.arange(len(order))
    parts = np.split(ranks, np.cumsum(lengths)[:-1])
    return [(index, replace(batch, arrivals=part)) for (index, batch), part in zip(taken, parts, strict=True)]
