"""Aggregate calls: which functions there are, what they return, and what a plan says of each call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from streamsql.errors import NotSupportedYet, Span, SqlError
from streamsql.expr.nodes import Expr, Literal, LiteralValue
from streamsql.expr.types import BIGINT, FLOATS, INTEGERS, STRING, STRINGS, Kind, SqlType, decimal


@dataclass(frozen=True, slots=True)
class AggregateCall:
    """One aggregate of a GROUP BY.

    `args` and `filter` name columns of the input: column ids in a logical plan, positions in an operator.
    `filter` is a BOOLEAN column; a row counts where it is TRUE. COUNT(*) is COUNT without args.
    `options`: constant further arguments (the separator of LISTAGG).
    """

    function: str
    args: tuple[int, ...]
    type: SqlType
    arg_types: tuple[SqlType, ...] = ()
    distinct: bool = False
    filter: int | None = None
    options: tuple[LiteralValue, ...] = ()
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class AggregateSignature:
    """What a call returns, and the types that its column arguments must have; constant ones are in `options`."""

    type: SqlType
    arg_types: tuple[SqlType, ...]
    options: tuple[LiteralValue, ...] = ()


_NOT_YET = frozenset(
    (
        *("APPROX_COUNT_DISTINCT", "ARRAY_AGG", "COLLECT", "FIRST_VALUE", "JSON_ARRAYAGG", "JSON_OBJECTAGG"),
        *("LAST_VALUE", "PERCENTILE", "STDDEV", "STDDEV_POP", "STDDEV_SAMP", "VARIANCE", "VAR_POP", "VAR_SAMP"),
    )
)
_UNORDERED = (Kind.NULL, Kind.ARRAY, Kind.MAP, Kind.MULTISET, Kind.ROW)
_MAX_DECIMAL = 38
_MIN_AVERAGE_SCALE = 6


def is_aggregate(name: str) -> bool:
    """Whether a name, in any case, is an aggregate function; also those that cannot be run yet.

    >>> is_aggregate("sum"), is_aggregate("UPPER")
    (True, False)
    """
    return name.upper() in _RESOLVERS or name.upper() in _NOT_YET


def resolve_aggregate(name: str, args: tuple[Expr, ...], *, distinct: bool, span: Span | None) -> AggregateSignature:
    """The types of a call; COUNT(*) has no arguments. SqlError where the arguments do not suit the function."""
    upper = name.upper()
    if upper in _NOT_YET:
        raise NotSupportedYet(f"the aggregate function {upper}", span=span)
    return _RESOLVERS[upper](upper, args, distinct, span)


def _count(name: str, args: tuple[Expr, ...], distinct: bool, span: Span | None) -> AggregateSignature:
    if distinct and not args:
        raise SqlError("COUNT(DISTINCT *) has no meaning", span=span, hint="name the columns: COUNT(DISTINCT a, b)")
    if len(args) > 1 and not distinct:
        raise SqlError("COUNT takes one argument", span=args[1].span or span, hint="or write COUNT(DISTINCT a, b)")
    return AggregateSignature(BIGINT.with_nullable(False), tuple(each.type for each in args))


def _sum(name: str, args: tuple[Expr, ...], distinct: bool, span: Span | None) -> AggregateSignature:
    type_ = _only(name, args, span).type
    if type_.kind is Kind.DECIMAL:
        return AggregateSignature(decimal(_MAX_DECIMAL, type_.scale or 0), (type_,))
    return AggregateSignature(_number(name, args[0], span).with_nullable(True), (type_,))


def _average(name: str, args: tuple[Expr, ...], distinct: bool, span: Span | None) -> AggregateSignature:
    type_ = _only(name, args, span).type
    if type_.kind is Kind.DECIMAL:
        return AggregateSignature(decimal(_MAX_DECIMAL, max(_MIN_AVERAGE_SCALE, type_.scale or 0)), (type_,))
    return AggregateSignature(_number(name, args[0], span).with_nullable(True), (type_,))


def _extreme(name: str, args: tuple[Expr, ...], distinct: bool, span: Span | None) -> AggregateSignature:
    argument = _only(name, args, span)
    if argument.type.kind in _UNORDERED:
        raise SqlError(f"{name} needs values with an order, not {argument.type}", span=argument.span or span)
    return AggregateSignature(argument.type.with_nullable(True), (argument.type,))


def _listagg(name: str, args: tuple[Expr, ...], distinct: bool, span: Span | None) -> AggregateSignature:
    if len(args) not in (1, 2):
        raise SqlError(f"LISTAGG takes a text and a separator, not {len(args)} arguments", span=span)
    text = args[0]
    if text.type.kind not in STRINGS:
        hint = "write LISTAGG(CAST(… AS STRING))"
        raise SqlError(f"LISTAGG joins texts, not {text.type}", span=text.span or span, hint=hint)
    if len(args) == 1:
        return AggregateSignature(STRING, (text.type,), (",",))
    match args[1]:
        case Literal(value=str(separator)):
            return AggregateSignature(STRING, (text.type,), (separator,))
    hint = "write it as a literal: LISTAGG(name, '; ')"
    raise SqlError("the separator of LISTAGG must be a constant text", span=args[1].span or span, hint=hint)


def _only(name: str, args: tuple[Expr, ...], span: Span | None) -> Expr:
    if len(args) != 1:
        raise SqlError(f"{name} takes one argument, not {len(args)}", span=span)
    return args[0]


def _number(name: str, argument: Expr, span: Span | None) -> SqlType:
    if argument.type.kind not in INTEGERS + FLOATS:
        raise SqlError(f"{name} needs a number, not {argument.type}", span=argument.span or span)
    return argument.type


_Resolver = Callable[[str, tuple[Expr, ...], bool, Span | None], AggregateSignature]
_RESOLVERS: dict[str, _Resolver] = {
    "COUNT": _count,
    "SUM": _sum,
    "AVG": _average,
    "MIN": _extreme,
    "MAX": _extreme,
    "LISTAGG": _listagg,
}

AGGREGATES = tuple(sorted(_RESOLVERS))
"""The names of all aggregate functions that run."""
