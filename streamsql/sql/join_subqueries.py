"""Subqueries as columns: each is computed for all rows around it at once, and joined to them."""

from __future__ import annotations

from dataclasses import replace

from streamsql.errors import NotSupportedYet
from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.nodes import ColumnRef, Expr, substitute
from streamsql.plan.decorrelate import Dependent, NewField, decorrelated
from streamsql.plan.direct_subqueries import beside
from streamsql.plan.logical import Aggregate, Join, JoinKind, Plan, Project, joined_fields
from streamsql.plan.predicates import conjunction
from streamsql.plan.tree import field_ids, map_expressions, transform_up
from streamsql.sql.bind_subqueries import ROWS, TRUE, Subquery
from streamsql.sql.scope import column_ref


def join_subquery(outer: Plan, rows: Plan, subquery: Subquery, stands: dict[int, Expr], new_field: NewField) -> Plan:
    """`outer` with the columns of a subquery; `rows`: what it was before it got those of other subqueries.

    `stands`: what the columns around it that the subquery reads are in `outer`.
    """
    for each in stands.values():
        if isinstance(each, ColumnRef) and each.id not in field_ids(outer.fields):
            raise NotSupportedYet("a result of OVER in a subquery or before IN (query)", span=subquery.span)
    inner = transform_up(subquery.plan, lambda node: map_expressions(node, lambda each: substitute(each, stands)))
    columns = tuple({each.id: each for each in stands.values() if isinstance(each, ColumnRef)}.values())
    known = field_ids(rows.fields)
    source = rows if all(each.id in known for each in columns) else outer
    dependent = decorrelated(source, inner, columns, new_field)
    if subquery.exists:
        dependent = _found(dependent, subquery, new_field)
    elif subquery.calls:
        dependent = _aggregated(dependent, subquery)
    elif (joined := beside(outer, source, dependent, clause="a subquery", span=subquery.span)) is not None:
        return joined
    terms = dependent.matches()
    fields = joined_fields(JoinKind.LEFT, outer, dependent.plan)
    return Join(
        left=outer,
        right=dependent.plan,
        kind=JoinKind.LEFT,
        residual=conjunction(terms) if terms else None,
        fields=fields,
        clause="a subquery",
        span=subquery.span,
    )


def _found(dependent: Dependent, subquery: Subquery, new_field: NewField) -> Dependent:
    """TRUE for each combination of keys that has a row."""
    counted = replace(subquery, calls=(AggregateCall("COUNT", (), ROWS),), fields=(new_field("$rows", ROWS),))
    grouped = _aggregated(dependent, counted)
    exprs = (*(column_ref(each) for each in dependent.keys), TRUE)
    plan = Project(input=grouped.plan, exprs=exprs, fields=(*dependent.keys, *subquery.fields))
    return replace(grouped, plan=plan)


def _aggregated(dependent: Dependent, subquery: Subquery) -> Dependent:
    keys = tuple(each.id for each in dependent.keys)
    fields = (*dependent.keys, *subquery.fields)
    plan = Aggregate(
        input=dependent.plan, keys=keys, calls=subquery.calls, clause="a subquery", fields=fields, span=subquery.span
    )
    return replace(dependent, plan=plan)
