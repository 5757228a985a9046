"""`(a, b) = (SELECT …)`: values compared with the one row of a query."""

from __future__ import annotations

from typing import Any, Protocol

from streamsql.errors import Span
from streamsql.expr import types as t
from streamsql.expr.nodes import Expr, Literal
from streamsql.expr.resolve import resolve_call, resolve_case
from streamsql.plan.logical import Plan
from streamsql.sql.dialect import exp
from streamsql.sql.parse import span_of

Tree = Any


class _Subqueries(Protocol):
    def bind(self, tree: Tree) -> Plan: ...

    def value(self, tree: Tree) -> Expr: ...

    def any(self, operator: str, values: tuple[Expr, ...], plan: Plan, span: Span | None) -> Expr: ...


def compared_row(operator: str, values: tuple[Expr, ...], query: Tree, subqueries: _Subqueries) -> Expr:
    """Whether the values compare so with the row; unknown where there is none, an error where there are several."""
    source = exp.Subquery(this=query.this.copy(), alias=exp.TableAlias(this=exp.to_identifier("$row")))
    one = exp.Select(expressions=[exp.true()], from_=exp.From(this=source))
    there = subqueries.value(exp.Subquery(this=one))
    wanted = "=" if operator == "<>" else operator
    met = subqueries.any(wanted, values, subqueries.bind(query), span_of(query))
    if operator == "<>":
        met = resolve_call("NOT", (met,), span_of(query))
    return resolve_case(((there, met),), Literal(None, type=t.BOOLEAN))
