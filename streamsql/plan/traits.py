"""What is known of a node's output: append-only or updating, keys, window columns, what bounds the state."""

from __future__ import annotations

from dataclasses import replace
from functools import singledispatch

from streamsql.errors import Span
from streamsql.expr.nodes import ColumnRef
from streamsql.expr.properties import can_fail
from streamsql.expr.text import duration_text
from streamsql.plan.logical import (
    Aggregate,
    Attached,
    Field,
    Hop,
    Join,
    JoinKind,
    Limit,
    OverAggregate,
    Plan,
    Project,
    Rank,
    RankOver,
    Scan,
    Session,
    Sort,
    TimeAttribute,
    Tumble,
    Union,
    Unnest,
    Window,
    WindowAggregate,
    WindowAssign,
    WindowRank,
)
from streamsql.plan.lookup_join import LookupJoin
from streamsql.plan.nearest_joins import AsofJoin
from streamsql.plan.row_orders import OverOrder, RankOrder, order_of_over, order_of_rank
from streamsql.plan.state_bounds import (
    group_state,
    interval_state,
    lookup_state,
    over_state,
    rank_state,
    scan_state,
    side_state,
    window_state,
)
from streamsql.plan.state_ttl import state_ttls
from streamsql.plan.time_joins import IntervalJoin, ProcessingTimeJoin, TemporalJoin, WindowJoin
from streamsql.plan.trait_values import UNBOUNDED, WINDOW_NAMES, Keys, Traits, Updating, WindowColumns
from streamsql.plan.tree import expressions, fields_by_id
from streamsql.plan.updating_inputs import refuse_random, refuse_updating, refuse_without_order


def traits(plan: Plan) -> Traits:
    """The traits of a node, from those of its inputs.

    Raises SqlError where a window or a random function reads an updating input, naming the clause that makes it so.
    """
    inputs = tuple(traits(each) for each in plan.inputs)
    found = _traits(plan, inputs)
    refuse_random(plan, inputs)
    delivered = {each.id: each.id for each in plan.fields}
    return replace(
        found,
        state_bound=_expiring(plan, found.state_bound),
        unique_keys=tuple(key for key in found.unique_keys if key <= delivered.keys()),
        window=_kept(found.window, delivered),
        can_fail=any(can_fail(each) for each in expressions(plan)),
    )


def _expiring(plan: Plan, bound: str | None) -> str | None:
    """The bound of a state that is also forgotten by the clock."""
    ttls = state_ttls(plan)
    if bound is None or not any(ttls):
        return bound
    kept = bound.removeprefix(UNBOUNDED).strip().removeprefix("(").removesuffix(")") if UNBOUNDED in bound else bound
    times = ["for ever" if each is None else duration_text(each) for each in ttls]
    if len(set(times)) == 1:
        return f"TTL {times[0]}, {kept}"
    forever = f" ({UNBOUNDED})" if None in ttls else ""
    return f"TTL {times[0]} of the left, {times[1]} of the right input{forever}"


@singledispatch
def _traits(plan: Plan, inputs: tuple[Traits, ...]) -> Traits:
    """Nodes that keep rows as they are pass on what they get; sources have nothing to tell."""
    return replace(inputs[0], state_bound=None) if inputs else Traits()


@_traits.register(Project)
def _(plan: Project, inputs: tuple[Traits, ...]) -> Traits:
    renamed = _renamed(plan)
    keys = tuple(frozenset(renamed[id_] for id_ in key) for key in inputs[0].unique_keys if key <= renamed.keys())
    return replace(inputs[0], unique_keys=keys, window=_kept(inputs[0].window, renamed), state_bound=None)


def _renamed(plan: Project) -> dict[int, int]:
    """Input columns that the projection passes on, and their ids behind it."""
    pairs = zip(plan.exprs, plan.fields, strict=True)
    return {expr.id: each.id for expr, each in pairs if isinstance(expr, ColumnRef)}


