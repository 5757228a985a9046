"""SELECT: FROM, WHERE, GROUP BY, HAVING, OVER, QUALIFY, the items, DISTINCT, ORDER BY, to a plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from streamsql.errors import SqlError
from streamsql.expr.nodes import ColumnRef, Expr, Literal
from streamsql.expr.types import BOOLEAN
from streamsql.plan.logical import Aggregate, Field, Filter, Plan, Project, Sort, SortKey, TimeAttribute, Values
from streamsql.record import record
from streamsql.sql.bind_expressions import ExpressionBinder, is_processing_time
from streamsql.sql.bind_grouping import Grouping, is_grouped
from streamsql.sql.bind_over import OverCalls, sort_key
from streamsql.sql.bind_relations import RelationBinder, one_row
from streamsql.sql.bind_short_forms import first_rows_ranked, star_items, written_keys
from streamsql.sql.bind_subqueries import QueryBinder, Subqueries
from streamsql.sql.bind_where import bind_where
from streamsql.sql.bound import Bound
from streamsql.sql.context import Context
from streamsql.sql.dialect import exp
from streamsql.sql.parse import span_of
from streamsql.sql.scope import Scope, column_ref
from streamsql.sql.state_hints import state_hints

Tree = Any


@record
class Item:
    """One item of the SELECT list: its output name and what it computes."""

    name: str
    expr: Expr
    tree: Tree


def bind_select(tree: Tree, context: Context, bind_query: QueryBinder) -> Plan:
    """The plan of a SELECT with its ORDER BY (LIMIT is the caller's)."""
    context = replace(context, hints=state_hints(tree))
    tree = first_rows_ranked(tree)
    grouped = is_grouped(tree)
    plan = _select(tree, grouped, context, bind_query)
    if tree.args.get("emit") is not None:
        from streamsql.sql.bind_emit import check_emit

        check_emit(tree.args["emit"], plan, grouped=grouped or bool(tree.args.get("distinct")))
    return plan


def _row_with_column(context: Context) -> Values:
    """The row of a SELECT without FROM, for subqueries to be joined to: with a column that no one can name."""
    row = context.field("$row", BOOLEAN.with_nullable(False))
    return Values(fields=(row,), rows=((Literal(True, type=row.type),),))


def _select(tree: Tree, grouped: bool, context: Context, bind_query: QueryBinder) -> Plan:
    bound = _from(tree, context, bind_query)
    if not bound.plan.fields and any(each is not tree for each in tree.find_all(exp.Query)):
        bound = replace(bound, plan=_row_with_column(context))
    named = frozenset(each.alias for each in tree.expressions if isinstance(each, exp.Alias))
    bound = Bound(bound.plan, replace(bound.scope, items=named))
    if tree.args.get("where") is not None:
        bound = bind_where(tree.args["where"].this, bound, context, bind_query)
    return (_grouped if grouped else _plain)(tree, bound, context, bind_query)


def _over(tree: Tree, binder: ExpressionBinder, context: Context) -> OverCalls:
    named = {each.this.name: each.args["spec"] for each in tree.args.get("windows") or ()}
    return OverCalls(context, named, binder)


def _from(tree: Tree, context: Context, bind_query: QueryBinder) -> Bound:
    source = tree.args.get("from_")
    if source is None:
        return Bound(one_row(), Scope(outer=context.outer))
    bound = RelationBinder(context, bind_query, bind_where).bind(source.this)
    context.hints.check(bound.scope)
    return replace(bound, scope=replace(bound.scope, outer=context.outer))


def _plain(tree: Tree, bound: Bound, context: Context, bind_query: QueryBinder) -> Plan:
    subqueries = Subqueries(context, bind_query, bound.scope)
    over = _over(tree, ExpressionBinder(bound.scope, subqueries=subqueries), context)
    binder = ExpressionBinder(bound.scope, "SELECT", over.special, subqueries)
    items = _items(tree, binder, bound.scope)
    qualify = _qualify(tree, binder)
    order = _order_items(tree, items, binder)
    plan = subqueries.attach(over.build(subqueries.attach(bound.plan, later=over.results)))
    if qualify is not None:
        plan = Filter(input=plan, predicate=qualify, fields=plan.fields)
    return _finish(tree, plan, items, order, context)


def _grouped(tree: Tree, bound: Bound, context: Context, bind_query: QueryBinder) -> Plan:
    grouping = Grouping(context, bound.scope, bound.plan, Subqueries(context, bind_query, bound.scope))
    subqueries = Subqueries(context, bind_query, bound.scope)
    over = _over(tree, ExpressionBinder(bound.scope, special=grouping.special, subqueries=subqueries), context)
    aliases = {each.alias: each for each in tree.expressions if isinstance(each, exp.Alias)}
    group = tree.args.get("group")
    if group is not None:
        grouping.span = span_of(group)
        grouping.add_keys(written_keys(tree, bound.scope), aliases)
        subqueries.bound += grouping.subqueries.bound

    def special(call: Tree) -> Expr | None:
        return over.special(call) or grouping.special(call)

    binder = ExpressionBinder(bound.scope, "SELECT", special, subqueries)
    items = _items(tree, binder, bound.scope)
    having = tree.args.get("having")
    condition = None
    if having is not None:
        condition = replace(binder, clause="HAVING").condition(_with_items(having.this, tree, bound.scope))
    qualify = _qualify(tree, binder)
    order = _order_items(tree, items, binder)

    known = over.results | subqueries.results | context.outer_ids()

    def rewrite(expr: Expr) -> Expr:
        return grouping.rewrite(expr, known)

    plan = subqueries.attach(context.hints.aggregate(grouping.build(), bound.scope), rewrite, over.results)
    if condition is not None:
        plan = Filter(input=plan, predicate=rewrite(condition), fields=plan.fields)
    plan = subqueries.attach(over.build(plan, rewrite), rewrite)
    if qualify is not None:
        plan = Filter(input=plan, predicate=rewrite(qualify), fields=plan.fields)
    items = [replace(each, expr=rewrite(each.expr)) for each in items]
    order = [(tree_, rewrite(expr)) for tree_, expr in order]
    return _finish(tree, plan, items, order, context)


def _qualify(tree: Tree, binder: ExpressionBinder) -> Expr | None:
    qualify = tree.args.get("qualify")
    if qualify is None:
        return None
    return replace(binder, clause="QUALIFY").condition(_with_items(qualify.this, tree, binder.scope))


def _with_items(condition: Tree, select: Tree, scope: Scope) -> Tree:
    """A condition with items of the SELECT in place of their names, where no column has the name.

    Names in a subquery are its own.
    """
    columns = {each.name for each in scope.fields}
    items = {each.alias: each.this for each in select.expressions if isinstance(each, exp.Alias)}
    named = {name: each for name, each in items.items() if name not in columns}
    root = exp.Paren(this=condition.copy())
    found = list(root.walk(prune=lambda each: isinstance(each, exp.Query)))
    for each in found:
        if isinstance(each, exp.Column) and len(each.parts) == 1 and each.name in named:
            each.replace(named[each.name].copy())
    return root.this


def _items(tree: Tree, binder: ExpressionBinder, scope: Scope) -> list[Item]:
    items: list[Item] = []
    for each in tree.expressions:
        if isinstance(each, exp.Star) or (isinstance(each, exp.Column) and isinstance(each.this, exp.Star)):
            items += [Item(*item, each) for item in star_items(each, scope, binder)]
        elif isinstance(each, exp.Alias):
            items.append(Item(each.alias, binder.bind(each.this), each))
        else:
            items.append(Item(_default_name(each, len(items)), binder.bind(each), each))
    return _unique_names(items)


def _default_name(tree: Tree, index: int) -> str:
    if isinstance(tree, exp.Column):
        return str(tree.name)
    if isinstance(tree, exp.Dot):
        return str(tree.expression.name)
    return f"EXPR${index}"


def _unique_names(items: list[Item]) -> list[Item]:
    """Repeated output names get a number, as in Flink: k, k0, k1."""
    taken: set[str] = set()
    unique = []
    for item in items:
        name, number = item.name, 0
        while name in taken:
            name, number = f"{item.name}{number}", number + 1
        taken.add(name)
        unique.append(replace(item, name=name))
    return unique


def _order_items(tree: Tree, items: list[Item], binder: ExpressionBinder) -> list[tuple[Tree, Expr]]:
    """ORDER BY: positions, output names, then any expression of the SELECT's own scope."""
    order = tree.args.get("order")
    result = []
    for key in order.expressions if order is not None else ():
        result.append((key, _order_expression(key.this, items, binder)))
    return result


def _order_expression(tree: Tree, items: list[Item], binder: ExpressionBinder) -> Expr:
    if isinstance(tree, exp.Literal) and tree.is_int:
        if not 1 <= int(tree.this) <= len(items):
            raise SqlError(
                f"ORDER BY {tree.this}: the SELECT has {len(items)} column{'s'[: len(items) != 1]}", span=span_of(tree)
            )
        return items[int(tree.this) - 1].expr
    if isinstance(tree, exp.Column) and len(tree.parts) == 1:
        for item in items:
            if item.name == tree.name:
                return item.expr
    return replace(binder, clause="ORDER BY").bind(tree)


def _finish(tree: Tree, plan: Plan, items: list[Item], order: list[tuple[Tree, Expr]], context: Context) -> Plan:
    """Projection, DISTINCT, ORDER BY, and the columns that only ORDER BY needed taken off again."""
    fields = _output_fields(items, plan, context)
    exprs = [item.expr for item in items]
    keys: list[SortKey] = []
    hidden: list[Field] = []
    for key, expr in order:
        if expr in exprs:
            column = (*fields, *hidden)[exprs.index(expr)]
        elif tree.args.get("distinct"):
            raise SqlError("ORDER BY with DISTINCT takes columns of the SELECT only", span=span_of(key))
        else:
            column = context.field(f"$order{len(hidden)}", expr.type)
            hidden.append(column)
            exprs.append(expr)
        keys.append(sort_key(key, column.id))
    plan = Project(input=plan, exprs=tuple(exprs), fields=(*fields, *hidden))
    if tree.args.get("distinct"):
        plan = Aggregate(
            input=plan,
            keys=tuple(each.id for each in fields),
            calls=(),
            clause="DISTINCT",
            fields=fields,
            span=span_of(tree.args["distinct"]),
        )
    if keys:
        plan = Sort(input=plan, keys=tuple(keys), fields=plan.fields, span=span_of(tree.args["order"]))
    if hidden:
        plan = Project(input=plan, exprs=tuple(column_ref(each) for each in fields), fields=fields)
    return plan


def _output_fields(items: list[Item], plan: Plan, context: Context) -> tuple[Field, ...]:
    """A bare column keeps its id (the first time it is selected) and its time attribute."""
    known = {each.id: each for each in plan.fields}
    fields: list[Field] = []
    for item in items:
        expr = item.expr
        time = TimeAttribute.PROCESSING if is_processing_time(expr) else None
        field = context.field(item.name, expr.type, time)
        if isinstance(expr, ColumnRef) and expr.id in known:
            field = replace(field, time=known[expr.id].time)
            if all(each.id != expr.id for each in fields):
                field = replace(field, id=expr.id)
        fields.append(field)
    return tuple(fields)
