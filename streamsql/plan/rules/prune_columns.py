"""Columns that no one reads are dropped, down to the reader; so are watermarks that no one asks for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import singledispatch

from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.functions_watermark import reads_watermark
from streamsql.expr.nodes import Expr, column_ids
from streamsql.expr.types import Kind, SqlType
from streamsql.plan.logical import (
    Aggregate,
    Attached,
    Field,
    Filter,
    Join,
    Limit,
    OverAggregate,
    Plan,
    Project,
    Rank,
    RankOver,
    Scan,
    SinkPlan,
    Sort,
    Table,
    TimeAttribute,
    Union,
    Unnest,
    Values,
    WindowAggregate,
    WindowAssign,
    WindowRank,
)
from streamsql.plan.lookup_join import LookupJoin
from streamsql.plan.nearest_joins import AsofJoin
from streamsql.plan.row_orders import OverOrder, RankOrder
from streamsql.plan.time_joins import IntervalJoin, ProcessingTimeJoin, TemporalJoin, WindowJoin, orders_by_arrival
from streamsql.plan.traits import over_order, rank_order, traits
from streamsql.plan.tree import field_ids, fields_by_id, reference, select, walk_plan
from streamsql.record import record

Ids = frozenset[int]
Calls = tuple[AggregateCall, ...]


def prune_columns(plan: Plan, *, keep_late_columns: bool = False, keep_time: bool = False) -> Plan:
    """Deliver the plan's own fields, and below it only what is needed for them.

    Scans keep their watermark where an event-time operator reads some scan of the same table; else below a union or
    join only to order the rows of several tables (`time_used` is False then). All scans of a table have it or none, so
    that they read the same rows in every step. `keep_late_columns`: rows that an operator drops as late keep all
    columns of their table, to be shown. `keep_time`: whoever reads the result goes by its time.
    """
    need = _Need(field_ids(plan.fields), orders=keep_time, keep_late_columns=keep_late_columns)
    first = _prune(plan, need)
    ordered = frozenset(each.table for each in _scans(first) if each.watermark is not None)
    timed = frozenset(each.table for each in _scans(first) if each.watermark is not None and each.time_used)
    alike = {
        (each.table, each.watermark is not None, each.time_used) for each in _scans(first) if each.table in ordered
    }
    if len(alike) > len(ordered):
        first = _prune(plan, replace(need, timed=timed, ordered=ordered))
    return select(first, plan.fields)


def _scans(plan: Plan) -> list[Scan]:
    return [each for each in walk_plan(plan) if isinstance(each, Scan)]


@record
class _Need:
    """What is asked of a node: columns, event time for an operator above, watermarks to order rows by.

    `keep_all`: an operator above shows its late rows, with every column there is. `timed`: tables whose time is used;
    `ordered`: tables that are read in order of time.
    """

    ids: Ids
    uses_time: bool = False
    orders: bool = False
    keep_all: bool = False
    keep_late_columns: bool = False
    timed: frozenset[Table] = frozenset()
    ordered: frozenset[Table] = frozenset()

    def of(self, ids: Iterable[int]) -> _Need:
        return replace(self, ids=frozenset(ids))

    def plus(self, *exprs: Expr) -> _Need:
        need = self.of(self.ids.union(*(column_ids(each) for each in exprs)))
        return replace(need, uses_time=need.uses_time or reads_watermark(exprs) is not None)

    def below_time(self, ids: Iterable[int], time: Field) -> _Need:
        """For the input of an operator that goes by `time`; whatever is above, time ends in it."""
        event = time.time is not TimeAttribute.PROCESSING
        return replace(self.of(ids), uses_time=event, orders=False, keep_all=self.keep_late_columns and event)

    def without_time(self, ids: Iterable[int]) -> _Need:
        """For the input of an operator whose output has no time."""
        return replace(self.of(ids), uses_time=False, orders=False, keep_all=False)


@singledispatch
def _prune(plan: Plan, need: _Need) -> Plan:
    raise TypeError(type(plan).__name__)


def _kept(fields: tuple[Field, ...], ids: Ids) -> tuple[Field, ...]:
    """The needed fields; one that is cheap to carry where none is, since a batch without columns has no rows."""
    kept = tuple(each for each in fields if each.id in ids)
    return kept or tuple(sorted(fields, key=lambda each: _width(each.type))[:1])


def _width(type_: SqlType) -> int:
    """A rank of types by what a value costs."""
    if type_.kind in (Kind.BOOLEAN, Kind.TINYINT, Kind.SMALLINT, Kind.INT, Kind.DATE, Kind.FLOAT):
        return 0
    fixed = (Kind.BIGINT, Kind.DOUBLE, Kind.TIMESTAMP, Kind.TIMESTAMP_LTZ, Kind.TIME, Kind.INTERVAL_DAY, Kind.DECIMAL)
    return 1 if type_.kind in fixed else 2


@_prune.register(Values)
def _(plan: Values, need: _Need) -> Plan:
    fields = _kept(plan.fields, need.ids)
    places = [index for index, each in enumerate(plan.fields) if each in fields]
    return replace(plan, fields=fields, rows=tuple(tuple(row[index] for index in places) for row in plan.rows))


@_prune.register(Scan)
def _(plan: Scan, need: _Need) -> Plan:
    uses_time = need.uses_time or plan.table in need.timed
    watermark = plan.watermark if uses_time or need.orders or plan.table in need.ordered else None
    ids = need.ids | field_ids(plan.fields) if need.keep_all else need.ids
    if plan.table.by_key:
        ids |= {each.id for each in plan.physical if each.name in plan.table.primary_key}
    if watermark is not None:
        ids |= {watermark.column} | column_ids(watermark.expr)
    fields = _kept(plan.fields, ids)
    read = set(field_ids(fields)) | (set() if plan.predicate is None else column_ids(plan.predicate))
    computed = []
    for each, expr in reversed(plan.computed):
        if each.id in read:
            computed.append((each, expr))
            read |= column_ids(expr)
    return replace(
        plan,
        physical=tuple(each for each in plan.physical if each.id in read),
        computed=tuple(reversed(computed)),
        fields=fields,
        watermark=watermark,
        time_used=watermark is None or uses_time,
    )


@_prune.register(Filter)
def _(plan: Filter, need: _Need) -> Plan:
    below = _prune(plan.input, need.plus(plan.predicate))
    # Without a column that tells them apart, a row and its retraction may look like others: updating rows stay whole.
    narrow = not need.keep_all and traits(below).append_only
    return replace(plan, input=below, fields=_kept(below.fields, need.ids) if narrow else below.fields)


@_prune.register(Project)
def _(plan: Project, need: _Need) -> Plan:
    kept = [(expr, each) for expr, each in zip(plan.exprs, plan.fields, strict=True) if each.id in need.ids]
    if not kept and plan.input.fields and not need.keep_all:
        return _prune(plan.input, need.of(()))
    kept = kept or list(zip(plan.exprs, plan.fields, strict=True))[:1]
    below = _prune(plan.input, need.of(()).plus(*(expr for expr, _ in kept)))
    if need.keep_all:
        passed = field_ids(below.fields)
        computed = [(expr, each) for expr, each in kept if each.id not in passed]
        kept = [(reference(each), each) for each in below.fields] + computed
    return replace(plan, input=below, exprs=tuple(expr for expr, _ in kept), fields=tuple(each for _, each in kept))


@_prune.register(Unnest)
def _(plan: Unnest, need: _Need) -> Plan:
    below = _prune(plan.input, need.plus(plan.expr))
    own = (*plan.elements, *(() if plan.ordinality is None else (plan.ordinality,)))
    fields = tuple(each for each in (*below.fields, *own) if each.id in need.ids or need.keep_all)
    return replace(plan, input=below, fields=fields or own[:1])


@_prune.register(Union)
def _(plan: Union, need: _Need) -> Plan:
    fields = _kept(plan.fields, need.ids)
    places = [index for index, each in enumerate(plan.fields) if each in fields]
    several = len({each.table for each in _scans(plan)}) > 1
    inner = replace(need, orders=need.orders or several, keep_all=False)
    branches = tuple(_exactly(each, tuple(each.fields[index] for index in places), inner) for each in plan.branches)
    return replace(plan, branches=branches, fields=fields)


@_prune.register(Join)
def _(plan: Join, need: _Need) -> Plan:
    read = _read_by(plan, need) | field_ids(_compared(plan))
    fields = _carried(plan, read, need.ids)
    several = len({each.table for each in _scans(plan)}) > 1
    inner = replace(need.without_time(read | field_ids(fields)), orders=need.orders or several)
    left, right = _prune(plan.left, inner), _prune(plan.right, inner)
    return replace(plan, left=left, right=right, fields=fields)


@_prune.register(ProcessingTimeJoin)
def _(plan: ProcessingTimeJoin, need: _Need) -> Plan:
    read = _read_by(plan, need)
    fields = _carried(plan, read, need.ids)
    wanted, orders = read | field_ids(fields), orders_by_arrival(plan)
    left = _prune(plan.left, replace(need.of(wanted), orders=need.orders or orders, keep_all=False))
    right = _prune(plan.right, replace(need.without_time(wanted), orders=orders))
    return replace(plan, left=left, right=right, fields=fields)


@_prune.register(LookupJoin)
def _(plan: LookupJoin, need: _Need) -> Plan:
    read = _read_by(plan, need)
    fields = _carried(plan, read, need.ids)
    wanted = read | field_ids(fields)
    side = _prune(plan.side, need.without_time(wanted))
    assert isinstance(side, Scan)
    return replace(plan, input=_prune(plan.input, replace(need.of(wanted), keep_all=False)), side=side, fields=fields)


@_prune.register(IntervalJoin)
@_prune.register(WindowJoin)
@_prune.register(TemporalJoin)
def _(plan: IntervalJoin | WindowJoin | TemporalJoin, need: _Need) -> Plan:
    times = {each.id for each in (*plan.times, *_own_columns(plan))}
    read = _read_by(plan, need) | times
    fields = _carried(plan, read, need.ids)
    inner = need.below_time(read | field_ids(fields), plan.times[0])
    left, right = (_prune(each, inner) for each in plan.inputs)
    return replace(plan, left=left, right=right, fields=fields)


def _read_by(plan: Join | LookupJoin, need: _Need) -> Ids:
    """What is needed of a join, and what its keys and its residual condition read."""
    keys = frozenset(id_ for each in plan.on for id_ in (each.left, each.right))
    return need.ids | keys | (frozenset() if plan.residual is None else column_ids(plan.residual))


def _carried(plan: Join | LookupJoin, read: Ids, ids: Ids) -> tuple[Field, ...]:
    """The needed fields; where none is, one that the join reads anyway, if there is one."""
    return _kept(tuple(each for each in plan.fields if each.id in read) or plan.fields, ids)


def _compared(plan: Join) -> tuple[Field, ...]:
    return (plan.left_value, plan.right_value) if isinstance(plan, AsofJoin) else ()


def _own_columns(plan: Join) -> tuple[Field, ...]:
    """What the join itself reads beside times and keys."""
    match plan:
        case WindowJoin():
            return tuple(each for bounds in plan.bounds for each in bounds)
        case TemporalJoin(ended=Field() as ended):
            return (ended,)
        case _:
            return ()


def _exactly(plan: Plan, fields: tuple[Field, ...], need: _Need) -> Plan:
    """The plan with these fields and no others, as a union needs them by position."""
    return select(_prune(plan, need.of(field_ids(fields))), fields)


@_prune.register(WindowAssign)
def _(plan: WindowAssign, need: _Need) -> Plan:
    own = field_ids(plan.bounds)
    wanted = (need.ids - own) | {plan.time.id, *plan.partition}
    inner = need.below_time(wanted, plan.time)
    # Rows of a window function without an aggregate go on as they came: what is above still asks the same of them.
    inner = replace(inner, uses_time=inner.uses_time or need.uses_time, orders=need.orders)
    below = _prune(plan.input, inner)
    return replace(plan, input=below, fields=(*below.fields, *plan.bounds))


@_prune.register(Aggregate)
def _(plan: Aggregate, need: _Need) -> Plan:
    calls, results = _used_calls(plan, need)
    keys = plan.fields[: len(plan.keys)]
    read = (*plan.keys, *_call_columns(calls))
    below = _prune(plan.input, need.without_time(read))
    return replace(plan, input=below, calls=calls, fields=(*keys, *results))


@_prune.register(WindowAggregate)
def _(plan: WindowAggregate, need: _Need) -> Plan:
    calls, results = _used_calls(plan, need)
    keys = plan.fields[: len(plan.keys)]
    read = {*plan.keys, *_call_columns(calls), plan.time.id}
    if isinstance(plan.window, Attached):
        read |= {plan.window.start, plan.window.end}
    below = _prune(plan.input, need.below_time(read, plan.time))
    return replace(plan, input=below, calls=calls, fields=(*keys, *results, *plan.bounds))


def _used_calls(plan: Aggregate | WindowAggregate, need: _Need) -> tuple[Calls, tuple[Field, ...]]:
    known = list(zip(plan.calls, plan.fields[len(plan.keys) :], strict=False))
    used = [(call, result) for call, result in known if result.id in need.ids]
    if not used and not plan.keys and isinstance(plan, Aggregate):
        used = known[:1]  # its one row needs a column
    return tuple(call for call, _ in used), tuple(result for _, result in used)


def _call_columns(calls: Calls) -> list[int]:
    return [id_ for call in calls for id_ in (*call.args, *(() if call.filter is None else (call.filter,)))]


@_prune.register(WindowRank)
def _(plan: WindowRank, need: _Need) -> Plan:
    rank = plan.rank if plan.rank is not None and plan.rank.id in need.ids else None
    wanted = need.ids - (frozenset() if plan.rank is None else {plan.rank.id})
    wanted |= {*plan.partition, *(key.column for key in plan.order), plan.window.start, plan.window.end, plan.time.id}
    below = _prune(plan.input, need.below_time(wanted, plan.time))
    return replace(plan, input=below, rank=rank, fields=(*below.fields, *(() if rank is None else (rank,))))


@_prune.register(OverAggregate)
def _(plan: OverAggregate, need: _Need) -> Plan:
    results = plan.fields[len(plan.fields) - len(plan.calls) :]
    used = [(call, each) for call, each in zip(plan.calls, results, strict=True) if each.id in need.ids]
    if not used:
        return _prune(plan.input, need)
    calls = tuple(call for call, _ in used)
    wanted = (need.ids - field_ids(results)) | {*plan.partition, *(key.column for key in plan.order)}
    wanted |= set(_call_columns(calls))
    if over_order(plan) is OverOrder.TIME:
        inner = need.below_time(wanted, fields_by_id(plan.input.fields)[plan.order[0].column])
    else:
        inner = replace(need.of(wanted), keep_all=False)
    below = _prune(plan.input, inner)
    return replace(plan, input=below, calls=calls, fields=(*below.fields, *(each for _, each in used)))


@_prune.register(Rank)
def _(plan: Rank, need: _Need) -> Plan:
    rank = plan.rank if plan.rank is not None and plan.rank.id in need.ids else None
    wanted = need.ids - (frozenset() if plan.rank is None else {plan.rank.id})
    wanted |= {*plan.partition, *(key.column for key in plan.order)}
    if rank_order(plan) is RankOrder.FIRST_BY_TIME:
        inner = need.below_time(wanted, fields_by_id(plan.input.fields)[plan.order[0].column])
    else:
        inner = need.without_time(wanted)
    # Rows that are taken back are told apart by all their columns, so an updating input keeps them.
    below = _prune(plan.input, inner)
    return replace(plan, input=below, rank=rank, fields=(*below.fields, *(() if rank is None else (rank,))))


@_prune.register(RankOver)
def _(plan: RankOver, need: _Need) -> Plan:
    wanted = (need.ids - {plan.rank.id}) | {*plan.partition, *(key.column for key in plan.order)}
    below = _prune(plan.input, need.of(wanted))
    return replace(plan, input=below, fields=(*below.fields, plan.rank))


@_prune.register(Sort)
def _(plan: Sort, need: _Need) -> Plan:
    below = _prune(plan.input, need.of(need.ids | {key.column for key in plan.keys}))
    return replace(plan, input=below, fields=below.fields)


@_prune.register(Limit)
def _(plan: Limit, need: _Need) -> Plan:
    below = _prune(plan.input, need)
    return replace(plan, input=below, fields=below.fields)


@_prune.register(SinkPlan)
def _(plan: SinkPlan, need: _Need) -> Plan:
    below = _exactly(plan.input, plan.input.fields, need)
    return replace(plan, input=below, fields=plan.fields)