def _kept(window: WindowColumns | None, renamed: dict[int, int]) -> WindowColumns | None:
    if window is None or not {window.start, window.end} <= renamed.keys():
        return None
    time = None if window.time is None else renamed.get(window.time)
    partition = frozenset(renamed.get(each, each) for each in window.partition)
    return replace(window, start=renamed[window.start], end=renamed[window.end], time=time, partition=partition)


@_traits.register(Scan)
def _(plan: Scan, inputs: tuple[Traits, ...]) -> Traits:
    changes = Updating(f"the changes of {plan.table.name}", plan.span, keeps_time=True)
    because = changes if plan.table.updating else None
    return Traits(because, unique_keys=_table_keys(plan), state_bound=scan_state(plan))


def _table_keys(plan: Scan) -> Keys:
    """What is known to be unique, and the primary key of a table whose changes keep to it: declared alone (NOT
    ENFORCED), it is no promise."""
    ids = {each.name: each.id for each in plan.physical}
    declared = (plan.table.primary_key,) if plan.table.primary_key and plan.table.updating else ()
    keys = (key for key in (*declared, *plan.table.unique_keys) if set(key) <= ids.keys())
    return tuple(frozenset(ids[each] for each in key) for key in keys)


@_traits.register(Unnest)
def _(plan: Unnest, inputs: tuple[Traits, ...]) -> Traits:
    return replace(inputs[0], unique_keys=(), state_bound=None)


@_traits.register(Union)
def _(plan: Union, inputs: tuple[Traits, ...]) -> Traits:
    because = [each.updating_because for each in inputs if each.updating_because is not None]
    return Traits(updating_because=min(because, key=lambda each: each.keeps_time, default=None))


@_traits.register(Join)
def _(plan: Join, inputs: tuple[Traits, ...]) -> Traits:
    left, right = inputs
    because = [each.updating_because for each in inputs if each.updating_because is not None]
    updating = because[0] if because else None
    if plan.kind not in (JoinKind.INNER, JoinKind.SEMI):
        updating = Updating(plan.clause or plan.kind.value, plan.span)
    if not plan.kind.pairs:
        return Traits(
            updating, left.unique_keys, state_bound=f"{UNBOUNDED} (rows of the left, keys of the right input)"
        )
    return Traits(updating, _pair_keys(plan, left, right), state_bound=f"{UNBOUNDED} (rows of both inputs)")


def _pair_keys(plan: Join, left: Traits, right: Traits) -> Keys:
    """Where a row has at most one partner, what tells it apart tells its pair apart; else both sides' keys together."""
    mine, other = ({each.left for each in plan.on}, {each.right for each in plan.on})
    keys: list[frozenset[int]] = []
    if not plan.kind.keeps_right and any(key <= other for key in right.unique_keys):
        keys += left.unique_keys
    if not plan.kind.keeps_left and any(key <= mine for key in left.unique_keys):
        keys += right.unique_keys
    if plan.kind is not JoinKind.FULL:
        keys += [a | b for a in left.unique_keys for b in right.unique_keys]
    return tuple(dict.fromkeys(keys))


@_traits.register(IntervalJoin)
def _(plan: IntervalJoin, inputs: tuple[Traits, ...]) -> Traits:
    return Traits(unique_keys=_pair_keys(plan, *inputs), state_bound=interval_state(plan))


@_traits.register(WindowJoin)
def _(plan: WindowJoin, inputs: tuple[Traits, ...]) -> Traits:
    left, right = inputs
    window = right.window if plan.kind.keeps_right else left.window
    if window is None or plan.kind is JoinKind.FULL:
        window = None
    else:
        window = replace(window, closed=True, partition=frozenset())
    keys = _pair_keys(plan, left, right) if plan.kind.pairs else left.unique_keys
    made_by = left.window
    bound = None if made_by is None else window_state(made_by.window, plan.times[0])
    return Traits(unique_keys=keys, window=window, state_bound=bound)


