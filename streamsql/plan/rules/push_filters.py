"""Filters move towards the source, so that fewer rows reach windows, unions and aggregates."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import singledispatch

from streamsql.expr.nodes import Expr, column_ids, substitute
from streamsql.expr.properties import can_fail, is_volatile
from streamsql.plan.logical import (
    Aggregate,
    Attached,
    Filter,
    Hop,
    Join,
    OverAggregate,
    Plan,
    Project,
    Rank,
    RankOver,
    Session,
    Sort,
    TimeAttribute,
    UnaryPlan,
    Union,
    Unnest,
    WindowAggregate,
    WindowAssign,
    WindowRank,
)
from streamsql.plan.predicates import conjuncts, filtered
from streamsql.plan.tree import field_ids, positions, reference, with_inputs
from streamsql.record import record

Terms = tuple[Expr, ...]


def push_filters(plan: Plan) -> Plan:
    """Move each condition of WHERE and HAVING as far down as its columns exist and its meaning stays.

    - Through a projection a condition is rewritten over what the projection computes.
    - Below an aggregate go conditions over its keys: they remove whole groups. Late rows of groups that a condition
      removes are then not reported as late: the query does not ask for those groups.
    - A condition over window bounds becomes a range of the time column below the window: exactly that for TUMBLE, else
      an addition to the condition, which stays.
    - A condition that can fail never reaches rows that it would not have seen; a volatile one never moves.
    """
    return _push(plan, ())


@record
class _Split:
    """Conditions that go below a node, and those that stay above it; each in order of evaluation."""

    down: Terms
    stay: Terms


def _split(terms: Iterable[Expr], may_move: Callable[[Expr], bool], *, sees_every_row: bool = False) -> _Split:
    """`sees_every_row`: each row below the node reaches the filter above it."""
    down: list[Expr] = []
    stay: list[Expr] = []
    for term in terms:
        # A condition that stays may be what keeps a later one from failing.
        unsafe = can_fail(term) and (stay or not sees_every_row)
        moves = may_move(term) and not unsafe and not is_volatile(term)
        (down if moves else stay).append(term)
    return _Split(tuple(down), tuple(stay))


def _over(ids: Iterable[int]) -> Callable[[Expr], bool]:
    """Conditions that read columns, and only these."""
    allowed = frozenset(ids)
    return lambda term: bool(column_ids(term)) and column_ids(term) <= allowed


def _rest(plan: UnaryPlan, split: _Split) -> Plan:
    """The node over its pushed input, behind what stays."""
    return filtered(with_inputs(plan, (_push(plan.input, split.down),)), split.stay)


@singledispatch
def _push(plan: Plan, terms: Terms) -> Plan:
    """The plan behind a filter of `terms`, these and all filters within pushed down."""
    return filtered(with_inputs(plan, tuple(_push(each, ()) for each in plan.inputs)), terms)


@_push.register(Filter)
def _(plan: Filter, terms: Terms) -> Plan:
    own = conjuncts(plan.predicate)
    return _push(plan.input, (*own, *(each for each in terms if each not in own or is_volatile(each))))


@_push.register(Project)
def _(plan: Project, terms: Terms) -> Plan:
    values = {each.id: expr for each, expr in zip(plan.fields, plan.exprs, strict=True)}
    volatile = {id_ for id_, expr in values.items() if is_volatile(expr)}
    split = _split(terms, lambda term: not column_ids(term) & volatile, sees_every_row=True)
    down = tuple(substitute(each, values) for each in split.down)
    return _rest(plan, _Split(down, split.stay))


@_push.register(Sort)
def _(plan: Sort, terms: Terms) -> Plan:
    return _rest(plan, _split(terms, lambda term: True, sees_every_row=True))


@_push.register(Unnest)
def _(plan: Unnest, terms: Terms) -> Plan:
    return _rest(plan, _split(terms, _over(field_ids(plan.input.fields))))


@_push.register(Join)
def _(plan: Join, terms: Terms) -> Plan:
    from streamsql.plan.rules.push_through_join import push_through_join

    pushed = push_through_join(plan, terms)
    below = (_push(plan.left, pushed.left), _push(plan.right, pushed.right))
    return filtered(with_inputs(pushed.join, below), pushed.above)


@_push.register(Union)
def _(plan: Union, terms: Terms) -> Plan:
    split = _split(terms, lambda term: True, sees_every_row=True)
    branches = tuple(_push(each, _for_branch(split.down, plan, each)) for each in plan.branches)
    return filtered(with_inputs(plan, branches), split.stay)


def _for_branch(terms: Terms, plan: Union, branch: Plan) -> Terms:
    place = positions(plan.fields)
    values: dict[int, Expr] = {id_: reference(branch.fields[index]) for id_, index in place.items()}
    return tuple(substitute(each, values) for each in terms)


@_push.register(Aggregate)
def _(plan: Aggregate, terms: Terms) -> Plan:
    return _rest(plan, _split(terms, _over(plan.keys)))


@_push.register(WindowRank)
def _(plan: WindowRank, terms: Terms) -> Plan:
    groups = (*plan.partition, plan.window.start, plan.window.end)
    return _rest(plan, _split(terms, _over(groups)))


@_push.register(OverAggregate)
def _(plan: OverAggregate, terms: Terms) -> Plan:
    return _rest(plan, _split(terms, _over(plan.partition)))


@_push.register(Rank)
def _(plan: Rank, terms: Terms) -> Plan:
    return _rest(plan, _split(terms, _over(plan.partition)))


@_push.register(RankOver)
def _(plan: RankOver, terms: Terms) -> Plan:
    return _rest(plan, _split(terms, _over(plan.partition)))


@_push.register(WindowAssign)
def _(plan: WindowAssign, terms: Terms) -> Plan:
    if isinstance(plan.window, Session):
        # Rows that a filter takes away would no longer hold a session together; only whole keys may go.
        return _rest(plan, _split(terms, _over(plan.partition)))
    bounds = field_ids(plan.bounds)
    has_holes = isinstance(plan.window, Hop) and plan.window.slide > plan.window.size
    split = _split(terms, lambda term: not column_ids(term) & bounds, sees_every_row=not has_holes)
    return _rest(plan, _with_time_ranges(plan, split))


@_push.register(WindowAggregate)
def _(plan: WindowAggregate, terms: Terms) -> Plan:
    keys: tuple[int, ...] = plan.keys
    if isinstance(plan.window, Attached):
        keys = (*keys, *(field_ids(plan.bounds) & field_ids(plan.input.fields)))
    return _rest(plan, _with_time_ranges(plan, _split(terms, _over(keys))))


def _with_time_ranges(plan: WindowAssign | WindowAggregate, split: _Split) -> _Split:
    """Conditions over window bounds, also as ranges of the time column."""
    if plan.time.time is not TimeAttribute.EVENT:
        return split
    from streamsql.plan.window_range import time_range

    down, stay = list(split.down), []
    for term in split.stay:
        found = time_range(term, plan.window, plan.time, plan.bounds)
        down += [] if found is None else found.terms
        if found is None or not found.exact:
            stay.append(term)
    return _Split(tuple(dict.fromkeys(down)), tuple(stay))
