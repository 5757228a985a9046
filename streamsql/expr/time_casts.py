"""CAST between dates, times, timestamps and text."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr.context import EvalContext
from streamsql.expr.function import ArrowFunction, Datum
from streamsql.expr.types import TIMESTAMPS, Kind, SqlType, arrow_type
from streamsql.expr.vectors import is_true, numbers, over_arrays, read_text

DAY = 86_400_000_000
_TIMESTAMP = pa.timestamp("us")
_ZONED = pa.timestamp("us", "UTC")
_DATE_TEXT = r"(?P<year>\d{1,4})(?:-(?P<month>\d{1,2})(?:-(?P<day>\d{1,2}))?)?"
_CLOCK_TEXT = r"(?P<hour>\d{1,2}):(?P<minute>\d{1,2}):(?P<second>\d{1,2})(?:\.(?P<fraction>\d{1,9}))?"
_PATTERNS = {
    Kind.DATE: f"^ *{_DATE_TEXT}(?: .*)?$",
    Kind.TIME: r"^(?P<hour>\d{1,2})(?::(?P<minute>\d{1,2})(?::(?P<second>\d{1,2})(?:\.(?P<fraction>\d{1,9}))?)?)?$",
    Kind.TIMESTAMP: rf"^(?P<year>\d{{4}})-(?P<month>\d{{1,2}})-(?P<day>\d{{1,2}})(?: {_CLOCK_TEXT})?$",
}

FRACTION_ZEROS = r"(\.\d+?)0+$"

Integers = npt.NDArray[np.int64]


def to_local(datum: Datum, context: EvalContext) -> Datum:
    """TIMESTAMP_LTZ as the TIMESTAMP that a clock in the session's zone shows."""
    if context.time_zone == "UTC":
        return pc.cast(datum, _TIMESTAMP)
    return pc.local_timestamp(pc.cast(datum, pa.timestamp("us", context.time_zone)))


def from_local(datum: Datum, context: EvalContext) -> Datum:
    """A TIMESTAMP in the session's zone as TIMESTAMP_LTZ."""
    if context.time_zone == "UTC":
        return pc.cast(datum, _ZONED)
    try:
        zoned = pc.assume_timezone(datum, context.time_zone, ambiguous="earliest", nonexistent="raise")
    except pa.ArrowInvalid:
        zoned = _past_gaps(datum, context.time_zone)
    return pc.cast(zoned, _ZONED)


def _past_gaps(datum: Datum, time_zone: str) -> Datum:
    """Times that the clock skips are moved on by what it skips, as Java does: 02:30 is 03:30 in spring."""
    before, after = (
        pc.assume_timezone(datum, time_zone, ambiguous="earliest", nonexistent=side) for side in ("earliest", "latest")
    )
    moment = pc.cast(before, pa.int64())
    offset = pc.subtract(pc.cast(pc.local_timestamp(before), pa.int64()), moment)
    moved = pc.cast(pc.subtract(pc.cast(datum, pa.int64()), offset), after.type)
    return pc.if_else(pc.equal(before, after), after, moved)


