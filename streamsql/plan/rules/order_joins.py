"""Inner joins in an order in which each relation meets those before it by an equality, and little is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from streamsql.expr.nodes import Call, Expr, column_ids
from streamsql.expr.properties import can_fail, is_volatile
from streamsql.plan.logical import Join, JoinKind, Plan, joined_fields
from streamsql.plan.predicates import conjunction, conjuncts
from streamsql.plan.rules.join_sizes import Equalities, Sizes, smallest_first, unknown
from streamsql.plan.tree import field_ids, select, with_inputs

_EQUALITIES = frozenset({"=", "IS NOT DISTINCT FROM"})


def order_joins(plan: Plan, *, sizes: Sizes = unknown) -> Plan:
    """Reorder trees of inner joins in which a pair of inputs has no equality though another order has one, or where
    another order keeps much less.

    `FROM a, b, c WHERE a.x = c.x AND b.y = c.y` joins a with c, and that with b. The first relation stays the first;
    the next is the first of those left that an equality connects with what is there. A condition is tested as soon as
    its columns are there, one that can fail at the end, on the pairs that all others left. Where all tables have been
    counted, large ones come last; then what equalities imply connects too. Other trees stay as written.
    """
    if not _is_inner(plan):
        return with_inputs(plan, tuple(order_joins(each, sizes=sizes) for each in plan.inputs))
    leaves, terms = [order_joins(each, sizes=sizes) for each in _leaves(plan)], tuple(_terms(plan))
    equalities = [each for each in terms if isinstance(each, Call) and each.function in _EQUALITIES]
    if len(leaves) > 2 and not any(map(is_volatile, terms)) and not any(map(can_fail, equalities)):
        order = _order(leaves, equalities)
        if _pairings(order, equalities) < _crossed(plan):
            return select(_joined(order, terms, plan), plan.fields)
        equal = Equalities()
        for each in equalities:
            equal.add(each)
        terms = (*terms, *equal.implied())
        smallest = smallest_first(leaves, partial(_reaches, terms), sizes)
        if smallest is not None:
            return select(_joined(smallest, terms, plan), plan.fields)
    return _over(plan, iter(leaves))


def _is_inner(plan: Plan) -> bool:
    return type(plan) is Join and plan.kind is JoinKind.INNER


def _leaves(plan: Plan) -> Iterator[Plan]:
    """What a tree of inner joins joins, from left to right."""
    if not _is_inner(plan):
        yield plan
        return
    for each in plan.inputs:
        yield from _leaves(each)


def _over(plan: Plan, leaves: Iterator[Plan]) -> Plan:
    """The same tree over other leaves."""
    if not _is_inner(plan):
        return next(leaves)
    return with_inputs(plan, tuple(_over(each, leaves) for each in plan.inputs))


def _terms(plan: Plan) -> Iterator[Expr]:
    """All conditions of a tree, first evaluated first."""
    if not isinstance(plan, Join) or not _is_inner(plan):
        return
    for each in plan.inputs:
        yield from _terms(each)
    yield from () if plan.residual is None else conjuncts(plan.residual)


def _connects(term: Expr, left: frozenset[int], right: frozenset[int]) -> bool:
    """Whether it says that something of the one is equal to something of the other."""
    if not isinstance(term, Call) or term.function not in _EQUALITIES:
        return False
    sides = [column_ids(each) for each in term.args]
    if not all(sides):
        return False
    return (sides[0] <= left and sides[1] <= right) or (sides[1] <= left and sides[0] <= right)


def _reaches(terms: Sequence[Expr], leaf: Plan, others: Sequence[Plan]) -> bool:
    known = field_ids(each for other in others for each in other.fields)
    return any(_connects(each, known, field_ids(leaf.fields)) for each in terms)


def _crossed(plan: Plan) -> int:
    """How many joins of a tree have no equality between their sides."""
    if not isinstance(plan, Join) or not _is_inner(plan):
        return 0
    left, right = field_ids(plan.left.fields), field_ids(plan.right.fields)
    terms = () if plan.residual is None else conjuncts(plan.residual)
    here = not any(_connects(each, left, right) for each in terms)
    return here + _crossed(plan.left) + _crossed(plan.right)


def _order(leaves: Sequence[Plan], terms: Sequence[Expr]) -> list[Plan]:
    order, waiting = [leaves[0]], list(leaves[1:])
    known = field_ids(leaves[0].fields)
    while waiting:
        connected = (each for each in waiting if any(_connects(term, known, field_ids(each.fields)) for term in terms))
        following = next(connected, waiting[0])
        waiting = [each for each in waiting if each is not following]
        order.append(following)
        known |= field_ids(following.fields)
    return order


def _pairings(order: Sequence[Plan], terms: Sequence[Expr]) -> int:
    """How many relations meet those before them without an equality."""
    known, count = field_ids(order[0].fields), 0
    for each in order[1:]:
        count += not any(_connects(term, known, field_ids(each.fields)) for term in terms)
        known |= field_ids(each.fields)
    return count


def _joined(order: Sequence[Plan], terms: Sequence[Expr], tree: Plan) -> Plan:
    """The relations one after another, each condition as low as it can be, unless others imply it."""
    waiting, equal = list(terms), Equalities()
    plan = order[0]
    for each in order[1:]:
        last = each is order[-1]
        fields = joined_fields(JoinKind.INNER, plan, each)
        known = field_ids(fields)
        ready = [term for term in waiting if last or (column_ids(term) <= known and not can_fail(term))]
        waiting = [term for term in waiting if term not in ready]
        ready = [term for term in ready if not equal.add(term)]
        plan = replace(_template(tree), left=plan, right=each, fields=fields, residual=_all_of(ready))
    return plan


def _all_of(terms: Sequence[Expr]) -> Expr | None:
    ordered = sorted(terms, key=can_fail)
    return conjunction(ordered) if ordered else None


def _template(tree: Plan) -> Join:
    assert isinstance(tree, Join)
    return replace(tree, on=())
