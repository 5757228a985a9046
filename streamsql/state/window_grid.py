"""Window arithmetic: which windows a row lies in, which are closed, and how rows of the same windows share a pane.

Windows are numbered in the order of their ends. Rows that count in exactly the same windows belong to one *pane*, so a
row is accumulated once however many windows overlap. A row that comes too late for its first windows simply belongs to
the pane of its remaining ones. All times are int64 microseconds; division floors, so years before 1970 work.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from streamsql.batch import Times
from streamsql.expr.windows import Attached, Cumulate, Hop, Tumble
from streamsql.record import record
from streamsql.time import Duration

Numbers = npt.NDArray[np.int64]

IntOrArray = TypeVar("IntOrArray", int, Numbers)
"""Python ints, which hold anything, or int64 arrays."""


class WindowGrid(ABC):
    """All windows of one kind. A pane number says which windows its rows count in, and sorts by the last of them."""

    @abstractmethod
    def panes(self, times: Times) -> tuple[Numbers, Numbers | None]:
        """The pane of each row that is in time for all its windows; the positions of rows in no window, if any."""

    @abstractmethod
    def first(self, panes: Numbers) -> Numbers:
        """The number of the first window of each pane."""

    @abstractmethod
    def last(self, panes: Numbers) -> Numbers:
        """The number of the last window of each pane."""

    @abstractmethod
    def starting_at(self, panes: Numbers, first: Numbers) -> Numbers:
        """The panes whose windows are those of `panes` from `first` on; `first` is one of them."""

    @abstractmethod
    def ending_from(self, window: IntOrArray) -> IntOrArray:
        """The lowest number of a pane whose last window is not before `window`."""

    @abstractmethod
    def beginning_after(self, window: IntOrArray) -> IntOrArray:
        """A pane number from which on no pane has a window up to `window`."""

    @abstractmethod
    def closed(self, watermark: IntOrArray) -> IntOrArray:
        """The number of the last window that a watermark has closed."""

    @abstractmethod
    def bounds(self, windows: Numbers) -> tuple[Times, Times]:
        """Start and end of windows by number."""

    def joined_pane(self, through: int) -> int | None:
        """The pane that all earlier ones have become, if they count in the same windows after `through`."""
        return None

    @property
    @abstractmethod
    def width(self) -> int:
        """The largest number of windows that a row can lie in."""

    @property
    @abstractmethod
    def reach(self) -> Duration:
        """A watermark this far before (after) a row has closed none (all) of its windows."""

    def judging(self, watermarks: Times, times: Times) -> Times:
        """The watermarks, drawn so near to the rows that no arithmetic on them leaves int64, to the same effect."""
        low, high = int(times.min()) - self.reach, int(times.max()) + self.reach
        if low <= int(watermarks.min()) and int(watermarks.max()) <= high:
            return watermarks
        return np.clip(watermarks, low, high)


@record
class HopGrid(WindowGrid):
    """Windows of `size` that begin every `slide`.

    A pane's number is its last window * width + how many of the `width` windows up to there it is not in.
    """

    slide: Duration
    size: Duration
    offset: Duration
    tick: Duration

    @property
    def width(self) -> int:
        return -(-self.size // self.slide)

    def panes(self, times: Times) -> tuple[Numbers, Numbers | None]:
        since = times - self.offset if self.offset else times
        window = since // self.slide
        if self.size == self.slide:
            return window, None
        if self.size % self.slide == 0:
            return window * self.width, None
        reach = since - window * self.slide
        if self.slide > self.size:
            between = np.flatnonzero(reach >= self.size)
            return window, between if len(between) else None
        missing = self.width - (self.size - reach + self.slide - 1) // self.slide
        return window * self.width + missing, None

    def first(self, panes: Numbers) -> Numbers:
        if self.width == 1:
            return panes
        last, missing = np.divmod(panes, self.width)
        return np.asarray(last - (self.width - 1) + missing)

    def last(self, panes: Numbers) -> Numbers:
        return panes if self.width == 1 else panes // self.width

    def starting_at(self, panes: Numbers, first: Numbers) -> Numbers:
        last = self.last(panes)
        return last * self.width + (self.width - 1) - (last - first)

    def ending_from(self, window: IntOrArray) -> IntOrArray:
        return window * self.width

    def beginning_after(self, window: IntOrArray) -> IntOrArray:
        return (window + self.width) * self.width

    def closed(self, watermark: IntOrArray) -> IntOrArray:
        return (watermark + (self.tick - self.offset - self.size)) // self.slide

    @property
    def reach(self) -> Duration:
        return self.size + self.slide + self.tick

    def bounds(self, windows: Numbers) -> tuple[Times, Times]:
        starts = windows * self.slide + self.offset
        return starts, starts + self.size


@record
class CumulateGrid(WindowGrid):
    """Windows that share a start and grow by `step` up to `size`. A pane has the number of its first window."""

    step: Duration
    size: Duration
    offset: Duration
    tick: Duration

    @property
    def width(self) -> int:
        return -(-self.size // self.step)

    def panes(self, times: Times) -> tuple[Numbers, Numbers | None]:
        base, since = np.divmod(times - self.offset, self.size)
        return base * self.width + since // self.step, None

    def first(self, panes: Numbers) -> Numbers:
        return panes

    def last(self, panes: Numbers) -> Numbers:
        return (panes // self.width) * self.width + (self.width - 1)

    def starting_at(self, panes: Numbers, first: Numbers) -> Numbers:
        return first

    def ending_from(self, window: IntOrArray) -> IntOrArray:
        return window // self.width * self.width

    def beginning_after(self, window: IntOrArray) -> IntOrArray:
        return window + 1

    def joined_pane(self, through: int) -> int | None:
        return through + 1 if (through + 1) % self.width else None

    def closed(self, watermark: IntOrArray) -> IntOrArray:
        since = watermark + (self.tick - self.offset)
        base = since // self.size
        return base * self.width + (since - base * self.size) // self.step - 1

    @property
    def reach(self) -> Duration:
        return self.size + self.step + self.tick

    def bounds(self, windows: Numbers) -> tuple[Times, Times]:
        base, position = np.divmod(windows, self.width)
        starts = base * self.size + self.offset
        return starts, starts + np.minimum((position + 1) * self.step, self.size)


@record
class AttachedGrid(WindowGrid):
    """Windows that came with the rows: window, pane and end are one number, and `times` are ends. Starts are a key."""

    tick: Duration

    @property
    def width(self) -> int:
        return 1

    def panes(self, times: Times) -> tuple[Numbers, Numbers | None]:
        return times, None

    def first(self, panes: Numbers) -> Numbers:
        return panes

    def last(self, panes: Numbers) -> Numbers:
        return panes

    def starting_at(self, panes: Numbers, first: Numbers) -> Numbers:
        return panes

    def ending_from(self, window: IntOrArray) -> IntOrArray:
        return window

    def beginning_after(self, window: IntOrArray) -> IntOrArray:
        return window + 1

    def closed(self, watermark: IntOrArray) -> IntOrArray:
        return watermark + self.tick

    @property
    def reach(self) -> Duration:
        return 2 * self.tick

    def bounds(self, windows: Numbers) -> tuple[Times, Times]:
        return windows, windows


def window_grid(window: Tumble | Hop | Cumulate | Attached, tick: Duration) -> WindowGrid:
    """The arithmetic of a window of the plan."""
    match window:
        case Tumble(size=size, offset=offset):
            return HopGrid(size, size, offset, tick)
        case Hop(slide=slide, size=size, offset=offset):
            return HopGrid(slide, size, offset, tick)
        case Cumulate(step=step, size=size, offset=offset):
            return CumulateGrid(step, size, offset, tick)
        case Attached():
            return AttachedGrid(tick)
