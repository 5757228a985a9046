"""Comparisons of a multiple of an integer with a constant are solved for the integer: 0.908 * x > 10 is x > 11."""

from __future__ import annotations

from dataclasses import replace
from math import ceil, floor

from streamsql.expr.nodes import Call, Cast, Expr, Literal
from streamsql.expr.properties import node_can_fail
from streamsql.expr.types import INTEGERS, Kind
from streamsql.plan.logical import Filter, Plan
from streamsql.plan.predicates import FLIPPED, comparison, conjunction, conjuncts
from streamsql.plan.tree import transform_up

_BITS = {Kind.TINYINT: 8, Kind.SMALLINT: 16, Kind.INT: 32, Kind.BIGINT: 64}
_ROUND_TO = {"<": ceil, "<=": floor, ">": floor, ">=": ceil}


def solve_comparisons(plan: Plan) -> Plan:
    """Filters compare integers, which costs less than decimals, and which a reader can be told."""
    return transform_up(plan, _solved)


def _solved(plan: Plan) -> Plan:
    if not isinstance(plan, Filter):
        return plan
    terms = conjuncts(plan.predicate)
    solved = tuple(map(_solve, terms))
    if all(new is old for new, old in zip(solved, terms, strict=True)):
        return plan
    return replace(plan, predicate=conjunction(solved))


def _solve(term: Expr) -> Expr:
    """The same condition on the integer alone, if the product is exact and the limit is an integer of that type."""
    compared = comparison(term)
    product = None if compared is None else _multiple(compared[0])
    if compared is None or product is None:
        return term
    from fractions import Fraction

    integer, factor = product[0], Fraction(str(product[1].value))
    _, operator, limit = compared
    if operator not in _ROUND_TO or limit.value is None:
        return term
    if factor < 0:
        operator = FLIPPED[operator]
    bound = _ROUND_TO[operator](Fraction(str(limit.value)) / factor)
    if not -(1 << _BITS[integer.type.kind] - 1) <= bound < 1 << _BITS[integer.type.kind] - 1:
        return term
    constant = Literal(type=integer.type.with_nullable(False), value=bound, span=limit.span)
    return Call(type=term.type, function=operator, args=(integer, constant), span=term.span)


def _multiple(product: Expr) -> tuple[Expr, Literal] | None:
    """An integer expression and a constant that are multiplied without loss of digits."""
    match product:
        case Call(function="*", args=(Literal() as factor, Cast(arg=integer) as cast)):
            pass
        case Call(function="*", args=(Cast(arg=integer) as cast, Literal() as factor)):
            pass
        case _:
            return None
    if integer.type.kind not in INTEGERS or not factor.value or node_can_fail(product) or node_can_fail(cast):
        return None
    exact = all(each.type.kind is Kind.DECIMAL for each in (product, cast, factor))
    if not exact or product.type.scale != (cast.type.scale or 0) + (factor.type.scale or 0):
        return None
    return integer, factor
