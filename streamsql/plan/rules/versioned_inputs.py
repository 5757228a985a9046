"""The right input of a temporal join becomes its versions: every row that a table, or a deduplication, ever got."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from streamsql.errors import Span, SqlError
from streamsql.expr.nodes import Expr, Literal
from streamsql.expr.types import BOOLEAN, Column
from streamsql.plan.logical import Field, Plan, Project, Rank, Scan
from streamsql.plan.row_orders import RankOrder
from streamsql.plan.time_joins import TemporalJoin
from streamsql.plan.traits import rank_order, traits
from streamsql.plan.tree import fields_by_id, fresh_ids, reference, transform_up
from streamsql.record import record


def versioned_inputs(plan: Plan) -> Plan:
    """Tell each TemporalJoin the key and the time of its versions.

    A table has them by PRIMARY KEY and WATERMARK, one in memory with what ends them; a query by ROW_NUMBER() OVER
    (PARTITION BY key ORDER BY time DESC) = 1, which is taken out, as its rows are versions in the order in which they
    came.
    """
    ids = fresh_ids(plan)
    return transform_up(plan, lambda node: _versioned(node, ids) if isinstance(node, TemporalJoin) else node)


@record
class _Versions:
    """A plan whose rows are versions; see TemporalJoin."""

    plan: Plan
    key: tuple[Field, ...]
    time: Field
    latest_only: bool = False
    ended: Field | None = None


def _versioned(plan: TemporalJoin, ids: Iterator[int]) -> TemporalJoin:
    if plan.right_time is not None:
        return plan
    found = _versions(plan.right, plan.span, ids)
    right, key, time = found.plan, found.key, found.time
    for side, name in ((plan.left, "left side"), (right, "versions")):
        because = traits(side).updating_because
        if because is not None:
            raise SqlError(
                f"a temporal join needs an append-only input, but {because.clause} makes the {name} updating",
                span=because.span or plan.span,
            )
    delivered = fields_by_id(right.fields)
    if not {each.id for each in (*key, time)} <= delivered.keys():
        raise SqlError(
            "FOR SYSTEM_TIME AS OF needs the key and the time of the versions",
            span=plan.span,
            hint=f"select {', '.join(each.name for each in (*key, time))} in the view",
        )
    key = tuple(delivered[each.id] for each in key)
    at, latest_only = delivered[time.id], found.latest_only
    return replace(plan, right=right, version_key=key, right_time=at, latest_only=latest_only, ended=found.ended)


def _versions(plan: Plan, span: Span | None, ids: Iterator[int]) -> _Versions:
    match plan:
        case Project():
            found = _versions(plan.input, span, ids)
            carried = () if found.ended is None else (found.ended,)
            exprs = (*plan.exprs, *map(reference, carried))
            return replace(found, plan=replace(plan, input=found.plan, exprs=exprs, fields=(*plan.fields, *carried)))
        case Scan(table=table, watermark=mark) if table.primary_key and mark is not None:
            by_name = {each.name: each for each in plan.fields}
            time = fields_by_id(plan.fields)[mark.column]
            key = tuple(by_name[each] for each in table.primary_key)
            if table.connector is not None or table.data is not None:
                return _Versions(plan, key, time)
            ended = Field(next(ids), _ENDED, BOOLEAN)
            return _Versions(_with_ends(plan, ended), key, time, ended=ended)
        case Rank(function="ROW_NUMBER") if rank_order(plan) is RankOrder.LAST_BY_TIME:
            fields = fields_by_id(plan.input.fields)
            key = tuple(fields[each] for each in plan.partition)
            return _Versions(_all_rows(plan), key, fields[plan.order[0].column], latest_only=True)
        case _:
            raise SqlError(
                "FOR SYSTEM_TIME AS OF needs versions: rows with a key and an event time",
                span=span,
                hint="read a table with PRIMARY KEY and WATERMARK, or a view that keeps the last row of each key by "
                "ROW_NUMBER() OVER (PARTITION BY key ORDER BY time DESC) = 1",
            )


_ENDED = "$ended"


def _with_ends(plan: Scan, ended: Field) -> Scan:
    """A table in memory read as it was written: rows that replace others, and rows that were deleted."""
    columns = (*plan.table.columns, Column(ended.name, ended.type))
    table = replace(plan.table, columns=columns, updating=False, ended=ended.name)
    return replace(plan, table=table, physical=(*plan.physical, ended), fields=(*plan.fields, ended))


def _all_rows(plan: Rank) -> Plan:
    if plan.rank is None:
        return plan.input
    one: Expr = Literal(type=plan.rank.type, value=1)
    exprs = (*(reference(each) for each in plan.input.fields), one)
    return Project(input=plan.input, exprs=exprs, fields=(*plan.input.fields, plan.rank), span=plan.span)
