"""Times and durations in options."""

from __future__ import annotations

from datetime import datetime

from streamsql.durations import duration_of
from streamsql.time import Duration, Time, from_datetime


def duration(text: str) -> Duration:
    """Microseconds; a number without a unit is milliseconds, as in Flink.

    >>> duration("5 s"), duration("10min"), duration("3 days"), duration("250")
    (5000000, 600000000, 259200000000, 250000)
    """
    found = duration_of(text)
    if found is None:
        raise ValueError("write a duration such as '5 s' or '10 min'")
    return found


def timestamp(text: str) -> Time:
    """A point in time, UTC where no zone is written.

    >>> timestamp("1970-01-01 00:00:01")
    1000000
    """
    try:
        return from_datetime(datetime.fromisoformat(text.strip()))
    except ValueError:
        raise ValueError("write a time such as '2025-06-01 10:00:00'") from None
