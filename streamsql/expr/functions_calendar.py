"""Calendar functions: fields of times, rounding to a unit, intervals, differences in whole units."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr import calendar_kernels as calendar
from streamsql.expr import time_casts
from streamsql.expr import types as t
from streamsql.expr.coercion import TIMES, coerce, is_text
from streamsql.expr.context import EvalContext
from streamsql.expr.duckdb_text import local_sql, zoned_sql
from streamsql.expr.function import ArrowFunction, Datum, Function, always, literal
from streamsql.expr.java_patterns import is_moment
from streamsql.expr.nodes import Call, Expr, Literal
from streamsql.expr.signatures import Args, Bound, Mismatch, any_nullable
from streamsql.expr.types import INTEGERS, Kind, arrow_type
from streamsql.expr.vectors import over_arrays, with_nulls


def _unit(arg: Expr, known: Sequence[str]) -> Literal:
    """The unit word that the syntax gives, in the table's spelling."""
    word = str(arg.value).upper() if isinstance(arg, Literal) else ""
    word = _UNIT_ALIASES.get(word, word)
    if word not in known:
        raise Mismatch(f"unknown unit {word or 'of time'}", f"units: {', '.join(known)}", arg.span)
    return Literal(value=word, type=t.char(len(word)).with_nullable(False), span=arg.span)


_UNIT_ALIASES = {
    **{f"SQL_TSI_{each}": each for each in (*calendar.UNIT_MICROS, *calendar.UNIT_MONTHS)},
    "DAYOFWEEK": "DOW",
    "DAYOFYEAR": "DOY",
    "DAYOFMONTH": "DAY",
    **{f"{each}S": each for each in (*calendar.UNIT_MICROS, *calendar.UNIT_MONTHS)},
}


def _extract_rule(args: Args) -> Bound:
    if len(args) != 2 or args[1].type.kind not in TIMES:
        raise Mismatch
    unit = _unit(args[0], calendar.FIELDS)
    if args[1].type.kind is Kind.TIME and unit.value not in calendar.CLOCK_FIELDS:
        raise Mismatch(f"a TIME has no {unit.value!s}")
    return Bound((unit, args[1]), t.BIGINT.with_nullable(args[1].type.nullable))


def _extract(call: Call, context: EvalContext) -> ArrowFunction:
    kernel = calendar.field(str(literal(call, 0)), call.args[1].type, context)
    return lambda unit, moment: kernel(moment)


_DUCKDB_FIELDS = {
    "DOW": "(extract(dow FROM {0}) + 1)",
    "MILLISECOND": "(extract(millisecond FROM {0}) % 1000)",
    "MICROSECOND": "(extract(microsecond FROM {0}) % 1000000)",
    "SECOND": "CAST(floor(extract(second FROM {0})) AS BIGINT)",
    "DECADE": "CAST(floor(extract(year FROM {0}) / 10) AS BIGINT)",
    "CENTURY": "CAST(floor((extract(year FROM {0}) + 99) / 100) AS BIGINT)",
    "MILLENNIUM": "CAST(floor((extract(year FROM {0}) + 999) / 1000) AS BIGINT)",
}


def _extract_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    unit, source = str(literal(call, 0)), call.args[1].type
    if unit == "EPOCH":
        return f"CAST(floor(epoch_us({args[1]}) / 1000000) AS BIGINT)"
    moment = args[1] if source.kind is Kind.TIME else local_sql(args[1], source, context)
    return _DUCKDB_FIELDS.get(unit, f"extract({unit} FROM {{0}})").format(moment)


def _round_rule(args: Args) -> Bound:
    if len(args) != 2 or not isinstance(args[1], Literal) or args[0].type.kind not in TIMES:
        raise Mismatch
    units = {**calendar.UNIT_MICROS, **calendar.UNIT_MONTHS}
    return Bound((args[0], _unit(args[1], tuple(units))), args[0].type)


def _round(up: bool, call: Call, context: EvalContext) -> ArrowFunction:
    kernel = calendar.rounded(str(literal(call, 1)), up, call.args[0].type, context)
    return lambda moment, unit: kernel(moment)


def _round_sql(up: bool, call: Call, args: Sequence[str], context: EvalContext) -> str:
    unit, source = str(literal(call, 1)).lower(), call.args[0].type
    if source.kind is Kind.TIME:
        size = calendar.UNIT_MICROS[unit.upper()]
        add = size - 1 if up else 0
        return f"streamsql_time((epoch_us({args[0]}) + {add}) // {size} * {size})"
    moment = local_sql(args[0], source, context)
    floor = _floor_sql(moment, unit)
    if up:
        step = f"to_{'centurie' if unit == 'century' else unit}s(1)"
        floor = f"(CASE WHEN {floor} = {moment} THEN {moment} ELSE {_floor_sql(f'({floor} + {step})', unit)} END)"
    return zoned_sql(floor, source, context)


