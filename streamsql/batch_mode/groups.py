"""GROUP BY, with and without windows, as DuckDB SQL."""

from __future__ import annotations

from collections.abc import Sequence

from streamsql.batch_mode.aggregate_arguments import ordering_sql
from streamsql.batch_mode.aggregates import aggregate_sql, needs_first_appearance, same_key
from streamsql.batch_mode.relation import Lowering, Relation, column, distinct_ids, order_terms, select_list
from streamsql.batch_mode.windows import bound_columns, windowed_rows
from streamsql.expr.aggregates import AggregateCall
from streamsql.plan.logical import Aggregate, Attached, WindowAggregate
from streamsql.plan.traits import traits


def lower_aggregate(plan: Aggregate, source: Relation, lowering: Lowering) -> Relation:
    """One row per key; a global aggregate over no rows gives no row, as in the stream. Ordered by the keys."""
    keys = tuple(column(each) for each in plan.keys)
    having = "" if keys else " HAVING count(*) > 0"
    rows, results = _results(plan, source, keys, lowering)
    items = select_list({**_keys(plan), **results}, keys or ("0::BIGINT",))
    body = f"SELECT {items} FROM {rows}{_group_by(keys)}{having}"
    return Relation(lowering.add(body, keep=plan in lowering.shared), distinct_ids(plan.fields), max(1, len(keys)))


def lower_window_aggregate(plan: WindowAggregate, source: Relation, lowering: Lowering) -> Relation:
    """One row per window and key, in the order in which windows close: by end, then by key."""
    windowed = windowed_rows(plan, source, plan.keys, lowering)
    keys = tuple(column(each) for each in plan.keys)
    group = (*keys, *windowed.group)
    rows, results = _results(plan, windowed.rows, group, lowering)
    items = {**_keys(plan), **results, **bound_columns(plan.bounds, plan.time.type, windowed)}
    order = (windowed.end, *keys, windowed.start)
    if isinstance(plan.window, Attached):
        order = (windowed.end, windowed.start, *keys)
    body = f"SELECT {select_list(items, order)} FROM {rows}{_group_by(group)}"
    return Relation(lowering.add(body, keep=plan in lowering.shared), distinct_ids(plan.fields), len(order))


def _keys(plan: Aggregate | WindowAggregate) -> dict[str, str]:
    kinds = {each.id: each.type.kind for each in plan.fields}
    return {column(each): same_key(column(each), kinds[each]) for each in plan.keys}


def _group_by(group: Sequence[str]) -> str:
    return f" GROUP BY {', '.join(dict.fromkeys(group))}" if group else ""


def _results(
    plan: Aggregate | WindowAggregate, rows: Relation, group: Sequence[str], lowering: Lowering
) -> tuple[str, dict[str, str]]:
    """The relation to group, and each call's expression by its column; `fields` are the keys, the calls, the rest."""
    because = traits(plan.input).updating_because
    append_only, arrival = because is None, because is None or because.keeps_time
    first: dict[AggregateCall, str] = {}
    for call in plan.calls:
        if needs_first_appearance(call):
            first.setdefault(call, f"first{len(first)}")
    name = rows.name
    if first:
        marks = ", ".join(
            f"{_appears_first(call, group, rows, arrival=arrival)} AS {mark}" for call, mark in first.items()
        )
        name = lowering.add(f"SELECT *, {marks} FROM {rows.name}")
    fields = plan.fields[len(plan.keys) : len(plan.keys) + len(plan.calls)]
    calls = {
        column(each.id): aggregate_sql(call, rows.arrival, first.get(call), append_only=append_only, arrival=arrival)
        for each, call in zip(fields, plan.calls, strict=True)
    }
    return name, calls


def _appears_first(call: AggregateCall, group: Sequence[str], rows: Relation, *, arrival: bool) -> str:
    by = [*group, *(column(each) for each in call.value_args)]
    if call.filter is not None:
        by.append(f"{column(call.filter)} IS TRUE")
    order = [ordering_sql(column(each), how) for each, how in zip(call.order_args, call.order, strict=True)]
    order.append(rows.arrival if arrival else order_terms(column(each) for each in call.args))
    return f"row_number() OVER (PARTITION BY {', '.join(by)} ORDER BY {', '.join(order)}) = 1"
