"""Times as text and numbers, and the clock: DATE_FORMAT, TO_TIMESTAMP, FROM_UNIXTIME, NOW."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr import time_casts
from streamsql.expr import types as t
from streamsql.expr.coercion import coerce, is_text
from streamsql.expr.context import EvalContext
from streamsql.expr.duckdb_cast import cast_sql
from streamsql.expr.duckdb_text import local_sql, quoted, zoned_sql
from streamsql.expr.function import ArrowFunction, Build, Datum, Function, Render, literal
from streamsql.expr.java_patterns import duckdb_format, formatter, is_moment, reading_pattern, two_digit_year
from streamsql.expr.literals import now_scalar
from streamsql.expr.nodes import Call, Literal
from streamsql.expr.signatures import Args, Bound, Mismatch, Rule, any_nullable
from streamsql.expr.types import INTEGERS, Kind, SqlType
from streamsql.expr.vectors import numbers, over_arrays, with_nulls

DEFAULT_PATTERN = "yyyy-MM-dd HH:mm:ss"


def _pattern(args: Args, index: int) -> Literal | None:
    """A constant pattern argument."""
    if len(args) <= index:
        return None
    arg = args[index]
    if not isinstance(arg, Literal) or not isinstance(arg.value, str):
        raise Mismatch("the pattern must be a constant text", span=arg.span)
    return arg


def _date_format_rule(args: Args) -> Bound:
    if len(args) != 2 or not (is_moment(args[0].type) or is_text(args[0].type)):
        raise Mismatch
    pattern = _pattern(args, 1)
    formatter(str(pattern.value if pattern else ""))
    moment = coerce(args[0], t.timestamp(3)) if is_text(args[0].type) else args[0]
    return Bound((moment, args[1]), t.STRING.with_nullable(any_nullable(args)))


def _date_format(call: Call, context: EvalContext) -> ArrowFunction:
    write, source = formatter(str(literal(call, 1))), call.args[0].type
    enter = time_casts.between(source, t.timestamp(6), context) if source.kind is not Kind.TIMESTAMP else None
    return lambda moment, pattern: write(moment if enter is None else enter(moment))


def _date_format_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    return duckdb_format(local_sql(args[0], call.args[0].type, context), str(literal(call, 1)))


def reading_rule(result: SqlType) -> Rule:
    def rule(args: Args) -> Bound:
        if len(args) not in (1, 2) or not all(is_text(each.type) or each.type.kind is Kind.NULL for each in args):
            raise Mismatch
        pattern = _pattern(args, 1)
        if pattern is not None:
            reading_pattern(str(pattern.value))
        return Bound(tuple(coerce(each, t.STRING) for each in args), result.with_nullable(True))

    return rule


def read_text(target: SqlType, call: Call, context: EvalContext) -> ArrowFunction:
    """Text to a date or time, NULL where it is none."""
    pattern = literal(call, 1)
    plain = time_casts.parser(target, context)
    parse = plain if pattern is None else _pattern_parser(target, str(pattern), context)
    return over_arrays(lambda array, *rest: parse(array))


def _pattern_parser(target: SqlType, pattern: str, context: EvalContext) -> ArrowFunction:
    read = time_casts.reader(reading_pattern(pattern), short_year=two_digit_year(pattern))
    leave = time_casts.between(t.timestamp(6), target, context)

    def parse(array: pa.Array) -> pa.Array:
        micros, mask = read(array)
        stamps = pa.array(micros, pa.int64(), mask=mask).view(pa.timestamp("us"))
        return stamps if leave is None else leave(stamps)

    return parse


def read_text_sql(target: SqlType, call: Call, args: Sequence[str], context: EvalContext) -> str:
    pattern = literal(call, 1)
    if pattern is None:
        name = "streamsql_to_date" if target.kind is Kind.DATE else "streamsql_to_timestamp"
        moment = f"{name}({args[0]})"
    else:
        moment = _read_pattern_sql(args[0], str(pattern))
    return moment if target.kind is Kind.DATE else f"CAST(date_trunc('millisecond', {moment}) AS TIMESTAMP)"


def _read_pattern_sql(text: str, pattern: str) -> str:
    """The captured fields put together; the list of one is how DuckDB names a value inside an expression."""
    regex = reading_pattern(pattern)
    groups = re.findall(r"\?P<(\w+)>", regex)
    fields = f"regexp_extract({text}, {quoted(regex)}, [{', '.join(quoted(each) for each in groups)}])"

    def number(name: str, default: int = 0) -> str:
        return f"CAST(f.{name} AS BIGINT)" if name in groups else str(default)

    hour = number("hour")
    if "half" in groups:
        hour = f"(CASE WHEN {number('half')} BETWEEN 1 AND 12 THEN {number('half')} % 12 ELSE 99 END)"
    noon = " + CASE WHEN upper(f.noon) = 'PM' THEN 12 ELSE 0 END" if "noon" in groups else ""
    fraction = "CAST(left(rpad(f.fraction, 6, '0'), 6) AS BIGINT)" if "fraction" in groups else "0"
    year = f"{'2000 + ' if two_digit_year(pattern) else ''}{number('year', 1970)}"
    values = [year, number("month", 1), number("day", 1), hour + noon, number("minute"), number("second"), fraction]
    found = f"f.{groups[0]} <> ''" if groups else f"regexp_full_match({text}, {quoted(regex)})"
    return f"list_transform([{fields}], lambda f: CASE WHEN {found} THEN streamsql_moment({', '.join(values)}) END)[1]"


def _from_unixtime_rule(args: Args) -> Bound:
    if len(args) not in (1, 2) or args[0].type.kind not in (*INTEGERS, Kind.NULL):
        raise Mismatch
    pattern = _pattern(args, 1)
    formatter(str(pattern.value) if pattern else DEFAULT_PATTERN)
    return Bound((coerce(args[0], t.BIGINT), *args[1:]), t.STRING.with_nullable(any_nullable(args)))


def _from_unixtime(call: Call, context: EvalContext) -> ArrowFunction:
    write = formatter(str(literal(call, 1, DEFAULT_PATTERN)))
    second = pa.scalar(1_000_000, pa.int64())

    def evaluate(seconds: Datum, *rest: Datum) -> Datum:
        moment = pc.cast(pc.multiply(seconds, second), pa.timestamp("us", "UTC"))
        return write(time_casts.to_local(moment, context))

    return evaluate


def _from_unixtime_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    moment = local_sql(f"make_timestamptz({args[0]} * 1000000)", t.timestamp_ltz(6), context)
    return duckdb_format(moment, str(literal(call, 1, DEFAULT_PATTERN)))


def _unix_timestamp_rule(args: Args) -> Bound:
    if not args:
        return Bound((), t.BIGINT.with_nullable(False))
    if len(args) == 1 and is_moment(args[0].type):
        zoned = coerce(args[0], t.timestamp_ltz(3))
        return Bound((zoned,), t.BIGINT.with_nullable(zoned.type.nullable))
    return reading_rule(t.BIGINT)(args)


def _unix_timestamp(call: Call, context: EvalContext) -> ArrowFunction:
    seconds = over_arrays(lambda array: with_nulls(numbers(array) // 1_000_000, pa.int64(), array))
    if not call.args:
        return lambda: pa.scalar(context.now() // 1_000_000, pa.int64())
    if call.args[0].type.kind is Kind.TIMESTAMP_LTZ:
        return lambda moment: seconds(moment)
    read = read_text(t.timestamp(3), call, context)
    return lambda *args: seconds(time_casts.from_local(read(*args), context))


def _unix_timestamp_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    if not args:
        return str(context.now() // 1_000_000)
    moment = args[0]
    if call.args[0].type.kind is not Kind.TIMESTAMP_LTZ:
        moment = zoned_sql(read_text_sql(t.timestamp(3), call, args, context), t.timestamp_ltz(3), context)
    return f"CAST(floor(epoch_us({moment}) / 1000000) AS BIGINT)"


def _clock_rule(type_: SqlType) -> Rule:
    def rule(args: Args) -> Bound:
        if args:
            raise Mismatch
        return Bound((), type_.with_nullable(False))

    return rule


def _clock(from_start: bool, call: Call, context: EvalContext) -> ArrowFunction:
    """What a clock shows: the run's start for NOW() in a bounded run, else the time of this batch."""
    leave = time_casts.between(t.timestamp_ltz(6), call.type, context)

    def evaluate() -> Datum:
        now = now_scalar(context.now() if from_start else context.clock.now())
        return now if leave is None else leave(now)

    return evaluate


