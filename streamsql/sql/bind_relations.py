"""FROM: tables, views, WITH items, subqueries, VALUES, UNNEST and joins, each to a plan and a scope.

What binds joins and windows is imported where there are some.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from streamsql.errors import NotSupportedYet, Span, SqlError, StreamSqlError, nearest
from streamsql.expr import types as t
from streamsql.expr.functions_plan import ZIPPED
from streamsql.expr.nodes import Cast, Expr, substitute
from streamsql.expr.resolve import resolve_call
from streamsql.expr.types import Kind, SqlType
from streamsql.plan.logical import (
    Filter,
    Plan,
    Project,
    Scan,
    Table,
    TimeAttribute,
    Union,
    Unnest,
    Values,
    WatermarkSpec,
)
from streamsql.record import record
from streamsql.sql import dialect as d
from streamsql.sql.bind_expressions import ExpressionBinder, is_processing_time
from streamsql.sql.bind_subqueries import QueryBinder
from streamsql.sql.bound import Bound
from streamsql.sql.context import CommonTable, Context, View
from streamsql.sql.dialect import exp
from streamsql.sql.dialect.parser_relations import WINDOW_FORMS
from streamsql.sql.parse import span_of
from streamsql.sql.scope import Relation, Scope, column_ref

Tree = Any
WhereBinder = Callable[[Tree, Bound, Context, QueryBinder], Bound]


@record
class RelationBinder:
    """Binds relations; `bind_query` binds the queries inside them, `where` conditions as those of a WHERE (the modules
    need each other)."""

    context: Context
    bind_query: QueryBinder
    where: WhereBinder

    def bind(self, tree: Tree) -> Bound:
        """The plan and scope of a FROM item."""
        binder = _BINDERS.get(type(tree))
        if binder is None:
            raise NotSupportedYet(_NOT_YET.get(type(tree), tree.key.upper()), span=span_of(tree), hint=_meant(tree))
        return binder(self, tree)

    def bind_where(self, tree: Tree, bound: Bound, context: Context) -> Bound:
        """The rows for which a condition is TRUE."""
        return self.where(tree, bound, context, self.bind_query)


def _meant(tree: Tree) -> str | None:
    """The window function that a table function was perhaps meant to be."""
    near = nearest(tree.this.this, list(WINDOW_FORMS)) if isinstance(tree, d.TableFunction) else []
    return f"did you mean {near[0]}?" if near else None


def _table(binder: RelationBinder, tree: Tree) -> Bound:
    context, span = binder.context, span_of(tree)
    name = table_name(tree)
    if tree.args.get("version") is not None:
        raise NotSupportedYet("FOR SYSTEM_TIME AS OF (temporal join)", span=span)
    common = context.common_tables.get(name)
    if common is not None:
        return _aliased(_expand(binder, common), tree, name)
    found = context.lookup(name, span)
    if isinstance(found, View):
        return _aliased(_expand_view(binder, found, span), tree, name)
    return _aliased(scan(_with_hints(found, tree), context, span), tree, name)


def table_name(tree: Tree) -> str:
    """The dotted name of a table as the catalog knows it."""
    return ".".join(part.name for part in tree.parts)


def _expand(binder: RelationBinder, common: CommonTable) -> Plan:
    return rename(binder.bind_query(common.query, common.context), common.columns)


def _expand_view(binder: RelationBinder, view: View, span: Span | None) -> Plan:
    if view.name in binder.context.expanding:
        raise SqlError(f"view {view.name} reads itself", span=span)
    try:
        plan = binder.bind_query(view.query, binder.context.inside_view(view.name))
        return rename(_under_name(plan, view.name), view.columns)
    except StreamSqlError as error:
        raise error.with_source(view.text, f"view {view.name}") from error


def _under_name(plan: Plan, view: str) -> Plan:
    """The plan of a view, with a union in it told whose it is (its late rows are those of the view)."""
    match plan:
        case Union(view=None):
            return replace(plan, view=view)
        case Project() | Filter():
            return replace(plan, input=_under_name(plan.input, view))
        case _:
            return plan


def rename(plan: Plan, names: tuple[str, ...], span: Span | None = None) -> Plan:
    """The plan under other column names; no names: as it is."""
    if not names:
        return plan
    if len(names) != len(plan.fields):
        raise SqlError(f"{len(names)} column names for {len(plan.fields)} columns", span=span)
    fields = tuple(replace(field, name=name) for field, name in zip(plan.fields, names, strict=True))
    return Project(input=plan, exprs=tuple(column_ref(each) for each in plan.fields), fields=fields)


def _aliased(plan: Plan, tree: Tree, default: str | None) -> Bound:
    alias = tree.args.get("alias")
    if alias is None:
        name = default.split(".")[-1] if default else None
        return Bound(plan, Scope((Relation(name, plan.fields, default),)))
    plan = rename(plan, tuple(each.name for each in alias.args.get("columns") or ()), span_of(alias))
    return Bound(plan, Scope((Relation(alias.name or default, plan.fields, default),)))


def _with_hints(table: Table, tree: Tree) -> Table:
    """OPTIONS hints override the table's options for this one reading."""
    hints = tree.args.get("hints")
    options = dict(table.options)
    for hint in hints.expressions if hints is not None else ():
        if hint.this != "OPTIONS":
            raise NotSupportedYet(f"the hint {hint.this}", span=span_of(hint) or span_of(tree))
        options.update({each.this.this: each.expression.this for each in hint.expressions})
    return replace(table, options=options)


