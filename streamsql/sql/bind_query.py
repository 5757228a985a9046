"""Queries: WITH, set operations, VALUES, LIMIT, and the SELECT in the middle."""

from __future__ import annotations

from typing import Any

from streamsql.errors import NotSupportedYet, SqlError
from streamsql.expr.context import EvalContext
from streamsql.expr.fold import fold
from streamsql.expr.nodes import ColumnRef, Expr, Literal
from streamsql.expr.resolve import coerce, common_type
from streamsql.expr.types import SqlType
from streamsql.plan.logical import Aggregate, Field, Limit, Plan, Project, Sort, Union, Values
from streamsql.sql import dialect as d
from streamsql.sql.bind_expressions import ExpressionBinder
from streamsql.sql.bind_over import sort_key
from streamsql.sql.bind_relations import RelationBinder, one_row
from streamsql.sql.bind_select import bind_select
from streamsql.sql.context import CommonTable, Context
from streamsql.sql.dialect import exp
from streamsql.sql.parse import span_of
from streamsql.sql.scope import Relation, Scope, column_ref

Tree = Any


def bind_query(tree: Tree, context: Context) -> Plan:
    """The plan of a query; its fields carry the output names."""
    context = _with_common_tables(tree, context)
    match tree:
        case exp.Select():
            plan = bind_select(tree, context, bind_query)
        case exp.Union():
            plan = _ordered(tree, _union(tree, context))
        case exp.Intersect() | exp.Except():
            raise NotSupportedYet(tree.key.upper(), span=span_of(tree))
        case exp.Values():
            plan = _ordered(tree, _values(tree, context))
        case exp.Subquery():
            plan = _ordered(tree, bind_query(tree.this, context))
        case d.TableQuery():
            plan = _ordered(tree, RelationBinder(context, bind_query).bind(tree.this).plan)
        case _:
            raise NotSupportedYet(tree.key.upper(), span=span_of(tree))
    return _limited(tree, plan)


def _with_common_tables(tree: Tree, context: Context) -> Context:
    clause = tree.args.get("with_")
    if clause is None:
        return context
    if clause.args.get("recursive"):
        raise NotSupportedYet("WITH RECURSIVE", span=span_of(clause))
    for item in clause.expressions:
        columns = tuple(each.name for each in item.args["alias"].args.get("columns") or ())
        context = context.with_common_tables({item.alias: CommonTable(item.this, columns, context)})
    return context


def _union(tree: Tree, context: Context) -> Plan:
    branches = [bind_query(each, context) for each in (tree.this, tree.expression)]
    left, right = (each.fields for each in branches)
    if len(left) != len(right):
        raise SqlError(
            f"UNION of {len(left)} and {len(right)} columns",
            span=span_of(tree),
            hint="both sides have the same columns; CAST(NULL AS type) stands in for one that is missing",
        )
    types = []
    for a, b in zip(left, right, strict=True):
        type_ = common_type((a.type, b.type))
        if type_ is None:
            raise SqlError(
                f"UNION: {a.name} is {a.type} on one side, {b.type} on the other",
                span=span_of(tree),
                hint="columns go together by position; CAST one of them to the type of the other",
            )
        types.append(type_)
    fields = tuple(
        context.field(a.name, type_, a.time if a.time is b.time else None)
        for a, b, type_ in zip(left, right, types, strict=True)
    )
    plan: Plan = Union(branches=tuple(_cast_columns(each, types, context) for each in branches), fields=fields)
    if tree.args.get("distinct"):
        keys = tuple(each.id for each in fields)
        plan = Aggregate(input=plan, keys=keys, calls=(), clause="UNION", fields=fields, span=span_of(tree))
    return plan


