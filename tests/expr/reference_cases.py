"""The examples of the function reference as calls over columns: whatever argument may come from a column does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from streamsql.expr import types as t
from streamsql.expr.function_reference import descriptions
from streamsql.expr.functions import FUNCTIONS
from streamsql.expr.nodes import Call, ColumnRef, Expr, Literal
from streamsql.expr.properties import is_constant, is_volatile
from streamsql.expr.signatures import Mismatch
from streamsql.expr.types import Kind, SqlType
from streamsql.plan.logical import Project
from streamsql.session import Session
from streamsql.sql import statements as s


@dataclass(frozen=True, repr=False)
class Opened:
    """A call over columns of these types; `given` are the example's arguments, `places` which of them are columns."""

    name: str
    call: Call
    types: tuple[SqlType, ...]
    given: tuple[Expr, ...]
    places: tuple[int, ...]


def opened_examples() -> Iterator[Opened]:
    """Each example whose outermost call is the function itself."""
    session = Session()
    for description in (each for each in descriptions().values() if each.example):
        (statement,) = session.statements(f"SELECT {description.example} AS result")
        assert isinstance(statement, s.Query) and isinstance(statement.plan, Project)
        (expr,) = statement.plan.exprs
        if isinstance(expr, Call) and expr.function == description.name and not is_volatile(expr) and expr.args:
            yield _opened(expr)


def _opened(call: Call) -> Opened:
    given, args, places, types = call.args, list(call.args), [], []
    for index, arg in enumerate(given):
        if not is_constant(arg):
            continue
        type_ = _of_column(arg.type)
        tried = [*args[:index], ColumnRef(id=len(types), type=type_), *args[index + 1 :]]
        if (bound := rebound(call, tried)) is not None:
            call, args = bound, tried
            places.append(index)
            types.append(type_)
    return Opened(call.function, call, tuple(types), given, tuple(places))


def rebound(call: Call, args: list[Expr]) -> Call | None:
    """The call over other arguments; None where they do not fit."""
    try:
        bound = FUNCTIONS[call.function].rule(tuple(args))
    except Mismatch:
        return None
    return replace(call, args=bound.args, type=bound.type)


def _of_column(type_: SqlType) -> SqlType:
    """The type of a column that may hold such values."""
    children = tuple(_of_column(each) for each in type_.children)
    if type_.kind is Kind.CHAR:
        return t.STRING
    if type_.kind is Kind.BINARY:
        return t.BYTES
    if type_.kind is Kind.DECIMAL:
        return t.decimal(max(type_.precision or 0, 7), type_.scale or 0)
    return replace(type_, children=children, nullable=True)


def literals_of(opened: Opened) -> tuple[Literal, ...]:
    """The example's own values of the columns, where they are plain constants."""
    return tuple(arg for arg in (opened.given[place] for place in opened.places) if isinstance(arg, Literal))
