"""Calendar arithmetic over Arrow times: months, fields, rounding to a unit, differences in whole units."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr.context import EvalContext
from streamsql.expr.function import ArrowFunction, Datum
from streamsql.expr.time_casts import DAY, first_day, from_local, to_local
from streamsql.expr.types import Kind, SqlType
from streamsql.expr.vectors import numbers, over_arrays, with_nulls

Integers = npt.NDArray[np.int64]

UNIT_MICROS = {
    "MICROSECOND": 1,
    "MILLISECOND": 1_000,
    "SECOND": 1_000_000,
    "MINUTE": 60_000_000,
    "HOUR": 3_600_000_000,
    "DAY": DAY,
    "WEEK": 7 * DAY,
}
UNIT_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12, "DECADE": 120, "CENTURY": 1_200}

_FIELDS: dict[str, Callable[[Datum], Datum]] = {
    "YEAR": pc.year,
    "QUARTER": pc.quarter,
    "MONTH": pc.month,
    "WEEK": pc.iso_week,
    "DAY": pc.day,
    "DOY": pc.day_of_year,
    "DOW": partial(pc.day_of_week, count_from_zero=False, week_start=7),
    "ISODOW": partial(pc.day_of_week, count_from_zero=False, week_start=1),
    "ISOYEAR": pc.iso_year,
    "HOUR": pc.hour,
    "MINUTE": pc.minute,
    "SECOND": pc.second,
    "MILLISECOND": pc.millisecond,
    "MICROSECOND": lambda datum: pc.add(pc.multiply(pc.millisecond(datum), 1000), pc.microsecond(datum)),
    "CENTURY": lambda datum: _floor_divide(pc.add(pc.year(datum), 99), 100),
    "DECADE": lambda datum: _floor_divide(pc.year(datum), 10),
    "MILLENNIUM": lambda datum: _floor_divide(pc.add(pc.year(datum), 999), 1000),
}
FIELDS = (*_FIELDS, "EPOCH")
CLOCK_FIELDS = ("HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND", "EPOCH")


def _floor_divide(datum: Datum, by: int) -> Datum:
    kernel = over_arrays(lambda array: with_nulls(numbers(array) // by, pa.int64(), array))
    return kernel(datum)


def field(unit: str, source: SqlType, context: EvalContext) -> ArrowFunction:
    """A field of a date or time as BIGINT; of TIMESTAMP_LTZ as the session's clock shows it."""
    if unit == "EPOCH":
        seconds = over_arrays(lambda array: with_nulls(micros_of(array) // 1_000_000, pa.int64(), array))
        return lambda datum: seconds(datum)
    read = _FIELDS[unit]
    clock = unit in CLOCK_FIELDS
    if source.kind is Kind.DATE and clock:
        return lambda datum: pc.cast(read(pc.cast(datum, pa.timestamp("us"))), pa.int64())
    if source.kind is Kind.TIMESTAMP_LTZ:
        return lambda datum: pc.cast(read(to_local(datum, context)), pa.int64())
    return lambda datum: pc.cast(read(datum), pa.int64())


def micros_of(array: pa.Array) -> Integers:
    """Microseconds since the epoch of a DATE, TIME, TIMESTAMP or INTERVAL DAY."""
    values = numbers(array).astype(np.int64)
    return values * DAY if pa.types.is_date32(array.type) else values


def rounded(unit: str, up: bool, source: SqlType, context: EvalContext) -> ArrowFunction:
    """FLOOR or CEIL to a unit of the calendar; weeks begin on Sunday."""
    function = _ceil if up else pc.floor_temporal
    months = UNIT_MONTHS.get(unit, 0) // 12
    name, multiple = ("year", months) if months > 1 else (unit.lower(), 1)
    options = {"multiple": multiple, "unit": name, "week_starts_monday": False}
    if source.kind is Kind.DATE:
        return lambda datum: pc.cast(function(pc.cast(datum, pa.timestamp("us")), **options), pa.date32())
    if source.kind is Kind.TIMESTAMP_LTZ:
        return lambda datum: from_local(function(to_local(datum, context), **options), context)
    return lambda datum: function(datum, **options)


def _ceil(datum: Datum, **options: Any) -> Datum:
    """Arrow's own ceiling moves the first of a month to the next one."""
    return pc.if_else(pc.equal(pc.floor_temporal(datum, **options), datum), datum, pc.ceil_temporal(datum, **options))


def add_micros(sign: int, source: SqlType) -> ArrowFunction:
    """A date or time plus (or minus) an INTERVAL DAY TO SECOND; a DATE stays one, a TIME wraps at midnight."""
    if source.kind in (Kind.TIMESTAMP, Kind.TIMESTAMP_LTZ):
        return pc.add if sign > 0 else pc.subtract  # type: ignore[no-any-return]
    if source.kind is Kind.DATE:

        def add_to_date(date: pa.Array, interval: pa.Array) -> pa.Array:
            days = (micros_of(date) + sign * numbers(interval)) // DAY
            return with_nulls(days.astype(np.int32), pa.date32(), date, interval)

        return over_arrays(add_to_date)

    def add_to_time(time: pa.Array, interval: pa.Array) -> pa.Array:
        return with_nulls((numbers(time) + sign * numbers(interval)) % DAY, pa.time64("us"), time, interval)

    return over_arrays(add_to_time)


def add_months(sign: int, source: SqlType, context: EvalContext) -> ArrowFunction:
    """A date or timestamp plus (or minus) an INTERVAL YEAR TO MONTH; a day past the month's end becomes its last."""

    def add(moment: pa.Array, months: pa.Array) -> pa.Array:
        shifted = shift_months(micros_of(moment), sign * numbers(months).astype(np.int64))
        if source.kind is Kind.DATE:
            return with_nulls((shifted // DAY).astype(np.int32), pa.date32(), moment, months)
        return with_nulls(shifted, pa.timestamp("us"), moment, months)

    kernel = over_arrays(add)
    if source.kind is not Kind.TIMESTAMP_LTZ:
        return kernel
    return lambda moment, months: from_local(kernel(to_local(moment, context), months), context)


def shift_months(micros: Integers, months: Integers) -> Integers:
    """Microseconds since the epoch, moved by whole months."""
    days, clock = np.divmod(micros, DAY)
    month = _month_number(days)
    moved = month + months
    start = first_day(moved)
    day = np.minimum(days - first_day(month), first_day(moved + 1) - start - 1)
    shifted: Integers = (start + day) * DAY + clock
    return shifted


def _month_number(days: Integers) -> Integers:
    """Months since January 1970 of days since 1970-01-01."""
    months: Integers = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return months


def whole_units(unit: str) -> Callable[[pa.Array, pa.Array], pa.Array]:
    """How many whole units lie between two moments, cut towards zero (TIMESTAMPDIFF), as int64."""
    size = UNIT_MICROS.get(unit)

    def between(start: pa.Array, end: pa.Array) -> pa.Array:
        first, last = micros_of(start), micros_of(end)
        if size is not None:
            span = last - first
            count = np.sign(span) * (np.abs(span) // size)
        else:
            count = _months_between(first, last)
            count = np.sign(count) * (np.abs(count) // UNIT_MONTHS[unit])
        return with_nulls(count, pa.int64(), start, end)

    return between


def _months_between(first: Integers, last: Integers) -> Integers:
    early, late = np.minimum(first, last), np.maximum(first, last)
    count = _month_number(late // DAY) - _month_number(early // DAY)
    count -= shift_months(early, count) > late
    return np.where(first <= last, count, -count)
