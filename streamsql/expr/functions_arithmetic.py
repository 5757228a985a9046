"""`+ - * / %`, sign and absolute value over numbers: checked integers, exact decimals, IEEE floats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr import decimals
from streamsql.expr import types as t
from streamsql.expr.coercion import (
    MAX_DECIMAL_PRECISION,
    coerce,
    coerce_all,
    common_type,
    decimal_within_limits,
    digits,
    is_numeric,
)
from streamsql.expr.context import EvalContext
from streamsql.expr.duckdb_text import duckdb_type
from streamsql.expr.function import ArrowFunction, Datum, Function, literal
from streamsql.expr.nodes import Call
from streamsql.expr.signatures import Args, Bound, Mismatch, any_nullable, first_type, takes
from streamsql.expr.types import FLOATS, INTEGERS, Kind, SqlType, arrow_type
from streamsql.expr.vectors import numbers, over_arrays, with_nulls

DecimalRule = Callable[[tuple[int, int], tuple[int, int]], SqlType]


def _sum_type(left: tuple[int, int], right: tuple[int, int]) -> SqlType:
    (p1, s1), (p2, s2) = left, right
    scale = max(s1, s2)
    return decimal_within_limits(max(p1 - s1, p2 - s2) + scale + 1, scale)


def _product_type(left: tuple[int, int], right: tuple[int, int]) -> SqlType:
    return decimal_within_limits(left[0] + right[0] + 1, left[1] + right[1])


def _quotient_type(left: tuple[int, int], right: tuple[int, int]) -> SqlType:
    (p1, s1), (p2, s2) = left, right
    scale = max(6, s1 + p2 + 1)
    return decimal_within_limits(p1 - s1 + s2 + scale, scale)


def _remainder_type(left: tuple[int, int], right: tuple[int, int]) -> SqlType:
    (p1, s1), (p2, s2) = left, right
    scale = max(s1, s2)
    return decimal_within_limits(min(p1 - s1, p2 - s2) + scale, scale)


def _numbers(decimal_type: DecimalRule) -> Callable[[Args], Bound]:
    """Two numbers; the result is the wider type, or the DECIMAL that the operation needs."""

    def rule(args: Args) -> Bound:
        shared = common_type(each.type for each in args)
        if len(args) != 2 or shared is None or not (is_numeric(shared) or shared.kind is Kind.NULL):
            raise Mismatch
        shared = t.INT if shared.kind is Kind.NULL else shared
        nullable = any_nullable(args)
        if shared.kind is not Kind.DECIMAL:
            return Bound(coerce_all(args, shared), shared.with_nullable(nullable))
        exact = tuple(coerce(each, t.decimal(*_digits(each.type))) for each in args)
        type_ = decimal_type(_digits(args[0].type), _digits(args[1].type))
        return Bound(exact, type_.with_nullable(nullable or type_.precision == 38))

    return rule


def _remainder_rule(args: Args) -> Bound:
    """Among integers of the divisor's type, as in Flink; else as for the other operations."""
    bound = _numbers(_remainder_type)(args)
    if bound.type.kind not in INTEGERS or args[1].type.kind is Kind.NULL:
        return bound
    return Bound(bound.args, args[1].type.with_nullable(bound.type.nullable))


def _digits(type_: SqlType) -> tuple[int, int]:
    return (1, 0) if type_.kind is Kind.NULL else digits(type_)


def _operation(
    name: str, integers: Callable[..., Any], floats: Callable[..., Any]
) -> Callable[[Call, EvalContext], ArrowFunction]:
    def build(call: Call, context: EvalContext) -> ArrowFunction:
        if call.type.kind is Kind.DECIMAL:
            return decimals.OPERATIONS[name](call.type)
        if name == "%" and call.type.kind in INTEGERS:
            return _in_type_of_divisor(call)
        return floats if call.type.kind in FLOATS else integers

    return build


