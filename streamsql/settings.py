"""Session settings: what SET takes, with checks, and the clock and context made of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import field

from streamsql.compiled import SETTING as COMPILED
from streamsql.compiled import checked_mode
from streamsql.durations import DURATION_HINT, duration_of
from streamsql.errors import UsageError, did_you_mean
from streamsql.expr.context import EvalContext
from streamsql.record import record
from streamsql.time import Clock, ManualClock, SystemClock, from_datetime

CLOCK = "streamsql.clock"
TIME_ZONE = "table.local-time-zone"
BATCH_SIZE = "streamsql.batch-size"
SEED = "streamsql.seed"
RUNTIME_MODE = "execution.runtime-mode"
STATE_TTL = "table.exec.state.ttl"
_WITHOUT_EFFECT = ("parallelism.", "pipeline.", "sql-client.", "table.exec.mini-batch.", "execution.checkpointing.")
"""Settings of a Flink cluster that mean nothing here; a script that carries them runs all the same."""


def _positive(key: str, value: str) -> str:
    if not value.isdecimal() or int(value) < 1:
        raise UsageError(f"'{key}' = '{value}': a whole number of at least 1 is needed")
    return value


def _whole(key: str, value: str) -> str:
    if not value.lstrip("-").isdecimal():
        raise UsageError(f"'{key}' = '{value}': a whole number is needed")
    return value


def _zone(key: str, value: str) -> str:
    """Java's names of zones are IANA's, and offsets such as GMT+08:00."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    hint = "write a name such as 'Europe/Paris', or whole hours such as 'GMT+08:00'"
    try:
        ZoneInfo(zone_name(value))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"'{key}' = '{value}': unknown time zone", hint=hint) from None
    return value


def zone_name(zone: str) -> str:
    """The IANA name of a zone; an offset of whole hours has one too, with the sign turned round.

    >>> zone_name("GMT+08:00"), zone_name("-3"), zone_name("Europe/Paris")
    ('Etc/GMT-8', 'Etc/GMT+3', 'Europe/Paris')
    """
    offset = re.fullmatch(r"(?:GMT|UTC|UT)?([+-])(\d{1,2})(?::?00)?", zone)
    if offset is None:
        return "UTC" if zone == "Z" else zone
    sign, hours = offset[1], int(offset[2])
    return f"Etc/GMT{'-' if sign == '+' else '+'}{hours}" if hours else "UTC"


def _ttl(key: str, value: str) -> str:
    if duration_of(value) is None:
        raise UsageError(f"'{key}' = '{value}' is no duration", hint=DURATION_HINT)
    return value


def _clock(key: str, value: str) -> str:
    make_clock(value)
    return value


def _mode(key: str, value: str) -> str:
    if value.lower() not in ("streaming", "batch"):
        raise UsageError(f"'{key}' = '{value}': it is 'streaming' or 'batch'")
    return value.lower()


_CHECKS: dict[str, Callable[[str, str], str]] = {
    TIME_ZONE: _zone,
    CLOCK: _clock,
    BATCH_SIZE: _positive,
    SEED: _whole,
    RUNTIME_MODE: _mode,
    STATE_TTL: _ttl,
    COMPILED: checked_mode,
}
KEYS = tuple(_CHECKS)
"""The settings that there are."""
_DEFAULTS = {
    TIME_ZONE: "UTC",
    CLOCK: "system",
    BATCH_SIZE: "65536",
    SEED: "0",
    RUNTIME_MODE: "streaming",
    COMPILED: "auto",
}


def make_clock(text: str) -> Clock:
    """`system`, or `manual:2025-01-31 12:00:00`: a clock that stands until it is moved."""
    from datetime import datetime

    if text == "system":
        return SystemClock()
    kind, _, start = text.partition(":")
    try:
        if kind == "manual":
            return ManualClock(from_datetime(datetime.fromisoformat(start)))
    except ValueError:
        pass  # said below, with the form that is wanted
    raise UsageError(f"'{CLOCK}' = '{text}'", hint="write 'system' or 'manual:2025-01-31 12:00:00'")


@record(frozen=False)
class Settings:
    """The settings of one session."""

    values: dict[str, str] = field(default_factory=lambda: dict(_DEFAULTS))

    def set(self, key: str, value: str) -> None:
        """Change a setting; UsageError for an unknown key or a value that does not fit."""
        if key.startswith(_WITHOUT_EFFECT):
            self.values[key] = value
            return
        if key not in _CHECKS:
            raise UsageError(f"unknown setting '{key}'", hint=did_you_mean(key, tuple(_CHECKS), kind="settings"))
        self.values[key] = _CHECKS[key](key, value)

    def reset(self, key: str | None) -> None:
        """Back to the default; None: all of them."""
        if key is None:
            self.values = dict(_DEFAULTS)
            return
        if key not in _CHECKS and key not in self.values:
            raise UsageError(f"unknown setting '{key}'", hint=did_you_mean(key, tuple(_CHECKS), kind="settings"))
        self.values.pop(key, None)
        if key in _DEFAULTS:
            self.values[key] = _DEFAULTS[key]

    def update(self, values: Mapping[str, str]) -> None:
        for key, value in values.items():
            self.set(key, value)

    @property
    def batch_rows(self) -> int:
        return int(self.values[BATCH_SIZE])

    @property
    def batch_mode(self) -> bool:
        return self.values[RUNTIME_MODE] == "batch"

    def context(self, clock: Clock | None) -> EvalContext:
        """What expressions depend on, with NOW() fixed at this moment; `clock` wins over the setting."""
        clock = clock or make_clock(self.values[CLOCK])
        zone = zone_name(self.values[TIME_ZONE])
        return EvalContext(
            time_zone=zone,
            clock=clock,
            start=clock.now(),
            seed=int(self.values[SEED]),
            state_ttl=duration_of(self.values.get(STATE_TTL, "0")) or None,
            compiled=self.values[COMPILED],
        )
