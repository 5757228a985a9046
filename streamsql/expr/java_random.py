"""Java's `Random`, which Flink's RAND(seed) is: a linear congruential generator of 48 bits, many numbers at a time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_MULTIPLIER, _INCREMENT, _MASK = 0x5DEECE66D, 0xB, (1 << 48) - 1
_INT_LIMIT = 1 << 31
States = npt.NDArray[np.uint64]


class JavaRandom:
    """A generator from a seed; each call goes on where the last one stopped."""

    def __init__(self, seed: int) -> None:
        self._state = (seed ^ _MULTIPLIER) & _MASK

    def _next(self, count: int, bits: int) -> npt.NDArray[np.int64]:
        """`next(bits)`, `count` times, as non-negative numbers."""
        states = _states(self._state, count)
        if count:
            self._state = int(states[-1])
        return (states >> np.uint64(48 - bits)).astype(np.int64)

    def doubles(self, count: int) -> npt.NDArray[np.float64]:
        """`nextDouble()`: in [0, 1)."""
        if not count:
            return np.zeros(0)
        states = _states(self._state, 2 * count)
        self._state = int(states[-1])
        high, low = states[::2] >> np.uint64(22), states[1::2] >> np.uint64(21)
        return ((high << np.uint64(27)) + low).astype(np.float64) * 2.0**-53

    def integers(self, count: int, bound: int) -> npt.NDArray[np.int32]:
        """`nextInt(bound)`: in [0, bound)."""
        if bound & -bound == bound:
            return ((self._next(count, 31) * bound) >> 31).astype(np.int32)
        found: list[npt.NDArray[np.int64]] = []
        missing = count
        while missing:
            drawn = self._next(missing, 31)
            rest = drawn % bound
            # Numbers beyond the last whole multiple of the bound would make small ones likelier: they are drawn anew.
            kept = rest[drawn - rest + (bound - 1) < _INT_LIMIT]
            found.append(kept)
            missing -= len(kept)
        return np.concatenate([np.zeros(0, np.int64), *found]).astype(np.int32)


def _states(state: int, count: int) -> States:
    """The next states: a^n s + c (a^(n-1) + … + 1), by doubling what is known."""
    result = np.empty(count, np.uint64)
    known, multiplier, increment = 1, _MULTIPLIER, _INCREMENT
    if count:
        result[0] = (state * _MULTIPLIER + _INCREMENT) & _MASK
    while known < count:
        more = min(known, count - known)
        with np.errstate(over="ignore"):
            ahead = result[:more] * np.uint64(multiplier) + np.uint64(increment)
        result[known : known + more] = ahead & np.uint64(_MASK)
        increment = (multiplier * increment + increment) & _MASK
        multiplier = multiplier * multiplier & _MASK
        known *= 2
    return result
