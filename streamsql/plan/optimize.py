"""From the bound plan to the plan that runs: all rules, one after the other."""

from __future__ import annotations

from functools import partial

from streamsql.expr.context import EvalContext
from streamsql.plan.logical import Plan
from streamsql.plan.rules import RULES, Rule
from streamsql.plan.rules.constant_folding import constant_folding
from streamsql.plan.rules.prune_columns import prune_columns
from streamsql.plan.rules.simplify import simplify
from streamsql.plan.sharing import share
from streamsql.plan.traits import traits


def optimize(plan: Plan, context: EvalContext, *, keep_late_columns: bool = False) -> Plan:
    """The improved plan; it delivers the same fields.

    `keep_late_columns`: late rows will be shown, so they keep the columns that the query itself does not read.
    Raises SqlError for a plan that cannot run on a stream, such as a window over an updating input.
    """
    for rule in _rules(context, keep_late_columns=keep_late_columns):
        plan = rule(plan)
    traits(plan)
    return simplify(share((plan,))[0])


def _rules(context: EvalContext, *, keep_late_columns: bool) -> tuple[Rule, ...]:
    prune = partial(prune_columns, keep_late_columns=keep_late_columns)
    rules = tuple(prune if rule is prune_columns else rule for rule in RULES)
    return (partial(constant_folding, context=context), *rules)
