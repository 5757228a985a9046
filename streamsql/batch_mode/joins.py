"""Joins as DuckDB SQL, and the order in which a stream would have delivered their rows."""

from __future__ import annotations

from collections.abc import Sequence

from streamsql.batch_mode.relation import Lowering, Relation, column, distinct_ids, select_list
from streamsql.batch_mode.rows import sql
from streamsql.batch_mode.time_joins import BEFORE_ALL, still_there
from streamsql.expr.properties import can_fail
from streamsql.plan.logical import Join, JoinKind
from streamsql.plan.lookup_join import LookupJoin
from streamsql.plan.time_joins import IntervalJoin

EQUAL = {False: "=", True: "IS NOT DISTINCT FROM"}
"""How a key compares; `True` for one in which NULLs are equal."""
_MANY_ORDINALS = 12
"""Beyond so many, the order is one row number."""


def lower_join(plan: Join, left: Relation, right: Relation, lowering: Lowering) -> Relation:
    """Pairs, padded rows, or left rows with (or without) a partner."""
    condition = join_condition(plan, left, right, lowering)
    match plan.kind:
        case JoinKind.SEMI:
            return _semi(plan, left, right, condition, lowering)
        case JoinKind.ANTI:
            body = (
                f"SELECT * FROM {left.name} AS l WHERE NOT EXISTS (SELECT 1 FROM {right.name} AS r WHERE {condition})"
            )
            return Relation(lowering.add(body), left.ids, left.order, left.sorted, left.ordinals_only)
        case _:
            return _pairs(plan, left, right, condition, lowering)


def join_condition(plan: Join | LookupJoin, left: Relation, right: Relation, lowering: Lowering) -> str:
    """What is asked of a pair, as SQL over `l` and `r`."""
    terms = [f"l.{column(each.left)} {EQUAL[each.null_safe]} r.{column(each.right)}" for each in plan.on]
    if plan.residual is not None:
        residual = sql(plan.residual, Relation("", (*left.ids, *right.ids), 0), lowering)
        # What can fail must not be tested on one side alone, before there are pairs.
        guarded = can_fail(plan.residual) and terms
        terms.append(f"CASE WHEN {' AND '.join(terms)} THEN {residual} END" if guarded else residual)
    if isinstance(plan, IntervalJoin) and lowering.recorded.of(plan):
        terms.append(still_there(plan, left, right, lowering))
    return " AND ".join(terms) or "TRUE"


def _pairs(plan: Join, left: Relation, right: Relation, condition: str, lowering: Lowering) -> Relation:
    items = {column(each): f"l.{column(each)}" for each in left.ids}
    items |= {column(each): f"r.{column(each)}" for each in right.ids}
    items = {column(each.id): items[column(each.id)] for each in plan.fields}
    order = _order(left, right, lowering)
    kind = "FULL OUTER JOIN" if plan.kind is JoinKind.FULL else plan.kind.value
    body = f"SELECT {select_list(items, order)} FROM {left.name} AS l {kind} {right.name} AS r ON {condition}"
    joined = Relation(
        lowering.add(body),
        distinct_ids(plan.fields),
        len(order),
        ordinals_only=type(plan) is Join and left.ordinals_only and right.ordinals_only,
    )
    return numbered(joined, lowering)


def _order(left: Relation, right: Relation, lowering: Lowering) -> list[str]:
    """By the later of both rows; of one left row by right row, and the other way round."""
    mine, other = _ordinals("l", left), _ordinals("r", right)
    if not (left.ordinals_only and right.ordinals_only):
        return [*mine, *other]
    width = lowering.arrival_width
    right_later = f"(({', '.join(other[:width])}) >= ({', '.join(mine[:width])}))"
    longest = max(len(mine), len(other))
    padded = [[*each, *["0::BIGINT"] * (longest - len(each))] for each in (mine, other)]
    major = [f"CASE WHEN {right_later} THEN {b} ELSE {a} END" for a, b in zip(*padded, strict=True)]
    minor = [f"CASE WHEN {right_later} THEN {a} ELSE {b} END" for a, b in zip(*padded, strict=True)]
    return [*major[:width], f"{right_later}::BIGINT", *major[width:], *minor]


def _ordinals(alias: str, relation: Relation) -> list[str]:
    """The order of an input; a side that is padded comes before all."""
    return [
        f"coalesce({alias}.{each}, {BEFORE_ALL})" if relation.ordinals_only else f"{alias}.{each}"
        for each in relation.ordinals
    ]


def numbered(relation: Relation, lowering: Lowering) -> Relation:
    """The same with when the row arrived, and its number, as the whole order, where that has become long."""
    if relation.order <= _MANY_ORDINALS:
        return relation
    if not relation.ordinals_only:
        kept: Sequence[str] = ()
    else:
        kept = relation.ordinals[: lowering.arrival_width]
    order = (*kept, f"row_number() OVER (ORDER BY {relation.arrival})")
    items = {each: each for each in relation.columns}
    name = lowering.add(f"SELECT {select_list(items, order)} FROM {relation.name}")
    return Relation(name, relation.ids, len(order), ordinals_only=relation.ordinals_only)


def _semi(plan: Join, left: Relation, right: Relation, condition: str, lowering: Lowering) -> Relation:
    """A left row comes when it and its first partner are there."""
    if not (left.ordinals_only and right.ordinals_only):
        return _filtered(left, _exists(right, condition), lowering)
    width = lowering.arrival_width
    mine, other = (f"row({', '.join(_ordinals(alias, each)[:width])})" for alias, each in (("l", left), ("r", right)))
    first = f"(SELECT min({other}) FROM {right.name} AS r WHERE {condition})"
    met = lowering.add(f"SELECT l.*, {mine} AS mine, {first} AS met FROM {left.name} AS l")
    came = [f"struct_extract_at(greatest(mine, met), {index + 1})" for index in range(width)]
    order = (*came, *left.ordinals)
    items = {each: each for each in left.columns}
    name = lowering.add(f"SELECT {select_list(items, order)} FROM {met} WHERE met IS NOT NULL")
    return Relation(name, left.ids, len(order), ordinals_only=True)


def _exists(right: Relation, condition: str) -> str:
    return f"EXISTS (SELECT 1 FROM {right.name} AS r WHERE {condition})"


def _filtered(left: Relation, condition: str, lowering: Lowering) -> Relation:
    body = f"SELECT * FROM {left.name} AS l WHERE {condition}"
    return Relation(lowering.add(body), left.ids, left.order, left.sorted, left.ordinals_only)
