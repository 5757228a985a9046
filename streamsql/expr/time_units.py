"""Times that lie close together, written once for each day, hour, minute or second that they lie in."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr.vectors import nulls, numbers

_SECOND = 1_000_000
MINUTE = 60 * _SECOND
_UNITS = (("s", _SECOND), ("m", MINUTE), ("HhKka", 3_600 * _SECOND), ("yMQEGDd", 86_400 * _SECOND))
_FEW = 64
"""Fewer times are written one by one."""
_FIRST = -(1 << 63)

Write = Callable[[pa.Array], pa.Array]


def coarsest_unit(letters: Iterable[str]) -> int | None:
    """So long, in µs, is what a pattern of these letters writes the same text for; None: no second is."""
    found = [next((unit for known, unit in _UNITS if each in known), None) for each in letters if each]
    return _UNITS[-1][1] if not found else None if None in found else min(each for each in found if each)


def once_a_unit(unit: int, write: Write) -> Write:
    """Writes timestamps[us] that are the same text throughout a unit."""

    def kernel(array: pa.Array) -> pa.Array:
        if len(array) - array.null_count < _FEW:
            return write(array)
        bounds = pc.min_max(array)
        low, high = (bounds[each].cast(pa.int64()).as_py() // unit for each in ("min", "max"))
        if 2 * (high - low + 1) > len(array) or low * unit < _FIRST:
            return write(array)
        texts = write(pa.array(np.arange(low, high + 1) * unit, pa.timestamp("us")))
        missing = nulls(array)
        if low == high and missing is None:
            return pa.repeat(texts[0], len(array))
        return texts.take(pa.array(numbers(array) // unit - low, mask=missing))

    return kernel
