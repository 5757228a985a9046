"""A whole logical plan as one DuckDB query."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from streamsql.batch_mode.asof_joins import lower_asof_join
from streamsql.batch_mode.decisions import Recorded
from streamsql.batch_mode.errors import NoBatchForm
from streamsql.batch_mode.groups import lower_aggregate, lower_window_aggregate
from streamsql.batch_mode.joins import lower_join
from streamsql.batch_mode.lookup_joins import lower_lookup_join
from streamsql.batch_mode.over import lower_over
from streamsql.batch_mode.processing_time_joins import lower_processing_time_join
from streamsql.batch_mode.ranks import lower_limit, lower_rank, lower_sort, lower_window_rank
from streamsql.batch_mode.relation import Lowering, Relation
from streamsql.batch_mode.replay import without_dropped
from streamsql.batch_mode.rows import (
    lower_filter,
    lower_project,
    lower_scan,
    lower_union,
    lower_unnest,
    lower_values,
)
from streamsql.batch_mode.temporal_joins import lower_temporal_join
from streamsql.batch_mode.windows import lower_window_assign
from streamsql.expr.context import EvalContext
from streamsql.plan import logical
from streamsql.plan.logical import Plan, Scan
from streamsql.plan.lookup_join import LookupJoin
from streamsql.plan.nearest_joins import AsofJoin
from streamsql.plan.time_joins import IntervalJoin, ProcessingTimeJoin, TemporalJoin, WindowJoin
from streamsql.runtime.decisions import Decision


def begin(plan: Plan, context: EvalContext, decisions: Sequence[Decision] = ()) -> Lowering:
    """An empty query for a plan; sub-plans that occur more than once are found, and will be computed once."""
    uses: Counter[Plan] = Counter()
    _count_uses(plan, uses)
    sources = sum(isinstance(each, Scan | logical.Values) for each in uses)
    shared = frozenset(each for each, count in uses.items() if count > 1)
    if any(isinstance(each, IntervalJoin | TemporalJoin) for each in uses):
        sources = max(sources, 2)  # rows have their watermark beside them then
    return Lowering(context, sources, Recorded(plan, decisions), shared)


def lower(plan: Plan, lowering: Lowering) -> Relation:
    """The relation of a plan node, its inputs first; the same node again is the same relation."""
    known = lowering.lowered.get(plan)
    if known is None:
        inputs = tuple(lower(each, lowering) for each in _in_reading_order(plan))
        inputs = inputs[::-1] if isinstance(plan, ProcessingTimeJoin) else inputs
        known = lowering.lowered[plan] = _lower_node(plan, inputs, lowering)
    return known


def _in_reading_order(plan: Plan) -> tuple[Plan, ...]:
    """The inputs, as a stream takes up their sources."""
    return plan.inputs[::-1] if isinstance(plan, ProcessingTimeJoin) else plan.inputs


def _lower_node(plan: Plan, inputs: Sequence[Relation], lowering: Lowering) -> Relation:
    match plan:
        case Scan():
            return lower_scan(plan, lowering)
        case logical.Values():
            return lower_values(plan, lowering)
        case logical.Filter():
            return lower_filter(plan, inputs[0], lowering)
        case logical.Project():
            return lower_project(plan, inputs[0], lowering)
        case logical.Unnest():
            return lower_unnest(plan, inputs[0], lowering)
        case logical.Union():
            return lower_union(plan, inputs, lowering)
        case logical.Join():
            left, right = inputs
            if isinstance(plan, IntervalJoin) and plan.by_clock:
                raise NoBatchForm("a join over processing times", span=plan.span, hint="use event-time columns")
            if isinstance(plan, ProcessingTimeJoin):
                return lower_processing_time_join(plan, left, right, lowering)
            if isinstance(plan, TemporalJoin):
                return lower_temporal_join(plan, left, right, lowering)
            if isinstance(plan, AsofJoin):
                return lower_asof_join(plan, left, right, lowering)
            if isinstance(plan, WindowJoin):
                left, right = (without_dropped(plan, each, (), lowering, port) for port, each in enumerate(inputs))
            return lower_join(plan, left, right, lowering)
        case LookupJoin():
            return lower_lookup_join(plan, inputs[0], lowering)
        case logical.WindowAssign():
            return lower_window_assign(plan, inputs[0], lowering)
        case logical.Aggregate():
            return lower_aggregate(plan, inputs[0], lowering)
        case logical.WindowAggregate():
            return lower_window_aggregate(plan, inputs[0], lowering)
        case logical.WindowRank():
            return lower_window_rank(plan, inputs[0], lowering)
        case logical.OverAggregate():
            return lower_over(plan, inputs[0], lowering)
        case logical.Rank():
            return lower_rank(plan, inputs[0], lowering)
        case logical.Sort():
            return lower_sort(plan, inputs[0], lowering)
        case logical.Limit():
            return lower_limit(plan, inputs[0], lowering)
        case logical.SinkPlan():
            return inputs[0]
        case _:
            raise NoBatchForm(f"{type(plan).__name__}", span=plan.span)


def _count_uses(plan: Plan, uses: Counter[Plan]) -> None:
    uses[plan] += 1
    if uses[plan] == 1:
        for each in plan.inputs:
            _count_uses(each, uses)
