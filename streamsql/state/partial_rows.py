"""Choosing, repeating and renumbering the groups of a partial."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from streamsql.state.fixed_width import Int64Array, int64_array
from streamsql.state.ordering import lexical_order
from streamsql.state.partial import Collection, Partial


def take_groups(partial: Partial, at: Int64Array) -> Partial:
    """The groups at positions `at`, with their collected values; a position may come more than once."""
    places = int64_array(at)
    return Partial(
        len(at),
        partial.extra,
        tuple(each.take(places) for each in partial.keys),
        {
            name: values.take(places) if isinstance(values, pa.Array) else values[at]
            for name, values in partial.columns.items()
        },
        tuple(_take_collected(each, partial.size, at) for each in partial.collections),
    )


def slice_groups(partial: Partial, start: int, stop: int) -> Partial:
    """The groups from `start` up to `stop`; fixed-width columns are not copied."""
    if start == 0 and stop == partial.size:
        return partial
    return Partial(
        stop - start,
        partial.extra,
        tuple(each.slice(start, stop - start) for each in partial.keys),
        {
            name: values.slice(start, stop - start) if isinstance(values, pa.Array) else values[start:stop]
            for name, values in partial.columns.items()
        },
        tuple(_slice_collected(each, start, stop) for each in partial.collections),
    )


def sorted_groups(partial: Partial) -> Partial:
    """The groups in the order of their number, which is the first key."""
    numbers = partial.extra_values()
    if not len(numbers) or bool((numbers[1:] >= numbers[:-1]).all()):
        return partial
    return take_groups(partial, lexical_order([numbers]))


def numbered(partial: Partial, numbers: Int64Array) -> Partial:
    """The same groups under other numbers."""
    return replace(partial, keys=(int64_array(numbers), *partial.keys[1:]))


def _take_collected(collection: Collection, size: int, at: Int64Array) -> Collection:
    order = lexical_order([collection.ids])
    bounds = np.searchsorted(collection.ids[order], np.arange(size + 1))
    counts = (bounds[1:] - bounds[:-1])[at]
    ids = np.repeat(np.arange(len(at)), counts)
    within = np.arange(len(ids)) - np.repeat(np.cumsum(counts) - counts, counts)
    return _collected(collection, order[bounds[at][ids] + within], ids)


def _slice_collected(collection: Collection, start: int, stop: int) -> Collection:
    chosen = np.flatnonzero((collection.ids >= start) & (collection.ids < stop))
    return _collected(collection, chosen, collection.ids[chosen] - start)


def _collected(collection: Collection, rows: Int64Array, ids: Int64Array) -> Collection:
    places = int64_array(rows)
    return Collection(
        ids,
        tuple(each.take(places) for each in collection.values),
        collection.weights[rows],
        None if collection.ordinals is None else collection.ordinals[rows],
        collection.flags,
    )


def with_number(partial: Partial, number: int) -> Partial:
    """A partial without extra keys, all of whose groups get one number."""
    numbers = int64_array(np.full(partial.size, number))
    return replace(partial, extra=1, keys=(numbers, *partial.keys))
