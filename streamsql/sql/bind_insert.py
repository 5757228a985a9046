"""INSERT: which column of the query goes into which column of the table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from streamsql.errors import SqlError, did_you_mean
from streamsql.expr.nodes import Expr, Literal
from streamsql.expr.resolve import resolve_cast
from streamsql.plan.logical import Field, Plan, Project, SinkPlan, Table
from streamsql.sql.assignment import assigned
from streamsql.sql.bind_expressions import ExpressionBinder
from streamsql.sql.bind_query import bind_query
from streamsql.sql.bind_relations import table_name
from streamsql.sql.context import Context, View
from streamsql.sql.parse import span_of
from streamsql.sql.scope import Scope, column_ref

Tree = Any


def insert_plan(tree: Tree, context: Context) -> SinkPlan:
    """The plan of an INSERT INTO or INSERT OVERWRITE; SqlError where its query does not fit the table."""
    span = span_of(tree.this)
    table = context.lookup(table_name(tree.this), span)
    if isinstance(table, View):
        raise SqlError(f"{table.name} is a view: rows cannot be inserted", span=span)
    plan = bind_query(tree.args["query"], context)
    constants = dict(_constants(tree, table))
    targets = _targets(tree, table, constants)
    if len(targets) != len(plan.fields):
        query = f"{len(plan.fields)} column{'' if len(plan.fields) == 1 else 's'}"
        columns = ", ".join(each.name for each in targets)
        raise SqlError(
            f"the query gives {query}, {table.name} takes {len(targets)}", span=span, hint=f"it takes {columns}"
        )
    given = {target.name: assigned(plan, position, target, table.name, span) for position, target in enumerate(targets)}
    return _sink(plan, table, {**given, **constants}, context, tree)


def _constants(tree: Tree, table: Table) -> Iterator[tuple[str, Expr]]:
    """The values that PARTITION (key = constant, …) gives to partition keys."""
    types = {column.name: column.type for column in table.physical()}
    for each in tree.args.get("partition") or ():
        name, span = each.this.name, span_of(each)
        if name not in table.partition_keys:
            keys = ", ".join(table.partition_keys)
            known = f"it is partitioned by {keys}" if keys else "declare it with PARTITIONED BY"
            raise SqlError(f"{table.name} has no partition key {name}", span=span, hint=known)
        value = ExpressionBinder(Scope(), "PARTITION").bind(each.expression)
        yield name, resolve_cast(value, types[name], span=span)


def _targets(tree: Tree, table: Table, constants: Mapping[str, Expr]) -> tuple[Field, ...]:
    """The physical columns that the query's columns go into, in the query's order; not those of PARTITION."""
    columns = (column for column in table.physical() if column.name not in constants)
    physical = {column.name: Field(-1, column.name, column.type) for column in columns}
    listed = tree.args.get("columns") or ()
    for each in listed:
        if each.name not in physical:
            hint = did_you_mean(each.name, tuple(physical), kind="columns")
            raise SqlError(f"{table.name} has no column {each.name} to insert into", span=span_of(each), hint=hint)
    return tuple(physical[each.name] for each in listed) if listed else tuple(physical.values())


def _sink(plan: Plan, table: Table, given: Mapping[str, Expr], context: Context, tree: Tree) -> SinkPlan:
    exprs = tuple(
        given.get(column.name) or Literal(None, type=column.type.with_nullable(True)) for column in table.physical()
    )
    fields = tuple(context.field(column.name, column.type) for column in table.physical())
    if all(expr == column_ref(field) for expr, field in zip(exprs, plan.fields, strict=False)):
        fields = tuple(replace(new, id=old.id) for new, old in zip(fields, plan.fields, strict=False))
    projected = Project(input=plan, exprs=exprs, fields=fields)
    overwrite = bool(tree.args.get("overwrite"))
    return SinkPlan(input=projected, table=table, fields=fields, overwrite=overwrite, span=span_of(tree.this))
