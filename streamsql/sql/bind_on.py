"""ON: the condition of a join. Subqueries in it are joined to the side that they read, or to pairs of values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from streamsql.errors import Span
from streamsql.expr.nodes import ColumnRef, Expr, column_ids, substitute
from streamsql.expr.properties import can_fail, is_volatile
from streamsql.expr.resolve import resolve_call
from streamsql.plan.logical import Aggregate, Field, Join, JoinKind, Plan, Project, Union, joined_fields
from streamsql.plan.padding import padded
from streamsql.plan.predicates import conjunction, conjuncts
from streamsql.plan.tree import field_ids, reference
from streamsql.record import record
from streamsql.sql.bind_expressions import ExpressionBinder
from streamsql.sql.bind_subqueries import QueryBinder, Subqueries, Subquery
from streamsql.sql.context import Context
from streamsql.sql.scope import Scope

Tree = Any
Terms = tuple[Expr, ...]


@record
class Condition:
    """What ON says: conditions over the columns of `left` and `right`, which deliver those of its subqueries too.

    A subquery that reads both sides has its result beside each row of one side, once for each combination of values
    that the other side may have: in `with_right` or `with_left`, under conditions that tell these values; None where
    there is no such subquery. `results`: the columns that hold the results of subqueries.
    """

    left: Plan
    right: Plan
    terms: Terms
    results: frozenset[int] = frozenset()
    with_left: Side | None = None
    with_right: Side | None = None


@record
class Side:
    """A side of a join with the results of subqueries that read both, and what tells which of them are meant."""

    plan: Plan
    terms: Terms = ()

    def joined(self, pairs: Plan, same: Mapping[int, Expr], other: frozenset[int]) -> Side:
        """With the results for pairs of values, which are `same` as some columns; `other`: columns of the partner."""
        mine = tuple(term for id_, term in same.items() if id_ not in other)
        plan = _join(JoinKind.INNER, self.plan, pairs, mine, None)
        return Side(plan, (*self.terms, *(term for id_, term in same.items() if id_ in other)))


def bind_condition(
    trees: Sequence[Tree], kind: JoinKind, left: Plan, right: Plan, scope: Scope, context: Context, queries: QueryBinder
) -> Condition:
    """The conditions of a join of two plans, which must all hold."""
    subqueries = Subqueries(context, queries, replace(scope, outer=context.outer))
    binder = ExpressionBinder(subqueries.scope, "ON", subqueries=subqueries)
    terms = tuple(term for each in trees for term in conjuncts(binder.condition(each)))
    condition = Condition(left, right, terms, subqueries.results)
    of_both = list[Subquery]()
    for each in subqueries.pending:
        attached = _beside_one_side(condition, each, subqueries, kind)
        if attached is None:
            of_both.append(each)
        else:
            condition = attached
    for each in of_both:
        condition = _beside_pairs(condition, each, subqueries, kind)
    return condition


def _beside_one_side(
    condition: Condition, subquery: Subquery, subqueries: Subqueries, kind: JoinKind
) -> Condition | None:
    read = {each.id for each in subqueries.reads(subquery)}
    left, right = condition.left, condition.right
    if read <= field_ids(right.fields) and (read or kind is not JoinKind.RIGHT):
        return replace(condition, right=subqueries.joined(right, right, subquery))
    if read <= field_ids(left.fields):
        return replace(condition, left=subqueries.joined(left, left, subquery))
    return None


def _beside_pairs(condition: Condition, subquery: Subquery, subqueries: Subqueries, kind: JoinKind) -> Condition:
    """A subquery that reads both sides is computed for all pairs of values that may meet."""
    read = subqueries.reads(subquery)
    copies = {each.id: subqueries.context.field(each.name, each.type) for each in read}
    domain = _domain(condition, read, tuple(copies.values()))
    stands: dict[int, Expr] = {id_: reference(each) for id_, each in copies.items()}
    pairs = subqueries.joined(domain, domain, subquery, lambda expr: substitute(expr, stands))
    same = {each.id: resolve_call("IS NOT DISTINCT FROM", (each, stands[each.id])) for each in read}
    left, right = field_ids(condition.left.fields), field_ids(condition.right.fields)
    if kind in (JoinKind.RIGHT, JoinKind.FULL):
        side = condition.with_left or Side(condition.left)
        condition = replace(condition, with_left=side.joined(pairs, same, right))
    if kind is not JoinKind.RIGHT:
        side = condition.with_right or Side(condition.right)
        condition = replace(condition, with_right=side.joined(pairs, same, left))
    return condition


def _domain(condition: Condition, read: Sequence[ColumnRef], copies: tuple[Field, ...]) -> Plan:
    """Each combination of the values that a subquery reads, of pairs for which all else holds that does not need it."""
    left, right = condition.left, condition.right
    asked = [each for each in condition.terms if not column_ids(each) & condition.results and _is_safe(each)]
    if condition.with_right is not None:
        right, asked = condition.with_right.plan, [*condition.with_right.terms, *asked]
    elif condition.with_left is not None:
        left, asked = condition.with_left.plan, [*condition.with_left.terms, *asked]
    joined = _join(JoinKind.INNER, left, right, tuple(asked), None)
    rows = Project(input=joined, exprs=tuple(read), fields=copies)
    return Aggregate(input=rows, keys=tuple(each.id for each in copies), calls=(), fields=copies)


def _is_safe(term: Expr) -> bool:
    return not (can_fail(term) or is_volatile(term))


def join_on(kind: JoinKind, condition: Condition, context: Context, span: Span | None) -> Plan:
    """The join of both sides under the condition."""
    left, right = condition.left, condition.right
    if kind is JoinKind.FULL and condition.with_left is not None and condition.with_right is not None:
        return _full(condition, condition.with_left, condition.with_right, context, span)
    terms = condition.terms
    for side in (condition.with_left, condition.with_right):
        terms = terms if side is None else (*side.terms, *terms)
    left = left if condition.with_left is None else condition.with_left.plan
    right = right if condition.with_right is None else condition.with_right.plan
    return _join(kind, left, right, terms, span)


def _join(kind: JoinKind, left: Plan, right: Plan, terms: Terms, span: Span | None) -> Join:
    fields = joined_fields(kind, left, right)
    residual = conjunction(terms) if terms else None
    return Join(left=left, right=right, kind=kind, residual=residual, fields=fields, span=span)


def _full(condition: Condition, with_left: Side, with_right: Side, context: Context, span: Span | None) -> Plan:
    """A LEFT JOIN, and the right rows without partner: a row stands only once beside the results of a subquery."""
    left, right, terms = condition.left, condition.right, condition.terms
    some = _join(JoinKind.LEFT, left, with_right.plan, (*with_right.terms, *terms), span)
    alone = _join(JoinKind.ANTI, right, with_left.plan, (*with_left.terms, *terms), span)
    fields = joined_fields(JoinKind.FULL, left, right)
    branches = (padded(some, fields, context.field), padded(alone, fields, context.field))
    return Union(branches=branches, fields=fields, span=span)
