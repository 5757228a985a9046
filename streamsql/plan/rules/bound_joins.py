"""Joins of append-only inputs whose conditions bound their times forget the rows that time has passed."""

from __future__ import annotations

from streamsql.plan.logical import Join, Plan
from streamsql.plan.predicates import conjuncts
from streamsql.plan.time_bounds import time_bounds
from streamsql.plan.time_joins import interval_join
from streamsql.plan.traits import traits
from streamsql.plan.tree import transform_up


def bound_joins(plan: Plan) -> Plan:
    """Turn a Join whose ON keeps two event times near each other into an IntervalJoin."""
    return transform_up(plan, lambda node: _bound(node) if type(node) is Join else node)


def _bound(plan: Join) -> Plan:
    if plan.residual is None or not plan.kind.pairs:
        return plan
    bounds = time_bounds(plan.left, plan.right, conjuncts(plan.residual))
    if bounds is None or not all(traits(each).append_only for each in plan.inputs):
        return plan
    return interval_join(plan, bounds)
