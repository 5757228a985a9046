"""Predicates as lists of conditions that must all hold, in the order in which they are evaluated."""

from __future__ import annotations

from collections.abc import Sequence

from streamsql.expr.nodes import Call, ColumnRef, Expr, Literal
from streamsql.expr.types import BOOLEAN
from streamsql.plan.logical import Filter, Join, JoinKey, JoinKind, Plan
from streamsql.plan.tree import positions

FLIPPED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
"""The comparison that says the same with its sides exchanged."""


def conjuncts(predicate: Expr) -> tuple[Expr, ...]:
    """The conditions that AND joins, first evaluated first.

    >>> from streamsql.expr.nodes import ColumnRef
    >>> a, b, c = (ColumnRef(type=BOOLEAN, id=each) for each in range(3))
    >>> conjuncts(conjunction([a, b, c])) == (a, b, c)
    True
    """
    if isinstance(predicate, Call) and predicate.function == "AND":
        return tuple(term for each in predicate.args for term in conjuncts(each))
    return (predicate,)


def conjunction(terms: Sequence[Expr]) -> Expr:
    """One predicate of at least one condition; a condition sees only the rows that those before it left."""
    result = terms[0]
    for term in terms[1:]:
        result = Call(type=BOOLEAN, function="AND", args=(result, term), span=result.span)
    return result


def disjuncts(predicate: Expr) -> tuple[Expr, ...]:
    """The conditions that OR joins, first evaluated first."""
    if isinstance(predicate, Call) and predicate.function == "OR":
        return tuple(term for each in predicate.args for term in disjuncts(each))
    return (predicate,)


def disjunction(terms: Sequence[Expr]) -> Expr:
    """One predicate of at least one condition, of which one has to hold."""
    result = terms[0]
    for term in terms[1:]:
        result = Call(type=BOOLEAN, function="OR", args=(result, term), span=result.span)
    return result


def filtered(plan: Plan, terms: Sequence[Expr]) -> Plan:
    """The plan behind a filter of these conditions; the plan itself where there are none."""
    if not terms:
        return plan
    predicate = conjunction(terms)
    return Filter(input=plan, fields=plan.fields, predicate=predicate, span=predicate.span)


def comparison(term: Expr) -> tuple[Expr, str, Literal] | None:
    """`expression operator literal`, whichever side the literal stands on; None for anything else.

    >>> from streamsql.expr.types import INT
    >>> five, a = Literal(type=INT, value=5), ColumnRef(type=INT, id=1, name="a")
    >>> comparison(Call(type=BOOLEAN, function="<", args=(five, a)))[1]
    '>'
    """
    match term:
        case Call(function=operator, args=(left, Literal() as right)) if operator in FLIPPED:
            return left, operator, right
        case Call(function=operator, args=(Literal() as left, right)) if operator in FLIPPED:
            return right, FLIPPED[operator], left
        case _:
            return None


def open_equality(term: Expr) -> Call | None:
    """The `x = y` of `(x = y) IS NOT FALSE`, which NOT IN asks; None for anything else."""
    match term:
        case Call(function="IS NOT FALSE", args=(Call(function="=") as equality,)):
            return equality
        case Call(function="NOT", args=(Call(function="IS FALSE", args=(Call(function="=") as equality,)),)):
            return equality
        case _:
            return None


def is_true(expr: Expr) -> bool:
    return isinstance(expr, Literal) and expr.value is True


def is_bare(expr: Expr) -> bool:
    """A column or a constant: costs nothing to evaluate again."""
    return isinstance(expr, ColumnRef | Literal)


def not_in_columns(plan: Join) -> JoinKey | None:
    """The columns of a NOT IN that is asked of the whole right input: ANTI with `(x = y) IS NOT FALSE` alone."""
    if plan.kind is not JoinKind.ANTI or plan.on:
        return None
    equality = None if plan.residual is None else open_equality(plan.residual)
    match None if equality is None else equality.args:
        case (ColumnRef() as one, ColumnRef() as two):
            left = positions(plan.left.fields)
            mine, other = (one, two) if one.id in left else (two, one)
            return JoinKey(mine.id, other.id) if mine.id in left and other.id not in left else None
        case _:
            return None
