"""The operator of a join: which kind it needs, and where its columns stand in the inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from streamsql.expr.compile import compile_predicate
from streamsql.expr.context import EvalContext
from streamsql.expr.nodes import Expr, column_ids
from streamsql.operators.asof_join import AsofJoin as AsofJoinOperator
from streamsql.operators.asof_join import Nearest
from streamsql.operators.base import Operator
from streamsql.operators.clock_interval_join import ClockIntervalJoin
from streamsql.operators.interval_join import IntervalJoin as IntervalJoinOperator
from streamsql.operators.join import Join as InnerJoin
from streamsql.operators.join_exists import ConditionalSemiJoin
from streamsql.operators.join_input import InputSpec
from streamsql.operators.join_membership import Exists, NotExists, NotIn
from streamsql.operators.join_outer import OuterJoin
from streamsql.operators.join_pairs import Condition
from streamsql.operators.join_result import Result
from streamsql.operators.join_semi import SemiJoin
from streamsql.operators.lookup_join import LookupJoin as LookupJoinOperator
from streamsql.operators.paired_rows import NUMBER, PairedRows
from streamsql.operators.processing_time_join import ProcessingTimeJoin as ProcessingTimeJoinOperator
from streamsql.operators.temporal_join import TemporalJoin as TemporalJoinOperator
from streamsql.operators.window_join import WindowJoin as WindowJoinOperator
from streamsql.plan.final_order import final_order
from streamsql.plan.logical import Filter, Join, JoinKind, Plan, Project, Scan
from streamsql.plan.lookup_join import LookupJoin
from streamsql.plan.nearest_joins import AsofJoin, TimedAsofJoin
from streamsql.plan.paired_joins import Reader, key_fields, schema_of_pairs
from streamsql.plan.predicates import not_in_columns
from streamsql.plan.state_ttl import state_ttls
from streamsql.plan.time_joins import IntervalJoin, ProcessingTimeJoin, TemporalJoin, WindowJoin, padded_ports
from streamsql.plan.traits import traits
from streamsql.plan.tree import positions, schema_of
from streamsql.state.key_codes import KeyCodes
from streamsql.time import Duration, tick


def join_operator(plan: Join, context: EvalContext) -> Operator:
    """The operator that joins the plan's inputs."""
    match plan:
        case IntervalJoin():
            return _interval_join(plan, context)
        case ProcessingTimeJoin():
            return _processing_time_join(plan, context)
        case TemporalJoin():
            return _temporal_join(plan, context)
        case WindowJoin():
            return _window_join(plan, context)
        case AsofJoin():
            return _asof_join(plan, context)
        case _:
            return _untimed_join(plan, context)


def _processing_time_join(plan: ProcessingTimeJoin, context: EvalContext) -> Operator:
    left = _input(plan.left, [each.left for each in plan.on])
    right = _input(plan.right, [each.right for each in plan.on])
    codes = KeyCodes(left.key_types, [each.null_safe for each in plan.on])
    condition = None if plan.residual is None else _condition(plan, plan.residual, context)
    return ProcessingTimeJoinOperator((left, right), codes, condition, _result(plan), padded=plan.kind.keeps_left)


def lookup_join(plan: LookupJoin, context: EvalContext) -> Operator:
    """The operator that joins the plan's input with what is looked up for it."""
    left = _input(plan.input, [each.left for each in plan.on])
    condition = None if plan.residual is None else _condition_of(plan.input, plan.side, plan.residual, context)
    return LookupJoinOperator(left, condition, _result_of(plan, plan.input, plan.side), padded=plan.kind.keeps_left)


def _temporal_join(plan: TemporalJoin, context: EvalContext) -> Operator:
    codes, inputs = _shared(plan)
    places = positions(plan.left.fields), positions(plan.right.fields)
    condition = None if plan.residual is None else _condition(plan, plan.residual, context)
    return TemporalJoinOperator(
        inputs,
        (places[0][plan.times[0].id], places[1][plan.times[1].id]),
        codes,
        condition,
        _result(plan),
        padded=plan.kind.keeps_left,
        latest_only=plan.latest_only,
        lag=plan.lag if isinstance(plan, TimedAsofJoin) else 0,
        ended=None if plan.ended is None else places[1][plan.ended.id],
    )


