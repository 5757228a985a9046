"""The rules that improve a plan, in the order in which they run. Each gives a plan with the same result."""

from __future__ import annotations

from collections.abc import Callable

from streamsql.plan.logical import Plan
from streamsql.plan.rules.bound_joins import bound_joins
from streamsql.plan.rules.bound_ranks import bound_ranks
from streamsql.plan.rules.checked_changes import checked_changes
from streamsql.plan.rules.factor_conditions import factor_conditions
from streamsql.plan.rules.fuse_windows import fuse_windows
from streamsql.plan.rules.join_keys import join_keys
from streamsql.plan.rules.live_limits import live_limits
from streamsql.plan.rules.lookup_joins import lookup_joins
from streamsql.plan.rules.name_results import name_results
from streamsql.plan.rules.order_joins import order_joins
from streamsql.plan.rules.prune_columns import prune_columns
from streamsql.plan.rules.push_filters import push_filters
from streamsql.plan.rules.push_into_scan import push_into_scan
from streamsql.plan.rules.share_expressions import share_expressions
from streamsql.plan.rules.simplify import simplify
from streamsql.plan.rules.solve_comparisons import solve_comparisons
from streamsql.plan.rules.versioned_inputs import versioned_inputs

Rule = Callable[[Plan], Plan]

RULES: tuple[Rule, ...] = (
    simplify,
    factor_conditions,
    solve_comparisons,
    push_filters,
    fuse_windows,
    bound_ranks,
    live_limits,
    push_filters,
    bound_joins,
    fuse_windows,
    bound_ranks,
    versioned_inputs,
    order_joins,
    join_keys,
    lookup_joins,
    simplify,
    share_expressions,
    prune_columns,
    name_results,
    simplify,
    push_into_scan,
    checked_changes,
)
"""`constant_folding` runs before them: it needs to know time zone and clock."""
