"""Expressions without columns are evaluated once, at planning."""

from __future__ import annotations

from streamsql.expr.context import EvalContext
from streamsql.expr.fold import fold
from streamsql.plan.logical import Plan
from streamsql.plan.tree import map_expressions, transform_up


def constant_folding(plan: Plan, context: EvalContext) -> Plan:
    """Replace constant sub-expressions by their values: `WHERE v > 2 * 3` becomes `WHERE v > 6`.

    What fails when evaluated stays as it is: it fails at run time, and only where a row reaches it.
    """
    return transform_up(plan, lambda node: map_expressions(node, lambda expr: fold(expr, context)))
