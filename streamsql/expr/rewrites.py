"""Calls that are short for other expressions: IF, NULLIF, BETWEEN and the like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import reduce

from streamsql.errors import Span
from streamsql.expr import types as t
from streamsql.expr.coercion import coerce, common_type, is_numeric
from streamsql.expr.nodes import Case, Expr, Literal
from streamsql.expr.signatures import Args, Mismatch

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


REWRITES: dict[str, Rewrite] = {
    "IF": _if,
    "NULLIF": _nullif,
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
