"""CREATE TABLE … AS query: the columns that the query gives the table, and the INSERT that fills it."""

from __future__ import annotations

from typing import Any

from streamsql.errors import SqlError, did_you_mean
from streamsql.expr.types import Column, Kind, SqlType
from streamsql.plan.logical import Plan
from streamsql.sql import dialect as d
from streamsql.sql.dialect import exp
from streamsql.sql.parse import span_of
from streamsql.sql.type_names import bind_type

Tree = Any


def selected_columns(tree: Tree, plan: Plan) -> tuple[Column, ...]:
    """The columns of the query, nullable, with the types that the CREATE TABLE gives some of them.

    A list of names without types says in which order the columns stand, as in Flink; it does not rename them.
    """
    if tree.args.get("like") is not None:
        hint = "SELECT the columns as they are to be"
        raise SqlError("a table is made by LIKE or by AS, not by both", span=span_of(tree.args["like"]), hint=hint)
    _refuse_repeated(tree, plan)
    types = {each.name: each.type.with_nullable(True) for each in plan.fields}
    listed = _listed(tree, types)
    if listed:
        return tuple(Column(each.name, types[each.name]) for each in listed)
    for each in tree.args.get("columns") or ():
        if each.this.name in types:
            types[each.this.name] = _given_type(each)
    untyped = next((name for name, type_ in types.items() if type_.kind is Kind.NULL), None)
    if untyped is not None:
        hint = f"write CAST(NULL AS …) AS {untyped}"
        raise SqlError(f"column {untyped} is NULL, which has no type", span=span_of(tree.args["query"]), hint=hint)
    return tuple(Column(name, type_) for name, type_ in types.items())


def _given_type(column: Tree) -> SqlType:
    if not isinstance(column, d.PhysicalColumn):
        name, span = column.this.name, span_of(column.this)
        raise SqlError(f"column {name} is given by the query too", span=span, hint="choose another name")
    return bind_type(column.args["data_type"])


def _refuse_repeated(tree: Tree, plan: Plan) -> None:
    names = [each.name for each in plan.fields]
    repeated = next((name for index, name in enumerate(names) if name in names[:index]), None)
    if repeated is not None:
        hint = "name its columns with AS"
        raise SqlError(f"the query has two columns {repeated}", span=span_of(tree.args["query"]), hint=hint)


def _listed(tree: Tree, columns: dict[str, SqlType]) -> list[Tree]:
    """The names without types in the place of columns."""
    declared = tree.args.get("columns") or ()
    listed = [each.this for each in declared if isinstance(each, d.PhysicalColumn) and not each.args.get("data_type")]
    if not listed:
        return []
    typed = next((each for each in declared if each.this not in listed), None)
    if typed is not None:
        raise SqlError("either all columns have types here, or none", span=span_of(typed))
    for index, name in enumerate(listed):
        if name.name not in columns:
            hint = did_you_mean(name.name, tuple(columns), kind="columns of the query")
            raise SqlError(f"the query has no column {name.name}", span=span_of(name), hint=hint)
        if name in listed[:index]:
            raise SqlError(f"column {name.name} is declared twice", span=span_of(name))
    missing = next((each for each in columns if all(each != name.name for name in listed)), None)
    if missing is not None:
        hint = f"name it too; AS in the query renames a column: SELECT … AS {listed[0].name}"
        raise SqlError(f"column {missing} of the query is not listed", span=span_of(tree.this), hint=hint)
    return listed


def filling(tree: Tree, plan: Plan) -> d.InsertInto:
    """The INSERT that puts the rows of the query into the table."""
    names = [exp.to_identifier(each.name, quoted=True) for each in plan.fields]
    return d.InsertInto(this=tree.this.copy(), query=tree.args["query"].copy(), columns=names)
