"""Slow functions that a filter and the projection over it both need are computed once, below the filter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from streamsql.expr.distinct_values import is_slow
from streamsql.expr.nodes import Expr, children, transform, walk
from streamsql.expr.properties import can_fail, is_volatile
from streamsql.plan.logical import Field, Filter, Plan, Project
from streamsql.plan.tree import fresh_ids, reference, transform_up


def share_expressions(plan: Plan) -> Plan:
    """Filters are not asked to move any more: this comes after them."""
    ids = fresh_ids(plan)
    return transform_up(plan, lambda node: _shared(node, ids))


def _shared(plan: Plan, ids: Iterator[int]) -> Plan:
    if not (isinstance(plan, Project) and isinstance(plan.input, Filter)):
        return plan
    lower = plan.input
    wanted = {each for expr in plan.exprs for each in walk(expr)}
    found = tuple(dict.fromkeys(_common(lower.predicate, wanted)))
    if not found or can_fail(lower.predicate):
        return plan
    columns = {expr: Field(next(ids), f"$shared{number}", expr.type) for number, expr in enumerate(found)}

    def by_column(expr: Expr) -> Expr:
        return transform(expr, lambda each: reference(columns[each]) if each in columns else each)

    fields = (*lower.input.fields, *columns.values())
    exprs = (*map(reference, lower.input.fields), *found)
    computed = Project(input=lower.input, exprs=exprs, fields=fields)
    filtered = replace(lower, input=computed, fields=fields, predicate=by_column(lower.predicate))
    return replace(plan, input=filtered, exprs=tuple(map(by_column, plan.exprs)))


def _common(expr: Expr, wanted: set[Expr]) -> Iterator[Expr]:
    """The largest parts with a slow function that are wanted too."""
    if expr in wanted and not is_volatile(expr) and any(is_slow(each) for each in walk(expr)):
        yield expr
        return
    for each in children(expr):
        yield from _common(each, wanted)
