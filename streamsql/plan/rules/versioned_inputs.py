"""The right input of a temporal join becomes its versions: every row that a table, or a deduplication, ever got."""

from __future__ import annotations

from dataclasses import replace

from streamsql.errors import Span, SqlError
from streamsql.expr.nodes import Expr, Literal
from streamsql.plan.logical import Field, Plan, Project, Rank, Scan
from streamsql.plan.row_orders import RankOrder
from streamsql.plan.time_joins import TemporalJoin
from streamsql.plan.traits import rank_order, traits
from streamsql.plan.tree import fields_by_id, reference, transform_up


def versioned_inputs(plan: Plan) -> Plan:
    """Tell each TemporalJoin the key and the time of its versions.

    A table has them by PRIMARY KEY and WATERMARK; a query by ROW_NUMBER() OVER (PARTITION BY key ORDER BY time DESC)
    = 1, which is taken out, as its rows are versions in the order in which they came.
    """
    return transform_up(plan, lambda node: _versioned(node) if isinstance(node, TemporalJoin) else node)


def _versioned(plan: TemporalJoin) -> TemporalJoin:
    if plan.right_time is not None:
        return plan
    right, key, time, latest_only = _versions(plan.right, plan.span)
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
    return replace(plan, right=right, version_key=key, right_time=delivered[time.id], latest_only=latest_only)


def _versions(plan: Plan, span: Span | None) -> tuple[Plan, tuple[Field, ...], Field, bool]:
    match plan:
        case Project():
            below, key, time, latest_only = _versions(plan.input, span)
            return replace(plan, input=below), key, time, latest_only
        case Scan(table=table, watermark=mark) if table.primary_key and mark is not None:
            by_name = {each.name: each for each in plan.fields}
            time = fields_by_id(plan.fields)[mark.column]
            return plan, tuple(by_name[each] for each in table.primary_key), time, False
        case Rank(function="ROW_NUMBER") if rank_order(plan) is RankOrder.LAST_BY_TIME:
            fields = fields_by_id(plan.input.fields)
            key = tuple(fields[each] for each in plan.partition)
            return _all_rows(plan), key, fields[plan.order[0].column], True
        case _:
            raise SqlError(
                "FOR SYSTEM_TIME AS OF needs versions: rows with a key and an event time",
                span=span,
                hint="read a table with PRIMARY KEY and WATERMARK, or a view that keeps the last row of each key by "
                "ROW_NUMBER() OVER (PARTITION BY key ORDER BY time DESC) = 1",
            )


def _all_rows(plan: Rank) -> Plan:
    if plan.rank is None:
        return plan.input
    one: Expr = Literal(type=plan.rank.type, value=1)
    exprs = (*(reference(each) for each in plan.input.fields), one)
    return Project(input=plan.input, exprs=exprs, fields=(*plan.input.fields, plan.rank), span=plan.span)
