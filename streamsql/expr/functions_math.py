"""Rounding, powers, logarithms, trigonometry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr import rounding
from streamsql.expr import types as t
from streamsql.expr.coercion import is_numeric
from streamsql.expr.context import EvalContext
from streamsql.expr.function import Build, Datum, Function, always, literal
from streamsql.expr.nodes import Call, Literal
from streamsql.expr.signatures import Args, Bound, Mismatch, first_type, takes
from streamsql.expr.types import FLOATS, INTEGERS, Kind, SqlType
from streamsql.expr.vectors import numbers, over_arrays, with_nulls


def _digits_rule(args: Args) -> Bound:
    """A number and, constant, how many digits to keep."""
    bound = takes("number, int?", first_type)(args)
    if len(args) == 2 and (not isinstance(bound.args[1], Literal) or bound.args[1].value is None):
        raise Mismatch("the number of digits must be a constant", span=args[1].span)
    count = bound.args[1].value if len(args) == 2 and isinstance(bound.args[1], Literal) else 0
    type_ = _rounded_type(bound.args[0].type, int(str(count)))
    return Bound(bound.args, type_.with_nullable(args[0].type.nullable))


def _rounded_type(source: SqlType, count: int) -> SqlType:
    if source.kind is not Kind.DECIMAL:
        return source
    precision, scale = source.precision or 0, source.scale or 0
    if count >= scale:
        return source
    kept = max(count, 0)
    return t.decimal(min(38, 1 + precision - scale + kept), kept)


def _whole_rule(args: Args) -> Bound:
    if len(args) != 1 or not is_numeric(args[0].type):
        raise Mismatch
    source = args[0].type
    if source.kind is Kind.DECIMAL:
        return Bound(args, t.decimal(source.precision or 0, 0).with_nullable(source.nullable))
    return Bound(args, source)


def _whole_sql(function: str, call: Call, args: Sequence[str], context: EvalContext) -> str:
    return args[0] if call.type.kind in INTEGERS else f"{function}({args[0]})"


def _digits_sql(function: str, call: Call, args: Sequence[str], context: EvalContext) -> str:
    count, kind = int(str(literal(call, 1, 0))), call.args[0].type.kind
    if kind in FLOATS:
        return f"streamsql_{function}_double({args[0]}, {count})"
    if kind is Kind.DECIMAL:
        scale = call.args[0].type.scale or 0
        if count >= scale:
            return args[0]
        return (
            f"streamsql_{function}_whole(streamsql_unscaled({args[0]}, 0), {scale - count}, {call.type.scale}, {count})"
        )
    return args[0] if count >= 0 else f"streamsql_{function}_integer({args[0]}, {-count})"


def _can_overflow(call: Call) -> bool:
    return call.args[0].type.kind in INTEGERS and int(str(literal(call, 1, 0))) < 0


def _over_doubles(function: Callable[..., Any]) -> Build:
    def kernel(*arrays: pa.Array) -> pa.Array:
        with np.errstate(all="ignore"):
            return with_nulls(function(*(numbers(each) for each in arrays)), pa.float64(), *arrays)

    return always(over_arrays(kernel))


def _log(base: Datum, number: Datum) -> Datum:
    return pc.divide(pc.ln(number), pc.ln(base))


def _constant(value: float) -> Build:
    scalar = pa.scalar(value)
    return always(lambda: scalar)


def _double(name: str, arrow: Build, sql: str, params: str = "double") -> Function:
    return Function(name, f"{name}({params})", takes(params, t.DOUBLE), arrow, sql, name)


_floor, _ceil = partial(rounding.to_whole, False), partial(rounding.to_whole, True)
_round = partial(rounding.by_digits, rounding.NEAREST)
_truncate = partial(rounding.by_digits, rounding.TOWARDS_ZERO)

ENTRIES: tuple[Function, ...] = (
    Function("FLOOR", "FLOOR(number)", _whole_rule, _floor, partial(_whole_sql, "floor"), "FLOOR"),
    Function("CEIL", "CEIL(number)", _whole_rule, _ceil, partial(_whole_sql, "ceil"), "CEIL"),
    Function(
        "ROUND", "ROUND(number[, int])", _digits_rule, _round, partial(_digits_sql, "round"), "ROUND", _can_overflow
    ),
    Function(
        "TRUNCATE", "TRUNCATE(number[, int])", _digits_rule, _truncate, partial(_digits_sql, "truncate"), "TRUNCATE"
    ),
    _double("POWER", always(pc.power), "pow({0}, {1})", "double, double"),
    _double("SQRT", always(pc.sqrt), "sqrt({0})"),
    _double("EXP", always(pc.exp), "exp({0})"),
    _double("LN", always(pc.ln), "ln({0})"),
    _double("LOG10", always(pc.log10), "log10({0})"),
    _double("LOG2", always(pc.log2), "log2({0})"),
    Function("LOG", "LOG([base,] number)", takes("double", t.DOUBLE), always(pc.ln), "ln({0})", "LOG"),
    Function(
        "LOG BASE", "LOG(base, number)", takes("double, double", t.DOUBLE), always(_log), "(ln({1}) / ln({0}))", "LOG"
    ),
    _double("SIN", always(pc.sin), "sin({0})"),
    _double("COS", always(pc.cos), "cos({0})"),
    _double("TAN", always(pc.tan), "tan({0})"),
    _double("COT", _over_doubles(lambda x: 1.0 / np.tan(x)), "(1.0::DOUBLE / tan({0}))"),
    _double("ASIN", always(pc.asin), "asin({0})"),
    _double("ACOS", always(pc.acos), "acos({0})"),
    _double("ATAN", always(pc.atan), "atan({0})"),
    _double("ATAN2", always(pc.atan2), "atan2({0}, {1})", "double, double"),
    _double("SINH", _over_doubles(np.sinh), "sinh({0})"),
    _double("COSH", _over_doubles(np.cosh), "cosh({0})"),
    _double("TANH", _over_doubles(np.tanh), "tanh({0})"),
    _double("DEGREES", _over_doubles(np.degrees), "degrees({0})"),
    _double("RADIANS", _over_doubles(np.radians), "radians({0})"),
    Function("PI", "PI()", takes("", t.DOUBLE), _constant(float(np.pi)), "pi()", "PI"),
    Function("E", "E()", takes("", t.DOUBLE), _constant(float(np.e)), "exp(1.0::DOUBLE)", "E"),
)
