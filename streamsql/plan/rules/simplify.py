"""Nodes that do nothing go, and neighbours of one kind become one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from streamsql.expr.nodes import ColumnRef, Expr, substitute, walk
from streamsql.expr.properties import is_volatile
from streamsql.plan.logical import Filter, Plan, Project, Union
from streamsql.plan.predicates import conjunction, conjuncts, is_bare, is_true
from streamsql.plan.tree import select, transform_up


def simplify(plan: Plan) -> Plan:
    """Drop filters that are TRUE and projections that change nothing; merge adjacent filters, projections and unions.

    The merged filter tests the lower one's conditions first, so a condition that can fail still sees only the rows that
    the lower filter left.
    """
    return transform_up(plan, _simplify)


def _simplify(plan: Plan) -> Plan:
    match plan:
        case Filter():
            return _filter(plan)
        case Project():
            return _project(plan)
        case Union():
            return _union(plan)
        case _:
            return plan


def _filter(plan: Filter) -> Plan:
    lower, below = (plan.input, plan.input.input) if isinstance(plan.input, Filter) else (None, plan.input)
    both = (*(() if lower is None else conjuncts(lower.predicate)), *conjuncts(plan.predicate))
    terms = tuple(each for each in both if not is_true(each))
    if not terms:
        return select(below, plan.fields)
    return replace(plan, input=below, predicate=conjunction(terms))


def _project(plan: Project) -> Plan:
    if isinstance(plan.input, Project) and _may_merge(plan, plan.input):
        values = _values(plan.input)
        plan = replace(plan, input=plan.input.input, exprs=tuple(substitute(each, values) for each in plan.exprs))
    return plan.input if _changes_nothing(plan) else plan


def _values(plan: Project) -> dict[int, Expr]:
    return {each.id: expr for each, expr in zip(plan.fields, plan.exprs, strict=True)}


def _may_merge(upper: Project, lower: Project) -> bool:
    """Nothing is computed twice, and nothing volatile moves."""
    uses = Counter(each.id for expr in upper.exprs for each in walk(expr) if isinstance(each, ColumnRef))
    computed = {id_: expr for id_, expr in _values(lower).items() if not is_bare(expr)}
    return all(uses[id_] <= 1 for id_ in computed) and not any(is_volatile(each) for each in computed.values())


def _changes_nothing(plan: Project) -> bool:
    """The same columns under the same names in the same order."""
    if plan.fields != plan.input.fields:
        return False
    return all(
        isinstance(expr, ColumnRef) and expr.id == each.id for each, expr in zip(plan.fields, plan.exprs, strict=True)
    )


def _union(plan: Union) -> Plan:
    """A union of unions is one union, so that it merges its inputs by arrival once."""
    branches = tuple(
        each for branch in plan.branches for each in (branch.branches if isinstance(branch, Union) else (branch,))
    )
    return plan if branches == plan.branches else replace(plan, branches=branches)