def scan(table: Table, context: Context, span: Span | None = None) -> Scan:
    """Read a table, with fresh column ids."""
    if table.metadata:
        _, key = table.metadata[0]
        raise NotSupportedYet(f"the METADATA column {key!r} of table {table.name}", span=span)
    computed = dict(table.computed)
    event_time = table.watermark.column if table.watermark else None
    times = [_time_attribute(index, event_time, computed.get(index)) for index in range(len(table.columns))]
    fields = tuple(
        context.field(column.name, _column_type(column.type, time), time)
        for column, time in zip(table.columns, times, strict=True)
    )
    refs: dict[int, Expr] = {index: column_ref(field) for index, field in enumerate(fields)}
    watermark = None
    if table.watermark is not None:
        watermark = WatermarkSpec(fields[table.watermark.column].id, substitute(table.watermark.expr, refs))
    return Scan(
        table=table,
        physical=tuple(field for index, field in enumerate(fields) if index not in computed),
        computed=tuple(
            (fields[index], _as(fields[index].type, substitute(expr, refs))) for index, expr in table.computed
        ),
        watermark=watermark,
        fields=fields,
        span=span,
    )


def _time_attribute(index: int, event_time: int | None, expr: Expr | None) -> TimeAttribute | None:
    if index == event_time:
        return TimeAttribute.EVENT
    return TimeAttribute.PROCESSING if expr is not None and is_processing_time(expr) else None


def _column_type(type_: SqlType, time: TimeAttribute | None) -> SqlType:
    """Event time has milliseconds at least, as in Flink, whatever is declared."""
    return replace(type_, precision=max(3, type_.precision or 0)) if time is TimeAttribute.EVENT else type_


def _as(type_: SqlType, expr: Expr) -> Expr:
    return expr if expr.type.precision == type_.precision else Cast(expr, type=type_, span=expr.span)


def _subquery(binder: RelationBinder, tree: Tree) -> Bound:
    return _aliased(binder.bind_query(tree.this, binder.context), tree, None)


def _query(binder: RelationBinder, tree: Tree) -> Bound:
    return _aliased(binder.bind_query(tree, binder.context), tree, None)


def _window_table(binder: RelationBinder, tree: Tree) -> Bound:
    from streamsql.sql.bind_windows import bind_window_table

    inner = binder.bind(tree.this)
    plan = bind_window_table(tree, inner.plan, inner.scope, binder.context)
    default = table_name(tree.this) if isinstance(tree.this, exp.Table) else None
    return _aliased(plan, tree, default)


def _paren(binder: RelationBinder, tree: Tree) -> Bound:
    return binder.bind(tree.this)


def _join(binder: RelationBinder, tree: Tree) -> Bound:
    left, right = binder.bind(tree.this), tree.expression
    if isinstance(right, d.Unnest):
        return _unnest_join(binder, tree, left)
    if isinstance(right, d.TableFunction):
        raise NotSupportedYet("a join with a table function", span=span_of(right) or span_of(tree))
    if right.args.get("lateral"):
        return _lateral_join(binder, tree, left)
    if tree.args.get("asof"):
        from streamsql.sql.bind_asof_joins import bind_asof_join

        return bind_asof_join(tree, left, binder.bind(right), binder)
    as_of = right.args.get("version") if isinstance(right, exp.Table) else None
    if as_of is None:
        from streamsql.sql.bind_joins import bind_join

        return bind_join(tree, left, binder.bind(right), binder)
    from streamsql.sql.bind_temporal_joins import bind_temporal_join

    current = right.copy()
    current.set("version", None)
    return bind_temporal_join(tree, left, binder.bind(current), as_of, binder)


