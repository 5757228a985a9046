"""ORDER BY … LIMIT below the result, or over an input without end, is kept up to date as a Top-N."""

from __future__ import annotations

from dataclasses import replace

from streamsql.expr.nodes import Literal
from streamsql.expr.types import BOOLEAN
from streamsql.plan.logical import Filter, Limit, Plan, Project, Rank, SinkPlan, Sort, SortKey
from streamsql.plan.traits import traits
from streamsql.plan.tree import transform_up, with_inputs

_ALL = (1 << 31) - 1
"""Without LIMIT, OFFSET passes on every later row."""


def live_limits(plan: Plan, *, live: bool = False) -> Plan:
    """Turn LIMIT into a Rank, but where the sorted rows of a bounded input are the result itself.

    `live`: the result is wanted while the input goes on. An ORDER BY without LIMIT below the result says nothing, and
    goes.
    """
    return _live_limits(transform_up(plan, beside_its_order), live)


def beside_its_order(plan: Plan) -> Plan:
    """A LIMIT moves below the projection that leaves out what its ORDER BY sorts by."""
    match plan:
        case Limit(input=Project(input=Sort() as order) as project):
            return with_inputs(project, (replace(plan, input=order, fields=order.fields),))
        case _:
            return plan


def unordered(plan: Plan) -> Plan:
    """The plan without the ORDER BY of its result: rows that are kept, and never end, have no order."""
    match plan:
        case Sort():
            return unordered(plan.input)
        case Project():
            return with_inputs(plan, (unordered(plan.input),))
        case _:
            return plan


def _live_limits(plan: Plan, live: bool) -> Plan:
    match plan:
        case SinkPlan() | Project():
            return with_inputs(plan, (_live_limits(plan.input, live),))
        case Sort():
            return with_inputs(plan, (_ranked(plan.input),))
        case Limit(input=Sort() as order) if not live:
            return with_inputs(plan, (with_inputs(order, (_ranked(order.input),)),))
        case Limit() if not live:
            return with_inputs(plan, (_ranked(plan.input),))
        case _:
            return _ranked(plan)


def _ranked(plan: Plan) -> Plan:
    match plan:
        case Limit(input=Sort() as order):
            return top_rows(plan, _ranked(order.input), order.keys)
        case Limit():
            below = _ranked(plan.input)
            # The first arrivals stay the first.
            return with_inputs(plan, (below,)) if traits(below).append_only else top_rows(plan, below, ())
        case Sort():
            return _ranked(plan.input)
        case _:
            return with_inputs(plan, tuple(_ranked(each) for each in plan.inputs))


def top_rows(plan: Limit, below: Plan, order: tuple[SortKey, ...], partition: tuple[int, ...] = ()) -> Plan:
    """The rows of LIMIT and OFFSET, of each partition, kept up to date."""
    if plan.limit == 0:
        return Filter(input=below, fields=below.fields, predicate=Literal(type=BOOLEAN, value=False), span=plan.span)
    return Rank(
        input=below,
        function="ROW_NUMBER",
        partition=partition,
        order=order,
        first=plan.offset + 1,
        last=_ALL if plan.limit is None else plan.offset + plan.limit,
        clause="ORDER BY … LIMIT" if order else "LIMIT",
        fields=below.fields,
        span=plan.span,
    )
