"""Constants in SQL text: numbers, strings, dates and intervals, to typed literals."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import Decimal
from math import isinf

from streamsql.errors import Span, SqlError
from streamsql.expr import types as t
from streamsql.expr.nodes import Literal
from streamsql.expr.types import Kind, SqlType
from streamsql.time import SECOND, from_datetime

_DAY_TIME = {"WEEK": 604_800, "DAY": 86_400, "HOUR": 3_600, "MINUTE": 60, "SECOND": 1}
_MONTHS = {"YEAR": 12, "QUARTER": 3, "MONTH": 1}
_ORDER = ("DAY", "HOUR", "MINUTE", "SECOND")
_BELOW = {"MONTH": 12, "HOUR": 24, "MINUTE": 60, "SECOND": 60}
_INTERVAL_LIMIT = {t.INTERVAL_DAY: 1 << 63, t.INTERVAL_MONTH: 1 << 31}
_TIME = r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d+))?$"
_TIMESTAMP = r"(\d{4}-\d{1,2}-\d{1,2})(?:[ T](\d{1,2}:\d{1,2}(?::\d{1,2}(?:\.(\d+))?)?))?$"
_FORMS = {"DATE": "2025-01-31", "TIME": "23:59:59.123", "TIMESTAMP": "2025-01-31 23:59:59.123"}


def number(text: str, span: Span | None) -> Literal:
    """1 is INT (BIGINT, DECIMAL where it does not fit), 1.5 is DECIMAL, 1e3 is DOUBLE."""
    if re.search("[eE]", text):
        return Literal(_double(text, span), type=t.DOUBLE.with_nullable(False), span=span)
    value = Decimal(text)
    if not value.as_tuple().exponent:
        for type_, bits in ((t.INT, 31), (t.BIGINT, 63)):
            if value < 1 << bits:
                return Literal(int(value), type=type_.with_nullable(False), span=span)
    scale = -int(value.as_tuple().exponent)
    precision = sum(each.isdigit() for each in text)  # as written: 0.5 has two
    if precision > 38:
        hint = f"write {text}e0 for a DOUBLE, which keeps 17 digits"
        raise SqlError(f"{text} has more than the 38 digits of a DECIMAL", span=span, hint=hint)
    return Literal(value, type=t.decimal(precision, scale).with_nullable(False), span=span)


def negative_number(text: str, span: Span | None) -> Literal:
    """The number below zero: -9223372036854775808 is a BIGINT, though 9223372036854775808 is not."""
    literal = number(text, span)
    value = -literal.value  # type: ignore[operator]
    for type_, bits in ((t.INT, 31), (t.BIGINT, 63)):
        if literal.type.kind is Kind.DECIMAL and literal.type.scale == 0 and value == -(1 << bits):
            return Literal(int(value), type=type_.with_nullable(False), span=span)
    if literal.type.kind is Kind.BIGINT and value == -(1 << 31):
        return Literal(value, type=t.INT.with_nullable(False), span=span)
    return Literal(value, type=literal.type, span=span)


def _double(text: str, span: Span | None) -> float:
    value = float(text)
    if isinf(value):
        hint = "write CAST('Infinity' AS DOUBLE) where that is meant"
        raise SqlError(f"{text} is too large for a DOUBLE, which ends at 1.7976931348623157E308", span=span, hint=hint)
    return value


def string(text: str, span: Span | None) -> Literal:
    return Literal(text, type=t.char(len(text)).with_nullable(False), span=span)


def typed(kind: str, text: str, span: Span | None) -> Literal:
    """DATE '…', TIME '…', TIMESTAMP '…'."""
    parse = {"DATE": _date, "TIME": _time, "TIMESTAMP": _timestamp}[kind]
    try:
        value, type_ = parse(text.strip())
    except ValueError as error:
        hint = f"write {kind} '{_FORMS[kind]}'"
        raise SqlError(f"{text!r} is not a {kind}{_reason(error)}", span=span, hint=hint) from None
    return Literal(value, type=type_.with_nullable(False), span=span)


def _reason(error: ValueError) -> str:
    """What is wrong with a part of the date, such as `: month must be in 1..12`."""
    text = str(error)
    if "day" in text and "range" in text:
        return ": that month has no such day"
    return f": {text.split(', not')[0]}" if "must be in" in text or "digits" in text else ""


def _date(text: str) -> tuple[int, SqlType]:
    return (date.fromisoformat(_pad(text)) - date(1970, 1, 1)).days, t.DATE


def _time(text: str) -> tuple[int, SqlType]:
    match = re.match(_TIME, text)
    if match is None:
        raise ValueError(text)
    hour, minute, second = (int(each) for each in match.groups()[:3])
    time(hour, minute, second)
    micros, precision = _fraction(match[4])
    return (hour * 3600 + minute * 60 + second) * SECOND + micros, t.time(precision)


def _timestamp(text: str) -> tuple[int, SqlType]:
    match = re.match(_TIMESTAMP, text)
    if match is None:
        raise ValueError(text)
    clock = (match[2] or "00:00:00").split(".")[0]
    clock = ":".join(part.zfill(2) for part in clock.split(":"))
    seconds = datetime.fromisoformat(f"{_pad(match[1])} {clock if clock.count(':') == 2 else clock + ':00'}")
    micros, precision = _fraction(match[3])
    return from_datetime(seconds) + micros, t.timestamp(precision)


def _pad(text: str) -> str:
    year, month, day = text.split("-")
    return f"{year.zfill(4)}-{month.zfill(2)}-{day.zfill(2)}"


def _fraction(digits: str | None) -> tuple[int, int]:
    if digits is None:
        return 0, 0
    if len(digits) > t.MAX_TIME_PRECISION:
        raise ValueError(f"times have at most {t.MAX_TIME_PRECISION} fraction digits")
    return int(digits.ljust(6, "0")), len(digits)


def interval(text: str, unit: str, to: str | None, negative: bool, span: Span | None) -> Literal:
    """INTERVAL '10' MINUTE, INTERVAL '1:30' HOUR TO MINUTE, INTERVAL '1-6' YEAR TO MONTH."""
    body = text.strip()
    sign = -1 if negative else 1
    if body.startswith(("-", "+")):
        sign, body = (-sign if body[0] == "-" else sign), body[1:]
    parse, type_ = (_months, t.INTERVAL_MONTH) if unit in _MONTHS else (_day_time, t.INTERVAL_DAY)
    wanted = f"{unit} TO {to}" if to else unit
    try:
        value = sign * parse(body, unit, to)
    except ValueError as error:
        hint = f"write INTERVAL '{_INTERVAL_FORMS.get((unit, to), '10')}' {wanted}"
        raise SqlError(f"{text!r} is not an interval of {wanted}{_reason(error)}", span=span, hint=hint) from None
    if abs(value) >= _INTERVAL_LIMIT[type_]:
        raise SqlError(f"an interval of {text} {wanted} is too long", span=span)
    return Literal(value, type=type_.with_nullable(False), span=span)


_INTERVAL_FORMS: dict[tuple[str, str | None], str] = {
    ("YEAR", "MONTH"): "1-6",
    ("SECOND", None): "1.5",
    ("DAY", "HOUR"): "1 12",
    ("DAY", "MINUTE"): "1 12:30",
    ("DAY", "SECOND"): "1 12:30:15.5",
    ("HOUR", "MINUTE"): "12:30",
    ("HOUR", "SECOND"): "12:30:15.5",
    ("MINUTE", "SECOND"): "30:15.5",
}


def _months(body: str, unit: str, to: str | None) -> int:
    if to is None:
        return _whole(body) * _MONTHS[unit]
    years, months = body.split("-")
    return _whole(years) * 12 + _inner(months, "MONTH")


def _day_time(body: str, unit: str, to: str | None) -> int:
    if to is None:
        return (_micros(body) if unit == "SECOND" else _whole(body) * SECOND) * _DAY_TIME[unit]
    units = _ORDER[_ORDER.index(unit) : _ORDER.index(to) + 1]
    if not re.fullmatch(r"\d+ \d+(:[\d.]+)*" if unit == "DAY" else r"\d+(:[\d.]+)+", body):
        raise ValueError(body)
    first, *rest = re.split("[ :]", body)
    if len(rest) != len(units) - 1:
        raise ValueError(body)
    parts = (
        _inner(part, each) * _DAY_TIME[each] for part, each in zip(rest, units[1:], strict=True) if each != "SECOND"
    )
    seconds = _inner(rest[-1], "SECOND") if to == "SECOND" else 0
    return (_whole(first) * _DAY_TIME[unit] + sum(parts)) * SECOND + seconds


def _inner(part: str, unit: str) -> int:
    """A field that another precedes, which limits it; seconds as microseconds."""
    value, size = (_micros(part), SECOND) if unit == "SECOND" else (_whole(part), 1)
    if value >= _BELOW[unit] * size:
        raise ValueError(f"{unit.lower()} must be in 0..{_BELOW[unit] - 1}")
    return value


def _micros(seconds: str) -> int:
    whole, _, fraction = seconds.partition(".")
    micros, _ = _fraction(fraction or None)
    return _whole(whole) * SECOND + micros


def _whole(text: str) -> int:
    if not re.fullmatch(r"[0-9]+", text):
        raise ValueError(text)
    return int(text)
