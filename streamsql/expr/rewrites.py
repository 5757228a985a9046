"""Calls that are short for other expressions: IF, NULLIF, BETWEEN and the like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import reduce

from streamsql.errors import Span
from streamsql.expr import types as t
from streamsql.expr.coercion import coerce, common_type, is_numeric, is_text
from streamsql.expr.nodes import Case, Expr, Literal
from streamsql.expr.signatures import Args, Mismatch, same_type
from streamsql.expr.types import BYTES_KINDS, INTEGERS, Kind

Resolve = Callable[[str, Args, Span | None], Expr]
Rewrite = Callable[[Args, Span | None, Resolve], Expr | None]
"""None: the call is fine as it is."""


def _if(args: Args, span: Span | None, resolve: Resolve) -> Expr:
    if len(args) != 3:
        raise Mismatch("IF takes a condition and two values: IF(condition, then, else)")
    shared = common_type(each.type for each in args[1:])
    if shared is None:
        raise Mismatch(f"IF cannot choose between {args[1].type} and {args[2].type}", "CAST them to one type")
    then, otherwise = coerce(args[1], shared), coerce(args[2], shared)
    return Case(branches=((coerce(args[0], t.BOOLEAN), then),), otherwise=otherwise, type=shared, span=span)


def _nullif(args: Args, span: Span | None, resolve: Resolve) -> Expr:
    if len(args) != 2:
        raise Mismatch("NULLIF takes two values: NULLIF(a, b)")
    type_ = args[0].type.with_nullable(True)
    null = Literal(value=None, type=type_, span=span)
    return Case(branches=((resolve("=", args, span), null),), otherwise=args[0], type=type_, span=span)


def _between(args: Args, span: Span | None, resolve: Resolve) -> Expr:
    if len(args) != 3:
        raise Mismatch("BETWEEN takes two bounds: a BETWEEN low AND high")
    value, low, high = args
    return resolve("AND", (resolve(">=", (value, low), span), resolve("<=", (value, high), span)), span)


def _negated(name: str) -> Rewrite:
    return lambda args, span, resolve: resolve("NOT", (resolve(name, args, span),), span)


def _in(args: Args, span: Span | None, resolve: Resolve) -> Expr | None:
    """A list of constants stays IN, any other becomes a chain of OR."""
    if all(isinstance(each, Literal) for each in args[1:]):
        return None
    return reduce(lambda a, b: resolve("OR", (a, b), span), (resolve("=", (args[0], each), span) for each in args[1:]))


def _extract(unit: str) -> Rewrite:
    def rewrite(args: Args, span: Span | None, resolve: Resolve) -> Expr:
        if len(args) != 1:
            raise Mismatch(f"this takes one date or time: {unit}(x)")
        return resolve("EXTRACT", (Literal(value=unit, type=t.char(len(unit))), *args), span)

    return rewrite


def _plus(args: Args, span: Span | None, resolve: Resolve) -> Expr | None:
    """A sign that changes nothing."""
    return replace(args[0], span=span) if len(args) == 1 and is_numeric(args[0].type) else None


def _elt(args: Args, span: Span | None, resolve: Resolve) -> Expr:
    """The value at a position, NULL outside."""
    if len(args) < 2 or not (args[0].type.kind in INTEGERS or args[0].type.kind is Kind.NULL):
        raise Mismatch("ELT takes a position and texts: ELT(2, 'a', 'b')")
    values = same_type(args[1:], "ELT cannot choose between")
    if not (is_text(values[0].type) or values[0].type.kind in BYTES_KINDS):
        raise Mismatch(f"ELT chooses between texts or BYTES, not {values[0].type.with_nullable(True)}")
    type_ = values[0].type.with_nullable(True)
    places = (Literal(value=index, type=t.INT) for index in range(1, len(args)))
    branches = tuple(
        (resolve("=", (args[0], place), span), coerce(value, type_))
        for place, value in zip(places, values, strict=True)
    )
    return Case(branches=branches, otherwise=Literal(value=None, type=type_), type=type_, span=span)


def _typeof(args: Args, span: Span | None, resolve: Resolve) -> Expr:
    """The type as a constant text."""
    if not 1 <= len(args) <= 2 or (len(args) == 2 and not isinstance(args[1], Literal)):
        raise Mismatch("TYPEOF takes a value and, as a constant, whether to write all of its type: TYPEOF(x)")
    text = str(args[0].type)
    return Literal(value=text, type=t.STRING.with_nullable(False), span=span)


def _overlaps(args: Args, span: Span | None, resolve: Resolve) -> Expr:
    """(start, end or length) OVERLAPS (start, end or length); the two of a pair may stand in either order."""
    if len(args) != 4:
        raise Mismatch("OVERLAPS takes two pairs: (start, end) OVERLAPS (start, end)")
    ends = []
    for start, end in (args[:2], args[2:]):
        if end.type.kind in (Kind.INTERVAL_DAY, Kind.INTERVAL_MONTH):
            end = resolve("+", (start, end), span)
        ends.append((resolve("LEAST", (start, end), span), resolve("GREATEST", (start, end), span)))
    (first, last), (other_first, other_last) = ends
    early = resolve(">=", (last, other_first), span)
    return resolve("AND", (early, resolve(">=", (other_last, first), span)), span)


REWRITES: dict[str, Rewrite] = {
    "IF": _if,
    "NULLIF": _nullif,
    "ELT": _elt,
    "TYPEOF": _typeof,
    "OVERLAPS": _overlaps,
    "BETWEEN": _between,
    "NOT BETWEEN": _negated("BETWEEN"),
    "IN": _in,
    "NOT IN": _negated("IN"),
    "NOT LIKE": _negated("LIKE"),
    "NOT SIMILAR TO": _negated("SIMILAR TO"),
    "+": _plus,
    "YEAR": _extract("YEAR"),
    "QUARTER": _extract("QUARTER"),
    "MONTH": _extract("MONTH"),
    "WEEK": _extract("WEEK"),
    "DAYOFYEAR": _extract("DOY"),
    "DAYOFMONTH": _extract("DAY"),
    "DAYOFWEEK": _extract("DOW"),
    "HOUR": _extract("HOUR"),
    "MINUTE": _extract("MINUTE"),
    "SECOND": _extract("SECOND"),
}
"""Name -> what it is short for."""