def _asof_join(plan: AsofJoin, context: EvalContext) -> Operator:
    codes, (left, right) = _shared(plan)
    places = positions(plan.left.fields), positions(plan.right.fields)
    nearest = Nearest(
        values=(places[0][plan.left_value.id], places[1][plan.right_value.id]),
        forward=plan.operator in ("<", "<="),
        strict=plan.operator in ("<", ">"),
        ties=final_order(plan.right),
    )
    condition = None if plan.residual is None else _condition(plan, plan.residual, context)
    return AsofJoinOperator(left, right, codes, condition, _result(plan), nearest, padded_ports(plan))


def _window_join(plan: WindowJoin, context: EvalContext) -> Operator:
    codes, inputs = _shared(plan)
    places = positions(plan.left.fields), positions(plan.right.fields)
    starts, ends = (
        [place[each[which].id] for place, each in zip(places, plan.bounds, strict=True)] for which in (0, 1)
    )
    condition = None if plan.residual is None else _condition(plan, plan.residual, context)
    precision = plan.times[0].type.precision
    return WindowJoinOperator(
        inputs,
        ((starts[0], ends[0]), (starts[1], ends[1])),
        tick(6 if precision is None else precision),
        codes,
        condition,
        _result(plan),
        pairs=plan.kind.pairs,
        lone=(0,) if plan.kind is JoinKind.ANTI else padded_ports(plan),
    )


def _interval_join(plan: IntervalJoin, context: EvalContext) -> Operator:
    codes, inputs = _shared(plan)
    times = positions(plan.left.fields)[plan.left_time.id], positions(plan.right.fields)[plan.right_time.id]
    condition = None if plan.residual is None else _condition(plan, plan.residual, context)
    operator = ClockIntervalJoin if plan.by_clock else IntervalJoinOperator
    return operator(inputs, times, plan.reaches, codes, condition, _result(plan), padded_ports(plan))


def _shared(plan: Join) -> tuple[KeyCodes, tuple[InputSpec, InputSpec]]:
    """The inputs of a join, and the codes that their keys share."""
    left = _input(plan.left, [each.left for each in plan.on])
    right = _input(plan.right, [each.right for each in plan.on])
    return KeyCodes(left.key_types, [each.null_safe for each in plan.on]), (left, right)


def inner_join(plan: Join, context: EvalContext, below: Sequence[Operator | None], reader: Reader | None) -> InnerJoin:
    """The operator of an inner join whose rows stay.

    `below`: the joins, by port, that hand on numbers of rows to this one. `reader`: the join to which this one does.
    """
    ttls = state_ttls(plan)
    left, right = (_pairs_input(plan, port, below[port], ttls[port]) for port in (0, 1))
    condition = None if plan.residual is None else _condition(plan, plan.residual, context)
    result = _result(plan)
    codes = KeyCodes(left.key_types, [each.null_safe for each in plan.on])
    sides = _storing(left, right, condition, result)
    return InnerJoin(*sides, codes, condition, result if reader is None else _pairs_result(plan, result, reader))


def _pairs_input(plan: Join, port: int, below: Operator | None, ttl: Duration | None) -> InputSpec:
    """An input of an inner join; where it is a join of which the rows are not stored again, by their numbers."""
    node = plan.right if port else plan.left
    keys = [each.right if port else each.left for each in plan.on]
    if below is None:
        return replace(_input(node, keys), ttl=ttl)
    assert isinstance(node, Join) and isinstance(below, InnerJoin)
    fields = key_fields(node, Reader(plan, port))
    place = positions(fields)
    return InputSpec(
        schema_of_pairs(fields),
        tuple(place[each] for each in keys),
        append_only=True,
        ttl=ttl,
        stored=(len(fields), len(fields) + 1),
        pairs=PairedRows(below.sides, _result(node).columns),
    )


def _pairs_result(plan: Join, whole: Result, reader: Reader) -> Result:
    """What the reader needs of a join's result: its keys, and the numbers of the rows that have met."""
    fields, place = key_fields(plan, reader), positions(plan.fields)
    keys = (whole.columns[place[each.id]] for each in fields)
    return Result(schema_of_pairs(fields), (*keys, (0, NUMBER), (1, NUMBER)))


