"""UPDATE and DELETE: the query that finds the rows of an in-memory table that go, and the rows that come for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from streamsql.errors import Span, SqlError, did_you_mean
from streamsql.plan.logical import Field, Plan, Project, Table
from streamsql.sql.assignment import assigned
from streamsql.sql.bind_query import bind_query
from streamsql.sql.bind_relations import table_name
from streamsql.sql.context import Context, View
from streamsql.sql.dialect import exp
from streamsql.sql.parse import span_of

Tree = Any


def delete_plan(tree: Tree, context: Context) -> tuple[Table, Plan]:
    """The table, and its rows for which WHERE is TRUE."""
    table = _in_memory(tree, context, "DELETE")
    return table, bind_query(_select(tree, _columns(table)), context)


def update_plan(tree: Tree, context: Context) -> tuple[Table, Plan]:
    """The table, and its rows for which WHERE is TRUE, each beside the row that takes its place."""
    table = _in_memory(tree, context, "UPDATE")
    given = dict(_assignments(tree, table))
    new = [given.get(each.name, exp.column(each.name)) for each in table.physical()]
    plan = bind_query(_select(tree, [*_columns(table), *new]), context)
    columns = table.physical().columns
    named = (replace(field, name=each.name) for field, each in zip(plan.fields, (*columns, *columns), strict=True))
    plan = replace(plan, fields=tuple(named))
    exprs = [
        assigned(plan, position, Field(-1, each.name, each.type), table.name, span_of(tree.this))
        for position, each in enumerate((*columns, *columns))
    ]
    fields = tuple(context.field(f"{side}{each.name}", each.type) for side in ("", "new ") for each in columns)
    return table, Project(input=plan, exprs=tuple(exprs), fields=fields)


def _in_memory(tree: Tree, context: Context, word: str) -> Table:
    span = span_of(tree.this)
    table = context.lookup(table_name(tree.this), span)
    if isinstance(table, View):
        raise SqlError(f"{word} takes a table, {table.name} is a view", span=span)
    if table.connector is not None or table.data is not None or "$" in table.name:
        what = "an object of the program" if table.data is not None else f"a table with connector {table.connector}"
        hint = "only in-memory tables (CREATE TABLE without WITH) can be changed so"
        raise SqlError(f"{word} cannot change {table.name}: it is {what}", span=span, hint=hint)
    return table


def _assignments(tree: Tree, table: Table) -> Iterator[tuple[str, Tree]]:
    physical = table.physical().names
    seen: set[str] = set()
    for each in tree.args["assignments"]:
        name, span = each.this.name, _span(each)
        if name in seen:
            raise SqlError(f"{name} is SET twice", span=span)
        if name not in physical:
            computed = name in (column.name for column in table.columns)
            hint = None if computed else did_you_mean(name, physical, kind="columns")
            what = f"{name} is a computed column" if computed else f"{table.name} has no column {name}"
            raise SqlError(f"{what}: it cannot be SET", span=span, hint=hint)
        seen.add(name)
        yield name, each.expression


def _span(assignment: Tree) -> Span | None:
    return span_of(assignment.this) or span_of(assignment)


def _columns(table: Table) -> list[Tree]:
    return [exp.column(each.name) for each in table.physical()]


def _select(tree: Tree, items: list[Tree]) -> Tree:
    where = tree.args.get("where")
    return exp.Select(
        expressions=items,
        from_=exp.From(this=tree.this),
        where=None if where is None else exp.Where(this=where),
    )
