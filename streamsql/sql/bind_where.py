"""WHERE: conditions, and IN and EXISTS with a subquery as semi and anti joins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from streamsql.errors import NotSupportedYet, Span, SqlError
from streamsql.expr.nodes import Expr, column_ids
from streamsql.expr.resolve import resolve_call
from streamsql.plan.logical import Filter, JoinKind
from streamsql.plan.predicates import conjunction, conjuncts
from streamsql.plan.tree import field_ids
from streamsql.sql.bind_expressions import ExpressionBinder
from streamsql.sql.bind_grouping import is_grouped
from streamsql.sql.bind_joins import Bound, joined
from streamsql.sql.bind_relations import QueryBinder, RelationBinder
from streamsql.sql.bind_time_joins import bound_in_time, with_times_of
from streamsql.sql.context import Context
from streamsql.sql.dialect import exp
from streamsql.sql.parse import span_of
from streamsql.sql.scope import Relation, Scope, column_ref

Tree = Any


def bind_where(tree: Tree, bound: Bound, context: Context, bind_query: QueryBinder) -> Bound:
    """The rows of a relation for which a condition is TRUE."""
    terms = list(_conjuncts(tree))
    if not any(_membership(each) for each in terms):
        return _filtered(bound, ExpressionBinder(bound.scope, "WHERE").condition(tree))
    for term in terms:
        found = _membership(term)
        if found is None:
            bound = _filtered(bound, ExpressionBinder(bound.scope, "WHERE").condition(term))
        else:
            bound = _semi_join(found, bound, context, bind_query)
    return bound


def _conjuncts(tree: Tree) -> Iterator[Tree]:
    if isinstance(tree, exp.And):
        yield from _conjuncts(tree.this)
        yield from _conjuncts(tree.expression)
    elif isinstance(tree, exp.Paren) and isinstance(tree.this, exp.And | exp.Not | exp.In | exp.Exists | exp.Paren):
        yield from _conjuncts(tree.this)
    else:
        yield tree


def _filtered(bound: Bound, predicate: Expr) -> Bound:
    plan = bound_in_time(bound.plan, conjuncts(predicate))
    filtered = Filter(input=plan, predicate=predicate, fields=plan.fields)
    return replace(bound, plan=filtered, scope=with_times_of(bound.scope, plan))


@dataclass(frozen=True, slots=True)
class _Membership:
    """[NOT] IN or [NOT] EXISTS; `value` None: EXISTS."""

    query: Tree
    value: Tree | None
    negated: bool
    span: Span | None

    @property
    def clause(self) -> str:
        return f"{'NOT ' if self.negated else ''}{'EXISTS' if self.value is None else 'IN'} (query)"


def _membership(tree: Tree, negated: bool = False) -> _Membership | None:
    match tree:
        case exp.Not():
            return _membership(tree.this, not negated)
        case exp.Paren():
            return _membership(tree.this, negated)
        case exp.In() if tree.args.get("query") is not None:
            return _Membership(tree.args["query"], tree.this, negated, span_of(tree))
        case exp.Exists():
            return _Membership(tree.this, None, negated, span_of(tree))
        case _:
            return None


@dataclass(frozen=True, slots=True)
class _Inner:
    """A subquery: its rows before its SELECT, what it selects, and its conditions that read the query around it."""

    bound: Bound
    items: tuple[Expr, ...]
    conditions: tuple[Expr, ...]


def _semi_join(membership: _Membership, left: Bound, context: Context, bind_query: QueryBinder) -> Bound:
    inner = _bind_inner(membership, left.scope, context, bind_query)
    terms = list(inner.conditions)
    if membership.value is not None:
        terms += _equalities(membership, left.scope, inner.items)
    known = field_ids(left.plan.fields) | field_ids(inner.bound.plan.fields)
    for term in terms:
        if not column_ids(term) <= known:
            raise NotSupportedYet("a reference over more than one query", span=term.span or membership.span)
    kind = JoinKind.ANTI if membership.negated else JoinKind.SEMI
    condition = conjunction(terms) if terms else None
    return joined(kind, left, inner.bound, condition, membership.span, membership.clause)


def _equalities(membership: _Membership, scope: Scope, items: tuple[Expr, ...]) -> list[Expr]:
    """That each value equals what the subquery selects; with NOT IN, that this is not certainly false."""
    tree, span = membership.value, membership.span
    values = tree.expressions if isinstance(tree, exp.Tuple) else [tree]
    if len(values) != len(items):
        raise SqlError(f"IN compares {len(values)} with {len(items)} columns", span=span)
    binder = ExpressionBinder(scope, "WHERE")
    pairs = [(binder.bind(each), item) for each, item in zip(values, items, strict=True)]
    equal = [resolve_call("=", pair, span) for pair in pairs]
    if not membership.negated:
        return equal
    return [resolve_call("IS NOT FALSE", (each,), span) if each.type.nullable else each for each in equal]


def _bind_inner(membership: _Membership, outer: Scope, context: Context, bind_query: QueryBinder) -> _Inner:
    tree = membership.query
    while isinstance(tree, exp.Subquery | exp.Paren):
        tree = tree.this
    if not _is_plain(tree):
        plan = bind_query(tree, context)
        return _Inner(Bound(plan, Scope((Relation(None, plan.fields),))), tuple(map(column_ref, plan.fields)), ())
    bound = RelationBinder(context, bind_query).bind(tree.args["from_"].this)
    bound = replace(bound, scope=replace(bound.scope, outer=outer))
    conditions: list[Expr] = []
    where = tree.args.get("where")
    for term in () if where is None else _conjuncts(where.this):
        found = _membership(term)
        if found is not None:
            bound = _semi_join(found, bound, context, bind_query)
            continue
        condition = ExpressionBinder(bound.scope, "WHERE").condition(term)
        if column_ids(condition) <= field_ids(bound.plan.fields):
            bound = _filtered(bound, condition)
        else:
            conditions.append(condition)
    items = () if membership.value is None else _items(tree, bound.scope)
    return _Inner(bound, items, tuple(conditions))


def _is_plain(tree: Tree) -> bool:
    """A SELECT whose rows are those of its FROM and WHERE."""
    if not isinstance(tree, exp.Select) or tree.args.get("from_") is None or is_grouped(tree):
        return False
    return not any(tree.args.get(each) for each in ("with_", "distinct", "qualify", "limit", "offset", "emit", "hint"))


def _items(tree: Tree, scope: Scope) -> tuple[Expr, ...]:
    binder = ExpressionBinder(scope, "SELECT")
    items: list[Expr] = []
    for each in tree.expressions:
        if isinstance(each, exp.Star):
            items += map(column_ref, scope.fields)
        else:
            items.append(binder.bind(each.this if isinstance(each, exp.Alias) else each))
    return tuple(items)
