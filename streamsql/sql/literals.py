"""Constants in SQL text: numbers, strings, dates and intervals, to typed literals."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import Decimal

from streamsql.errors import Span, SqlError
from streamsql.expr import types as t
from streamsql.expr.nodes import Literal
from streamsql.expr.types import SqlType
from streamsql.time import SECOND, from_datetime

_DAY_TIME = {"WEEK": 604_800, "DAY": 86_400, "HOUR": 3_600, "MINUTE": 60, "SECOND": 1}
_MONTHS = {"YEAR": 12, "QUARTER": 3, "MONTH": 1}
_ORDER = ("DAY", "HOUR", "MINUTE", "SECOND")
_TIME = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d+))?$")
_TIMESTAMP = re.compile(r"(\d{4,5}-\d{1,2}-\d{1,2})(?:[ T](\d{1,2}:\d{1,2}(?::\d{1,2}(?:\.(\d+))?)?))?$")


def number(text: str, span: Span | None) -> Literal:
    """1 is INT (BIGINT, DECIMAL where it does not fit), 1.5 is DECIMAL, 1e3 is DOUBLE."""
    if re.search("[eE]", text):
        return Literal(float(text), type=t.DOUBLE.with_nullable(False), span=span)
    value = Decimal(text)
    digits = len(value.as_tuple().digits)
    if value == value.to_integral_value() and "." not in text:
        for type_, bits in ((t.INT, 31), (t.BIGINT, 63)):
            if value < 1 << bits:
                return Literal(int(value), type=type_.with_nullable(False), span=span)
        scale = 0
    else:
        scale = -int(value.as_tuple().exponent)
    precision = max(digits, scale, 1)
    if precision > 38:
        raise SqlError(f"{text} has more than the 38 digits of a DECIMAL", span=span)
    return Literal(value, type=t.decimal(precision, scale).with_nullable(False), span=span)


def string(text: str, span: Span | None) -> Literal:
    return Literal(text, type=t.char(len(text)).with_nullable(False), span=span)


def typed(kind: str, text: str, span: Span | None) -> Literal:
    """DATE '…', TIME '…', TIMESTAMP '…'."""
    parse = {"DATE": _date, "TIME": _time, "TIMESTAMP": _timestamp}[kind]
    try:
        value, type_ = parse(text.strip())
    except ValueError:
        forms = {"DATE": "2025-01-31", "TIME": "23:59:59.123", "TIMESTAMP": "2025-01-31 23:59:59.123"}
        raise SqlError(f"{text!r} is not a {kind}", span=span, hint=f"write {kind} '{forms[kind]}'") from None
    return Literal(value, type=type_.with_nullable(False), span=span)


def _date(text: str) -> tuple[int, SqlType]:
    return (date.fromisoformat(_pad(text)) - date(1970, 1, 1)).days, t.DATE


def _time(text: str) -> tuple[int, SqlType]:
    match = _TIME.match(text)
    if match is None:
        raise ValueError(text)
    hour, minute, second = (int(each) for each in match.groups()[:3])
    time(hour, minute, second)
    micros, precision = _fraction(match[4])
    return (hour * 3600 + minute * 60 + second) * SECOND + micros, t.time(precision)


def _timestamp(text: str) -> tuple[int, SqlType]:
    match = _TIMESTAMP.match(text)
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
        raise ValueError(digits)
    return int(digits.ljust(6, "0")), len(digits)


def interval(text: str, unit: str, to: str | None, negative: bool, span: Span | None) -> Literal:
    """INTERVAL '10' MINUTE, INTERVAL '1:30' HOUR TO MINUTE, INTERVAL '1-6' YEAR TO MONTH."""
    body = text.strip()
    sign = -1 if negative else 1
    if body.startswith(("-", "+")):
        sign, body = (-sign if body[0] == "-" else sign), body[1:]
    try:
        if unit in _MONTHS:
            months = _months(body, unit, to)
            return Literal(sign * months, type=t.INTERVAL_MONTH.with_nullable(False), span=span)
        value = _day_time(body, unit, to)
    except (ValueError, ArithmeticError):
        wanted = f"{unit} TO {to}" if to else unit
        hint = "write INTERVAL '10' MINUTE or INTERVAL '1:30' HOUR TO MINUTE"
        raise SqlError(f"{text!r} is not an interval of {wanted}", span=span, hint=hint) from None
    return Literal(sign * value, type=t.INTERVAL_DAY.with_nullable(False), span=span)


def _months(body: str, unit: str, to: str | None) -> int:
    if to is None:
        return int(body) * _MONTHS[unit]
    years, months = body.split("-")
    return int(years) * 12 + int(months)


def _day_time(body: str, unit: str, to: str | None) -> int:
    if to is None:
        if not re.fullmatch(r"\d+(\.\d+)?", body) or ("." in body and unit != "SECOND"):
            raise ValueError(body)
        return int(Decimal(body) * _DAY_TIME[unit] * SECOND)
    units = _ORDER[_ORDER.index(unit) : _ORDER.index(to) + 1]
    parts = re.split("[ :]+", body)
    if len(parts) != len(units) or not units:
        raise ValueError(body)
    total = sum((Decimal(part) * _DAY_TIME[each] for part, each in zip(parts, units, strict=True)), Decimal(0))
    return int(total * SECOND)
