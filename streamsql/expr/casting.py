"""Which casts there are and which of them can fail; how they run is in cast_kernels.py and duckdb_cast.py."""

from __future__ import annotations

from streamsql.expr.coercion import INTEGER_BITS, NUMERIC, digits
from streamsql.expr.types import BYTES_KINDS, FLOATS, INTEGERS, STRINGS, TIMESTAMPS, Kind, SqlType

_ALL_NUMBERS = frozenset(NUMERIC)
_TEXT = frozenset(STRINGS)
_MOMENTS = frozenset((Kind.DATE, *TIMESTAMPS))

_ALLOWED: dict[Kind, frozenset[Kind]] = {
    Kind.BOOLEAN: _ALL_NUMBERS | _TEXT | {Kind.BOOLEAN},
    **{kind: _ALL_NUMBERS | _TEXT | {Kind.BOOLEAN} for kind in NUMERIC},
    **{kind: _ALL_NUMBERS | _TEXT | _MOMENTS | set(BYTES_KINDS) | {Kind.BOOLEAN, Kind.TIME} for kind in STRINGS},
    **{kind: _TEXT | set(BYTES_KINDS) for kind in BYTES_KINDS},
    Kind.DATE: _TEXT | _MOMENTS,
    Kind.TIME: _TEXT | set(TIMESTAMPS) | {Kind.TIME},
    **{kind: _TEXT | _MOMENTS | {Kind.TIME} for kind in TIMESTAMPS},
    Kind.INTERVAL_DAY: frozenset({Kind.INTERVAL_DAY}) | _TEXT,
    Kind.INTERVAL_MONTH: frozenset({Kind.INTERVAL_MONTH}) | _TEXT,
}

NESTED = (Kind.ARRAY, Kind.MAP, Kind.MULTISET, Kind.ROW)


def can_cast(source: SqlType, target: SqlType) -> bool:
    """Whether CAST knows the way between two types."""
    if source.kind is Kind.NULL or source.same_as(target):
        return True
    if target.kind in STRINGS and (source.kind in NESTED or source.kind in (Kind.INTERVAL_DAY, Kind.INTERVAL_MONTH)):
        return True
    if source.kind in NESTED and source.kind is target.kind and len(source.children) == len(target.children):
        return all(part_fits(a, b) for a, b in zip(source.children, target.children, strict=True))
    return target.kind in _ALLOWED.get(source.kind, frozenset())


def part_fits(source: SqlType, target: SqlType) -> bool:
    """Whether CAST knows the way between two parts of nested types, and NULL does not get where it may not be."""
    return can_cast(source, target) and (target.nullable or not source.nullable)


def cast_can_fail(source: SqlType, target: SqlType) -> bool:
    """Whether a value of the source may make CAST raise: malformed text, or bytes that are no text."""
    if source.children:
        wanted = target.children or [target] * len(source.children)
        return any(cast_can_fail(a, b) for a, b in zip(source.children, wanted, strict=True))
    if source.kind in BYTES_KINDS:
        return target.kind in STRINGS
    return source.kind in STRINGS and target.kind not in (*STRINGS, *BYTES_KINDS)


def may_give_null(source: SqlType, target: SqlType) -> bool:
    """Whether a non-NULL value may become NULL: a DECIMAL that does not fit."""
    if target.kind is not Kind.DECIMAL or source.kind is Kind.BOOLEAN:
        return False
    if source.kind in FLOATS or source.kind in STRINGS:
        return True
    if source.kind not in (*INTEGERS, Kind.DECIMAL):
        return False
    (p1, s1), (p2, s2) = digits(source), digits(target)
    return p1 - s1 > p2 - s2 or (s1 > s2 and p1 - s1 >= p2 - s2)


def is_relabelling(source: SqlType, target: SqlType) -> bool:
    """Whether the values stay as they are: the same text in a longer VARCHAR, the same time with more digits."""
    if source.same_as(target):
        return True
    if source.kind is not target.kind and not {source.kind, target.kind} <= _TEXT:
        return False
    if target.kind is Kind.VARCHAR or target.kind is Kind.VARBINARY:
        longest = target.precision
        return longest is None or (source.precision is not None and source.precision <= longest)
    if target.kind in (*TIMESTAMPS, Kind.TIME):
        return (source.precision or 0) <= (target.precision or 0)
    return target.kind in (Kind.INTERVAL_DAY, Kind.INTERVAL_MONTH)


def integer_limits(kind: Kind) -> tuple[int, int]:
    """The smallest and largest value of an integer type.

    >>> integer_limits(Kind.TINYINT)
    (-128, 127)
    """
    half = 1 << (INTEGER_BITS[kind] - 1)
    return -half, half - 1
