"""How many bytes a piece of state keeps alive: its arrays and Arrow buffers, each counted once."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

_LEAVES = (int, float, str, bytes, bool, type(None))


def held_bytes(things: Iterable[Any]) -> int:
    """Of all that is reachable from the things within the engine's own objects, containers, arrays and Arrow data.

    A buffer counts whole, also where only a part of it is used: so much stays in memory. What two of the things share
    counts once.

    >>> values = np.zeros(1_000)
    >>> held_bytes([values, values[10:]])
    8000
    """
    seen: set[int] = set()
    buffers: dict[int, int] = {}
    objects = 0
    waiting = deque(things)
    kept = []  # what is made on the way must not give its id to something else
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        kept.append(thing)
        found = _buffers(thing)
        if found is None:
            objects += sys.getsizeof(thing) if isinstance(thing, (*_LEAVES, dict, list, tuple, set, deque)) else 0
            waiting.extend(_parts(thing))
        else:
            for address, size in found:
                buffers[address] = max(size, buffers.get(address, 0))
    return objects + sum(buffers.values())


def _buffers(thing: Any) -> Iterable[tuple[int, int]] | None:
    """Address and size of the memory of an array or of Arrow data; None for everything else."""
    if isinstance(thing, np.ndarray):
        while isinstance(thing.base, np.ndarray):
            thing = thing.base
        return [(thing.__array_interface__["data"][0], thing.nbytes)]
    if isinstance(thing, pa.RecordBatch | pa.Table):
        return [each for column in thing.columns for each in _of_arrow(column)]
    if isinstance(thing, pa.Buffer):
        return [(thing.address, thing.size)]
    if isinstance(thing, pa.Array | pa.ChunkedArray):
        return list(_of_arrow(thing))
    return None


def _of_arrow(column: pa.Array | pa.ChunkedArray) -> Iterator[tuple[int, int]]:
    for array in column.chunks if isinstance(column, pa.ChunkedArray) else (column,):
        for buffer in array.buffers():
            if buffer is not None:
                yield buffer.address, buffer.size
        if pa.types.is_dictionary(array.type):
            yield from _of_arrow(array.dictionary)


def _parts(thing: Any) -> Iterator[Any]:
    if isinstance(thing, dict):
        yield from thing
        yield from thing.values()
    elif isinstance(thing, (list, tuple, set, deque)):
        yield from thing
    elif type(thing).__module__.startswith("streamsql"):
        yield from getattr(thing, "__dict__", {}).values()
        for kind in type(thing).__mro__:
            for name in getattr(kind, "__slots__", ()):
                if hasattr(thing, name):
                    yield getattr(thing, name)
