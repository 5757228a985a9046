"""Joins of two relations: ON, USING, NATURAL, commas, and the names that can be read behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from streamsql.errors import Span, SqlError
from streamsql.expr.nodes import ColumnRef, Expr
from streamsql.expr.resolve import resolve_call
from streamsql.plan.decorrelate import dependent_join
from streamsql.plan.logical import Field, Join, JoinKind, Plan, Project, joined_fields
from streamsql.plan.predicates import conjunction
from streamsql.plan.tree import fields_by_id
from streamsql.record import record
from streamsql.sql.bind_expressions import ExpressionBinder
from streamsql.sql.bind_time_joins import interval_bound
from streamsql.sql.context import Context
from streamsql.sql.parse import span_of
from streamsql.sql.scope import Scope, column_ref

Tree = Any


@record
class Bound:
    """A relation: the plan that delivers it and the names by which it can be read."""

    plan: Plan
    scope: Scope


def bind_lateral(tree: Tree, left: Bound, right: Bound, context: Context) -> Bound:
    """The join of a relation with a query that may read its columns."""
    kind = _LATERAL.get(tree.args["kind"])
    if kind is None or tree.args.get("using") or tree.args.get("natural"):
        hint = "use CROSS JOIN LATERAL or LEFT JOIN LATERAL … ON …"
        raise SqlError(f"{tree.args['kind']} JOIN LATERAL", span=span_of(tree.expression), hint=hint)
    _refuse_same_alias(left.scope, right.scope, span_of(tree.expression))
    condition, scope = tree.args.get("on"), _together(left.scope, right.scope)
    terms = []
    if condition is not None:
        terms.append(ExpressionBinder(replace(scope, outer=context.outer), "ON").condition(condition))
    clause = f"{kind.value} LATERAL"
    plan = dependent_join(
        kind, left.plan, right.plan, terms, context.field, clause=clause, span=span_of(tree.expression)
    )
    return under_names(plan, scope)


_LATERAL = {"CROSS": JoinKind.INNER, "INNER": JoinKind.INNER, "LEFT": JoinKind.LEFT}


def bind_join(tree: Tree, left: Bound, right: Bound, context: Context) -> Bound:
    """The join of two relations that know nothing of each other; its whole condition is the residual."""
    kind = JoinKind.INNER if tree.args["kind"] == "CROSS" else JoinKind[tree.args["kind"]]
    _refuse_same_alias(left.scope, right.scope, span_of(tree.expression))
    condition, using = tree.args.get("on"), tree.args.get("using")
    if condition is not None:
        binder = ExpressionBinder(replace(_together(left.scope, right.scope), outer=context.outer), "ON")
        return _hinted(joined(kind, left, right, binder.condition(condition), span_of(tree)), left, right, context)
    if using:
        names = [(each.name, span_of(each)) for each in using]
    elif tree.args.get("natural"):
        theirs = {each.name for each in right.scope.fields}
        names = [(each.name, span_of(tree)) for each in left.scope.fields if each.name in theirs]
    else:
        names = []
    pairs = [(_column(left, name, span), _column(right, name, span)) for name, span in names]
    equal = [resolve_call("=", pair, span) for pair, (_, span) in zip(pairs, names, strict=True)]
    bound = joined(kind, left, right, conjunction(equal) if equal else None, span_of(tree))
    bound = _hinted(bound, left, right, context)
    return _merged(bound, kind, pairs, context) if pairs else bound


def _hinted(bound: Bound, left: Bound, right: Bound, context: Context) -> Bound:
    return replace(bound, plan=context.hints.join(bound.plan, left.scope, right.scope))


def _refuse_same_alias(left: Scope, right: Scope, span: Span | None) -> None:
    known = {each.alias for each in left.relations if each.alias is not None}
    for each in right.relations:
        if each.alias in known:
            raise SqlError(
                f"{each.alias} stands for two relations", span=span, hint="give one of them another alias: JOIN t AS t2"
            )


def _together(left: Scope, right: Scope) -> Scope:
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
    return under_names(plan, _together(left.scope, right.scope) if kind.pairs else left.scope)


def under_names(plan: Plan, scope: Scope) -> Bound:
    """A plan that delivers the columns of a scope, perhaps with other types: it is read under the scope's names."""
    delivered = fields_by_id(plan.fields)

    def now(fields: Sequence[Field]) -> tuple[Field, ...]:
        return tuple(replace(delivered[each.id], name=each.name) for each in fields)

    relations = tuple(replace(each, fields=now(each.fields)) for each in scope.relations)
    return Bound(plan, replace(scope, relations=relations, merged=now(scope.merged)))


def _merged(bound: Bound, kind: JoinKind, pairs: Sequence[tuple[ColumnRef, ColumnRef]], context: Context) -> Bound:
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
