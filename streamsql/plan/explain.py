"""EXPLAIN: the plan as a tree of text, with what is known of each node."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import singledispatch

from streamsql.expr.aggregates import AggregateCall, Ordering, is_frame_call
from streamsql.expr.nodes import ColumnRef, Expr, LiteralValue
from streamsql.expr.text import duration_text, expr_text, literal_text
from streamsql.expr.types import STRING, TIMESTAMPS
from streamsql.plan.identity import Identities
from streamsql.plan.logical import (
    Aggregate,
    Attached,
    Cumulate,
    Field,
    Filter,
    Hop,
    Join,
    Limit,
    OverAggregate,
    Plan,
    Project,
    Rank,
    RankOver,
    Scan,
    Session,
    SinkPlan,
    Sort,
    SortKey,
    Tumble,
    Union,
    Unnest,
    Values,
    Window,
    WindowAggregate,
    WindowAssign,
    WindowRank,
)
from streamsql.plan.lookup_join import LookupJoin
from streamsql.plan.lookup_options import lookup_options
from streamsql.plan.nearest_joins import OPERATORS, AsofJoin, TimedAsofJoin
from streamsql.plan.time_joins import IntervalJoin, ProcessingTimeJoin, TemporalJoin
from streamsql.plan.trait_values import Traits
from streamsql.plan.traits import traits
from streamsql.plan.tree import fields_by_id


def explain(plan: Plan) -> str:
    """One line a node, inputs indented below it: what it computes, then what is known of its output and state.

    The same plan always gives the same text: column names, no ids. A name with a number, `Filter[2]`, counts in the
    order of the data flow; late rows and metrics name operators so.
    """
    return "\n".join(_lines(plan, Identities((plan,)), 0))


def _lines(plan: Plan, identities: Identities, depth: int) -> Iterator[str]:
    known = " · ".join(_properties(plan, traits(plan)))
    yield f"{'  ' * depth}{identities.name(plan)}({', '.join(_describe(plan))})  {known}"
    for each in plan.inputs:
        yield from _lines(each, identities, depth + 1)


def _properties(plan: Plan, known: Traits) -> Iterator[str]:
    because = known.updating_because
    yield "changelog: append-only" if because is None else f"changelog: updating by {because.clause}"
    fields = fields_by_id(plan.fields)
    for key in known.unique_keys[:1]:
        names = ", ".join(each.name for each in fields.values() if each.id in key)
        yield f"key: ({names})" if key else "one row"
    times = dict.fromkeys(each.name for each in plan.fields if each.time is not None)
    if times:
        yield f"time: {', '.join(times)}"
    yield f"state: {known.state_bound or 'none'}"
    if known.can_fail:
        yield "can fail"


@singledispatch
def _describe(plan: Plan) -> Iterator[str]:
    """What stands between the parentheses."""
    yield from ()


@_describe.register(Scan)
def _(plan: Scan) -> Iterator[str]:
    yield plan.table.name
    yield f"columns={_names(plan.fields)}"
    for each, expr in plan.computed:
        yield f"{each.name}: {expr_text(expr)}"
    if plan.table.by_key:
        yield f"by key={', '.join(plan.table.primary_key)}"
    if plan.checked:
        yield "checked"
    if plan.watermark is not None:
        yield f"watermark={expr_text(plan.watermark.expr)}"
    if plan.predicate is not None:
        yield f"reader filter={expr_text(plan.predicate)}"


@_describe.register(Values)
def _(plan: Values) -> Iterator[str]:
    rows = (", ".join(literal_text(each.value, each.type) for each in row) for row in plan.rows[:_SHOWN_ROWS])
    yield from (f"({each})" for each in rows)
    if len(plan.rows) > _SHOWN_ROWS:
        yield f"… {len(plan.rows)} rows"


_SHOWN_ROWS = 3


@_describe.register(Filter)
def _(plan: Filter) -> Iterator[str]:
    yield expr_text(plan.predicate)


@_describe.register(Project)
def _(plan: Project) -> Iterator[str]:
    yield from (_item(expr, each) for expr, each in zip(plan.exprs, plan.fields, strict=True))


def _item(expr: Expr, field: Field) -> str:
    if isinstance(expr, ColumnRef) and expr.name == field.name:
        return field.name
    return f"{field.name}: {expr_text(expr)}"


@_describe.register(Unnest)
def _(plan: Unnest) -> Iterator[str]:
    elements = (*plan.elements, *(() if plan.ordinality is None else (plan.ordinality,)))
    yield f"{expr_text(plan.expr)} AS {_names(elements)}"
    if plan.outer:
        yield "outer"


@_describe.register(Union)
def _(plan: Union) -> Iterator[str]:
    yield from (each.name for each in plan.fields)


@_describe.register(IntervalJoin)
def _(plan: IntervalJoin) -> Iterator[str]:
    yield from _condition(plan)
    yield f"{plan.right_time.name} - {plan.left_time.name} from {_signed(plan.lower)} to {_signed(plan.upper)}"


@_describe.register(AsofJoin)
def _(plan: AsofJoin) -> Iterator[str]:
    yield from _condition(plan)
    yield f"nearest {plan.left_value.name} {plan.operator} {plan.right_value.name}"


@_describe.register(TimedAsofJoin)
def _(plan: TimedAsofJoin) -> Iterator[str]:
    yield from _condition(plan)
    operator, distance = OPERATORS.get(plan.lag, ">="), f" + {duration_text(plan.lag)}" if plan.lag > 1 else ""
    yield f"nearest {plan.left_time.name} {operator} {plan.times[1].name}{distance}"


@_describe.register(TemporalJoin)
def _(plan: TemporalJoin) -> Iterator[str]:
    yield from _condition(plan)
    yield f"as of {plan.left_time.name}"


@_describe.register(ProcessingTimeJoin)
def _(plan: ProcessingTimeJoin) -> Iterator[str]:
    yield from _condition(plan)
    yield "as of arrival"


@_describe.register(LookupJoin)
def _(plan: LookupJoin) -> Iterator[str]:
    yield from _matching(plan, plan.input, plan.side)
    options = lookup_options(plan.side.table)
    cache = "NONE" if options is None else options.cache
    yield f"{plan.side.table.name} ({plan.side.table.connector}, {_names(plan.side.fields)}, cache {cache})"


def _signed(distance: int) -> str:
    return f"-{duration_text(-distance)}" if distance < 0 else duration_text(distance) if distance else "0"


@_describe.register(Join)
def _(plan: Join) -> Iterator[str]:
    yield from _condition(plan)


def _condition(plan: Join) -> Iterator[str]:
    yield from _matching(plan, plan.left, plan.right)


def _matching(plan: Join | LookupJoin, mine: Plan, other: Plan) -> Iterator[str]:
    conditional = type(plan) is not Join or plan.on or plan.residual is not None
    yield plan.kind.value.removesuffix(" JOIN") if conditional else "CROSS"
    left, right = fields_by_id(mine.fields), fields_by_id(other.fields)
    equal = (f"{left[each.left].name}{_SAME[each.null_safe]}{right[each.right].name}" for each in plan.on)
    if plan.on:
        yield f"on=[{', '.join(equal)}]"
    if plan.residual is not None:
        yield f"where {expr_text(plan.residual)}"


_SAME = {False: " = ", True: " IS NOT DISTINCT FROM "}


@_describe.register(WindowAssign)
def _(plan: WindowAssign) -> Iterator[str]:
    yield _window(plan.window, plan.time, plan.input.fields)
    if plan.partition:
        yield f"partition={_columns(plan.partition, plan.input.fields)}"


@_describe.register(Aggregate)
def _(plan: Aggregate) -> Iterator[str]:
    yield from _grouping(plan)


@_describe.register(WindowAggregate)
def _(plan: WindowAggregate) -> Iterator[str]:
    yield _window(plan.window, plan.time, plan.input.fields)
    yield from _grouping(plan)


def _grouping(plan: Aggregate | WindowAggregate) -> Iterator[str]:
    yield f"keys={_columns(plan.keys, plan.input.fields)}"
    results = plan.fields[len(plan.keys) :]
    calls = (_call(call, field, plan.input.fields) for call, field in zip(plan.calls, results, strict=False))
    yield f"calls=[{', '.join(calls)}]"


def _call(call: AggregateCall, result: Field, fields: Sequence[Field]) -> str:
    by_id = fields_by_id(fields)
    constants = call.options if call.options != (",",) else ()
    args = [by_id[each].name for each in call.value_args] + [_constant(each) for each in constants]
    distinct = "DISTINCT " if call.distinct else ""
    condition = "" if call.filter is None else f" FILTER (WHERE {by_id[call.filter].name})"
    keys = [f"{by_id[each].name}{_direction(how)}" for each, how in zip(call.order_args, call.order, strict=True)]
    order = f" WITHIN GROUP (ORDER BY {', '.join(keys)})" if keys else ""
    empty = "*" if is_frame_call(call) else ""
    return f"{result.name}: {call.function}({distinct}{', '.join(args) or empty}){order}{condition}"


def _constant(value: LiteralValue) -> str:
    return literal_text(value, STRING) if isinstance(value, str) else str(value)


@_describe.register(WindowRank)
def _(plan: WindowRank) -> Iterator[str]:
    yield _window(plan.window, plan.time, plan.input.fields)
    yield f"partition={_columns(plan.partition, plan.input.fields)}"
    yield f"order=[{_order(plan.order, plan.input.fields)}]"
    yield f"ranks {plan.first} to {plan.last}"


@_describe.register(Rank)
def _(plan: Rank) -> Iterator[str]:
    yield plan.function
    if plan.partition:
        yield f"partition={_columns(plan.partition, plan.input.fields)}"
    yield f"order=[{_order(plan.order, plan.input.fields) or 'arrival'}]"
    yield f"ranks {plan.first} to {plan.last}"


@_describe.register(OverAggregate)
def _(plan: OverAggregate) -> Iterator[str]:
    fields = plan.input.fields
    if plan.partition:
        yield f"partition={_columns(plan.partition, fields)}"
    if plan.order:
        yield f"order=[{_order(plan.order, fields)}]"
    if any(is_frame_call(each) for each in plan.calls):
        yield _frame(plan)
    results = plan.fields[len(plan.fields) - len(plan.calls) :]
    calls = (_call(call, field, fields) for call, field in zip(plan.calls, results, strict=True))
    yield f"calls=[{', '.join(calls)}]"


def _frame(plan: OverAggregate) -> str:
    frame = plan.frame
    without = "" if frame.without is None else f" without {frame.without.value}"
    if frame.start is None and frame.end is None:
        return f"whole partition{without}"
    key = fields_by_id(plan.input.fields)[plan.order[0].column].type if plan.order else None
    timed = frame.unit == "RANGE" and key is not None and key.kind in TIMESTAMPS
    low, high = (_edge(each, edge, timed) for each, edge in ((frame.start, "PRECEDING"), (frame.end, "FOLLOWING")))
    return f"{frame.unit} {low} to {high}{without}"


def _edge(distance: int | None, edge: str, timed: bool) -> str:
    if distance is None:
        return f"UNBOUNDED {edge}"
    if distance == 0:
        return "CURRENT ROW"
    far = duration_text(abs(distance)) if timed else str(abs(distance))
    return f"{far} {'PRECEDING' if distance < 0 else 'FOLLOWING'}"


@_describe.register(RankOver)
def _(plan: RankOver) -> Iterator[str]:
    yield plan.function
    yield f"partition={_columns(plan.partition, plan.input.fields)}"
    yield f"order=[{_order(plan.order, plan.input.fields)}]"


@_describe.register(Sort)
def _(plan: Sort) -> Iterator[str]:
    yield _order(plan.keys, plan.input.fields)


@_describe.register(Limit)
def _(plan: Limit) -> Iterator[str]:
    yield "all" if plan.limit is None else str(plan.limit)
    if plan.offset:
        yield f"offset={plan.offset}"


@_describe.register(SinkPlan)
def _(plan: SinkPlan) -> Iterator[str]:
    yield f"overwrite {plan.table.name}" if plan.overwrite else plan.table.name


def _names(fields: Iterable[Field]) -> str:
    return f"[{', '.join(each.name for each in fields)}]"


def _columns(ids: Iterable[int], fields: Sequence[Field]) -> str:
    by_id = fields_by_id(fields)
    return _names(by_id[each] for each in ids)


def _order(keys: Iterable[SortKey], fields: Sequence[Field]) -> str:
    by_id = fields_by_id(fields)
    return ", ".join(f"{by_id[key.column].name}{_direction(key)}" for key in keys)


def _direction(key: SortKey | Ordering) -> str:
    """What differs from ascending with NULLs first."""
    nulls = "" if key.nulls_first == key.ascending else f" NULLS {'FIRST' if key.nulls_first else 'LAST'}"
    return ("" if key.ascending else " DESC") + nulls


def _window(window: Window, time: Field, fields: Sequence[Field]) -> str:
    match window:
        case Tumble():
            return f"TUMBLE({time.name}, {duration_text(window.size)}{_offset(window.offset)})"
        case Hop():
            sizes = f"{duration_text(window.slide)}, {duration_text(window.size)}"
            return f"HOP({time.name}, {sizes}{_offset(window.offset)})"
        case Cumulate():
            sizes = f"{duration_text(window.step)}, {duration_text(window.size)}"
            return f"CUMULATE({time.name}, {sizes}{_offset(window.offset)})"
        case Session():
            return f"SESSION({time.name}, {duration_text(window.gap)})"
        case Attached():
            by_id = fields_by_id(fields)
            return f"WINDOW({by_id[window.start].name}, {by_id[window.end].name})"


def _offset(offset: int) -> str:
    return f", offset {duration_text(offset)}" if offset else ""
