"""Statements in the tree to Statement values: DDL, INSERT, SELECT, SET, SHOW and the rest.

What binds INSERT, UPDATE and DELETE is imported where there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from streamsql.errors import NotSupportedYet, SqlError
from streamsql.expr.resolve import is_function
from streamsql.plan.logical import SinkPlan
from streamsql.sql import dialect as d
from streamsql.sql import statements as s
from streamsql.sql.bind_query import bind_query
from streamsql.sql.bind_relations import table_name
from streamsql.sql.bind_tables import bind_table
from streamsql.sql.context import Context, Environment, View, kind_of
from streamsql.sql.dialect import exp
from streamsql.sql.mentions import mentions
from streamsql.sql.parse import ParsedStatement, span_of
from streamsql.sql.user_functions import attach_functions, define_function

Tree = Any


def bind_statement(parsed: ParsedStatement, environment: Environment, text: str) -> s.Statement:
    """The statement that a parsed one means, in the catalog as it is now.

    Raises SqlError with a span into `text` for anything unknown, ill-typed or not supported yet.
    """
    tree = parsed.tree
    attach_functions(tree, environment)
    context = Context(environment)
    if isinstance(tree, exp.Query | d.TableQuery):
        return s.Query(bind_query(tree, context), span=parsed.span)
    binder = _BINDERS.get(type(tree))
    if binder is None:
        raise NotSupportedYet(tree.key.upper(), span=parsed.span)
    return replace(binder(tree, context, text), span=parsed.span)


def _create_table(tree: Tree, context: Context, text: str) -> s.Statement:
    query, lenient = tree.args.get("query"), bool(tree.args.get("exists"))
    if query is None:
        return s.CreateTable(bind_table(tree, context), lenient)
    from streamsql.sql.bind_table_as import filling

    plan = bind_query(query, context)
    existing = lenient and context.environment.lookup(table_name(tree.this)) is not None
    return s.CreateTable(bind_table(tree, context, plan), lenient, None if existing else filling(tree, plan))


def _create_view(tree: Tree, context: Context, text: str) -> s.Statement:
    emit = tree.args["query"].find(d.Emit)
    if emit is not None:
        raise SqlError(
            "EMIT cannot stand in a view", span=span_of(emit), hint="write it in the query that reads the view"
        )
    name = table_name(tree.this)
    columns = tuple(each.name for each in tree.args.get("columns") or ())
    plan = bind_query(tree.args["query"], context.inside_view(name))  # a wrong view is refused when it is made
    if columns and len(columns) != len(plan.fields):
        raise SqlError(
            f"the view names {len(columns)} columns, its query gives {len(plan.fields)}", span=span_of(tree.this)
        )
    lenient = bool(tree.args.get("exists"))
    if not tree.args.get("materialized"):
        return s.CreateView(View(name, tree.args["query"], columns, text), lenient)
    names = columns or tuple(each.name for each in plan.fields)
    repeated = next((each for index, each in enumerate(names) if each in names[:index]), None)
    if repeated is not None:
        hint = f"name its columns: CREATE MATERIALIZED VIEW {name} (…) AS …, or write AS in the query"
        raise SqlError(f"the view has two columns {repeated}", span=span_of(tree.this), hint=hint)
    return s.CreateMaterializedView(name, plan, names, frozenset(mentions(tree.args["query"])), lenient)


def _create_function(tree: Tree, context: Context, text: str) -> s.Statement:
    return s.CreateFunction(define_function(tree, text), bool(tree.args.get("exists")))


def _insert(tree: Tree, context: Context, text: str) -> s.Statement:
    return s.Insert((_insert_plan(tree, context),))


def _insert_plan(tree: Tree, context: Context) -> SinkPlan:
    from streamsql.sql.bind_insert import insert_plan

    return insert_plan(tree, context)


def _update(tree: Tree, context: Context, text: str) -> s.Statement:
    from streamsql.sql.bind_changes import update_plan

    table, plan = update_plan(tree, context)
    return s.Change(table, plan, replaces=True)


def _delete(tree: Tree, context: Context, text: str) -> s.Statement:
    from streamsql.sql.bind_changes import delete_plan

    table, plan = delete_plan(tree, context)
    return s.Change(table, plan, replaces=False)


def _statement_set(tree: Tree, context: Context, text: str) -> s.Statement:
    return s.Insert(tuple(_insert_plan(each, context) for each in tree.expressions))


def _explain(tree: Tree, context: Context, text: str) -> s.Statement:
    inner = tree.this
    if isinstance(inner, exp.Query | d.TableQuery):
        return s.Explain((bind_query(inner, context),))
    if isinstance(inner, d.InsertInto):
        return s.Explain((_insert_plan(inner, context),))
    if isinstance(inner, d.StatementSet):
        return s.Explain(tuple(_insert_plan(each, context) for each in inner.expressions))
    if isinstance(inner, d.CreateTable) and inner.args.get("query") is not None:
        return s.Explain((bind_query(inner.args["query"], context),))
    if isinstance(inner, d.CreateView) and inner.args.get("materialized"):
        made = _create_view(inner, context, text)
        assert isinstance(made, s.CreateMaterializedView)
        return s.Explain((made.plan,), kept=True)
    hint = "EXPLAIN the query of the view" if isinstance(inner, d.CreateView) else None
    raise SqlError("EXPLAIN takes a query, an INSERT or CREATE MATERIALIZED VIEW", span=span_of(inner), hint=hint)


def _describe(tree: Tree, context: Context, text: str) -> s.Statement:
    name = table_name(tree.this)
    context.lookup(name, span_of(tree.this))
    return s.Describe(name)


def _drop(tree: Tree, context: Context, text: str) -> s.Statement:
    kind, name = tree.args["kind"], table_name(tree.this)
    if kind == "FUNCTION":
        return _drop_function(name.upper(), tree, context)
    lenient = bool(tree.args.get("exists"))
    found = context.environment.lookup(name) if lenient else context.lookup(name, span_of(tree.this))
    if found is not None and kind_of(found) != kind:
        other = kind_of(found)
        raise SqlError(f"{name} is a {other}", span=span_of(tree.this), hint=f"write DROP {other} {name}")
    return s.Drop(name, kind)


def _drop_function(name: str, tree: Tree, context: Context) -> s.Statement:
    lenient = bool(tree.args.get("exists"))
    if not lenient and context.environment.function(name) is None:
        message = f"{name} is built in: it cannot be dropped" if is_function(name) else f"there is no function {name}"
        raise SqlError(message, span=span_of(tree.this))
    return s.Drop(name, "FUNCTION")


def _show(tree: Tree, context: Context, text: str) -> s.Statement:
    name = None if tree.this is None else table_name(tree.this)
    like = tree.args.get("like")
    return s.Show(tree.args["kind"], name, None if like is None else like.this, bool(tree.args.get("negated")))


def _set(tree: Tree, context: Context, text: str) -> s.Statement:
    if tree.this is None:
        return s.SetOption()
    return s.SetOption(tree.this.this, tree.expression.this)


def _reset(tree: Tree, context: Context, text: str) -> s.Statement:
    return s.ResetOption(None if tree.this is None else tree.this.this)


def _use(tree: Tree, context: Context, text: str) -> s.Statement:
    raise NotSupportedYet(f"USE {tree.args['kind']}", span=span_of(tree))


_BINDERS: dict[type, Callable[[Any, Context, str], s.Statement]] = {
    d.CreateTable: _create_table,
    d.CreateView: _create_view,
    d.CreateFunction: _create_function,
    d.InsertInto: _insert,
    d.UpdateTable: _update,
    d.DeleteFrom: _delete,
    d.StatementSet: _statement_set,
    d.Explain: _explain,
    d.DescribeTable: _describe,
    d.DropObject: _drop,
    d.Show: _show,
    d.SetOption: _set,
    d.ResetOption: _reset,
    d.UseObject: _use,
}
