"""Typed expressions: what the binder makes of SQL text, and all that later stages see of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field, replace
from decimal import Decimal
from typing import Any

from streamsql.errors import Span
from streamsql.expr.types import SqlType
from streamsql.record import record

LiteralValue = bool | int | float | Decimal | str | bytes | None | tuple["LiteralValue", ...]


@record(kw_only=True)
class Expr:
    """A typed expression; `span` says where it stands in the SQL and does not count in comparisons."""

    type: SqlType
    span: Span | None = field(default=None, compare=False, repr=False)


@record
class ColumnRef(Expr):
    """A column of the input, by the id that the plan gave it; the name is for people."""

    id: int
    name: str = field(default="", compare=False)


@record
class Literal(Expr):
    """A constant.

    Values: bool, int, float, Decimal, str, bytes, None; microseconds since the epoch for TIMESTAMP(_LTZ), microseconds
    for TIME and INTERVAL DAY TO SECOND, days since the epoch for DATE, months for INTERVAL YEAR TO MONTH;
    a tuple for ARRAY and ROW, a tuple of pairs for MAP.
    """

    value: LiteralValue


@record
class Call(Expr):
    """A function or operator by its upper-case name in the function table ("UPPER", "+", "AND", "=", "IS NULL").

    `own`: the entry of a function that is not in the table, such as one written in Python.
    """

    function: str
    args: tuple[Expr, ...]
    own: Any = field(default=None, repr=False)


@record
class Cast(Expr):
    """CAST to `type`; `safe` is TRY_CAST: NULL where the value does not fit."""

    arg: Expr
    safe: bool = False


@record
class Case(Expr):
    """Searched CASE: the value of the first branch whose condition is TRUE, else `otherwise`."""

    branches: tuple[tuple[Expr, Expr], ...]
    otherwise: Expr


@record
class FieldAccess(Expr):
    """A field of a ROW value, by position in its type."""

    arg: Expr
    index: int


def children(expr: Expr) -> tuple[Expr, ...]:
    """The direct sub-expressions, in evaluation order."""
    match expr:
        case Call(args=args):
            return args
        case Cast(arg=arg) | FieldAccess(arg=arg):
            return (arg,)
        case Case(branches=branches, otherwise=otherwise):
            return (*(each for branch in branches for each in branch), otherwise)
        case _:
            return ()


def walk(expr: Expr) -> Iterator[Expr]:
    """The expression and all below it, parents first."""
    yield expr
    for child in children(expr):
        yield from walk(child)


def rebuild(expr: Expr, new: tuple[Expr, ...]) -> Expr:
    """The same expression over other children, given in the order of `children`."""
    match expr:
        case Call():
            return replace(expr, args=new)
        case Cast() | FieldAccess():
            return replace(expr, arg=new[0])
        case Case():
            pairs = tuple(zip(new[:-1:2], new[1:-1:2], strict=True))
            return replace(expr, branches=pairs, otherwise=new[-1])
        case _:
            return expr


def transform(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """Apply `change` to every node, children first."""
    below = children(expr)
    new = tuple(transform(each, change) for each in below)
    if any(a is not b for a, b in zip(below, new, strict=True)):
        expr = rebuild(expr, new)
    return change(expr)


def column_ids(expr: Expr) -> frozenset[int]:
    """The ids of all columns that the expression reads."""
    return frozenset(each.id for each in walk(expr) if isinstance(each, ColumnRef))


def substitute(expr: Expr, values: dict[int, Expr]) -> Expr:
    """Replace columns by expressions, by column id."""

    def change(each: Expr) -> Expr:
        return values.get(each.id, each) if isinstance(each, ColumnRef) else each

    return transform(expr, change)