def _cast_columns(plan: Plan, types: list[SqlType], context: Context) -> Plan:
    """The columns of `plan` as other types, in a projection only where one differs."""
    if all(field.type.same_as(type_) for field, type_ in zip(plan.fields, types, strict=True)):
        return plan
    exprs = tuple(coerce(column_ref(field), type_) for field, type_ in zip(plan.fields, types, strict=True))
    fields = tuple(
        field if field.type.same_as(type_) else context.field(field.name, type_)
        for field, type_ in zip(plan.fields, types, strict=True)
    )
    return Project(input=plan, exprs=exprs, fields=fields)


def _values(tree: Tree, context: Context) -> Plan:
    binder = ExpressionBinder(Scope(), "VALUES")
    rows = [tuple(binder.bind(each) for each in _row_items(row)) for row in tree.expressions]
    width = len(rows[0])
    for row, row_tree in zip(rows, tree.expressions, strict=True):
        if len(row) != width:
            raise SqlError(f"VALUES: this row has {len(row)} columns, the first has {width}", span=span_of(row_tree))
    types = [_column_type([row[index] for row in rows], index, tree) for index in range(width)]
    fields = tuple(context.field(f"EXPR${index}", type_) for index, type_ in enumerate(types))
    exprs = [tuple(coerce(expr, type_) for expr, type_ in zip(row, types, strict=True)) for row in rows]
    constants = [tuple(fold(expr, EvalContext()) for expr in row) for row in exprs]
    if all(isinstance(each, Literal) for row in constants for each in row):
        return Values(fields=fields, rows=tuple(constants))  # type: ignore[arg-type]
    parts = tuple(_computed_row(row, fields, context) for row in exprs)
    return parts[0] if len(parts) == 1 else Union(branches=parts, fields=fields)


def _row_items(tree: Tree) -> list[Tree]:
    return list(tree.expressions) if isinstance(tree, exp.Tuple) else [tree]


def _column_type(exprs: list[Expr], index: int, tree: Tree) -> SqlType:
    type_ = common_type(tuple(each.type for each in exprs))
    if type_ is None:
        kinds = ", ".join(dict.fromkeys(str(each.type) for each in exprs))
        raise SqlError(f"VALUES: column {index + 1} mixes {kinds}", span=span_of(tree))
    return type_


def _computed_row(row: tuple[Expr, ...], fields: tuple[Field, ...], context: Context) -> Plan:
    own = tuple(context.field(field.name, field.type) for field in fields)
    return Project(input=one_row(), exprs=row, fields=own)


def _ordered(tree: Tree, plan: Plan) -> Plan:
    """ORDER BY of a set operation or VALUES: output columns by name or position."""
    order = tree.args.get("order")
    if order is None:
        return plan
    keys = []
    for key in order.expressions:
        if isinstance(key.this, exp.Literal) and key.this.is_int and 1 <= int(key.this.this) <= len(plan.fields):
            column = plan.fields[int(key.this.this) - 1].id
        else:
            expr = ExpressionBinder(Scope((Relation(None, plan.fields),)), "ORDER BY").bind(key.this)
            if not isinstance(expr, ColumnRef):
                raise NotSupportedYet(
                    "ORDER BY an expression here", span=span_of(key), hint="order by an output column"
                )
            column = expr.id
        keys.append(sort_key(key, column))
    return Sort(input=plan, keys=tuple(keys), fields=plan.fields, span=span_of(order))


def _limited(tree: Tree, plan: Plan) -> Plan:
    limit, offset = tree.args.get("limit"), tree.args.get("offset")
    if limit is None and offset is None:
        return plan
    count = None if limit is None else _count(limit.expression, "LIMIT")
    skip = 0 if offset is None else _count(offset.expression, "OFFSET")
    return Limit(input=plan, limit=count, offset=skip, fields=plan.fields, span=span_of(limit or offset))


def _count(tree: Tree, clause: str) -> int:
    if not (isinstance(tree, exp.Literal) and tree.is_int):
        raise SqlError(f"{clause} takes a whole number", span=span_of(tree), hint=f"write for instance {clause} 10")
    return int(tree.this)
