"""Comparisons of a column with a constant go into the reader, which may then skip what cannot match."""

from __future__ import annotations

from dataclasses import replace

from streamsql.expr.nodes import Call, Cast, ColumnRef, Expr, Literal
from streamsql.expr.types import BOOLEAN, BYTES_KINDS, INTEGERS, Kind, SqlType
from streamsql.plan.logical import Field, Filter, Plan, Scan
from streamsql.plan.predicates import comparison, conjunction, conjuncts
from streamsql.plan.tree import fields_by_id, transform_up

_UNFIT = frozenset({Kind.FLOAT, Kind.DOUBLE, Kind.CHAR, *BYTES_KINDS})
"""Floats: readers order NaN otherwise. CHAR: readers know no padding."""


def push_into_scan(plan: Plan) -> Plan:
    """Copy such conditions from a filter right above a scan into the scan.

    Only where no one uses the table's time, since every row of the table moves its watermark, and no row ends the one
    before it by its key. The filter stays: what a
    reader does with the conditions is up to it.
    """
    return transform_up(plan, lambda node: _push(node) if isinstance(node, Filter) else node)


def _push(plan: Filter) -> Plan:
    scan = plan.input
    if not isinstance(scan, Scan) or scan.watermark is not None or scan.predicate is not None:
        return plan
    if scan.table.by_key:
        return plan
    physical = fields_by_id(scan.physical)
    terms = [_for_reader(each, dict(physical)) for each in conjuncts(plan.predicate)]
    known = [each for each in terms if each is not None]
    return replace(plan, input=replace(scan, predicate=conjunction(known))) if known else plan


def _for_reader(term: Expr, physical: dict[int, Field]) -> Expr | None:
    """`column operator literal` with a literal of the column's own type."""
    compared = comparison(term)
    if compared is None:
        return None
    side, operator, literal = compared
    column = side.arg if isinstance(side, Cast) else side
    if not isinstance(column, ColumnRef) or column.id not in physical or column.type.kind in _UNFIT:
        return None
    value = _in_type_of(column.type, literal, exact=column is side)
    return None if value is None else Call(type=BOOLEAN, function=operator, args=(column, value))


def _in_type_of(type_: SqlType, literal: Literal, *, exact: bool) -> Literal | None:
    """The constant as the column has it; None where the comparison is made in a type that may change the column."""
    if literal.value is None:
        return None
    if type_.kind in INTEGERS and literal.type.kind in INTEGERS:
        bits = (7, 15, 31, 63)[INTEGERS.index(type_.kind)]
        value = literal.value
        fits = isinstance(value, int) and -(1 << bits) <= value < 1 << bits
        return replace(literal, type=type_.with_nullable(False)) if fits else None
    same_layout = type_.kind is literal.type.kind and type_.scale == literal.type.scale
    return replace(literal, type=type_.with_nullable(False)) if exact and same_layout else None
