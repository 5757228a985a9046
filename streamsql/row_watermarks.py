"""The watermark that held when each row of a batch arrived: worked out row by row only where someone asks for that."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property

import numpy as np
import numpy.typing as npt

from streamsql.record import record
from streamsql.time import Duration, Time

Times = npt.NDArray[np.int64]

BLOCK = 1024
"""Rows at a time about which `limits` tells."""


class RowWatermarks(ABC):
    """One watermark (µs) a row; immutable."""

    @abstractmethod
    def __len__(self) -> int: ...

    @property
    @abstractmethod
    def values(self) -> Times:
        """The watermark of each row; not to be written into."""

    @property
    @abstractmethod
    def limits(self) -> Times:
        """For every `BLOCK` rows a time that no watermark up to the last of them exceeds."""

    @abstractmethod
    def slice(self, start: int, length: int) -> RowWatermarks:
        """Those of the rows from `start` up to `start + length`."""

    @abstractmethod
    def at_least(self, time: Time) -> RowWatermarks:
        """The same, none of them before `time`."""

    def take(self, places: npt.NDArray[np.int64]) -> RowWatermarks:
        """Those of the rows at `places`, in that order."""
        return GivenWatermarks(self.values[places])

    def pick(self, places: npt.NDArray[np.int64]) -> RowWatermarks:
        """Those of the rows at `places`, which never fall."""
        return PickedWatermarks(self, places)


@record(eq=False)
class GivenWatermarks(RowWatermarks):
    """Watermarks that are known row by row."""

    given: Times

    def __len__(self) -> int:
        return len(self.given)

    @property
    def values(self) -> Times:
        return self.given

    @cached_property
    def limits(self) -> Times:
        return np.maximum.accumulate(_block_maxima(self.given))

    def slice(self, start: int, length: int) -> RowWatermarks:
        return GivenWatermarks(self.given[start : start + length])

    def at_least(self, time: Time) -> RowWatermarks:
        if not len(self.given) or int(self.given.min()) >= time:
            return self
        return GivenWatermarks(np.maximum(self.given, time))


@record(eq=False)
class RunningWatermarks(RowWatermarks):
    """Before each row: the largest of the `times` before it less a `delay`, and of what `held` before the first.

    >>> marks = RunningWatermarks(np.array([7, 5, 11]), 4, delay=2)
    >>> marks.values.tolist(), marks.after
    ([4, 5, 5], 9)
    """

    times: Times
    held: Time
    delay: Duration = 0

    def __len__(self) -> int:
        return len(self.times)

    @property
    def after(self) -> Time:
        """The watermark after the last row."""
        return int(self.limits[-1]) if len(self.times) else self.held

    @cached_property
    def values(self) -> Times:
        seen = np.empty(len(self.times), np.int64)
        seen[:1] = self.held
        np.subtract(self.times[:-1], self.delay, out=seen[1:])
        if not bool((seen[1:] >= seen[:-1]).all()):
            np.maximum.accumulate(seen, out=seen)
        return seen

    @cached_property
    def limits(self) -> Times:
        highest = _block_maxima(self.times) - self.delay
        np.maximum(highest[:1], self.held, out=highest[:1])
        return np.maximum.accumulate(highest, out=highest)

    def slice(self, start: int, length: int) -> RowWatermarks:
        block, within = divmod(start, BLOCK)
        held = int(self.limits[block - 1]) if block else self.held
        if within:
            held = max(held, int(self.times[start - within : start].max()) - self.delay)
        return RunningWatermarks(self.times[start : start + length], held, self.delay)

    def at_least(self, time: Time) -> RowWatermarks:
        return self if time <= self.held else RunningWatermarks(self.times, time, self.delay)


@record(eq=False)
class PickedWatermarks(RowWatermarks):
    """Those `of` other rows at some `places`, which never fall."""

    of: RowWatermarks
    places: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.places)

    @cached_property
    def values(self) -> Times:
        if not len(self.places):
            return np.empty(0, np.int64)
        first, last = int(self.places[0]), int(self.places[-1])
        return self.of.slice(first, last - first + 1).values[self.places - first]

    @cached_property
    def limits(self) -> Times:
        ends = np.minimum(np.arange(BLOCK, len(self.places) + BLOCK, BLOCK), len(self.places))
        limits: Times = self.of.limits[self.places[ends - 1] // BLOCK]
        return limits

    def slice(self, start: int, length: int) -> RowWatermarks:
        return PickedWatermarks(self.of, self.places[start : start + length])

    def at_least(self, time: Time) -> RowWatermarks:
        return PickedWatermarks(self.of.at_least(time), self.places)


def concat_watermarks(parts: list[RowWatermarks]) -> RowWatermarks:
    """One after the other."""
    return GivenWatermarks(np.concatenate([each.values for each in parts]))


def _block_maxima(values: Times) -> Times:
    maxima: Times = np.maximum.reduceat(values, np.arange(0, len(values), BLOCK))
    return maxima
