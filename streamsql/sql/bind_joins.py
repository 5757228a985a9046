"""Joins of two relations: ON, USING, NATURAL, commas, and the names that can be read behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

from streamsql.errors import NotSupportedYet, Span, SqlError
from streamsql.expr.nodes import ColumnRef, Expr
from streamsql.expr.resolve import resolve_call
from streamsql.plan.decorrelate import dependent_join
from streamsql.plan.logical import Join, JoinKind, Project, joined_fields
from streamsql.plan.predicates import conjunction
from streamsql.plan.tree import fields_by_id
from streamsql.sql.bind_on import bind_condition, join_on
from streamsql.sql.bind_subqueries import QueryBinder
from streamsql.sql.bind_time_joins import interval_bound
from streamsql.sql.bound import Bound, under_names
from streamsql.sql.context import Context
from streamsql.sql.dialect import exp
from streamsql.sql.parse import span_of
from streamsql.sql.scope import Scope, column_ref

Tree = Any
Pair = tuple[ColumnRef, ColumnRef]


class Queries(Protocol):
    """What binds the queries in a condition, and conditions as a WHERE would."""

    @property
    def context(self) -> Context: ...

    @property
    def bind_query(self) -> QueryBinder: ...

    def bind_where(self, tree: Tree, bound: Bound, context: Context) -> Bound: ...


def bind_lateral(tree: Tree, left: Bound, right: Bound, queries: Queries) -> Bound:
    """The join of a relation with a query that may read its columns."""
    kind = _LATERAL.get(tree.args["kind"])
    if kind is None or tree.args.get("using") or tree.args.get("natural"):
        hint = "use CROSS JOIN LATERAL or LEFT JOIN LATERAL … ON …"
        raise SqlError(f"{tree.args['kind']} JOIN LATERAL", span=span_of(tree.expression), hint=hint)
    refuse_same_alias(left.scope, right.scope, span_of(tree.expression))
    context, span, scope = queries.context, span_of(tree.expression), together(left.scope, right.scope)
    said = [tree.args["on"]] if tree.args.get("on") is not None else []
    on = bind_condition(said, kind, left.plan, right.plan, scope, context, queries.bind_query)
    if on.with_right is not None:
        raise NotSupportedYet("a subquery in the ON of LATERAL that reads both sides", span=span, hint=_AFTERWARDS)
    plan = dependent_join(kind, on.left, on.right, on.terms, context.field, clause=f"{kind.value} LATERAL", span=span)
    return under_names(plan, scope)


_AFTERWARDS = "write it in WHERE"


_LATERAL = {"CROSS": JoinKind.INNER, "INNER": JoinKind.INNER, "LEFT": JoinKind.LEFT}


def bind_join(tree: Tree, left: Bound, right: Bound, queries: Queries) -> Bound:
    """The join of two relations that know nothing of each other; its whole condition is the residual."""
    context = queries.context
    kind = JoinKind.INNER if tree.args["kind"] == "CROSS" else JoinKind[tree.args["kind"]]
    refuse_same_alias(left.scope, right.scope, span_of(tree.expression))
    condition, using = tree.args.get("on"), tree.args.get("using")
    if condition is not None:
        return _joined_on(condition, kind, left, right, queries, span_of(tree))
    pairs = named_pairs(tree, left, right) if using or tree.args.get("natural") else []
    equal = [resolve_call("=", pair, span) for pair, span in pairs]
    bound = joined(kind, left, right, conjunction(equal) if equal else None, span_of(tree))
    bound = _hinted(bound, left, right, context)
    return merged(bound, kind, [pair for pair, _ in pairs], context) if pairs else bound


def _joined_on(tree: Tree, kind: JoinKind, left: Bound, right: Bound, queries: Queries, span: Span | None) -> Bound:
    """The join ON a condition; in an inner join one with subqueries is as good as a WHERE."""
    scope = together(left.scope, right.scope)
    if kind is JoinKind.INNER and tree.find(exp.Query) is not None:
        bound = _hinted(joined(kind, left, right, None, span), left, right, queries.context)
        bound = replace(bound, scope=replace(bound.scope, outer=queries.context.outer))
        return queries.bind_where(tree, bound, queries.context)
    on = bind_condition([tree], kind, left.plan, right.plan, scope, queries.context, queries.bind_query)
    plan = join_on(kind, on, queries.context, span)
    plan = interval_bound(plan, ()) if isinstance(plan, Join) else plan
    return _hinted(under_names(plan, scope if kind.pairs else left.scope), left, right, queries.context)


def _hinted(bound: Bound, left: Bound, right: Bound, context: Context) -> Bound:
    return replace(bound, plan=context.hints.join(bound.plan, left.scope, right.scope))


def named_pairs(tree: Tree, left: Bound, right: Bound) -> list[tuple[Pair, Span | None]]:
    """The columns of both sides that USING or NATURAL names, and where."""
    if tree.args.get("using"):
        names = [(each.name, span_of(each)) for each in tree.args["using"]]
    else:
        theirs = {each.name for each in right.scope.fields}
        names = [(each.name, span_of(tree)) for each in left.scope.fields if each.name in theirs]
    return [((_column(left, name, span), _column(right, name, span)), span) for name, span in names]


def refuse_same_alias(left: Scope, right: Scope, span: Span | None) -> None:
    """A name stands for one relation of a join."""
    known = {each.alias for each in left.relations if each.alias is not None}
    for each in right.relations:
        if each.alias in known:
            raise SqlError(
                f"{each.alias} stands for two relations", span=span, hint="give one of them another alias: JOIN t AS t2"
            )


def together(left: Scope, right: Scope) -> Scope:
    """The names of both sides."""
    return Scope((*left.relations, *right.relations), (*left.merged, *right.merged), left.hidden | right.hidden)


def _column(bound: Bound, name: str, span: Span | None) -> ColumnRef:
    found = bound.scope.resolve([name], span)
    assert isinstance(found, ColumnRef)
    return found


def joined(
    kind: JoinKind, left: Bound, right: Bound, residual: Expr | None, span: Span | None, clause: str = ""
) -> Bound:
    """The join of two relations, and the columns that it delivers under the names of both."""
    fields = joined_fields(kind, left.plan, right.plan)
    plan = Join(left=left.plan, right=right.plan, kind=kind, residual=residual, fields=fields, clause=clause, span=span)
    plan = interval_bound(plan, ())
    return under_names(plan, together(left.scope, right.scope) if kind.pairs else left.scope)


def merged(bound: Bound, kind: JoinKind, pairs: Sequence[Pair], context: Context) -> Bound:
    """One column for the two sides of each equality: the one that is never padded, or the first that is not NULL."""
    if not kind.pairs:
        return bound
    plan, by_id = bound.plan, fields_by_id(bound.plan.fields)
    columns = [(by_id[left.id], by_id[right.id]) for left, right in pairs]
    if kind is JoinKind.FULL:
        values = [resolve_call("COALESCE", (column_ref(left), column_ref(right))) for left, right in columns]
        merged = [context.field(left.name, value.type) for value, (left, _) in zip(values, columns, strict=True)]
        passed = tuple(column_ref(each) for each in plan.fields)
        plan = Project(input=plan, exprs=(*passed, *values), fields=(*plan.fields, *merged), span=plan.span)
    else:
        merged = [right if kind is JoinKind.RIGHT else left for left, right in columns]
    hidden = frozenset(each.id for pair in columns for each in pair)
    others = (each for each in bound.scope.merged if each.id not in hidden)
    scope = replace(bound.scope, merged=(*merged, *others), hidden=bound.scope.hidden | hidden)
    return Bound(plan, scope)
