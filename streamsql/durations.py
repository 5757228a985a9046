"""Durations as Flink's options write them: `10 s`, `36 h`, `1 d`, or a bare number of milliseconds."""

from __future__ import annotations

import re

from streamsql.errors import UsageError
from streamsql.time import MILLISECOND, SECOND, Duration

_UNITS: dict[str, Duration] = {
    **dict.fromkeys(("us", "µs", "micro", "micros", "microsecond", "microseconds"), 1),
    **dict.fromkeys(("", "ms", "milli", "millis", "millisecond", "milliseconds"), MILLISECOND),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), SECOND),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60 * SECOND),
    **dict.fromkeys(("h", "hour", "hours"), 3_600 * SECOND),
    **dict.fromkeys(("d", "day", "days"), 86_400 * SECOND),
}
_LONGEST = 10**18
"""Some thirty thousand years: added to any time it stays within 64 bits."""
DURATION_HINT = "write a number and a unit, such as '10 s'"


def duration_of(text: str) -> Duration | None:
    """Microseconds; None for what is no duration, or longer than any time.

    >>> duration_of("10 s"), duration_of("250"), duration_of("1d"), duration_of("soon")
    (10000000, 250000, 86400000000, None)
    """
    match = re.fullmatch(r"\s*([0-9]+)\s*([a-zµ]*)\s*", text.lower())
    if match is None or match[2] not in _UNITS:
        return None
    found = int(match[1]) * _UNITS[match[2]]
    return found if found <= _LONGEST else None


def parse_duration(text: str, option: str) -> Duration:
    """Microseconds of a duration in an option, written as Flink does; a bare number is milliseconds.

    >>> parse_duration("10 s", "timeout"), parse_duration("250", "timeout")
    (10000000, 250000)
    """
    duration = duration_of(text)
    if duration is None:
        raise UsageError(f"option '{option}': '{text}' is no duration", hint=DURATION_HINT)
    return duration
