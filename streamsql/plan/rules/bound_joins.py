"""Joins of append-only inputs whose conditions bound their times forget the rows that time has passed."""

from __future__ import annotations

from streamsql.expr.nodes import Call, ColumnRef, Expr
from streamsql.plan.logical import Field, Join, Plan, TimeAttribute
from streamsql.plan.predicates import conjuncts
from streamsql.plan.time_bounds import time_bounds
from streamsql.plan.time_joins import interval_join, window_join
from streamsql.plan.traits import traits
from streamsql.plan.tree import fields_by_id, transform_up


def bound_joins(plan: Plan) -> Plan:
    """Turn a Join on window_start and window_end of two windows into a WindowJoin, and one whose condition keeps two
    event times near each other into an IntervalJoin."""
    return transform_up(plan, lambda node: _bound(node) if type(node) is Join else node)


def _bound(plan: Join) -> Plan:
    if plan.residual is None or not all(traits(each).append_only for each in plan.inputs):
        return plan
    terms = conjuncts(plan.residual)
    windows = _windows(plan, terms)
    if windows is not None:
        return window_join(plan, windows)
    bounds = time_bounds(plan.left, plan.right, terms) if plan.kind.pairs else None
    return plan if bounds is None else interval_join(plan, bounds)


def _windows(plan: Join, terms: tuple[Expr, ...]) -> tuple[tuple[Field, Field], tuple[Field, Field]] | None:
    """window_start and window_end of each side, where the terms say that they are equal."""
    left, right = (traits(each).window for each in plan.inputs)
    if left is None or right is None or TimeAttribute.PROCESSING in (left.attribute, right.attribute):
        return None
    equal = {frozenset(each) for term in terms if (each := _equal_columns(term))}
    if not {frozenset((left.start, right.start)), frozenset((left.end, right.end))} <= equal:
        return None
    mine, other = (fields_by_id(each.fields) for each in plan.inputs)
    return (mine[left.start], mine[left.end]), (other[right.start], other[right.end])


def _equal_columns(term: Expr) -> tuple[int, int] | None:
    match term:
        case Call(function="=", args=(ColumnRef(id=one), ColumnRef(id=two))):
            return one, two
        case _:
            return None
