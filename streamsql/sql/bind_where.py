"""WHERE: conditions, and IN and EXISTS with a subquery as semi and anti joins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from streamsql.errors import Span, SqlError
from streamsql.expr.nodes import Expr, column_ids
from streamsql.expr.properties import can_fail, is_volatile
from streamsql.expr.resolve import resolve_call
from streamsql.plan.logical import Filter, JoinKind
from streamsql.plan.predicates import conjunction, conjuncts
from streamsql.plan.tree import field_ids
from streamsql.record import record
from streamsql.sql import dialect as d
from streamsql.sql.bind_expressions import COMPARISONS, NEGATED, ExpressionBinder
from streamsql.sql.bind_grouping import is_grouped
from streamsql.sql.bind_relations import RelationBinder
from streamsql.sql.bind_subqueries import QueryBinder, Subqueries
from streamsql.sql.bind_time_joins import bound_in_time, with_times_of
from streamsql.sql.bound import Bound, under_names
from streamsql.sql.context import Context
from streamsql.sql.dialect import exp
from streamsql.sql.parse import conjunct_trees, span_of
from streamsql.sql.scope import Relation, Scope, column_ref

Tree = Any


def bind_where(tree: Tree, bound: Bound, context: Context, bind_query: QueryBinder) -> Bound:
    """The rows of a relation for which a condition is TRUE."""
    terms = list(conjunct_trees(tree))
    if not any(map(_asks, terms)):
        return _kept([tree], bound, context, bind_query)
    conditions, terms = _plain_first(terms, bound.scope)
    if conditions:
        bound = _filtered(bound, conjunction(conditions))
    if not any(_membership(each) for each in terms):
        return _kept(terms, bound, context, bind_query)
    for term in terms:
        found = _membership(term)
        if found is None:
            bound = _kept([term], bound, context, bind_query)
        else:
            bound = _semi_join(found, bound, context, bind_query)
    return bound


def _asks(term: Tree) -> bool:
    """Whether a condition has a subquery."""
    return term.find(exp.Query, exp.Exists, exp.Any, exp.All) is not None


def _plain_first(terms: Iterable[Tree], scope: Scope) -> tuple[list[Expr], list[Tree]]:
    """Conditions without a subquery, so that these are asked for fewer rows; and all others, in their order.

    One that can fail stays where it is: it may be another that keeps it from rows that would make it fail.
    """
    conditions: list[Expr] = []
    others: list[Tree] = []
    for term in terms:
        condition = None if _asks(term) else ExpressionBinder(scope, "WHERE").condition(term)
        if condition is None or can_fail(condition) or is_volatile(condition):
            others.append(term)
        else:
            conditions.append(condition)
    return conditions, others


def _kept(terms: Sequence[Tree], bound: Bound, context: Context, bind_query: QueryBinder) -> Bound:
    """The rows for which conditions are TRUE whose subqueries, if they have any, stand for values."""
    if not terms:
        return bound
    subqueries = Subqueries(context, bind_query, bound.scope)
    binder = ExpressionBinder(bound.scope, "WHERE", subqueries=subqueries)
    predicate = conjunction([binder.condition(each) for each in terms])
    if subqueries.pending:
        bound = under_names(subqueries.attach(bound.plan), bound.scope)
    return _filtered(bound, predicate)


def _filtered(bound: Bound, predicate: Expr) -> Bound:
    plan = bound_in_time(bound.plan, conjuncts(predicate))
    filtered = Filter(input=plan, predicate=predicate, fields=plan.fields)
    return replace(bound, plan=filtered, scope=with_times_of(bound.scope, plan))


@record
class _Membership:
    """[NOT] EXISTS (`value` None), and a value that compares by `operator` with some row, or `negated`, with none."""

    query: Tree
    value: Tree | None
    negated: bool
    span: Span | None
    operator: str = "="

    @property
    def clause(self) -> str:
        if self.operator != "=":
            return f"{NEGATED[self.operator]} ALL (query)" if self.negated else f"{self.operator} ANY (query)"
        return f"{'NOT ' if self.negated else ''}{'EXISTS' if self.value is None else 'IN'} (query)"


def _membership(tree: Tree, negated: bool = False) -> _Membership | None:
    """What a condition asks of a query as a whole; None where it is something else."""
    operator = COMPARISONS.get(type(tree))
    if operator is not None and isinstance(tree.expression, exp.Any | exp.All):
        universal = isinstance(tree.expression, exp.All)
        compared = NEGATED[operator] if universal else operator
        return _Membership(tree.expression.this, tree.this, negated != universal, span_of(tree), compared)
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


@record
class _Inner:
    """A subquery: its rows before its SELECT, what it selects, and its conditions that read the query around it."""

    bound: Bound
    items: tuple[Expr, ...]
    conditions: tuple[Expr, ...]


def _semi_join(membership: _Membership, left: Bound, context: Context, bind_query: QueryBinder) -> Bound:
    from streamsql.plan.decorrelate import dependent_join

    inner = _bind_inner(membership, left.scope, context, bind_query)
    terms = list(inner.conditions)
    if membership.value is not None:
        terms += _equalities(membership, left.scope, inner.items)
    kind = JoinKind.ANTI if membership.negated else JoinKind.SEMI
    plan = dependent_join(
        kind, left.plan, inner.bound.plan, terms, context.field, clause=membership.clause, span=membership.span
    )
    return under_names(plan, left.scope)


def _equalities(membership: _Membership, scope: Scope, items: tuple[Expr, ...]) -> list[Expr]:
    """That each value compares with what the subquery selects; negated, that this is not certainly false."""
    tree, span = membership.value, membership.span
    values = tree.expressions if isinstance(tree, exp.Tuple) else [tree]
    if len(values) != len(items):
        raise SqlError(f"IN compares {len(values)} with {len(items)} columns", span=span)
    binder = ExpressionBinder(scope, "IN")
    pairs = [(binder.bind(each), item) for each, item in zip(values, items, strict=True)]
    equal = [resolve_call(membership.operator, pair, span) for pair in pairs]
    if not membership.negated:
        return equal
    return [resolve_call("IS NOT FALSE", (each,), span) if each.type.nullable else each for each in equal]


def _bind_inner(membership: _Membership, outer: Scope, context: Context, bind_query: QueryBinder) -> _Inner:
    tree = membership.query
    while isinstance(tree, exp.Subquery | exp.Paren):
        tree = tree.this
    if not _is_plain(tree):
        plan = bind_query(tree, context.inside(outer))
        return _Inner(Bound(plan, Scope((Relation(None, plan.fields),))), tuple(map(column_ref, plan.fields)), ())
    context = context.inside(outer)
    bound = RelationBinder(context, bind_query, bind_where).bind(tree.args["from_"].this)
    bound = replace(bound, scope=replace(bound.scope, outer=context.outer))
    where = tree.args.get("where")
    conditions, others = _plain_first(() if where is None else conjunct_trees(where.this), bound.scope)
    own = [each for each in conditions if column_ids(each) <= field_ids(bound.plan.fields)]
    if own:
        bound = _filtered(bound, conjunction(own))
    conditions = [each for each in conditions if each not in own]
    for term in others:
        found = _membership(term)
        if found is not None:
            bound = _semi_join(found, bound, context, bind_query)
            continue
        if _asks(term):
            bound = _kept([term], bound, context, bind_query)
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
    if any(tree.args.get(each) for each in ("with_", "distinct", "qualify", "limit", "offset", "emit", "hint")):
        return False
    return not any(call.args.get("over") for item in tree.expressions for call in item.find_all(d.Call))


def _items(tree: Tree, scope: Scope) -> tuple[Expr, ...]:
    binder = ExpressionBinder(scope, "SELECT")
    items: list[Expr] = []
    for each in tree.expressions:
        if isinstance(each, exp.Star):
            items += map(column_ref, scope.fields)
        else:
            items.append(binder.bind(each.this if isinstance(each, exp.Alias) else each))
    return tuple(items)
