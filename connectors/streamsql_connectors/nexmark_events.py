"""The event stream of the Nexmark benchmark: which events are persons, auctions and bids, and when they happen."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

import numpy as np

from streamsql.record import record
from streamsql.time import SECOND, Duration, Time
from streamsql_connectors.datagen_columns import Integers, Random, chunk_random

EventKind = Literal["person", "auction", "bid"]
KINDS: tuple[EventKind, ...] = ("person", "auction", "bid")
"""In the order in which they come within a round; the position is Nexmark's `event_type`."""

BASE_TIME: Time = 1_436_918_400_000_000  # 2015-07-15 00:00:00 UTC
_CHUNK_EVENTS = 65_536
_MILLISECOND: Duration = 1_000


@record
class NexmarkSettings:
    """What the stream is made of.

    A round of events is `proportions` persons, auctions and bids, in this order. `rate`: events a second of event time.
    `disorder_share` of the events happened up to `disorder_delay` before their turn, `late_share` of them between
    `late_delay` and twice that. `hot_*`: one event in so many goes to an auction, bidder or seller at random, the
    others to the hot one of the moment. `sizes`: average bytes of persons, auctions and bids. `events` None: no end.
    """

    seed: int = 0
    events: int | None = None
    proportions: tuple[int, int, int] = (1, 3, 46)
    rate: int = 10_000
    base_time: Time = BASE_TIME
    disorder_share: float = 0.0
    disorder_delay: Duration = 2 * SECOND
    late_share: float = 0.0
    late_delay: Duration = 10 * SECOND
    hot_auctions: int = 2
    hot_bidders: int = 4
    hot_sellers: int = 4
    sizes: tuple[int, int, int] = (200, 500, 100)

    @property
    def round(self) -> int:
        """Events of a round."""
        return sum(self.proportions)

    @property
    def rounds_of_chunk(self) -> int:
        """Events are made in chunks of so many whole rounds."""
        return max(1, _CHUNK_EVENTS // self.round)

    def proportion(self, kind: EventKind) -> int:
        """How many events of a round are of this kind."""
        return self.proportions[KINDS.index(kind)]

    def size(self, kind: EventKind) -> int:
        """Average bytes of such an event."""
        return self.sizes[KINDS.index(kind)]

    def first_place(self, kind: EventKind) -> int:
        """The place in a round where events of this kind begin."""
        return sum(self.proportions[: KINDS.index(kind)])

    def rows(self, kind: EventKind, events: int) -> int:
        """How many of the first `events` events are of this kind.

        >>> NexmarkSettings().rows("auction", 1_000_003)
        60002
        """
        rounds, place = divmod(events, self.round)
        part = min(max(place - self.first_place(kind), 0), self.proportion(kind))
        return rounds * self.proportion(kind) + part

    def times(self, events: Integers) -> Integers:
        """When events have their turn, in whole milliseconds as microseconds."""
        times: Integers = self.base_time + events * 1_000_000 // self.rate // _MILLISECOND * _MILLISECOND
        return times

    def last_person(self, events: Integers) -> Integers:
        """The number of the newest person as of each event, counted from 0; an event that is a person counts."""
        rounds, place = np.divmod(events, self.round)
        persons = self.proportion("person")
        newest: Integers = rounds * persons + np.minimum(place, persons - 1)
        return newest

    def last_auction(self, events: Integers) -> Integers:
        """The number of the newest auction as of each event, counted from 0; -1 before the first."""
        rounds, place = np.divmod(events, self.round)
        auctions = self.proportion("auction")
        newest: Integers = rounds * auctions + np.clip(place - self.first_place("auction"), -1, auctions - 1)
        return newest


@record
class NexmarkChunk:
    """The events of one kind in the chunk of a number."""

    settings: NexmarkSettings
    kind: EventKind
    number: int
    events: Integers = field(init=False)

    def __post_init__(self) -> None:
        settings = self.settings
        first = self.number * settings.rounds_of_chunk
        rounds = np.arange(first, first + settings.rounds_of_chunk, dtype=np.int64)
        places = settings.first_place(self.kind) + np.arange(settings.proportion(self.kind), dtype=np.int64)
        object.__setattr__(self, "events", (rounds[:, None] * settings.round + places).ravel())

    @property
    def rows(self) -> int:
        return len(self.events)

    def random(self, column: str) -> Random:
        """The random numbers of one column: the same whatever else is read."""
        return chunk_random(self.settings.seed, f"nexmark.{self.kind}.{column}", self.number)

    def times(self) -> Integers:
        """When the events happened: at their turn, or before it where the settings ask for disorder."""
        settings, random = self.settings, self.random("dateTime")
        times = settings.times(self.events)
        if not settings.disorder_share and not settings.late_share:
            return times
        chance, delay = random.random(self.rows), random.random(self.rows)
        late = chance < settings.late_share
        behind = (chance < settings.late_share + settings.disorder_share) & ~late
        back = np.where(behind, delay * settings.disorder_delay, 0.0)
        back = np.where(late, (1 + delay) * settings.late_delay, back)
        return times - back.astype(np.int64) // _MILLISECOND * _MILLISECOND
