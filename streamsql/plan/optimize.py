"""From the bound plan to the plan that runs: all rules, one after the other."""

from __future__ import annotations

from functools import partial

from streamsql.expr.context import EvalContext
from streamsql.plan.logical import Plan
from streamsql.plan.rules import RULES, Rule
from streamsql.plan.rules.constant_folding import constant_folding
from streamsql.plan.rules.join_sizes import Sizes, unknown
from streamsql.plan.rules.live_limits import live_limits
from streamsql.plan.rules.order_joins import order_joins
from streamsql.plan.rules.prune_columns import prune_columns
from streamsql.plan.rules.simplify import simplify
from streamsql.plan.sharing import share
from streamsql.plan.state_ttl import with_state_ttl
from streamsql.plan.traits import traits


def optimize(
    plan: Plan,
    context: EvalContext,
    *,
    keep_late_columns: bool = False,
    live: bool = False,
    keep_time: bool = False,
    sizes: Sizes = unknown,
) -> Plan:
    """The improved plan; it delivers the same fields.

    `keep_late_columns`: late rows will be shown, so they keep the columns that the query itself does not read. `live`:
    the result is wanted while the input goes on, so ORDER BY … LIMIT does not wait for its end. `keep_time`: who
    reads the result goes by its time. `sizes`: how many rows a table has, where that is known.
    Raises SqlError for a plan that cannot run on a stream, such as a window over an updating input.
    """
    settled: dict[Rule, Rule] = {
        prune_columns: partial(prune_columns, keep_late_columns=keep_late_columns, keep_time=keep_time),
        live_limits: partial(live_limits, live=live),
        order_joins: partial(order_joins, sizes=sizes),
    }
    plan = constant_folding(plan, context=context)
    for rule in RULES:
        plan = settled[rule](plan) if rule in settled else rule(plan)
    plan = with_state_ttl(plan, context.state_ttl)
    traits(plan)
    return simplify(share((plan,))[0])