def _floor_sql(moment: str, unit: str) -> str:
    if unit == "week":
        # DuckDB's weeks begin on Monday.
        return f"(date_trunc('week', {moment} + to_days(1)) - to_days(1))"
    if unit == "decade":
        return f"make_timestamp(CAST(floor(year({moment}) / 10) * 10 AS BIGINT), 1, 1, 0, 0, 0)"
    return f"CAST(date_trunc('{unit}', {moment}) AS TIMESTAMP)"


def _plus_rule(args: Args) -> Bound:
    if len(args) != 2:
        raise Mismatch
    moment, interval = args if args[0].type.kind in TIMES else (args[1], args[0])
    if moment.type.kind not in TIMES or interval.type.kind not in _INTERVALS:
        raise Mismatch
    if moment.type.kind is Kind.TIME and interval.type.kind is Kind.INTERVAL_MONTH:
        raise Mismatch("a TIME has no months to add to")
    return Bound((moment, interval), moment.type.with_nullable(any_nullable(args)))


def _minus_rule(args: Args) -> Bound:
    if len(args) != 2 or args[0].type.kind not in TIMES:
        raise Mismatch
    return _plus_rule(args)


_INTERVALS = (Kind.INTERVAL_DAY, Kind.INTERVAL_MONTH)


def _shift(sign: int, call: Call, context: EvalContext) -> ArrowFunction:
    source = call.args[0].type
    if call.args[1].type.kind is Kind.INTERVAL_MONTH:
        return calendar.add_months(sign, source, context)
    return calendar.add_micros(sign, source)


def _shift_sql(sign: str, call: Call, args: Sequence[str], context: EvalContext) -> str:
    (moment, amount), source = args, call.args[0].type
    if call.args[1].type.kind is Kind.INTERVAL_MONTH:
        return zoned_sql(f"({local_sql(moment, source, context)} {sign} to_months({amount}))", source, context)
    match source.kind:
        case Kind.DATE:
            return f"CAST(make_timestamp(epoch_us({moment}) {sign} {amount}) AS DATE)"
        case Kind.TIME:
            return f"streamsql_time(epoch_us({moment}) {sign} {amount})"
        case Kind.TIMESTAMP_LTZ:
            return f"make_timestamptz(epoch_us({moment}) {sign} {amount})"
        case _:
            return f"make_timestamp(epoch_us({moment}) {sign} {amount})"


def _difference_rule(args: Args) -> Bound:
    if len(args) != 2 or any(each.type.kind not in TIMES or each.type.kind is Kind.TIME for each in args):
        raise Mismatch
    return Bound(args, t.INTERVAL_DAY.with_nullable(any_nullable(args)))


def _difference(call: Call, context: EvalContext) -> ArrowFunction:
    def kernel(left: pa.Array, right: pa.Array) -> pa.Array:
        return with_nulls(calendar.micros_of(left) - calendar.micros_of(right), pa.duration("us"), left, right)

    return over_arrays(kernel)


def _interval_rule(args: Args) -> Bound:
    if len(args) != 2 or args[0].type.kind not in _INTERVALS or args[0].type.kind is not args[1].type.kind:
        raise Mismatch
    return Bound(args, args[0].type.with_nullable(any_nullable(args)))


def _interval_times_rule(args: Args) -> Bound:
    if len(args) != 2:
        raise Mismatch
    interval, factor = args if args[0].type.kind in _INTERVALS else (args[1], args[0])
    if interval.type.kind not in _INTERVALS or factor.type.kind not in INTEGERS:
        raise Mismatch
    return Bound((interval, coerce(factor, t.BIGINT)), interval.type.with_nullable(any_nullable(args)))


def _interval_times(call: Call, context: EvalContext) -> ArrowFunction:
    target = arrow_type(call.type)
    wide = pa.int64()
    return lambda interval, factor: pc.cast(pc.multiply(pc.cast(interval, wide), factor), target)


def _timestampdiff_rule(args: Args) -> Bound:
    if len(args) != 3:
        raise Mismatch
    unit = _unit(args[0], tuple({**calendar.UNIT_MICROS, **calendar.UNIT_MONTHS}))
    moments = tuple(coerce(each, t.timestamp(3)) if is_text(each.type) else each for each in args[1:])
    if not all(is_moment(each.type) for each in moments):
        raise Mismatch
    return Bound((unit, *moments), t.INT.with_nullable(any_nullable(moments)))


def _timestampdiff(call: Call, context: EvalContext) -> ArrowFunction:
    count = over_arrays(calendar.whole_units(str(literal(call, 0))))

    def evaluate(unit: Datum, start: Datum, end: Datum) -> Datum:
        moments = [
            time_casts.to_local(datum, context) if arg.type.kind is Kind.TIMESTAMP_LTZ else datum
            for datum, arg in zip((start, end), call.args[1:], strict=True)
        ]
        try:
            return pc.cast(count(*moments), pa.int32())
        except pa.ArrowInvalid as error:
            raise pa.ArrowInvalid("overflow") from error

    return evaluate


