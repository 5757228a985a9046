"""Window arithmetic: which windows a row lies in, which are closed, and how rows of the same windows share a pane.

Windows are numbered in the order of their ends. Rows that count in exactly the same windows belong to one *pane*, so a
row is accumulated once however many windows overlap. A row that comes too late for its first windows simply belongs to
the pane of its remaining ones. All times are int64 microseconds; division floors, so years before 1970 work.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streamsql.batch import Times
from streamsql.expr.windows import Attached, Cumulate, Hop, Tumble
from streamsql.time import BEGIN_OF_TIME, END_OF_TIME, Duration, Time

Numbers = npt.NDArray[np.int64]

# Between these no sum of a watermark and a window size can leave int64; SQL timestamps end at the year 9999.
_EARLIEST, _LATEST = BEGIN_OF_TIME // 2, END_OF_TIME // 2


class WindowGrid(ABC):
    """All windows of one kind. A pane number says which windows its rows count in, and sorts by the last of them."""

    @abstractmethod
    def panes(self, times: Times) -> tuple[Numbers, npt.NDArray[np.bool_] | None]:
        """The pane of each row that is in time for all its windows; a mask of rows in any window, None: all are."""

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
    def ending_from(self, window: int) -> int:
        """The lowest number of a pane whose last window is not before `window`."""

    @abstractmethod
    def beginning_after(self, windows: Numbers) -> Numbers:
        """For each window a pane number from which on no pane has a window up to that one."""

    @abstractmethod
    def closed(self, watermarks: Times) -> Numbers:
        """The number of the last window that each watermark has closed."""

    @abstractmethod
    def bounds(self, windows: Numbers) -> tuple[Times, Times]:
        """Start and end of windows by number."""

    def closed_by(self, watermark: Time) -> int:
        """The number of the last window that a watermark has closed."""
        return int(self.closed(np.array([watermark], np.int64))[0])

    def pane_limit(self, window: int) -> int:
        """A pane number from which on no pane has a window up to `window`."""
        return int(self.beginning_after(np.array([window], np.int64))[0])


@dataclass(frozen=True, slots=True)
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
        """The largest number of windows that a row can lie in."""
        return -(-self.size // self.slide)

    def panes(self, times: Times) -> tuple[Numbers, npt.NDArray[np.bool_] | None]:
        since = times - self.offset if self.offset else times
        window = since // self.slide
        if self.size == self.slide:
            return window, None
        if self.size % self.slide == 0:
            return window * self.width, None
        reach = since - window * self.slide
        if self.slide > self.size:
            return window, reach < self.size
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

    def ending_from(self, window: int) -> int:
        return window * self.width

    def beginning_after(self, windows: Numbers) -> Numbers:
        return (windows + self.width) * self.width

    def closed(self, watermarks: Times) -> Numbers:
        return np.asarray(_clipped(watermarks) + (self.tick - self.offset - self.size)) // self.slide

    def bounds(self, windows: Numbers) -> tuple[Times, Times]:
        starts = windows * self.slide + self.offset
        return starts, starts + self.size


@dataclass(frozen=True, slots=True)
class CumulateGrid(WindowGrid):
    """Windows that share a start and grow by `step` up to `size`. A pane has the number of its first window."""

    step: Duration
    size: Duration
    offset: Duration
    tick: Duration

    @property
    def steps(self) -> int:
        """How many windows share a start."""
        return -(-self.size // self.step)

    def panes(self, times: Times) -> tuple[Numbers, npt.NDArray[np.bool_] | None]:
        base, since = np.divmod(times - self.offset, self.size)
        return base * self.steps + since // self.step, None

    def first(self, panes: Numbers) -> Numbers:
        return panes

    def last(self, panes: Numbers) -> Numbers:
        return (panes // self.steps) * self.steps + (self.steps - 1)

    def starting_at(self, panes: Numbers, first: Numbers) -> Numbers:
        return first

    def ending_from(self, window: int) -> int:
        return window // self.steps * self.steps

    def beginning_after(self, windows: Numbers) -> Numbers:
        return windows + 1

    def closed(self, watermarks: Times) -> Numbers:
        base, since = np.divmod(_clipped(watermarks) + (self.tick - self.offset), self.size)
        return np.asarray(base * self.steps + since // self.step - 1)

    def bounds(self, windows: Numbers) -> tuple[Times, Times]:
        base, position = np.divmod(windows, self.steps)
        starts = base * self.size + self.offset
        return starts, starts + np.minimum((position + 1) * self.step, self.size)


@dataclass(frozen=True, slots=True)
class AttachedGrid(WindowGrid):
    """Windows that came with the rows: window, pane and end are one number, and `times` are ends. Starts are a key."""

    tick: Duration

    def panes(self, times: Times) -> tuple[Numbers, npt.NDArray[np.bool_] | None]:
        return times, None

    def first(self, panes: Numbers) -> Numbers:
        return panes

    def last(self, panes: Numbers) -> Numbers:
        return panes

    def starting_at(self, panes: Numbers, first: Numbers) -> Numbers:
        return panes

    def ending_from(self, window: int) -> int:
        return window

    def beginning_after(self, windows: Numbers) -> Numbers:
        return windows + 1

    def closed(self, watermarks: Times) -> Numbers:
        return np.asarray(_clipped(watermarks) + self.tick)

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


def _clipped(watermarks: Times) -> Times:
    return np.clip(watermarks, _EARLIEST, _LATEST)