@_traits.register(AsofJoin)
def _(plan: AsofJoin, inputs: tuple[Traits, ...]) -> Traits:
    """A left row has at most one partner, a right row any number."""
    because = Updating(plan.clause, plan.span)
    keys = () if plan.kind.keeps_right else inputs[0].unique_keys
    return Traits(because, keys, state_bound=f"{UNBOUNDED} (rows of both inputs)")


@_traits.register(TemporalJoin)
def _(plan: TemporalJoin, inputs: tuple[Traits, ...]) -> Traits:
    right = fields_by_id(plan.right.fields)
    names = ", ".join(right[each.right].name for each in plan.on)
    keys = f"number of keys ({names})" if names else "1 row"
    return Traits(unique_keys=inputs[0].unique_keys, state_bound=f"watermark + {keys}")


@_traits.register(ProcessingTimeJoin)
def _(plan: ProcessingTimeJoin, inputs: tuple[Traits, ...]) -> Traits:
    left, right = inputs
    one_partner = any(key <= {each.right for each in plan.on} for key in right.unique_keys)
    keys = left.unique_keys if one_partner else ()
    return replace(left, unique_keys=keys, state_bound=side_state(plan.right, right, left))


@_traits.register(LookupJoin)
def _(plan: LookupJoin, inputs: tuple[Traits, ...]) -> Traits:
    return replace(inputs[0], unique_keys=(), state_bound=lookup_state(plan, inputs[0]))


@_traits.register(WindowAssign)
def _(plan: WindowAssign, inputs: tuple[Traits, ...]) -> Traits:
    refuse_updating(plan, WINDOW_NAMES[type(plan.window)], inputs[0])
    start, end, time = (each.id for each in plan.bounds)
    session = isinstance(plan.window, Session)
    return Traits(
        updating_because=inputs[0].updating_because,
        unique_keys=tuple(key | {start, end} for key in inputs[0].unique_keys),
        window=WindowColumns(
            start, end, time, plan.window, _attribute(plan.time), closed=False, partition=frozenset(plan.partition)
        ),
        state_bound=window_state(plan.window, plan.time) if session else None,
    )


@_traits.register(WindowAggregate)
def _(plan: WindowAggregate, inputs: tuple[Traits, ...]) -> Traits:
    refuse_updating(plan, WINDOW_NAMES[type(plan.window)], inputs[0])
    start, end, time = (each.id for each in plan.bounds)
    below = inputs[0].window
    made_by = below.window if isinstance(plan.window, Attached) and below is not None else plan.window
    return Traits(
        unique_keys=_window_keys(plan.keys, start, end, made_by),
        window=WindowColumns(start, end, time, made_by, _attribute(plan.time), closed=True),
        state_bound=window_state(made_by, plan.time),
    )


@_traits.register(WindowRank)
def _(plan: WindowRank, inputs: tuple[Traits, ...]) -> Traits:
    refuse_updating(plan, "ROW_NUMBER within a window", inputs[0])
    group = frozenset({*plan.partition, plan.window.start, plan.window.end})
    keys = list(inputs[0].unique_keys)
    if plan.first == plan.last:
        keys.append(group)
    elif plan.rank is not None:
        keys.append(group | {plan.rank.id})
    below = inputs[0].window
    return Traits(
        unique_keys=tuple(keys),
        window=None if below is None else replace(below, closed=True, partition=frozenset()),
        state_bound=None if below is None else window_state(below.window, plan.time),
    )


@_traits.register(Rank)
def _(plan: Rank, inputs: tuple[Traits, ...]) -> Traits:
    group = frozenset(plan.partition)
    keys = list(inputs[0].unique_keys)
    if plan.function == "ROW_NUMBER" and plan.first == plan.last:
        keys.insert(0, group)
    elif plan.function == "ROW_NUMBER" and plan.rank is not None:
        keys.insert(0, group | {plan.rank.id})
    below = inputs[0]
    grows = order_of_rank(plan, below.updating_because) in (RankOrder.ARRIVAL, RankOrder.FIRST_BY_TIME)
    return Traits(
        updating_because=None if grows else Updating(plan.clause, plan.span),
        unique_keys=tuple(keys),
        state_bound=rank_state(plan, below),
    )


