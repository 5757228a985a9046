"""Window Top-N and deduplication, ORDER BY and LIMIT as DuckDB SQL."""

from __future__ import annotations

from streamsql.batch_mode.relation import Lowering, Relation, column, distinct_ids, order_terms, select_list
from streamsql.batch_mode.replay import without_dropped
from streamsql.batch_mode.windows import windowed_rows
from streamsql.expr.duckdb_sql import duckdb_type
from streamsql.plan.final_order import final_order
from streamsql.plan.logical import Limit, Rank, Sort, SortKey, WindowRank
from streamsql.plan.row_orders import RankOrder
from streamsql.plan.traits import keeps_later, rank_order, traits


def lower_window_rank(plan: WindowRank, source: Relation, lowering: Lowering) -> Relation:
    """The rows of ranks `first` to `last` of each window and partition, by window, partition and rank."""
    windowed = windowed_rows(plan, source, (), lowering)
    rows, start, end = windowed.rows, windowed.start, windowed.end
    partition = tuple(column(each) for each in plan.partition)
    tie = "DESC NULLS LAST" if keeps_later(plan) else "ASC NULLS FIRST"
    order = ", ".join((*(sort_term(each) for each in plan.order), *(f"{each} {tie}" for each in rows.ordinals)))
    rank = f"row_number() OVER (PARTITION BY {', '.join((*partition, start, end))} ORDER BY {order})"
    ranked = f"SELECT *, {rank} AS rank FROM {rows.name}"
    items = {each: each for each in source.columns}
    if plan.rank is not None:
        items[column(plan.rank.id)] = f"CAST(rank AS {duckdb_type(plan.rank.type)})"
    emitted = (end, start, *partition, "rank")
    body = f"SELECT {select_list(items, emitted)} FROM ({ranked}) WHERE rank BETWEEN {plan.first} AND {plan.last}"
    ids = tuple(dict.fromkeys((*source.ids, *distinct_ids(plan.fields))))
    return Relation(lowering.add(body), ids, len(emitted))


def lower_rank(plan: Rank, source: Relation, lowering: Lowering) -> Relation:
    """The rows of ranks `first` to `last` of each partition."""
    rows = without_dropped(plan, source, (), lowering)
    kind = rank_order(plan)
    later = kind in (RankOrder.LATEST_ARRIVAL, RankOrder.LAST_BY_TIME)
    keys = () if kind in (RankOrder.ARRIVAL, RankOrder.LATEST_ARRIVAL) else plan.order
    ties = tuple(f"{each} DESC NULLS LAST" for each in rows.ordinals) if later else (_input_order(plan, rows),)
    partition = ", ".join(column(each) for each in plan.partition)
    order = ", ".join((*(sort_term(each) for each in keys), *ties))
    if plan.function != "ROW_NUMBER":
        order = ", ".join(sort_term(each) for each in keys)
    within = f"PARTITION BY {partition} " if partition else ""
    ranked = f"SELECT *, {plan.function.lower()}() OVER ({within}ORDER BY {order}) AS rank FROM {rows.name}"
    items = {each: each for each in source.columns}
    if plan.rank is not None:
        items[column(plan.rank.id)] = f"CAST(rank AS {duckdb_type(plan.rank.type)})"
    time = (column(plan.order[0].column),) if kind is RankOrder.FIRST_BY_TIME else ()
    emitted = (*time, *rows.ordinals)
    body = f"SELECT {select_list(items, emitted)} FROM ({ranked}) WHERE rank BETWEEN {plan.first} AND {plan.last}"
    ids = tuple(dict.fromkeys((*source.ids, *distinct_ids(plan.fields))))
    return Relation(lowering.add(body), ids, len(emitted))


def lower_sort(plan: Sort, source: Relation, lowering: Lowering) -> Relation:
    """The rows numbered in their new order; equal ones stay in that of the input."""
    return _numbered(
        source, ", ".join((*(sort_term(each) for each in plan.keys), _input_order(plan, source))), lowering
    )


def lower_limit(plan: Limit, source: Relation, lowering: Lowering) -> Relation:
    """The first rows, after `offset` others."""
    if not traits(plan.input).append_only:
        source = _numbered(source, _input_order(plan, source), lowering)
    items = {each: each for each in source.columns}
    count = "" if plan.limit is None else f" LIMIT {plan.limit}"
    order = "" if source.sorted else f" ORDER BY {source.arrival}"
    body = f"SELECT {select_list(items, source.ordinals)} FROM {source.name}{order}{count} OFFSET {plan.offset}"
    return Relation(lowering.add(body), source.ids, source.order, source.sorted, source.ordinals_only)


def sort_term(key: SortKey) -> str:
    """An ORDER BY term with its direction and place of NULL written out."""
    direction = "ASC" if key.ascending else "DESC"
    return f"{column(key.column)} {direction} NULLS {'FIRST' if key.nulls_first else 'LAST'}"


def _numbered(source: Relation, order: str, lowering: Lowering) -> Relation:
    items = {each: each for each in source.columns}
    body = f"SELECT {select_list(items, (f'row_number() OVER (ORDER BY {order})',))} FROM {source.name}"
    return Relation(lowering.add(body), source.ids, 1)


def _input_order(plan: Sort | Limit | Rank, source: Relation) -> str:
    """ORDER BY terms of the input's own order: rows that an aggregate has updated have no arrival to go by."""
    positions = final_order(plan.input)
    if positions is None:
        return source.arrival
    return order_terms(column(plan.input.fields[each].id) for each in positions)
