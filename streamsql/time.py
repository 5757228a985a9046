"""Event-time arithmetic in int64 microseconds, and the clocks that processing time comes from."""

from __future__ import annotations

import time as _time
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

Time = int  # microseconds since 1970-01-01 00:00:00 UTC, negative before
Duration = int  # microseconds

BEGIN_OF_TIME: Final[Time] = -(1 << 63)
"""The watermark before the first row: nothing is late."""
END_OF_TIME: Final[Time] = (1 << 63) - 1
"""The watermark after the last row of a bounded input: everything open closes."""

MICROSECOND: Final[Duration] = 1
MILLISECOND: Final[Duration] = 1_000
SECOND: Final[Duration] = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def tick(precision: int) -> Duration:
    """The smallest step of a time column: 1 ms up to precision 3, else 1 µs.

    >>> tick(3), tick(6)
    (1000, 1)
    """
    return MILLISECOND if precision <= 3 else MICROSECOND


def shift(time: Time, by: Duration) -> Time:
    """`time + by`, where both ends of time stay where they are."""
    if time in (BEGIN_OF_TIME, END_OF_TIME):
        return time
    return max(BEGIN_OF_TIME + 1, min(END_OF_TIME - 1, time + by))


def floor_to(time: Time, size: Duration, offset: Duration = 0) -> Time:
    """The largest `offset + n * size` that is not after `time`, also before 1970.

    >>> floor_to(-1, 10), floor_to(25, 10, 3)
    (-10, 23)
    """
    return (time - offset) // size * size + offset


def from_datetime(value: datetime) -> Time:
    """Microseconds since the epoch; a naive value is read as UTC.

    >>> from_datetime(datetime(1969, 12, 31, 23, 59, 59))
    -1000000
    """
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1)


def format_time(value: Time) -> str:
    """`YYYY-MM-DD HH:MM:SS.mmm` (six digits where the microseconds need them); the ends of time by name.

    >>> format_time(1_500)
    '1970-01-01 00:00:00.001500'
    """
    if value == BEGIN_OF_TIME:
        return "BEGIN_OF_TIME"
    if value == END_OF_TIME:
        return "END_OF_TIME"
    seconds, micros = divmod(value, SECOND)
    try:
        stamp = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M:%S")
    except OverflowError:
        return f"{value} µs"
    stamp = stamp if len(stamp) == 19 else stamp.rjust(19, "0")
    return f"{stamp}.{micros:06d}" if micros % MILLISECOND else f"{stamp}.{micros // MILLISECOND:03d}"


class Clock(Protocol):
    """Where processing time comes from."""

    def now(self) -> Time: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> Time:
        return _time.time_ns() // 1_000


class ManualClock:
    """A clock that moves only when told to; never backwards."""

    def __init__(self, start: Time = 0) -> None:
        self._now = start

    def now(self) -> Time:
        return self._now

    def advance_to(self, time: Time) -> None:
        self._now = max(self._now, time)
