"""TO_TIMESTAMP_LTZ: from seconds or milliseconds since the epoch, or from a text in a zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr import time_casts
from streamsql.expr import types as t
from streamsql.expr.coercion import NUMERIC, coerce, is_text
from streamsql.expr.context import EvalContext
from streamsql.expr.duckdb_text import zoned_sql
from streamsql.expr.function import ArrowFunction, Function, literal
from streamsql.expr.functions_format import read_text, read_text_sql, reading_rule
from streamsql.expr.nodes import Call, Literal
from streamsql.expr.signatures import Args, Bound, Mismatch
from streamsql.expr.types import INTEGERS, Kind, arrow_type
from streamsql.expr.vectors import numbers, over_arrays, with_nulls

_ZONED = t.timestamp_ltz(3)


def _number_rule(args: Args) -> Bound:
    """A number of units: seconds (0), milliseconds (3, which is meant if nothing is said) or microseconds (6)."""
    if len(args) not in (1, 2) or args[0].type.kind not in NUMERIC:
        raise Mismatch
    if len(args) == 2 and (not isinstance(args[1], Literal) or args[1].value not in (0, 3, 6)):
        raise Mismatch("the precision of TO_TIMESTAMP_LTZ is 0 for seconds or 3 for milliseconds", span=args[1].span)
    precision = args[1] if len(args) == 2 else Literal(value=3, type=t.INT.with_nullable(False))
    number = coerce(args[0], t.BIGINT if args[0].type.kind in INTEGERS else t.DOUBLE)
    type_ = t.timestamp_ltz(6) if _value(precision) == 6 else _ZONED
    return Bound((number, precision), type_.with_nullable(number.type.nullable))


def _value(arg: object) -> object:
    """The value of a constant."""
    return arg.value if isinstance(arg, Literal) else None


def _scale(call: Call) -> int:
    return {0: 1_000_000, 3: 1_000}.get(int(str(literal(call, 1, 3))), 1)


def _number(call: Call, context: EvalContext) -> ArrowFunction:
    target, factor = arrow_type(call.type), _scale(call)
    if call.args[0].type.kind is Kind.BIGINT:
        scalar = pa.scalar(factor, pa.int64())
        return lambda number, precision: pc.cast(pc.multiply_checked(number, scalar), target)

    def from_doubles(array: pa.Array, precision: pa.Array) -> pa.Array:
        """Cut to whole milliseconds."""
        values = numbers(array) * factor
        if not np.all((np.abs(values) < 2**63) | pc.is_null(array).to_numpy(zero_copy_only=False)):
            raise pa.ArrowInvalid("overflow")
        whole = np.trunc(np.where(np.isfinite(values), values, 0)).astype(np.int64)
        return with_nulls(whole // 1000 * 1000 if factor > 1 else whole, target, array)

    return over_arrays(from_doubles)


def _number_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    factor = _scale(call)
    if call.args[0].type.kind is Kind.BIGINT:
        return f"make_timestamptz({args[0]} * {factor})"
    micros = f"CAST(trunc({args[0]} * {factor}) AS BIGINT)"
    return f"make_timestamptz({f'streamsql_cut({micros}, 1000)' if factor > 1 else micros})"


def _text_rule(args: Args) -> Bound:
    """A text, its pattern, and the zone that it is in: UTC if none is given."""
    if not 1 <= len(args) <= 3 or not (is_text(args[0].type) or args[0].type.kind is Kind.NULL):
        raise Mismatch
    bound = reading_rule(_ZONED)(args[:2])
    if len(args) < 3:
        return bound
    zone = args[2]
    if not isinstance(zone, Literal) or not isinstance(zone.value, str):
        raise Mismatch("the time zone must be a constant text", span=zone.span)
    try:
        ZoneInfo(zone.value)
    except (ZoneInfoNotFoundError, ValueError):
        hint = "zones are named like 'UTC' or 'Europe/Berlin'"
        raise Mismatch(f"there is no time zone '{zone.value}'", hint, zone.span) from None
    return Bound((*bound.args, zone), bound.type)


def _in_zone(call: Call, context: EvalContext) -> EvalContext:
    return replace(context, time_zone=str(literal(call, 2, "UTC")))


def _text(call: Call, context: EvalContext) -> ArrowFunction:
    read, zone = read_text(t.timestamp(3), call, context), _in_zone(call, context)
    return lambda text, *rest: time_casts.from_local(read(text), zone)


def _text_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    return zoned_sql(read_text_sql(t.timestamp(3), call, args, context), _ZONED, _in_zone(call, context))


_NAME = "TO_TIMESTAMP_LTZ"
_OF_NUMBER, _OF_TEXT = f"{_NAME}(number[, 0 or 3])", f"{_NAME}(text[, 'pattern'[, 'time zone']])"

ENTRIES: tuple[Function, ...] = (
    Function(_NAME, _OF_NUMBER, _number_rule, _number, _number_sql, _NAME, can_fail=True),
    Function(f"{_NAME} TEXT", _OF_TEXT, _text_rule, _text, _text_sql, _NAME),
)