def _in_type_of_divisor(call: Call) -> ArrowFunction:
    divisor = literal(call, 1)
    rest = _integer_remainder_by(divisor) if isinstance(divisor, int) else _integer_remainder
    if call.type.kind is call.args[0].type.kind:
        return rest
    arrow = arrow_type(call.type)
    return lambda left, right: pc.cast(rest(left, right), arrow)


def _integer_remainder(left: Datum, right: Datum) -> Datum:
    """Of -1 always 0: the quotient of the smallest number by -1 does not exist."""
    quotient = pc.divide(left, right)
    rest = pc.subtract(left, pc.multiply(quotient, right))
    return pc.if_else(pc.equal(right, pa.scalar(-1, right.type)), pc.subtract(left, left), rest)


def _integer_remainder_by(divisor: int) -> ArrowFunction:
    """By a constant whose quotients all exist."""
    if divisor in (0, -1):
        return _integer_remainder
    return lambda left, right: pc.subtract(left, pc.multiply(pc.divide(left, right), right))


def _float_remainder(left: Datum, right: Datum) -> Datum:
    def kernel(a: pa.Array, b: pa.Array) -> pa.Array:
        with np.errstate(all="ignore"):
            return with_nulls(np.fmod(numbers(a), numbers(b)), a.type, a, b)

    return over_arrays(kernel)(left, right)


def _is_exact(call: Call) -> bool:
    return call.type.kind not in FLOATS


def _is_integer(call: Call) -> bool:
    return call.type.kind in INTEGERS


def _divides_by_what_may_be_zero(call: Call) -> bool:
    if not _is_exact(call):
        return False
    divisor = literal(call, 1)
    smallest = call.function == "/" and call.type.kind in INTEGERS and divisor == -1
    return not divisor or smallest


def _infix_sql(sign: str) -> Callable[[Call, Sequence[str], EvalContext], str]:
    def render(call: Call, args: Sequence[str], context: EvalContext) -> str:
        if call.type.kind is Kind.DECIMAL:
            return _exact_sql(sign, call, args)
        return f"({args[0]} {sign} {args[1]})"

    return render


def _exact_sql(sign: str, call: Call, args: Sequence[str]) -> str:
    """DuckDB keeps to 18 digits where both sides have no more, so one side gets more; it has no more than 38."""
    (p1, s1), (p2, s2) = pair = [digits(each.type) for each in call.args]
    needed = decimals.digits_needed(sign, *pair)
    left = f"CAST({args[0]} AS DECIMAL(19, {s1}))" if needed > 18 and max(p1, p2) <= 18 else args[0]
    if needed <= MAX_DECIMAL_PRECISION:
        return f"({left} {sign} {args[1]})"
    exact = _wide_sql(sign, call, args)
    if sign == "*" and s1 + s2 > MAX_DECIMAL_PRECISION:
        return exact
    return f"coalesce(TRY_CAST(TRY({left} {sign} {args[1]}) AS {duckdb_type(call.type)}), {exact})"


def _wide_sql(sign: str, call: Call, args: Sequence[str]) -> str:
    """Digit by digit, for numbers that DuckDB has no type for."""
    precision, scale = digits(call.type)
    left, right = (f"CAST({each} AS VARCHAR)" for each in args)
    exact = f"streamsql_wide_decimal({left}, {right}, '{sign} {scale} {precision - scale}')"
    return f"CAST({exact} AS {duckdb_type(call.type)})"


def _division_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    left, right = args
    if call.type.kind in INTEGERS:
        return f"({left} // {right})"
    if call.type.kind in FLOATS:
        return f"({left} / {right})"
    (p1, s1), (p2, s2) = (digits(each.type) for each in call.args)
    scale = call.type.scale or 0
    more = scale - s1 + s2
    quick = f"streamsql_divide({left}, {right}, {more}, {scale})"
    return _or_wide("/", quick, max(p1 + max(more, 0), p2 + max(-more, 0)), call, args)


