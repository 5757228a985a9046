"""Joins whose conditions keep two event times near each other: their results still have event time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from streamsql.errors import SqlError
from streamsql.expr.nodes import Expr
from streamsql.plan.logical import Field, Filter, Join, JoinKind, Plan
from streamsql.plan.predicates import conjuncts
from streamsql.plan.rules.fuse_windows import fuse_windows
from streamsql.plan.time_bounds import time_bounds
from streamsql.plan.time_joins import interval_join, timed_fields
from streamsql.plan.traits import traits
from streamsql.plan.tree import fields_by_id, with_inputs
from streamsql.sql.scope import Scope


def bound_in_time(plan: Plan, terms: Sequence[Expr]) -> Plan:
    """The plan of a FROM with its inner joins bound in time as far as the terms, which all hold, say so."""
    match plan:
        case Filter():
            below = bound_in_time(plan.input, terms)
            return plan if below is plan.input else replace(plan, input=below, fields=below.fields)
        case Join(kind=JoinKind.INNER):
            joined = with_inputs(plan, tuple(bound_in_time(each, terms) for each in plan.inputs))
            assert isinstance(joined, Join)
            return interval_bound(joined, terms)
        case _:
            return plan


def interval_bound(plan: Join, terms: Sequence[Expr]) -> Join:
    """An IntervalJoin where the terms, and the join's own, bound its times, and its inputs only grow."""
    own = () if plan.residual is None else conjuncts(plan.residual)
    bounds = time_bounds(plan.left, plan.right, (*own, *terms)) if type(plan) is Join and plan.kind.pairs else None
    if bounds is None or not all(map(only_grows, plan.inputs)):
        return plan
    found = interval_join(plan, bounds)
    return replace(found, fields=timed_fields(found))


def only_grows(plan: Plan) -> bool:
    """Whether a plan never takes rows back."""
    try:
        return traits(fuse_windows(plan)).append_only
    except SqlError:
        # It does not run as it stands here; whether it does at all is decided when the whole plan is there.
        return False


def with_times_of(scope: Scope, plan: Plan) -> Scope:
    """The scope with the time attributes that the plan delivers."""
    delivered = fields_by_id(plan.fields)

    def now(fields: Sequence[Field]) -> tuple[Field, ...]:
        return tuple(replace(each, time=delivered[each.id].time) if each.id in delivered else each for each in fields)

    relations = tuple(replace(each, fields=now(each.fields)) for each in scope.relations)
    return replace(scope, relations=relations, merged=now(scope.merged))
