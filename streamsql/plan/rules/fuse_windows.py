"""GROUP BY over the columns of a window becomes a window aggregate, which emits once and forgets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from streamsql.expr.nodes import ColumnRef, Expr, column_ids
from streamsql.expr.properties import can_fail, is_volatile
from streamsql.plan.logical import (
    Aggregate,
    Attached,
    Field,
    Filter,
    Hop,
    Plan,
    Project,
    Session,
    Unnest,
    Window,
    WindowAggregate,
    WindowAssign,
)
from streamsql.plan.predicates import conjuncts, filtered
from streamsql.plan.trait_values import WindowColumns
from streamsql.plan.traits import traits
from streamsql.plan.tree import field_ids, fields_by_id, fresh_ids, reference, select, transform_up
from streamsql.record import record


def fuse_windows(plan: Plan) -> Plan:
    """Turn aggregates whose keys include window_start and window_end of one window into window aggregates.

    - Right over a window function: one WindowAggregate in place of both, where nothing in between needs the window's
      columns (conditions over these alone move above it). Conditions in between then choose the rows of which sessions
      are made, as in Flink and in group windows.
    - Over the output of another window, or where something in between needs the columns: an Attached one.
    - With only one of the two columns, or a SESSION by other keys than its partition: an updating aggregate it stays.
    """
    ids = fresh_ids(plan)
    return transform_up(plan, lambda node: _fuse(node, ids) if isinstance(node, Aggregate) else node)


def _fuse(plan: Aggregate, ids: Iterator[int]) -> Plan:
    window = traits(plan.input).window
    if window is None or not {window.start, window.end} <= set(plan.keys):
        return plan
    keys = tuple(each for each in plan.keys if each not in (window.start, window.end, window.time))
    if isinstance(window.window, Session) and not window.closed and frozenset(keys) != window.partition:
        return plan
    below = _below_window(plan, window)
    if below is None:
        return select(_attached(plan, window, keys, ids), plan.fields)
    assign = below.assign
    fused = _aggregate(plan, below.plan, keys, assign.bounds, assign.time, assign.window)
    return select(filtered(fused, below.lifted), plan.fields)


def _aggregate(
    plan: Aggregate,
    input_: Plan,
    keys: tuple[int, ...],
    bounds: tuple[Field, Field, Field],
    time: Field,
    window: Window,
) -> WindowAggregate:
    by_id = fields_by_id(plan.fields)
    results = plan.fields[len(plan.keys) :]
    return WindowAggregate(
        input=input_,
        window=window,
        time=time,
        keys=keys,
        calls=plan.calls,
        bounds=bounds,
        fields=(*(by_id[each] for each in keys), *results, *bounds),
        span=plan.span,
    )


def _attached(plan: Aggregate, window: WindowColumns, keys: tuple[int, ...], ids: Iterator[int]) -> Plan:
    fields = fields_by_id(plan.input.fields)
    start, end = fields[window.start], fields[window.end]
    if window.time is None:
        # Rows are judged by window_end alone; without window_time it stands for the rows' time.
        time = replace(end, time=window.attribute)
        emitted = Field(next(ids), "window_time", end.type, window.attribute)
    else:
        time = emitted = fields[window.time]
    attached = Attached(window.start, window.end)
    return _aggregate(plan, plan.input, keys, (start, end, emitted), time, attached)


@record
class _Below:
    """What lies between an aggregate and a window function, moved below the function, without its columns.

    `lifted`: conditions over the window's columns alone, for above the aggregate.
    """

    plan: Plan
    assign: WindowAssign
    lifted: tuple[Expr, ...] = ()


def _below_window(plan: Aggregate, window: WindowColumns) -> _Below | None:
    """None where something needs the window's columns row by row, or the window was closed further below."""
    if window.closed:
        return None
    bounds = frozenset({window.start, window.end} | (set() if window.time is None else {window.time}))
    read = {id_ for call in plan.calls for id_ in (*call.args, *(() if call.filter is None else (call.filter,)))}
    return None if read & bounds else _move(plan.input)


def _move(plan: Plan) -> _Below | None:
    match plan:
        case WindowAssign():
            return _Below(plan.input, plan)
        case Filter():
            below = _move(plan.input)
            return None if below is None else _move_filter(plan, below)
        case Project():
            below = _move(plan.input)
            return None if below is None else _move_project(plan, below)
        case Unnest():
            below = _move(plan.input)
            return None if below is None else _move_unnest(plan, below)
        case _:
            return None


def _move_unnest(plan: Unnest, below: _Below) -> _Below | None:
    """Only of constants, as grouping sets have it: what an array of a row holds may hold a session together."""
    if column_ids(plan.expr) or plan.outer:
        return None
    fields = (*below.plan.fields, *(each for each in plan.fields if each.id in field_ids(plan.elements)))
    return replace(below, plan=replace(plan, input=below.plan, fields=fields))


def _move_filter(plan: Filter, below: _Below) -> _Below | None:
    bounds = field_ids(below.assign.bounds)
    lifted, kept = [], []
    for term in conjuncts(plan.predicate):
        read = column_ids(term)
        if read and read <= bounds and not is_volatile(term):
            lifted.append(term)
        elif read & bounds:
            return None
        else:
            kept.append(term)
    result = replace(below, plan=filtered(below.plan, kept), lifted=(*below.lifted, *lifted))
    if lifted and isinstance(below.assign.window, Session):
        return None  # as in Flink: what asks about sessions comes after them, and with it what stands beside it
    return result if _is_safe(kept, result) else None


def _move_project(plan: Project, below: _Below) -> _Below | None:
    bounds = field_ids(below.assign.bounds)
    passed: list[tuple[Expr, Field]] = []
    for expr, each in zip(plan.exprs, plan.fields, strict=True):
        if not column_ids(expr) & bounds:
            passed.append((expr, each))
        elif not (isinstance(expr, ColumnRef) and expr.id == each.id):
            return None
    exprs = [expr for expr, _ in passed]
    time = below.assign.time
    if time.id not in {each.id for _, each in passed}:
        passed.append((reference(time), time))
    moved = Project(
        input=below.plan,
        exprs=tuple(expr for expr, _ in passed),
        fields=tuple(each for _, each in passed),
        span=plan.span,
    )
    result = replace(below, plan=moved)
    return result if _is_safe(exprs, result) else None


def _is_safe(exprs: list[Expr], below: _Below) -> bool:
    """Nothing that can fail gets rows which a hole between windows, or a lifted condition, kept away from it."""
    window = below.assign.window
    has_holes = isinstance(window, Hop) and window.slide > window.size
    volatile = any(is_volatile(each) for each in exprs)
    return not volatile and not ((has_holes or below.lifted) and any(can_fail(each) for each in exprs))
