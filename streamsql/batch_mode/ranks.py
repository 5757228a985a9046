"""Window Top-N and deduplication, ORDER BY and LIMIT as DuckDB SQL."""

from __future__ import annotations

from streamsql.batch_mode.relation import Lowering, Relation, column, distinct_ids, select_list
from streamsql.batch_mode.windows import END, START, windowed_rows
from streamsql.expr.duckdb_sql import duckdb_type
from streamsql.plan.logical import Limit, Sort, SortKey, TimeAttribute, WindowRank


def lower_window_rank(plan: WindowRank, source: Relation, lowering: Lowering) -> Relation:
    """The rows of ranks `first` to `last` of each window and partition, by window end, partition and rank."""
    rows = windowed_rows(plan, source, (), lowering)
    partition = tuple(column(each) for each in plan.partition)
    ties = rows.ordinals if not _keeps_last(plan) else tuple(f"{each} DESC" for each in rows.ordinals)
    order = ", ".join((*(sort_term(each) for each in plan.order), *ties))
    rank = f"row_number() OVER (PARTITION BY {', '.join((*partition, START, END))} ORDER BY {order})"
    ranked = f"SELECT *, {rank} AS rank FROM {rows.name}"
    items = {each: each for each in source.columns}
    if plan.rank is not None:
        items[column(plan.rank.id)] = f"CAST(rank AS {duckdb_type(plan.rank.type)})"
    emitted = (END, *partition, START, "rank")
    body = f"SELECT {select_list(items, emitted)} FROM ({ranked}) WHERE rank BETWEEN {plan.first} AND {plan.last}"
    ids = tuple(dict.fromkeys((*source.ids, *distinct_ids(plan.fields))))
    return Relation(lowering.add(body), ids, len(emitted))


def lower_sort(plan: Sort, source: Relation, lowering: Lowering) -> Relation:
    """The rows numbered in their new order; equal ones keep the old."""
    order = ", ".join((*(sort_term(each) for each in plan.keys), source.arrival))
    items = {each: each for each in source.columns}
    body = f"SELECT {select_list(items, (f'row_number() OVER (ORDER BY {order})',))} FROM {source.name}"
    return Relation(lowering.add(body), source.ids, 1)


def lower_limit(plan: Limit, source: Relation, lowering: Lowering) -> Relation:
    """The first rows, after `offset` others."""
    items = {each: each for each in source.columns}
    count = "" if plan.limit is None else f" LIMIT {plan.limit}"
    order = "" if source.sorted else f" ORDER BY {source.arrival}"
    body = f"SELECT {select_list(items, source.ordinals)} FROM {source.name}{order}{count} OFFSET {plan.offset}"
    return Relation(lowering.add(body), source.ids, source.order, source.sorted, source.ordinals_only)


def sort_term(key: SortKey) -> str:
    """An ORDER BY term with its direction and place of NULL written out."""
    direction = "ASC" if key.ascending else "DESC"
    return f"{column(key.column)} {direction} NULLS {'FIRST' if key.nulls_first else 'LAST'}"


def _keeps_last(plan: WindowRank) -> bool:
    """Deduplication by descending event time keeps the later of two arrivals; any other tie the earlier."""
    if (plan.first, plan.last) != (1, 1) or len(plan.order) != 1:
        return False
    key = plan.order[0]
    times = {each.id for each in plan.input.fields if each.time is TimeAttribute.EVENT}
    return not key.ascending and key.column in times
