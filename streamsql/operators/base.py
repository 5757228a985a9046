"""The operator protocol: changes in, changes out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streamsql.batch import Batch, Times, Weights
from streamsql.expr.types import Schema
from streamsql.record import record
from streamsql.state.base import State
from streamsql.time import Duration, Time


@record(eq=False)
class LateRows:
    """Input rows that an operator dropped, wholly or from some of their windows, because time had passed them.

    Arrays run parallel to `rows`: the operator's watermark when the row arrived (µs), how far the row's event time lay
    behind it (µs, >= 0 as a rule), and from how many windows it was dropped. `missed` lists each (row index, window
    start, window end) that was dropped, for replay; sessions have the window that the row would have got.
    `port`: which input the rows come from.
    """

    rows: pa.RecordBatch
    weights: Weights | None
    watermarks: Times
    lateness: Times
    windows_missed: npt.NDArray[np.int32]
    missed: npt.NDArray[np.int64]  # shape (n, 3)
    port: int = 0


@record(eq=False)
class SessionCut:
    """Input rows that opened (or joined) a session which batch processing would have merged with one already closed.

    `generation`: how many closed sessions of the key lie before it in that chain (1 for the first cut).
    """

    rows: pa.RecordBatch
    generation: npt.NDArray[np.int64]


@record
class RowsBehind:
    """So many input rows came at or behind the watermark and were not dropped: they met what time had left."""

    rows: int


@record
class Expired:
    """State that an operator forgot as it had outlived its time by the clock, and rows that took back what had been
    forgotten, which had no effect."""

    forgotten: int = 0
    ignored: int = 0


@record(eq=False)
class OpenWindows:
    """Windows that hold rows and wait for time: each fires when it reaches the window's end less a `tick` (µs)."""

    starts: Times
    ends: Times
    tick: Duration


LateListener = Callable[[LateRows], None]
CutListener = Callable[[SessionCut], None]
BehindListener = Callable[[RowsBehind], None]
ExpiryListener = Callable[[Expired], None]
UnknownListener = Callable[[pa.RecordBatch], None]


class Operator(ABC):
    """Turns input changes into output changes. Never forwards watermarks, never sees checkpoints: the task does both.

    Behaves as if `on_watermark` ran after each row: what a batch's rows meet is decided by `batch.watermarks`.
    """

    schema: Schema
    watermark_shift: Duration = 0
    net_input: bool = False
    """The task cancels +row/-row pairs of a step before on_batch: for operators that can fail or have effects."""
    net_output: bool = False
    """One batch of output never both adds a row and takes it back, so that it needs no cancelling."""
    needs_arrivals: bool = False
    """Batches carry `arrivals` wherever their rows are single rows of the step."""
    timed_ports: tuple[int, ...] | None = None
    """The inputs whose watermarks count; None: all."""
    on_late: LateListener | None = None
    """Set by the task; called with rows dropped for lateness, within on_batch or on_watermark."""
    on_cut: CutListener | None = None
    """Set when a comparison records decisions; only sessions call it."""
    on_behind: BehindListener | None = None
    """Set when a comparison records decisions; only joins by time call it."""

    on_unknown: UnknownListener | None = None
    """Set by the job for what reads a table; called with rows that take back what is not there."""
    on_expired: ExpiryListener | None = None
    """Set by the task; called with what the time to live of the state took away."""
    expires: bool = False
    """The state has a time to live: `expire` is called at the beginning of each step."""

    @abstractmethod
    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        """Changes of one input; output belongs to the same step."""

    def on_watermark(self, time: Time) -> Iterable[Batch]:
        """The minimum watermark over all ports has risen to `time`; END_OF_TIME comes last."""
        return ()

    def on_clock(self, now: Time) -> Iterable[Batch]:
        """Processing time, from the injected clock, once a step."""
        return ()

    def expire(self, now: Time) -> int:
        """Forget what has expired by `now`, without a word to who reads the output; how many entries that were.

        It is called before all else of a step, so that no change of the step meets them.
        """
        return 0

    def ignore(self, rows: int) -> None:
        """So many rows took back what has expired."""
        if rows and self.on_expired is not None:
            self.on_expired(Expired(ignored=rows))

    def on_step_end(self) -> Iterable[Batch]:
        """All changes of the step are in on all ports."""
        return ()

    def open_windows(self) -> OpenWindows | None:
        """The windows that wait for time, by end and start; None for an operator without windows."""
        return None

    def states(self) -> dict[str, State]:
        """Every attribute that is a State, by name."""
        return {name: value for name, value in vars(self).items() if isinstance(value, State)}
