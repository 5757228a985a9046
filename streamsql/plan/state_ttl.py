"""How long state lives by the clock: the session's setting, where a hint does not say otherwise."""

from __future__ import annotations

from dataclasses import replace

from streamsql.plan.logical import Aggregate, Join, OverAggregate, Plan, Rank, Scan
from streamsql.plan.predicates import not_in_columns
from streamsql.plan.tree import transform_up, walk_plan
from streamsql.time import Duration


def with_state_ttl(plan: Plan, ttl: Duration | None) -> Plan:
    """The plan whose nodes know how long they keep state: `ttl`, but for those that a hint has told.

    What the watermark frees has no such time: windows, joins by time.
    """
    return transform_up(plan, lambda each: _told(each, ttl)) if ttl else plan


def _told(plan: Plan, ttl: Duration | None) -> Plan:
    match plan:
        case Aggregate(state_ttl=None) | Rank(state_ttl=None) | OverAggregate(state_ttl=None):
            return replace(plan, state_ttl=ttl)
        case Scan(state_ttl=None) if plan.table.by_key:
            return replace(plan, state_ttl=ttl)
        case Join() if type(plan) is Join and not_in_columns(plan) is None:
            left, right = (ttl if each is None else each for each in plan.state_ttl)
            return replace(plan, state_ttl=(left, right))
        case _:
            return plan


def state_ttls(plan: Plan) -> tuple[Duration | None, ...]:
    """How long the node keeps state of each input (of a Scan: of its own changes); None: for ever, or till time has
    passed it."""
    match plan:
        case Aggregate() | Rank() | OverAggregate() | Scan():
            return (plan.state_ttl or None,)
        case Join() if type(plan) is Join and not_in_columns(plan) is None:
            return tuple(each or None for each in plan.state_ttl)
        case _:
            return (None,)


def state_expires(plan: Plan) -> bool:
    """Whether something below, or the node itself, forgets state by the clock."""
    return any(ttl is not None for each in walk_plan(plan) for ttl in state_ttls(each))
