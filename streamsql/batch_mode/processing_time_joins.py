"""Joins as of the arrival of their left rows as DuckDB SQL: the right rows that were there by then."""

from __future__ import annotations

from streamsql.batch_mode.errors import NoBatchForm
from streamsql.batch_mode.joins import join_condition, numbered
from streamsql.batch_mode.relation import Lowering, Relation, column, distinct_ids, select_list
from streamsql.batch_mode.time_joins import BEFORE_ALL, arrived
from streamsql.plan.logical import Plan, Scan
from streamsql.plan.time_joins import ProcessingTimeJoin
from streamsql.plan.traits import traits
from streamsql.plan.tree import walk_plan


def lower_processing_time_join(
    plan: ProcessingTimeJoin, left: Relation, right: Relation, lowering: Lowering
) -> Relation:
    """Where the right side is read first, all of it; else what came before, which takes rows that stay."""
    condition = join_condition(plan, left, right, lowering)
    if not _read_first(plan):
        if not (left.ordinals_only and right.ordinals_only and traits(plan.right).append_only):
            raise NoBatchForm(
                "what the right side of FOR SYSTEM_TIME AS OF PROCTIME() holds depends on when its rows came",
                span=plan.span,
            )
        condition = f"{condition} AND {arrived('r', lowering)} <= {arrived('l', lowering)}"
    items = {column(each): f"l.{column(each)}" for each in left.ids}
    items |= {column(each): f"r.{column(each)}" for each in right.ids}
    items = {column(each.id): items[column(each.id)] for each in plan.fields}
    order = [f"l.{each}" for each in left.ordinals]
    by_values = not traits(plan.right).append_only
    partners = [] if traits(plan).unique_keys else right.columns if by_values else right.ordinals
    order += [f"r.{each}" if by_values else f"coalesce(r.{each}, {BEFORE_ALL})" for each in partners]
    body = (
        f"SELECT {select_list(items, order)} FROM {left.name} AS l {plan.kind.value} {right.name} AS r ON {condition}"
    )
    ordinals_only = left.ordinals_only and not (partners and by_values)
    return numbered(
        Relation(lowering.add(body), distinct_ids(plan.fields), len(order), ordinals_only=ordinals_only), lowering
    )


def _read_first(plan: ProcessingTimeJoin) -> bool:
    """Whether all right rows are there before the first left one."""
    left, right = (_scans(each) for each in plan.inputs)
    return not left & right and all(each.watermark is None for each in right)


def _scans(plan: Plan) -> set[Scan]:
    return {each for each in walk_plan(plan) if isinstance(each, Scan)}
