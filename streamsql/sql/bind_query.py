"""Queries: WITH, set operations, VALUES, LIMIT, and the SELECT in the middle."""

from __future__ import annotations

from functools import reduce
from typing import Any

from streamsql.errors import NotSupportedYet, SqlError
from streamsql.expr.context import EvalContext
from streamsql.expr.fold import fold
from streamsql.expr.nodes import ColumnRef, Expr, Literal
from streamsql.expr.resolve import coerce, common_type
from streamsql.expr.types import SqlType
from streamsql.plan.logical import Field, Limit, Plan, Project, Sort, Union, Values
from streamsql.sql import dialect as d
from streamsql.sql.bind_expressions import ExpressionBinder
from streamsql.sql.bind_over import sort_key
from streamsql.sql.bind_relations import RelationBinder, one_row
from streamsql.sql.bind_select import bind_select
from streamsql.sql.bind_short_forms import refuse_ties
from streamsql.sql.bind_where import bind_where
from streamsql.sql.context import CommonTable, Context
from streamsql.sql.dialect import exp
from streamsql.sql.parse import span_of
from streamsql.sql.scope import Relation, Scope

Tree = Any


def bind_query(tree: Tree, context: Context) -> Plan:
    """The plan of a query; its fields carry the output names."""
    context = _with_common_tables(tree, context)
    match tree:
        case exp.Select():
            plan = bind_select(tree, context, bind_query)
        case exp.Union() | exp.Intersect() | exp.Except():
            from streamsql.sql.bind_sets import set_operation

            sides = bind_query(tree.this, context), bind_query(tree.expression, context)
            plan = _ordered(tree, set_operation(tree, *sides, context))
        case exp.Values():
            plan = _ordered(tree, _values(tree, context))
        case exp.Subquery():
            plan = _ordered(tree, bind_query(tree.this, context))
        case d.TableQuery():
            plan = _ordered(tree, RelationBinder(context, bind_query, bind_where).bind(tree.this).plan)
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


def _values(tree: Tree, context: Context) -> Plan:
    if any(each is not tree for each in tree.find_all(exp.Query)):
        return bind_query(_as_selects(tree), context)
    binder = ExpressionBinder(Scope(outer=context.outer), "VALUES")
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


def _as_selects(tree: Tree) -> Tree:
    """The rows of VALUES as SELECTs, whose items may be subqueries."""
    widths = {len(_row_items(each)) for each in tree.expressions}
    if len(widths) > 1:
        raise SqlError("the rows of VALUES differ in width", span=span_of(tree), hint="write as many values in each")
    rows: list[exp.Query] = [
        exp.Select(expressions=[each.copy() for each in _row_items(row)]) for row in tree.expressions
    ]
    return reduce(lambda first, each: exp.Union(this=first, expression=each, distinct=False), rows)


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
    if limit is not None and limit.args.get("limit_options"):
        refuse_ties(tree)
        return plan
    if limit is None and offset is None:
        return plan
    count = None if limit is None else _count(limit.expression, "LIMIT")
    skip = 0 if offset is None else _count(offset.expression, "OFFSET")
    return Limit(input=plan, limit=count, offset=skip, fields=plan.fields, span=span_of(limit or offset))


def _count(tree: Tree, clause: str) -> int:
    if not (isinstance(tree, exp.Literal) and tree.is_int):
        raise SqlError(f"{clause} takes a whole number", span=span_of(tree), hint=f"write for instance {clause} 10")
    return int(tree.this)