def _timestampdiff_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    unit = str(literal(call, 0))
    start, end = (local_sql(sql, arg.type, context) for sql, arg in zip(args[1:], call.args[1:], strict=True))
    if size := calendar.UNIT_MICROS.get(unit):
        return f"((epoch_us({end}) - epoch_us({start})) // {size})"
    return f"(streamsql_months_between({start}, {end}) // {calendar.UNIT_MONTHS[unit]})"


def _spans_many(call: Call) -> bool:
    return literal(call, 0) in ("SECOND", "MILLISECOND", "MICROSECOND")


def _timestampadd_rule(args: Args) -> Bound:
    if len(args) != 3 or args[1].type.kind not in (*INTEGERS, Kind.NULL):
        raise Mismatch
    unit = _unit(args[0], tuple({**calendar.UNIT_MICROS, **calendar.UNIT_MONTHS}))
    moment = coerce(args[2], t.timestamp(3)) if is_text(args[2].type) else args[2]
    if moment.type.kind is Kind.DATE and calendar.UNIT_MICROS.get(str(unit.value), time_casts.DAY) < time_casts.DAY:
        moment = coerce(moment, t.timestamp(6))
    if not is_moment(moment.type):
        raise Mismatch
    amount = coerce(args[1], t.BIGINT)
    return Bound((unit, amount, moment), moment.type.with_nullable(any_nullable((amount, moment))))


def _timestampadd(call: Call, context: EvalContext) -> ArrowFunction:
    unit, source = str(literal(call, 0)), call.type
    if size := calendar.UNIT_MICROS.get(unit):
        add, scale, interval = calendar.add_micros(1, source), pa.scalar(size, pa.int64()), pa.duration("us")
    else:
        add, interval = calendar.add_months(1, source, context), pa.int64()
        scale = pa.scalar(calendar.UNIT_MONTHS[unit], pa.int64())
    return lambda unit_, amount, moment: add(moment, pc.cast(pc.multiply(amount, scale), interval))


def _timestampadd_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    unit, source = str(literal(call, 0)), call.type
    if size := calendar.UNIT_MICROS.get(unit):
        interval, kind = f"({args[1]} * {size})", t.INTERVAL_DAY
    else:
        interval, kind = f"CAST({args[1]} * {calendar.UNIT_MONTHS[unit]} AS INTEGER)", t.INTERVAL_MONTH
    moment = Literal(value=None, type=source)
    shifted = Call(function="+ INTERVAL", args=(moment, Literal(value=None, type=kind)), type=source)
    return _shift_sql("+", shifted, (args[2], interval), context)


def _one_interval(args: Args) -> Bound:
    if len(args) != 1 or args[0].type.kind not in _INTERVALS:
        raise Mismatch
    return Bound(args, args[0].type)


def _negated_interval(call: Call, context: EvalContext) -> ArrowFunction:
    zero = pa.scalar(0, arrow_type(call.type))
    return lambda interval: pc.subtract(zero, interval)


_FIELD = "EXTRACT(unit FROM date or time)"

ENTRIES: tuple[Function, ...] = (
    Function("EXTRACT", _FIELD, _extract_rule, _extract, _extract_sql, "EXTRACT"),
    Function(
        "FLOOR TO", "FLOOR(time TO unit)", _round_rule, partial(_round, False), partial(_round_sql, False), "FLOOR"
    ),
    Function("CEIL TO", "CEIL(time TO unit)", _round_rule, partial(_round, True), partial(_round_sql, True), "CEIL"),
    Function("+ INTERVAL", "time + interval", _plus_rule, partial(_shift, 1), partial(_shift_sql, "+"), "+"),
    Function("- INTERVAL", "time - interval", _minus_rule, partial(_shift, -1), partial(_shift_sql, "-"), "-"),
    Function("- TIME", "time - time", _difference_rule, _difference, "(epoch_us({0}) - epoch_us({1}))", "-"),
    Function("INTERVAL +", "interval + interval", _interval_rule, always(pc.add), "({0} + {1})", "+"),
    Function("INTERVAL -", "interval - interval", _interval_rule, always(pc.subtract), "({0} - {1})", "-"),
    Function("INTERVAL *", "interval * integer", _interval_times_rule, _interval_times, "({0} * {1})", "*"),
    Function("-INTERVAL", "-interval", _one_interval, _negated_interval, "(-{0})", "-"),
    Function(
        "TIMESTAMPDIFF",
        "TIMESTAMPDIFF(unit, from, to)",
        _timestampdiff_rule,
        _timestampdiff,
        _timestampdiff_sql,
        "TIMESTAMPDIFF",
        _spans_many,
    ),
    Function(
        "TIMESTAMPADD",
        "TIMESTAMPADD(unit, integer, time)",
        _timestampadd_rule,
        _timestampadd,
        _timestampadd_sql,
        "TIMESTAMPADD",
    ),
)