def _clock_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    return cast_sql(f"make_timestamptz({context.now()})", t.timestamp_ltz(6), call.type, False, context)


def _now(name: str, type_: SqlType, *, from_start: bool = True) -> Function:
    build, rule = partial(_clock, from_start), _clock_rule(type_)
    flink = None if name == "INGESTION_TIME" else name
    return Function(name, f"{name}()", rule, build, _clock_sql, flink, volatile=True)


_ZONED = t.timestamp_ltz(3)
_STAMP = t.timestamp(3)


def _reading(name: str, target: SqlType) -> Function:
    usage = f"{name}(text[, 'pattern'])"
    return Function(name, usage, reading_rule(target), partial(read_text, target), partial(read_text_sql, target), name)


def _entry(name: str, usage: str, rule: Rule, build: Build, render: Render) -> Function:
    return Function(name, usage, rule, build, render, name)


ENTRIES: tuple[Function, ...] = (
    _entry("DATE_FORMAT", "DATE_FORMAT(timestamp, 'pattern')", _date_format_rule, _date_format, _date_format_sql),
    _reading("TO_TIMESTAMP", _STAMP),
    _reading("TO_DATE", t.DATE),
    _entry(
        "FROM_UNIXTIME", "FROM_UNIXTIME(seconds[, 'pattern'])", _from_unixtime_rule, _from_unixtime, _from_unixtime_sql
    ),
    _entry(
        "UNIX_TIMESTAMP",
        "UNIX_TIMESTAMP([text or timestamp[, 'pattern']])",
        _unix_timestamp_rule,
        _unix_timestamp,
        _unix_timestamp_sql,
    ),
    _now("NOW", _ZONED),
    _now("CURRENT_TIMESTAMP", _ZONED),
    _now("CURRENT_ROW_TIMESTAMP", _ZONED),
    _now("LOCALTIMESTAMP", _STAMP),
    _now("CURRENT_DATE", t.DATE),
    _now("CURRENT_TIME", t.time(0)),
    _now("LOCALTIME", t.time(0)),
    _now("PROCTIME", _ZONED, from_start=False),
    _now("INGESTION_TIME", _ZONED, from_start=False),
)