def to_precision(datum: Datum, precision: int) -> Datum:
    """Cut the fraction to `precision` digits, towards the past."""
    if precision >= 6:
        return datum
    micros = 10 ** (6 - precision)
    unit, multiple = ("millisecond", micros // 1000) if micros >= 1000 else ("microsecond", micros)
    if micros == 1_000_000:
        unit, multiple = "second", 1
    return pc.floor_temporal(datum, multiple=multiple, unit=unit, calendar_based_origin=False)


def to_text(source: SqlType, context: EvalContext) -> ArrowFunction:
    """Dates and times as `yyyy-MM-dd HH:mm:ss.fff`.

    A timestamp has as many fraction digits as its precision says, a TIME at most as many and one at least.
    """
    if source.kind is Kind.DATE:
        return lambda datum: pc.cast(datum, pa.string())
    stop = -(6 - (source.precision or 0)) if source.precision else -7

    def cut(datum: Datum) -> Datum:
        text = pc.cast(datum, pa.string())
        return pc.utf8_slice_codeunits(text, 0, stop) if stop else text

    if source.kind is Kind.TIMESTAMP_LTZ:
        return lambda datum: cut(to_local(datum, context))
    if source.kind is Kind.TIME and source.precision:
        return lambda datum: pc.replace_substring_regex(cut(datum), FRACTION_ZEROS, r"\1")
    return cut


def between(source: SqlType, target: SqlType, context: EvalContext) -> ArrowFunction:
    """Casts among DATE, TIME, TIMESTAMP and TIMESTAMP_LTZ."""
    if source.kind is target.kind and source.kind in (*TIMESTAMPS, Kind.TIME):
        if source.kind is Kind.TIME:
            return over_arrays(lambda array: _cut_time(array, target.precision or 0))
        return lambda datum: to_precision(datum, target.precision or 0)
    enter, leave = _ENTER[source.kind], _LEAVE[target.kind]
    return lambda datum: leave(enter(datum, context), target, context)


def _enter_time(datum: Datum, context: EvalContext) -> Datum:
    return pc.cast(pc.cast(datum, pa.int64()), _TIMESTAMP)


_ENTER: dict[Kind, Callable[[Datum, EvalContext], Datum]] = {
    Kind.DATE: lambda datum, context: pc.cast(datum, _TIMESTAMP),
    Kind.TIME: _enter_time,
    Kind.TIMESTAMP: lambda datum, context: datum,
    Kind.TIMESTAMP_LTZ: to_local,
}


def _leave_time(datum: Datum, target: SqlType, context: EvalContext) -> Datum:
    return pc.cast(to_precision(datum, target.precision or 0), pa.time64("us"))


_LEAVE: dict[Kind, Callable[[Datum, SqlType, EvalContext], Datum]] = {
    Kind.DATE: lambda datum, target, context: pc.cast(pc.floor_temporal(datum, unit="day"), pa.date32()),
    Kind.TIME: _leave_time,
    Kind.TIMESTAMP: lambda datum, target, context: to_precision(datum, target.precision or 0),
    Kind.TIMESTAMP_LTZ: lambda datum, target, context: from_local(to_precision(datum, target.precision or 0), context),
}


def _cut_time(array: pa.Array, precision: int) -> pa.Array:
    unit = 10 ** (6 - precision)
    micros = numbers(array) // unit * unit
    return pa.array(micros, pa.int64(), mask=is_true(pc.is_null(array))).view(pa.time64("us"))


def parser(target: SqlType, context: EvalContext) -> Callable[[pa.Array], pa.Array]:
    """Text as a date or time, NULL where it is none: 1-digit fields and 24:00:00 are taken; 30 February is the 28th of
    a timestamp, and no date, as in Flink."""
    if target.kind is Kind.TIMESTAMP_LTZ:
        local = parser(SqlType(Kind.TIMESTAMP, target.precision), context)
        return lambda array: from_local(local(array), context)
    read = reader(_PATTERNS[target.kind], clips=target.kind is not Kind.DATE)
    quickly = _PLAIN.get(target.kind)

    def parse(array: pa.Array) -> pa.Array:
        if quickly is not None and (plain := quickly(array)) is not None:
            return to_precision(plain, target.precision or 0) if target.precision is not None else plain
        micros, mask = read(array)
        if target.kind is Kind.DATE:
            return pa.array((micros // DAY).astype(np.int32), pa.int32(), mask=mask).view(pa.date32())
        unit = 10 ** (6 - (target.precision or 0))
        return pa.array(micros // unit * unit, pa.int64(), mask=mask).view(arrow_type(target))

    return parse


def reader(
    pattern: str, *, short_year: bool = False, clips: bool = True
) -> Callable[[pa.Array], tuple[Integers, npt.NDArray[np.bool_]]]:
    """Text to microseconds by a regular expression with a group for each field, and where that gave nothing.

    `short_year`: years are of two digits, from 2000 on. `clips`: a day past the end of its month is its last.
    """

    def read(array: pa.Array) -> tuple[Integers, npt.NDArray[np.bool_]]:
        fields = pc.extract_regex(array, pattern)
        values = {field.name: _integers(fields, field.name) for field in fields.type}
        if short_year:
            values["year"] = values["year"] + 2000
        micros, valid = _assemble(values, len(array))
        if not clips:
            valid &= values["day"] <= _month_length(values["year"], np.clip(values["month"], 1, 12))
        return micros, ~(valid & is_true(pc.is_valid(fields)))

    return read


def _plain_timestamp(array: pa.Array) -> pa.Array | None:
    """The fast way: all texts are of the full form or days, which Arrow reads; None where one is not."""
    if not pc.all(pc.is_in(pc.utf8_length(array), value_set=_PLAIN_LENGTHS), skip_nulls=False, min_count=0).as_py():
        return None
    # Arrow takes a T between day and time.
    if pc.any(pc.match_substring(array, "T")).as_py():
        return None
    return read_text(array, _TIMESTAMP)


def _plain_date(array: pa.Array) -> pa.Array | None:
    """The fast way: all texts are yyyy-MM-dd; None where one is not."""
    return read_text(array, pa.date32())


_PLAIN = {Kind.DATE: _plain_date, Kind.TIMESTAMP: _plain_timestamp}
_PLAIN_LENGTHS = pa.array([None, 10, 19, *range(21, 27)], pa.int32())


def _integers(fields: pa.StructArray, name: str) -> Integers:
    """A captured field as a number; 0 where it is absent, months and days 1, PM as 12."""
    default = "1" if name in ("month", "day") else "0"
    text = pc.struct_field(fields, name)
    if name == "noon":
        return numbers(pc.cast(pc.fill_null(pc.starts_with(pc.utf8_upper(text), "P"), False), pa.int64())) * 12
    text = pc.if_else(pc.fill_null(pc.equal(text, ""), True), pa.scalar(default), text)
    if name == "fraction":
        text = pc.utf8_slice_codeunits(pc.utf8_rpad(text, 6, "0"), 0, 6)
    return numbers(pc.cast(text, pa.int64()))


def _assemble(fields: dict[str, Integers], length: int) -> tuple[Integers, npt.NDArray[np.bool_]]:
    """Microseconds since the epoch, and where all fields are within their ranges."""

    def get(name: str, default: int = 0) -> Integers:
        return fields.get(name, np.full(length, default))

    year, month, day, minute, second = get("year", 1970), get("month", 1), get("day", 1), get("minute"), get("second")
    hour, half = get("hour"), get("half", 12)
    valid = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31) & (minute < 60) & (second < 60)
    valid &= (half >= 1) & (half <= 12)
    hour = hour + half % 12 + get("noon")
    clock = (hour * 3600 + minute * 60 + second) * 1_000_000 + get("fraction")
    valid &= (hour < 24) | ((clock == DAY) & ("year" in fields))
    return days_from_civil(year, np.clip(month, 1, 12), np.clip(day, 1, 31)) * DAY + clock, valid


def days_from_civil(year: Integers, month: Integers, day: Integers) -> Integers:
    """Days since 1970-01-01; a day past the end of its month becomes its last."""
    days: Integers = first_day(_months(year, month)) + np.minimum(day, _month_length(year, month)) - 1
    return days


def _months(year: Integers, month: Integers) -> Integers:
    return (year - 1970) * 12 + month - 1


def _month_length(year: Integers, month: Integers) -> Integers:
    months = _months(year, month)
    return first_day(months + 1) - first_day(months)


def first_day(months: Integers) -> Integers:
    """The first day (since 1970-01-01) of a month, counted from January 1970."""
    days: Integers = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return days
