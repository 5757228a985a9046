"""Times and durations in options."""

from __future__ import annotations

import re
from datetime import datetime

from streamsql.time import Duration, Time, from_datetime

_UNITS: dict[str, Duration] = {
    "us": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "min": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
}
_NAMES = {
    "": "ms",
    "micro": "us",
    "microsecond": "us",
    "milli": "ms",
    "millisecond": "ms",
    "sec": "s",
    "second": "s",
    "m": "min",
    "minute": "min",
    "hour": "h",
    "day": "d",
}


def duration(text: str) -> Duration:
    """Microseconds; a number without a unit is milliseconds, as in Flink.

    >>> duration("5 s"), duration("10min"), duration("3 days"), duration("250")
    (5000000, 600000000, 259200000000, 250000)
    """
    match = re.fullmatch(r"\s*([0-9]+)\s*([a-zA-Z]*)\s*", text)
    unit = "" if match is None else match[2].lower()
    unit = _NAMES.get(unit, _NAMES.get(unit.removesuffix("s"), unit)) if unit not in _UNITS else unit
    if match is None or unit not in _UNITS:
        raise ValueError("write a duration such as '5 s' or '10 min'")
    return int(match[1]) * _UNITS[unit]


def timestamp(text: str) -> Time:
    """A point in time, UTC where no zone is written.

    >>> timestamp("1970-01-01 00:00:01")
    1000000
    """
    try:
        return from_datetime(datetime.fromisoformat(text.strip()))
    except ValueError:
        raise ValueError("write a time such as '2025-06-01 10:00:00'") from None
