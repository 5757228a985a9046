"""The columns of Nexmark's persons, auctions and bids, each made for a chunk of events at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np
import pyarrow as pa

from streamsql.expr import types as t
from streamsql.expr.types import Schema
from streamsql_connectors.datagen_columns import Integers, Random, chunk_random
from streamsql_connectors.nexmark_events import EventKind, NexmarkChunk
from streamsql_connectors.nexmark_texts import lengths_of, names, padding, words

Maker = Callable[[NexmarkChunk], pa.Array]

FIRST_ID = 1_000
"""Of persons and of auctions."""
_FIRST_CATEGORY, _CATEGORIES = 10, 5
_HOT_EVERY = 100
"""The first of so many auctions or sellers is hot while its hundred is the newest; of the bidders it is the second."""
_IN_FLIGHT, _ACTIVE_PERSONS, _LEAD = 100, 1_000, 10
"""Events choose among so many of the newest auctions or persons, and up to so many that are yet to come."""
_CHANNELS = 10_000

_STATES = ("AZ", "CA", "ID", "OR", "WA", "WY")
_CITIES = (
    *("Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland"),
    *("Bend", "Redmond", "Seattle", "Kent", "Cheyenne"),
)
_FIRST_NAMES = ("Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter")
_LAST_NAMES = ("Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris")
_HOT_CHANNELS = ("Google", "Facebook", "Baidu", "Apple")


def _integers(make: Callable[[NexmarkChunk], Integers]) -> Maker:
    return lambda chunk: pa.array(make(chunk))


def _times(make: Callable[[NexmarkChunk], Integers]) -> Maker:
    return lambda chunk: pa.array(make(chunk)).cast(pa.timestamp("us"))


def _one_of(column: str, values: Sequence[str]) -> Maker:
    """Each value as likely as any other."""
    dictionary = pa.array(values, pa.string())
    return lambda chunk: dictionary.take(pa.array(chunk.random(column).integers(0, len(values), chunk.rows, np.int32)))


def _price(random: Random, rows: int) -> Integers:
    """From 100 to 100 million, as many between 100 and 1,000 as between 10 and 100 million."""
    return np.rint(10 ** (random.random(rows) * 6) * 100).astype(np.int64)


def _event_time(chunk: NexmarkChunk) -> Integers:
    return chunk.times()


def _person_id(chunk: NexmarkChunk) -> Integers:
    return FIRST_ID + chunk.settings.last_person(chunk.events)


def _some_person(chunk: NexmarkChunk, random: Random, hot_ratio: int, hot_place: int) -> Integers:
    """The hot person of the moment, or once in `hot_ratio` events one of those that are active."""
    newest = chunk.settings.last_person(chunk.events)
    hot = newest // _HOT_EVERY * _HOT_EVERY + hot_place
    active = np.minimum(newest + 1, _ACTIVE_PERSONS)
    other = newest + 1 - active + (random.random(chunk.rows) * (active + _LEAD)).astype(np.int64)
    return FIRST_ID + np.where(random.integers(0, hot_ratio, chunk.rows) > 0, hot, other)


def _email(chunk: NexmarkChunk) -> pa.Array:
    import pyarrow.compute as pc

    random = chunk.random("emailAddress")
    parts = names(random, chunk.rows, 7), pa.scalar("@"), names(random, chunk.rows, 5), pa.scalar(".com"), ""
    return pc.binary_join_element_wise(*parts)


def _credit_card(chunk: NexmarkChunk) -> pa.Array:
    digits = chunk.random("creditCard").integers(ord("0"), ord("9") + 1, (chunk.rows, 19), np.uint8)
    digits[:, 4::5] = ord(" ")
    offsets = np.arange(chunk.rows + 1, dtype=np.int32) * np.int32(19)
    return pa.Array.from_buffers(pa.string(), chunk.rows, [None, pa.py_buffer(offsets), pa.py_buffer(digits)])


def _auction_id(chunk: NexmarkChunk) -> Integers:
    return FIRST_ID + chunk.settings.last_auction(chunk.events)


def _seller(chunk: NexmarkChunk) -> Integers:
    return _some_person(chunk, chunk.random("seller"), chunk.settings.hot_sellers, 0)


def _category(chunk: NexmarkChunk) -> Integers:
    return chunk.random("category").integers(_FIRST_CATEGORY, _FIRST_CATEGORY + _CATEGORIES, chunk.rows)


def _initial_bid(chunk: NexmarkChunk) -> Integers:
    return _price(chunk.random("initialBid"), chunk.rows)


def _reserve(chunk: NexmarkChunk) -> Integers:
    return _initial_bid(chunk) + _price(chunk.random("reserve"), chunk.rows)


def _expires(chunk: NexmarkChunk) -> Integers:
    """On average so long that `_IN_FLIGHT` auctions are open at a time."""
    settings = chunk.settings
    events = _IN_FLIGHT * settings.round // max(1, settings.proportion("auction"))
    horizon = max(1, events * 1_000 // settings.rate * 2)
    return chunk.times() + (1 + chunk.random("expires").integers(0, horizon, chunk.rows)) * 1_000


def _item_name(chunk: NexmarkChunk) -> pa.Array:
    return words(chunk.random("itemName"), chunk.rows, 20)


def _description(chunk: NexmarkChunk) -> pa.Array:
    return words(chunk.random("description"), chunk.rows, 100)


def _bid_auction(chunk: NexmarkChunk) -> Integers:
    """The hot auction of the moment, or once in `hot_auctions` bids one of those in flight."""
    random = chunk.random("auction")
    newest = np.maximum(chunk.settings.last_auction(chunk.events), 0)
    hot = newest // _HOT_EVERY * _HOT_EVERY
    oldest = np.maximum(newest - _IN_FLIGHT, 0)
    other = oldest + (random.random(chunk.rows) * (newest - oldest + 1 + _LEAD)).astype(np.int64)
    return FIRST_ID + np.where(random.integers(0, chunk.settings.hot_auctions, chunk.rows) > 0, hot, other)


def _bidder(chunk: NexmarkChunk) -> Integers:
    return _some_person(chunk, chunk.random("bidder"), chunk.settings.hot_bidders, 1)


def _bid_price(chunk: NexmarkChunk) -> Integers:
    return _price(chunk.random("price"), chunk.rows)


def _channel_numbers(chunk: NexmarkChunk) -> pa.Array:
    """Half of the bids come over one of the four hot channels, which are numbered after the others."""
    random = chunk.random("channel")
    hot = _CHANNELS + random.integers(0, len(_HOT_CHANNELS), chunk.rows, np.int32)
    return pa.array(np.where(random.integers(0, 2, chunk.rows) > 0, hot, random.integers(0, _CHANNELS, chunk.rows)))


@lru_cache(maxsize=1)
def _channels() -> pa.Array:
    return pa.array([*(f"channel-{number}" for number in range(_CHANNELS)), *_HOT_CHANNELS], pa.string())


@lru_cache(maxsize=4)
def _urls(seed: int) -> pa.Array:
    """The address of each channel; nine in ten of those that are not hot have a channel_id in it."""
    import pyarrow.compute as pc

    random = chunk_random(seed, "nexmark.urls", 0)
    count = _CHANNELS + len(_HOT_CHANNELS)
    folders = [names(random, count, 5) for _ in range(3)]
    with_id = (random.random(count) < 0.9) & (np.arange(count) < _CHANNELS)
    ids = pa.array(_reversed_bits(np.arange(count))).cast(pa.string())
    tails = pc.if_else(pa.array(with_id), pc.binary_join_element_wise("&channel_id=", ids, ""), "")
    return pc.binary_join_element_wise(
        "https://www.nexmark.com/", folders[0], "/", folders[1], "/", folders[2], "/item.htm?query=1", tails, ""
    )


def _reversed_bits(numbers: Integers) -> Integers:
    """The 32 bits of each number in reverse, without sign: ids that look like nothing in particular."""
    bits = (numbers[:, None] >> np.arange(32)) & 1
    return np.abs((bits @ (1 << np.arange(31, -1, -1))).astype(np.uint32).view(np.int32).astype(np.int64))


def _channel(chunk: NexmarkChunk) -> pa.Array:
    return _channels().take(_channel_numbers(chunk))


def _url(chunk: NexmarkChunk) -> pa.Array:
    return _urls(chunk.settings.seed).take(_channel_numbers(chunk))


def _extra(numbers: int, *texts: Maker) -> Maker:
    """Padding of an event that has so many numbers of eight bytes and these texts."""

    def make(chunk: NexmarkChunk) -> pa.Array:
        taken = sum((lengths_of(text(chunk)) for text in texts), np.full(chunk.rows, 8 * numbers, np.int64))
        return padding(chunk.random("extra"), taken, chunk.settings.size(chunk.kind))

    return make


_name = _one_of("name", [f"{first} {last}" for first in _FIRST_NAMES for last in _LAST_NAMES])
_city, _state = _one_of("city", _CITIES), _one_of("state", _STATES)

COLUMNS: Mapping[EventKind, Mapping[str, Maker]] = {
    "person": {
        "id": _integers(_person_id),
        "name": _name,
        "emailAddress": _email,
        "creditCard": _credit_card,
        "city": _city,
        "state": _state,
        "dateTime": _times(_event_time),
        "extra": _extra(1, _name, _email, _credit_card, _city, _state),
    },
    "auction": {
        "id": _integers(_auction_id),
        "itemName": _item_name,
        "description": _description,
        "initialBid": _integers(_initial_bid),
        "reserve": _integers(_reserve),
        "dateTime": _times(_event_time),
        "expires": _times(_expires),
        "seller": _integers(_seller),
        "category": _integers(_category),
        "extra": _extra(6, _item_name, _description),
    },
    "bid": {
        "auction": _integers(_bid_auction),
        "bidder": _integers(_bidder),
        "price": _integers(_bid_price),
        "channel": _channel,
        "url": _url,
        "dateTime": _times(_event_time),
        "extra": _extra(4),
    },
}
"""How each column of each kind of event is made."""

_TEXTS = {"name", "emailAddress", "creditCard", "city", "state", "itemName", "description", "channel", "url", "extra"}


def _type(column: str) -> t.SqlType:
    if column in _TEXTS:
        return t.STRING
    return t.timestamp(3) if column in ("dateTime", "expires") else t.BIGINT


SCHEMAS: Mapping[EventKind, Schema] = {
    kind: t.schema(*((name, _type(name)) for name in columns)) for kind, columns in COLUMNS.items()
}
"""The columns of each kind of event, with their types."""