def _storing(
    left: InputSpec, right: InputSpec, condition: Condition | None, result: Result
) -> tuple[InputSpec, InputSpec]:
    """The inputs storing only what somebody reads of them."""
    asked = ((), ()) if condition is None else (condition.left, condition.right)
    return _storing_only(left, (*result.positions(0), *asked[0])), _storing_only(
        right, (*result.positions(1), *asked[1])
    )


def _storing_only(input_: InputSpec, read: Sequence[int]) -> InputSpec:
    """All columns are stored where rows that are taken back have to be found by them."""
    if not input_.append_only or input_.pairs is not None:
        return input_
    return replace(input_, stored=tuple(sorted(set(read))))


def _untimed_join(plan: Join, context: EvalContext) -> Operator:
    """The operator of a join whose rows stay."""
    if plan.kind is JoinKind.INNER:
        return inner_join(plan, context, (None, None), None)
    not_in = not_in_columns(plan)
    on = plan.on if not_in is None else (not_in,)
    ttls = (None, None) if not_in is not None else state_ttls(plan)
    left = replace(_input(plan.left, [each.left for each in on]), ttl=ttls[0])
    right = replace(_input(plan.right, [each.right for each in on]), ttl=ttls[1])
    result = _result(plan)
    # Where keys expire, each left row has to know whether it was delivered: counting its partners tells.
    if not plan.kind.pairs and (not_in is not None or (plan.residual is None and ttls == (None, None))):
        codes = KeyCodes(left.key_types, [each.null_safe for each in on])
        if not_in is not None:
            return SemiJoin(left, right, codes, result, NotIn())
        return SemiJoin(left, right, codes, result, Exists() if plan.kind is JoinKind.SEMI else NotExists())
    codes = KeyCodes(left.key_types, [each.null_safe for each in on])
    condition = None if plan.residual is None else _condition(plan, plan.residual, context)
    match plan.kind:
        case JoinKind.SEMI | JoinKind.ANTI:
            return ConditionalSemiJoin(left, right, codes, condition, result, negated=plan.kind is JoinKind.ANTI)
        case kind:
            kept = [port for port, keeps in ((0, kind.keeps_left), (1, kind.keeps_right)) if keeps]
            return OuterJoin(*_storing(left, right, condition, result), codes, condition, result, kept)


def _input(plan: Plan, keys: list[int]) -> InputSpec:
    place = positions(plan.fields)
    known = traits(plan)
    return InputSpec(
        schema_of(plan.fields), tuple(place[each] for each in keys), known.append_only, _source(plan), plan.span
    )


def _source(plan: Plan) -> str:
    """The table whose rows an input passes on; nothing where they are made of others."""
    match plan:
        case Scan():
            return plan.table.name
        case Filter() | Project():
            return _source(plan.input)
        case _:
            return ""


def _condition(plan: Join, residual: Expr, context: EvalContext) -> Condition:
    return _condition_of(plan.left, plan.right, residual, context)


def _condition_of(mine: Plan, other: Plan, residual: Expr, context: EvalContext) -> Condition:
    read = column_ids(residual)
    left = [each for each in mine.fields if each.id in read]
    right = [each for each in other.fields if each.id in read]
    if not left and not right:
        left = list(mine.fields[:1])
    fields = (*left, *right)
    left_place, right_place = positions(mine.fields), positions(other.fields)
    return Condition(
        compile_predicate(residual, positions(fields), context),
        tuple(left_place[each.id] for each in left),
        tuple(right_place[each.id] for each in right),
        schema_of(fields).to_arrow(),
    )


def _result(plan: Join) -> Result:
    return _result_of(plan, plan.left, plan.right)


def _result_of(plan: Plan, mine: Plan, other: Plan) -> Result:
    left, right = positions(mine.fields), positions(other.fields)
    columns = ((0, left[each.id]) if each.id in left else (1, right[each.id]) for each in plan.fields)
    return Result(schema_of(plan.fields), tuple(columns))