def _or_wide(sign: str, quick: str, needed: int, call: Call, args: Sequence[str]) -> str:
    """What works with whole numbers of up to 38 digits, else digit by digit."""
    if needed <= MAX_DECIMAL_PRECISION:
        return quick
    return f"coalesce(TRY_CAST(TRY({quick}) AS {duckdb_type(call.type)}), {_wide_sql(sign, call, args)})"


def _remainder_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    if call.type.kind is not Kind.DECIMAL:
        plain = f"{args[0]} % {args[1]}"
        sure = call.type.kind in FLOATS or literal(call, 1, -1) != -1
        # The smallest BIGINT modulo -1 overflows in DuckDB.
        rest = f"({plain})" if sure else f"CASE WHEN {args[1]} = -1 THEN {args[0]} - {args[0]} ELSE {plain} END"
        same = call.type.kind is call.args[0].type.kind
        return rest if same else f"CAST({rest} AS {duckdb_type(call.type)})"
    (p1, s1), (p2, s2) = (digits(each.type) for each in call.args)
    scale = max(s1, s2)
    left, right = f"streamsql_unscaled({args[0]}, {scale - s1})", f"streamsql_unscaled({args[1]}, {scale - s2})"
    quick = f"streamsql_scaled({left} % {right}, {scale})"
    return _or_wide("%", quick, max(p1 + scale - s1, p2 + scale - s2), call, args)


def _same_number(args: Args) -> Bound:
    return takes("number", first_type)(args)


def _negate(call: Call, context: EvalContext) -> ArrowFunction:
    return pc.negate_checked if call.type.kind in INTEGERS else pc.negate  # type: ignore[no-any-return]


def _negate_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    # DuckDB widens a negated INTEGER, and minus a float loses the sign of zero in no case.
    return f"(-({args[0]}))"


def _absolute(call: Call, context: EvalContext) -> ArrowFunction:
    return pc.abs_checked if call.type.kind in INTEGERS else pc.abs  # type: ignore[no-any-return]


def _sign(call: Call, context: EvalContext) -> ArrowFunction:
    target = arrow_type(call.type)
    if call.type.kind is Kind.DECIMAL:
        return lambda datum: decimals.fit(pc.cast(pc.sign(datum), pa.decimal128(19, 0)), target)
    return lambda datum: pc.cast(pc.sign(datum), target)


def _sign_sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    sign = f"sign({args[0]})"
    return f"CASE WHEN isnan({args[0]}) THEN {args[0]} ELSE {sign} END" if call.type.kind in FLOATS else sign


ENTRIES: tuple[Function, ...] = (
    Function(
        "+",
        "number + number",
        _numbers(_sum_type),
        _operation("+", pc.add_checked, pc.add),
        _infix_sql("+"),
        "+",
        _is_integer,
    ),
    Function(
        "-",
        "number - number",
        _numbers(_sum_type),
        _operation("-", pc.subtract_checked, pc.subtract),
        _infix_sql("-"),
        "-",
        _is_integer,
    ),
    Function(
        "*",
        "number * number",
        _numbers(_product_type),
        _operation("*", pc.multiply_checked, pc.multiply),
        _infix_sql("*"),
        "*",
        _is_integer,
    ),
    Function(
        "/",
        "number / number",
        _numbers(_quotient_type),
        _operation("/", pc.divide_checked, pc.divide),
        _division_sql,
        "/",
        _divides_by_what_may_be_zero,
    ),
    Function(
        "%",
        "number % number",
        _remainder_rule,
        _operation("%", _integer_remainder, _float_remainder),
        _remainder_sql,
        "%",
        _divides_by_what_may_be_zero,
    ),
    Function("NEGATE", "-number", _same_number, _negate, _negate_sql, "-", _is_integer),
    Function("ABS", "ABS(number)", _same_number, _absolute, "abs({0})", "ABS", _is_integer),
    Function("SIGN", "SIGN(number)", _same_number, _sign, _sign_sql, "SIGN"),
)
