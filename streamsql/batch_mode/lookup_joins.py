"""Lookup joins as DuckDB SQL: joins with the table as it is now."""

from __future__ import annotations

from streamsql.batch_mode.joins import join_condition, numbered
from streamsql.batch_mode.relation import Lowering, Relation, column, distinct_ids, select_list
from streamsql.batch_mode.rows import lower_scan
from streamsql.batch_mode.time_joins import BEFORE_ALL
from streamsql.plan.lookup_join import LookupJoin


def lower_lookup_join(plan: LookupJoin, left: Relation, lowering: Lowering) -> Relation:
    """The table is read whole; partners come in its order."""
    right = lower_scan(plan.side, lowering)
    condition = join_condition(plan, left, right, lowering)
    items = {column(each): f"l.{column(each)}" for each in left.ids}
    items |= {column(each): f"r.{column(each)}" for each in right.ids}
    items = {column(each.id): items[column(each.id)] for each in plan.fields}
    order = [*(f"l.{each}" for each in left.ordinals), f"coalesce(r.{right.ordinals[-1]}, {BEFORE_ALL})"]
    body = (
        f"SELECT {select_list(items, order)} FROM {left.name} AS l {plan.kind.value} {right.name} AS r ON {condition}"
    )
    relation = Relation(lowering.add(body), distinct_ids(plan.fields), len(order), ordinals_only=left.ordinals_only)
    return numbered(relation, lowering)
