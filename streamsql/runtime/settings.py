"""How a job runs: the size of a step, reading ahead, what it records, and durations in table options."""

from __future__ import annotations

from collections.abc import Mapping

from streamsql.durations import parse_duration
from streamsql.errors import UsageError
from streamsql.plan.lookup_options import LOOKUP_OPTIONS
from streamsql.record import record
from streamsql.time import Duration

IDLE_TIMEOUT = "scan.watermark.idle-timeout"
ENGINE_OPTIONS = (IDLE_TIMEOUT, *LOOKUP_OPTIONS)
"""Table options that the engine reads itself; connectors never see them."""


@record
class JobSettings:
    """Settings of one run.

    `batch_rows`: a step takes at most so many rows of each source. `read_ahead`: how many batches a reader thread may
    hold ready for each source, 0 to read in the engine's thread, as sources that say `in_memory = True` always are.
    `record_decisions`: keep what time decided (late rows, cut sessions), for a comparison to replay.
    """

    batch_rows: int = 65_536
    read_ahead: int = 2
    record_decisions: bool = False

    def __post_init__(self) -> None:
        if self.batch_rows < 1:
            raise UsageError(f"the batch size must be at least 1, not {self.batch_rows}")


def idle_timeout(options: Mapping[str, str]) -> Duration | None:
    """After how long without rows a source no longer holds the watermark back; None: never."""
    text = options.get(IDLE_TIMEOUT)
    timeout = None if text is None else parse_duration(text, IDLE_TIMEOUT)
    return timeout or None