def _lateral_join(binder: RelationBinder, tree: Tree, left: Bound) -> Bound:
    from streamsql.sql.bind_joins import bind_lateral

    inside = replace(binder, context=binder.context.inside(left.scope))
    return bind_lateral(tree, left, inside.bind(tree.expression), binder)


def _unnest_join(binder: RelationBinder, tree: Tree, left: Bound) -> Bound:
    right, kind = tree.expression, tree.args["kind"]
    if kind not in ("CROSS", "INNER", "LEFT") or tree.args.get("using") or tree.args.get("natural"):
        raise SqlError(
            f"{kind} JOIN UNNEST", span=span_of(right), hint="use CROSS JOIN UNNEST or LEFT JOIN UNNEST … ON TRUE"
        )
    condition = tree.args.get("on")
    if condition is not None and not (isinstance(condition, exp.Boolean) and condition.this):
        return _lateral_join(binder, tree, left)
    return _unnested(binder, right, left, outer=kind == "LEFT")


def _unnest(binder: RelationBinder, tree: Tree) -> Bound:
    return _unnested(binder, tree, Bound(one_row(), Scope(outer=binder.context.outer)), outer=False)


def one_row() -> Values:
    """One row without columns: what SELECT without FROM reads."""
    return Values(fields=(), rows=((),))


def _unnested(binder: RelationBinder, tree: Tree, left: Bound, *, outer: bool) -> Bound:
    span = span_of(tree)
    bind = ExpressionBinder(replace(left.scope, outer=binder.context.outer), "UNNEST").bind
    arrays = tuple(bind(each) for each in tree.expressions)
    expr = arrays[0] if len(arrays) == 1 else resolve_call(ZIPPED, arrays, span)
    names, types = _element_columns(expr.type, span)
    alias = tree.args.get("alias")
    given = tuple(each.name for each in (alias.args.get("columns") or ())) if alias is not None else ()
    if tree.args.get("ordinality"):
        names, types = (*names, "ORDINALITY"), (*types, t.INT.with_nullable(False))
    if given and len(given) != len(names):
        raise SqlError(f"UNNEST gives {len(names)} columns, {len(given)} names are given", span=span)
    new = [
        binder.context.field(name, type_.with_nullable(type_.nullable or outer))
        for name, type_ in zip(given or names, types, strict=True)
    ]
    ordinality = new.pop() if tree.args.get("ordinality") else None
    added = (*new, ordinality) if ordinality is not None else tuple(new)
    plan = Unnest(
        input=left.plan,
        expr=expr,
        elements=tuple(new),
        ordinality=ordinality,
        outer=outer,
        fields=(*left.plan.fields, *added),
        span=span,
    )
    relation = Relation(alias.name if alias is not None and alias.name else None, added)
    return Bound(plan, replace(left.scope, relations=(*left.scope.relations, relation)))


def _element_columns(type_: SqlType, span: Span | None) -> tuple[tuple[str, ...], tuple[SqlType, ...]]:
    match type_.kind:
        case Kind.ARRAY if type_.children[0].kind is Kind.ROW:
            return type_.children[0].names, type_.children[0].children
        case Kind.ARRAY:
            return ("EXPR$0",), type_.children
        case Kind.MAP:
            return ("KEY", "VALUE"), type_.children
        case Kind.MULTISET:
            return ("EXPR$0",), type_.children
    raise SqlError(f"UNNEST takes an ARRAY, MAP or MULTISET, this is {type_}", span=span)


def _values(binder: RelationBinder, tree: Tree) -> Bound:
    return _aliased(binder.bind_query(tree, binder.context), tree, None)


_BINDERS: dict[type, Callable[[RelationBinder, Any], Bound]] = {
    exp.Table: _table,
    exp.Subquery: _subquery,
    exp.Values: _values,
    exp.Select: _query,
    d.WindowTable: _window_table,
    d.JoinedTable: _join,
    d.Unnest: _unnest,
    exp.Paren: _paren,
}
_NOT_YET: dict[type, str] = {
    d.TableFunction: "a table function",
    d.MatchRecognize: "MATCH_RECOGNIZE",
    d.TableArgument: "TABLE as an argument",
}
