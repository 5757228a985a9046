"""Implicit conversions: the common type of several values, and what may stand in for what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import reduce

from streamsql.expr import types as t
from streamsql.expr.nodes import Cast, Expr, Literal, LiteralValue
from streamsql.expr.types import FLOATS, INTEGERS, STRINGS, TIMESTAMPS, Kind, SqlType

MAX_DECIMAL_PRECISION = 38
INTEGER_DIGITS = {Kind.TINYINT: 3, Kind.SMALLINT: 5, Kind.INT: 10, Kind.BIGINT: 19}
INTEGER_BITS = {Kind.TINYINT: 8, Kind.SMALLINT: 16, Kind.INT: 32, Kind.BIGINT: 64}
NUMERIC = (*INTEGERS, Kind.DECIMAL, *FLOATS)
TIMES = (Kind.DATE, Kind.TIME, *TIMESTAMPS)
INTERVALS = (Kind.INTERVAL_DAY, Kind.INTERVAL_MONTH)


def is_numeric(type_: SqlType) -> bool:
    """INT and its kin, DECIMAL, FLOAT, DOUBLE."""
    return type_.kind in NUMERIC


def is_text(type_: SqlType) -> bool:
    """CHAR or VARCHAR."""
    return type_.kind in STRINGS


def digits(type_: SqlType) -> tuple[int, int]:
    """Precision and scale of an exact number type, integers included.

    >>> digits(t.INT), digits(t.decimal(7, 3))
    ((10, 0), (7, 3))
    """
    if type_.kind is Kind.DECIMAL:
        return type_.precision or 0, type_.scale or 0
    return INTEGER_DIGITS[type_.kind], 0


def decimal_within_limits(precision: int, scale: int) -> SqlType:
    """DECIMAL(precision, scale), giving up fraction digits (never below 6) where 38 digits do not hold it.

    >>> str(decimal_within_limits(45, 20))
    'DECIMAL(38, 13)'
    """
    if precision <= MAX_DECIMAL_PRECISION:
        return t.decimal(precision, scale)
    whole = precision - scale
    return t.decimal(MAX_DECIMAL_PRECISION, max(MAX_DECIMAL_PRECISION - whole, min(scale, 6)))


def common_type(types: Iterable[SqlType]) -> SqlType | None:
    """The smallest type that holds values of all; None where there is none."""
    start: SqlType | None = t.NULL.with_nullable(False)
    return reduce(_merge_optional, types, start)


def _merge_optional(left: SqlType | None, right: SqlType) -> SqlType | None:
    return None if left is None else _merge(left, right)


def _merge(left: SqlType, right: SqlType) -> SqlType | None:
    nullable = left.nullable or right.nullable
    merged = _merge_values(left, right)
    return None if merged is None else merged.with_nullable(nullable)


def _merge_values(left: SqlType, right: SqlType) -> SqlType | None:
    if left.same_as(right) or right.kind is Kind.NULL:
        return left
    if left.kind is Kind.NULL:
        return right
    if left.kind in NUMERIC and right.kind in NUMERIC:
        return _merge_numbers(left, right)
    if left.kind in STRINGS and right.kind in STRINGS:
        return replace(t.STRING, precision=_longest(left, right))
    if left.kind in t.BYTES_KINDS and right.kind in t.BYTES_KINDS:
        return replace(t.BYTES, precision=_longest(left, right))
    if left.kind in (Kind.DATE, *TIMESTAMPS) and right.kind in (Kind.DATE, *TIMESTAMPS):
        zoned = Kind.TIMESTAMP_LTZ in (left.kind, right.kind)
        return SqlType(Kind.TIMESTAMP_LTZ if zoned else Kind.TIMESTAMP, max(left.precision or 0, right.precision or 0))
    if left.kind is right.kind:
        return _merge_same_kind(left, right)
    return None


def _merge_same_kind(left: SqlType, right: SqlType) -> SqlType | None:
    if left.kind is Kind.TIME:
        return t.time(max(left.precision or 0, right.precision or 0))
    if not left.children or len(left.children) != len(right.children):
        return left if left.kind in INTERVALS else None
    children = [_merge(a, b) for a, b in zip(left.children, right.children, strict=True)]
    if any(each is None for each in children):
        return None
    return replace(left, children=tuple(each for each in children if each is not None))


def _longest(left: SqlType, right: SqlType) -> int | None:
    if left.precision is None or right.precision is None:
        return None
    return max(left.precision, right.precision)


def _merge_numbers(left: SqlType, right: SqlType) -> SqlType:
    kinds = {left.kind, right.kind}
    if Kind.DOUBLE in kinds or (Kind.FLOAT in kinds and Kind.DECIMAL in kinds):
        return t.DOUBLE
    if Kind.FLOAT in kinds:
        return t.FLOAT
    if Kind.DECIMAL not in kinds:
        return left if INTEGERS.index(left.kind) >= INTEGERS.index(right.kind) else right
    (p1, s1), (p2, s2) = digits(left), digits(right)
    scale = max(s1, s2)
    return decimal_within_limits(max(p1 - s1, p2 - s2) + scale, scale)


def coerce(expr: Expr, type_: SqlType) -> Expr:
    """`expr` as a value of `type_` by implicit conversion: literals change at once, the rest gets a Cast.

    The type must be one that `common_type` or a signature allows; nullability follows the value.
    """
    target = type_.with_nullable(expr.type.nullable)
    if expr.type.same_as(target):
        return expr
    if isinstance(expr, Literal):
        value = _convert_literal(expr.value, expr.type, target)
        if value is not None or expr.value is None:
            return Literal(value=value, type=target, span=expr.span)
    return Cast(arg=expr, type=target, span=expr.span)


def coerce_all(args: Sequence[Expr], type_: SqlType) -> tuple[Expr, ...]:
    """Every argument as `type_`."""
    return tuple(coerce(each, type_) for each in args)


def _convert_literal(value: LiteralValue, source: SqlType, target: SqlType) -> LiteralValue:
    """The literal's value in the wider type; None where only a run-time cast gives it."""
    if value is None:
        return None
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool) and source.kind in NUMERIC:
        return _convert_number(value, target)
    if target.kind is Kind.DOUBLE and source.kind is Kind.FLOAT:
        return value
    same_text = target.kind is Kind.VARCHAR and source.kind in STRINGS
    if same_text and isinstance(value, str) and (target.precision is None or len(value) <= target.precision):
        return value
    if source.kind is target.kind and source.kind in TIMESTAMPS:
        return value
    return None


def _convert_number(value: int | Decimal, target: SqlType) -> LiteralValue:
    match target.kind:
        case Kind.DOUBLE:
            return float(value)
        case Kind.DECIMAL:
            with localcontext(prec=2 * MAX_DECIMAL_PRECISION):
                rounded = Decimal(value).quantize(Decimal(1).scaleb(-(target.scale or 0)), ROUND_HALF_UP)
            fits = rounded.adjusted() < (target.precision or 0) - (target.scale or 0) or not rounded
            return rounded if fits else None
        case kind if kind in INTEGER_BITS and isinstance(value, int):
            limit = 1 << (INTEGER_BITS[kind] - 1)
            return value if -limit <= value < limit else None
        case _:
            return None