@_traits.register(RankOver)
def _(plan: RankOver, inputs: tuple[Traits, ...]) -> Traits:
    below = inputs[0].window
    within = below is not None and {below.start, below.end} <= set(plan.partition)
    if not within:
        return Traits(updating_because=Updating("ROW_NUMBER", plan.span), state_bound=UNBOUNDED)
    assert below is not None
    closed = replace(below, closed=True, partition=frozenset())
    return replace(inputs[0], updating_because=None, window=closed, state_bound=None)


@_traits.register(OverAggregate)
def _(plan: OverAggregate, inputs: tuple[Traits, ...]) -> Traits:
    if order_of_over(plan, inputs[0].updating_because) is OverOrder.VALUES:
        because = Updating("OVER", plan.span)
        return Traits(because, inputs[0].unique_keys, state_bound=f"{UNBOUNDED} (all rows)")
    return replace(inputs[0], state_bound=over_state(plan))


@_traits.register(Aggregate)
def _(plan: Aggregate, inputs: tuple[Traits, ...]) -> Traits:
    refuse_without_order(plan, inputs[0])
    return Traits(
        updating_because=Updating(_clause(plan), _span(plan)),
        unique_keys=(frozenset(plan.keys),),
        state_bound=group_state(plan, inputs[0]),
    )


@_traits.register(Sort)
def _(plan: Sort, inputs: tuple[Traits, ...]) -> Traits:
    """The rows come once, when the input has ended."""
    return replace(inputs[0], updating_because=None, state_bound=f"{UNBOUNDED} (all rows)")


@_traits.register(Limit)
def _(plan: Limit, inputs: tuple[Traits, ...]) -> Traits:
    bound = None if inputs[0].append_only else f"{UNBOUNDED} (all rows)"
    keys = (frozenset[int](),) if plan.limit == 1 else inputs[0].unique_keys
    return replace(inputs[0], updating_because=None, unique_keys=keys, state_bound=bound)


def _window_keys(keys: tuple[int, ...], start: int, end: int, window: Window) -> Keys:
    """Where all windows have one size, start or end alone tells them apart."""
    known = [{*keys, start, end}]
    if isinstance(window, Tumble | Hop):
        known += [{*keys, start}, {*keys, end}]
    return tuple(frozenset(each) for each in known)


def event_time(plan: Plan) -> int | None:
    """The place of the first column of a result that is its event time, as long as rows keep theirs."""
    because = traits(plan).updating_because
    if because is not None and not because.keeps_time:
        return None
    return next((place for place, each in enumerate(plan.fields) if each.time is TimeAttribute.EVENT), None)


def rank_order(plan: Rank) -> RankOrder:
    """What a ranking goes by."""
    return order_of_rank(plan, traits(plan.input).updating_because)


def over_order(plan: OverAggregate) -> OverOrder:
    """What OVER goes by."""
    return order_of_over(plan, traits(plan.input).updating_because)


def keeps_later(plan: WindowRank) -> bool:
    """Deduplication by descending event time keeps the later of two arrivals; any other tie the earlier."""
    if (plan.first, plan.last) != (1, 1) or len(plan.order) != 1:
        return False
    key = plan.order[0]
    times = {each.id for each in plan.input.fields if each.time is TimeAttribute.EVENT}
    return not key.ascending and key.column in times


def _clause(plan: Aggregate) -> str:
    return plan.clause if plan.keys else "an aggregate without GROUP BY"


def _span(plan: Aggregate) -> Span | None:
    return plan.span or next((call.span for call in plan.calls if call.span is not None), None)


def _attribute(time: Field) -> TimeAttribute:
    return time.time or TimeAttribute.EVENT
