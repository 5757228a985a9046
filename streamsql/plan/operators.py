"""The operator of each plan node, with column ids turned into positions.

An operator and the state it keeps are imported where it is made: a query loads those that it needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial, singledispatch
from typing import TYPE_CHECKING

from streamsql.errors import NotSupportedYet
from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.compile import compile_expr, compile_exprs, compile_predicate
from streamsql.expr.context import EvalContext
from streamsql.expr.functions_watermark import WATERMARK_ID, over_watermark_column, reads_watermark
from streamsql.expr.nodes import Expr
from streamsql.expr.types import arrow_type
from streamsql.operators.base import Operator
from streamsql.operators.project import Kernel, RowsOf
from streamsql.operators.project import Project as Projection
from streamsql.operators.watermark_column import plain_rows, rows_with_watermark
from streamsql.plan.arrival_numbers import Numbered, NumberedUnion
from streamsql.plan.final_order import final_order
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
    Scan,
    Session,
    SinkPlan,
    Sort,
    SortKey,
    TimeAttribute,
    UnaryPlan,
    Union,
    Unnest,
    Values,
    WindowAggregate,
    WindowAssign,
    WindowRank,
)
from streamsql.plan.lookup_join import LookupJoin
from streamsql.plan.row_orders import OverOrder, RankOrder
from streamsql.plan.state_ttl import state_ttls
from streamsql.plan.traits import keeps_later, over_order, rank_order, traits
from streamsql.plan.tree import positions, schema_of, walk_plan

if TYPE_CHECKING:
    from streamsql.operators.checked_rows import CheckedRows
    from streamsql.operators.keep_last import KeepLast

CARRY_WATERMARKS = (Scan, Filter, Project, Unnest, WindowAssign, Union)
"""Nodes whose batches have the watermarks of their rows beside them, if they are asked for."""


@singledispatch
def operator_of(plan: Plan, context: EvalContext) -> Operator | None:
    """The operator that computes the node of its inputs; None for Scan and Values."""
    raise NotSupportedYet(type(plan).__name__, span=plan.span)


@operator_of.register(Scan)
def _(plan: Scan, context: EvalContext) -> Operator | None:
    return None


def exact_changes(plan: Scan) -> KeepLast | CheckedRows | None:
    """What makes changes by primary key exact, or refuses those that are not; None where that is no question."""
    if plan.checked:
        from streamsql.operators.checked_rows import CheckedRows

        return CheckedRows(schema_of(plan.fields), plan.table.name, plan.span)
    if not plan.table.by_key:
        return None
    from streamsql.operators.keep_last import KeepLast

    names = [each.name for each in plan.fields]
    return KeepLast(schema_of(plan.fields), [names.index(each) for each in plan.table.primary_key], *state_ttls(plan))


@operator_of.register(Values)
def _(plan: Values, context: EvalContext) -> Operator | None:
    return None


@operator_of.register(Filter)
def _(plan: Filter, context: EvalContext) -> Operator:
    from streamsql.operators.filter import Filter as FilterOperator

    place = positions(plan.input.fields)
    columns = None if plan.fields == plan.input.fields else [place[each.id] for each in plan.fields]
    rows_of = _rows_of(plan, (plan.predicate,))
    place |= {WATERMARK_ID: len(place)}
    predicate = compile_predicate(over_watermark_column(plan.predicate), place, context)
    return FilterOperator(schema_of(plan.fields), predicate, columns, rows_of)


def _rows_of(plan: UnaryPlan, exprs: Sequence[Expr]) -> RowsOf:
    """What the expressions see of a batch: its watermarks too where they ask for them."""
    call = reads_watermark(exprs)
    if call is None:
        return plain_rows
    below = next((each for each in walk_plan(plan.input) if not isinstance(each, CARRY_WATERMARKS)), None)
    if below is not None:
        raise NotSupportedYet(
            f"CURRENT_WATERMARK over {type(below).__name__}", span=call.span, hint="write it over the table itself"
        )
    return partial(rows_with_watermark, arrow_type(call.type))


@operator_of.register(Project)
def _(plan: Project, context: EvalContext) -> Operator:

    place = positions(plan.input.fields)
    rows_of = _rows_of(plan, plan.exprs)
    place |= {WATERMARK_ID: len(place)}
    kernels = compile_exprs([over_watermark_column(each) for each in plan.exprs], place, context)
    return Projection(schema_of(plan.fields), kernels, rows_of)


def _column(position: int) -> Kernel:
    return lambda rows: rows.column(position)


@operator_of.register(SinkPlan)
def _(plan: SinkPlan, context: EvalContext) -> Operator:

    return Projection(schema_of(plan.fields), [_column(index) for index in range(len(plan.fields))])


@operator_of.register(Unnest)
def _(plan: Unnest, context: EvalContext) -> Operator:
    from streamsql.operators.unnest import Unnest as UnnestOperator

    place = positions(plan.input.fields)
    own = positions((*plan.elements, *(() if plan.ordinality is None else (plan.ordinality,))))
    return UnnestOperator(
        schema_of(plan.fields),
        compile_expr(plan.expr, place, context),
        plan.expr.type,
        [place[each.id] for each in plan.fields if each.id not in own],
        [own[each.id] for each in plan.fields if each.id in own],
        ordinality=plan.ordinality is not None,
        outer=plan.outer,
    )


@operator_of.register(Union)
def _(plan: Union, context: EvalContext) -> Operator:
    from streamsql.operators.union import Union as UnionOperator

    return UnionOperator(schema_of(plan.fields), range(len(plan.branches)))


@operator_of.register(NumberedUnion)
def _(plan: NumberedUnion, context: EvalContext) -> Operator:
    from streamsql.operators.union import Union as UnionOperator

    return UnionOperator(schema_of(plan.fields), plan.sources, numbered=True)


@operator_of.register(Numbered)
def _(plan: Numbered, context: EvalContext) -> Operator:
    from streamsql.operators.enumerate_rows import Enumerate

    return Enumerate(schema_of(plan.fields))


@operator_of.register(Join)
def _(plan: Join, context: EvalContext) -> Operator:
    from streamsql.plan.join_operators import join_operator

    return join_operator(plan, context)


@operator_of.register(LookupJoin)
def _(plan: LookupJoin, context: EvalContext) -> Operator:
    from streamsql.plan.join_operators import lookup_join

    return lookup_join(plan, context)


@operator_of.register(Sort)
def _(plan: Sort, context: EvalContext) -> Operator:
    from streamsql.operators.sort import Sort as SortOperator

    keys = _sort_keys(plan.keys, positions(plan.input.fields))
    # Updated rows have no order of arrival that does not depend on how the input was cut into steps.
    ties = [SortKey(position) for position in final_order(plan.input) or ()]
    return SortOperator(schema_of(plan.fields), [*keys, *ties])


@operator_of.register(Limit)
def _(plan: Limit, context: EvalContext) -> Operator:
    from streamsql.operators.limit import Limit as LimitOperator

    return LimitOperator(schema_of(plan.fields), plan.limit, plan.offset)


@operator_of.register(Aggregate)
def _(plan: Aggregate, context: EvalContext) -> Operator:
    from streamsql.operators.group_aggregate import GroupAggregate

    place = positions(plan.input.fields)
    because = traits(plan.input).updating_because
    return GroupAggregate(
        input_schema=schema_of(plan.input.fields),
        keys=[place[each] for each in plan.keys],
        calls=_calls(plan.calls, place),
        schema=schema_of(plan.fields),
        append_only=because is None,
        arrival=because is None or because.keeps_time,
        ttl=state_ttls(plan)[0],
    )


@operator_of.register(WindowAssign)
def _(plan: WindowAssign, context: EvalContext) -> Operator:
    place = positions(plan.input.fields)
    input_schema, schema = schema_of(plan.input.fields), schema_of(plan.fields)
    time, precision = place[plan.time.id], _precision(plan.time)
    match plan.window:
        case Session() as window:
            from streamsql.operators.session_assign import SessionAssign

            partition = [place[each] for each in plan.partition]
            return SessionAssign(input_schema, window, time, precision, partition, schema)
        case Attached():
            raise TypeError("window columns that are there already need no assigning")
        case window:
            from streamsql.operators.window_assign import WindowAssign as GridAssign

            return GridAssign(input_schema, window, time, precision, schema)


@operator_of.register(WindowAggregate)
def _(plan: WindowAggregate, context: EvalContext) -> Operator:
    place = positions(plan.input.fields)
    input_schema, schema = schema_of(plan.input.fields), schema_of(plan.fields)
    time, precision = place[plan.time.id], _precision(plan.time)
    keys, calls = [place[each] for each in plan.keys], _calls(plan.calls, place)
    append_only = traits(plan.input).append_only
    rest = (time, precision, keys, calls, schema, append_only, plan.time.time is not TimeAttribute.PROCESSING)
    match plan.window:
        case Session() as window:
            from streamsql.operators.session_aggregate import SessionAggregate

            return SessionAggregate(input_schema, window, *rest)
        case Attached() as window:
            from streamsql.operators.attached_aggregate import AttachedAggregate

            return AttachedAggregate(input_schema, _attached(window, place), *rest)
        case window:
            from streamsql.operators.window_aggregate import WindowAggregate as GridAggregate

            return GridAggregate(input_schema, window, *rest)


@operator_of.register(WindowRank)
def _(plan: WindowRank, context: EvalContext) -> Operator:
    from streamsql.operators.window_rank import WindowRank as WindowRankOperator

    place = positions(plan.input.fields)
    return WindowRankOperator(
        input_schema=schema_of(plan.input.fields),
        window=_attached(plan.window, place),
        precision=_precision(plan.time),
        partition=[place[each] for each in plan.partition],
        order=_sort_keys(plan.order, place),
        first=plan.first,
        last=plan.last,
        with_rank=plan.rank is not None,
        schema=schema_of(plan.fields),
        time=place.get(plan.time.id),
        later_first=keeps_later(plan),
        append_only=traits(plan.input).append_only,
    )


@operator_of.register(OverAggregate)
def _(plan: OverAggregate, context: EvalContext) -> Operator:
    from streamsql.operators.over_in_time import OverInTime, OverWindow

    place = positions(plan.input.fields)
    input_schema, schema = schema_of(plan.input.fields), schema_of(plan.fields)
    keys, kind = tuple(_sort_keys(plan.order, place)), over_order(plan)
    window = OverWindow(
        partition=tuple(place[each] for each in plan.partition),
        time=keys[0].column if kind is OverOrder.TIME else None,
        distance=keys[0].column if keys and plan.frame.measured else None,
        order=() if kind is OverOrder.ARRIVAL else keys,
        frame=plan.frame,
        calls=tuple(_calls(plan.calls, place)),
    )
    if kind is OverOrder.VALUES:
        from streamsql.operators.over_rows import OverRows

        ties = final_order(plan.input) or range(len(plan.input.fields))
        return OverRows(input_schema, window, tuple(ties), schema, *state_ttls(plan))
    return OverInTime(input_schema, window, schema, *state_ttls(plan))


@operator_of.register(Rank)
def _(plan: Rank, context: EvalContext) -> Operator:
    from streamsql.state.ranking import RankBounds

    place = positions(plan.input.fields)
    input_schema, schema = schema_of(plan.input.fields), schema_of(plan.fields)
    partition, order = [place[each] for each in plan.partition], _sort_keys(plan.order, place)
    bounds = RankBounds(plan.function, plan.first, plan.last, plan.rank is not None)
    kind = rank_order(plan)
    (ttl,) = state_ttls(plan)
    if not traits(plan.input).append_only:
        from streamsql.operators.ranked_rows import RankedRows

        return RankedRows(input_schema, partition, order, final_order(plan.input) or (), bounds, schema, ttl)
    if kind is RankOrder.FIRST_BY_TIME:
        from streamsql.operators.first_rows import FirstRows

        return FirstRows(input_schema, partition, order[0].column, bounds.numbered, schema, ttl=ttl)
    if kind in (RankOrder.ARRIVAL, RankOrder.LATEST_ARRIVAL):
        order = []
    later_first = kind in (RankOrder.LATEST_ARRIVAL, RankOrder.LAST_BY_TIME)
    if bounds.function == "ROW_NUMBER" and bounds.last == 1:
        from streamsql.operators.best_row import BestRow

        return BestRow(
            input_schema, partition, order, schema, numbered=bounds.numbered, later_first=later_first, ttl=ttl
        )
    from streamsql.operators.top_rows import TopRows

    return TopRows(input_schema, partition, order, bounds, schema, later_first=later_first, ttl=ttl)


def _precision(time: Field) -> int:
    return 6 if time.type.precision is None else time.type.precision


def _attached(window: Attached, place: dict[int, int]) -> Attached:
    return Attached(place[window.start], place[window.end])


def _sort_keys(keys: Sequence[SortKey], place: dict[int, int]) -> list[SortKey]:
    return [replace(each, column=place[each.column]) for each in keys]


def _calls(calls: Sequence[AggregateCall], place: dict[int, int]) -> list[AggregateCall]:
    return [
        replace(
            call,
            args=tuple(place[each] for each in call.args),
            filter=None if call.filter is None else place[call.filter],
        )
        for call in calls
    ]
