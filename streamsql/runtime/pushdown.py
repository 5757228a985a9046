"""The part of a scan's predicate that its source can use: comparisons of a column with a constant."""

from __future__ import annotations

from collections.abc import Iterator

from streamsql.expr.literals import to_scalar
from streamsql.expr.nodes import Call, ColumnRef, Expr, Literal
from streamsql.expr.types import FLOATS, arrow_type
from streamsql.plan.logical import Field, Scan
from streamsql.ports import Comparison
from streamsql.precision import cutter

_MIRRORED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def comparisons(scan: Scan) -> tuple[Comparison, ...]:
    """What may be told to the source; the filter above the scan has the whole predicate.

    Columns whose values are cut to a precision are left out, as the source would compare what they were before, and so
    are floats: sources differ on NaN.
    """
    if scan.predicate is None:
        return ()
    exact = {each.id: each for each in scan.physical if cutter(each.type) is None and each.type.kind not in FLOATS}
    found = (_comparison(each, exact) for each in _conjuncts(scan.predicate))
    return tuple(each for each in found if each is not None)


def _conjuncts(expr: Expr) -> Iterator[Expr]:
    match expr:
        case Call(function="AND", args=args):
            for each in args:
                yield from _conjuncts(each)
        case _:
            yield expr


def _comparison(expr: Expr, columns: dict[int, Field]) -> Comparison | None:
    match expr:
        case Call(function=operator, args=(ColumnRef(id=column), Literal() as literal)) if operator in _MIRRORED:
            pass
        case Call(function=operator, args=(Literal() as literal, ColumnRef(id=column))) if operator in _MIRRORED:
            operator = _MIRRORED[operator]
        case _:
            return None
    field = columns.get(column)
    if field is None or literal.value is None or arrow_type(literal.type) != arrow_type(field.type):
        return None
    return Comparison(field.name, operator, to_scalar(literal))
