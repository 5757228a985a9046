"""Temporal joins as DuckDB SQL: ASOF JOIN with the versions, the last arrival of each key and time."""

from __future__ import annotations

from streamsql.batch_mode.joins import EQUAL
from streamsql.batch_mode.relation import Lowering, Relation, column, distinct_ids, select_list
from streamsql.batch_mode.rows import sql
from streamsql.batch_mode.time_joins import BEFORE_ALL, arrived, watermark
from streamsql.plan.nearest_joins import TimedAsofJoin
from streamsql.plan.time_joins import TemporalJoin


def lower_temporal_join(plan: TemporalJoin, left: Relation, right: Relation, lowering: Lowering) -> Relation:
    """Left rows with the version valid at their time; the residual is asked of that one alone."""
    numbered = lowering.add(f"SELECT *, row_number() OVER () AS id FROM {left.name}")
    versions = lowering.add(_versions(plan, right))
    if lowering.recorded.of(plan):
        joined = _as_the_stream_saw(plan, numbered, versions, left, right, lowering)
    else:
        keys = " AND ".join(_keys(plan))
        at = f"l.{column(plan.times[0].id)} >= r.{column(plan.times[1].id)}"
        if isinstance(plan, TimedAsofJoin) and plan.lag:
            at = f"l.{column(plan.times[0].id)} - to_microseconds({plan.lag}) >= r.{column(plan.times[1].id)}"
        latest = lowering.add(_latest(plan, versions, right))
        joined = f"{numbered} AS l ASOF LEFT JOIN {latest} AS r ON {' AND '.join(filter(None, (keys, at)))}"
    mine = [f"l.{column(each)}" for each in left.ids] + [f"l.{each}" for each in left.ordinals]
    other = [f"r.{column(each)}" for each in right.ids]
    found = lowering.add(f"SELECT {', '.join((*mine, *other))}, r.here FROM {joined}")
    residual = "TRUE"
    if plan.residual is not None:
        residual = sql(plan.residual, Relation("", (*left.ids, *right.ids), 0), lowering)
    met = lowering.add(f"SELECT *, CASE WHEN here THEN {residual} END IS TRUE AS met FROM {found}")
    items = {column(each): column(each) for each in left.ids}
    items |= {column(each): f"CASE WHEN met THEN {column(each)} END" for each in right.ids}
    items = {column(each.id): items[column(each.id)] for each in plan.fields}
    where = "" if plan.kind.keeps_left else " WHERE met"
    body = f"SELECT {select_list(items, left.ordinals)} FROM {met}{where}"
    return Relation(lowering.add(body), distinct_ids(plan.fields), left.order)


def _versions(plan: TemporalJoin, right: Relation) -> str:
    """The rows that are versions, or end one; `here` tells them from padding."""
    here = "TRUE" if plan.ended is None else f"NOT {column(plan.ended.id)}"
    rows = f"SELECT *, {here} AS here FROM {right.name}"
    if not plan.latest_only:
        return rows
    time, keys = column(plan.times[1].id), _partition(plan)
    before = f"max({time}) OVER ({keys}ORDER BY {right.arrival} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    return f"{rows} QUALIFY coalesce({time} >= {before}, TRUE)"


def _latest(plan: TemporalJoin, versions: str, right: Relation) -> str:
    """Of the versions of one key and time the last arrival."""
    by = ", ".join((*(column(each.right) for each in plan.on), column(plan.times[1].id)))
    last_first = ", ".join(f"{each} DESC NULLS LAST" for each in right.ordinals)
    return f"SELECT * FROM {versions} QUALIFY row_number() OVER (PARTITION BY {by} ORDER BY {last_first}) = 1"


def _keys(plan: TemporalJoin) -> tuple[str, ...]:
    return tuple(f"l.{column(each.left)} {EQUAL[each.null_safe]} r.{column(each.right)}" for each in plan.on)


def _partition(plan: TemporalJoin) -> str:
    keys = ", ".join(column(each.right) for each in plan.on)
    return f"PARTITION BY {keys} " if keys else ""


def _as_the_stream_saw(
    plan: TemporalJoin, numbered: str, versions: str, left: Relation, right: Relation, lowering: Lowering
) -> str:
    """The left rows with what was there when they were delivered: at their time, or later if they came late.

    A row that is no single row of a source came in time.
    """
    mine, other = f"epoch_us(l.{column(plan.times[0].id)})", f"epoch_us(r.{column(plan.times[1].id)})"
    lag = plan.lag if isinstance(plan, TimedAsofJoin) else 0
    until = f"{mine} - {lag}"
    reached = f"greatest({mine}, {watermark('l') if left.ordinals_only else BEFORE_ALL}) - {lag}"
    terms = list(_keys(plan))
    terms.append(f"{other} <= {reached}")
    if right.ordinals_only:
        before = f" OR {arrived('r', lowering)} < {arrived('l', lowering)}" if left.ordinals_only else ""
        terms.append(f"({watermark('r')} < {mine}{before})")
    last_first = ", ".join((f"{other} DESC", *(f"r.{each} DESC NULLS LAST" for each in right.ordinals)))
    theirs = ", ".join(f"r.{column(each)}" for each in right.ids)
    nth = f"row_number() OVER (PARTITION BY l.id ORDER BY {last_first})"
    seen = lowering.add(
        f"SELECT l.id, {theirs}, r.here, {other} <= {until} AS valid FROM {numbered} AS l JOIN {versions} AS r "
        f"ON {' AND '.join(terms)} QUALIFY {nth} = 1"
    )
    return f"{numbered} AS l LEFT JOIN (SELECT * FROM {seen} WHERE valid) AS r ON l.id = r.id"
