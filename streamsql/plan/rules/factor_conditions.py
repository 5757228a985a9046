"""Conditions that all alternatives of an OR share are asked once, before it: there they can be keys, and move."""

from __future__ import annotations

from streamsql.expr.nodes import Expr
from streamsql.expr.properties import can_fail, is_volatile
from streamsql.plan.logical import Filter, Join, Plan
from streamsql.plan.predicates import conjunction, conjuncts, disjunction, disjuncts
from streamsql.plan.tree import map_expressions, transform_up


def factor_conditions(plan: Plan) -> Plan:
    """In filters and in the conditions of joins, make `(a AND b) OR (a AND c)` the same as `a AND (b OR c)`.

    A condition that can fail or is volatile stays where it is.
    """
    return transform_up(plan, lambda node: map_expressions(node, _all) if isinstance(node, Filter | Join) else node)


def _all(predicate: Expr) -> Expr:
    terms = conjuncts(predicate)
    factored = tuple(part for each in terms for part in _factored(each))
    return predicate if factored == terms else conjunction(factored)


def _factored(term: Expr) -> tuple[Expr, ...]:
    branches = [conjuncts(each) for each in disjuncts(term)]
    shared = tuple(
        each
        for each in dict.fromkeys(branches[0])
        if not (can_fail(each) or is_volatile(each)) and all(each in branch for branch in branches[1:])
    )
    if len(branches) == 1 or not shared:
        return (term,)
    left = [[each for each in branch if each not in shared] for branch in branches]
    return (*shared, disjunction([conjunction(each) for each in left])) if all(left) else shared
