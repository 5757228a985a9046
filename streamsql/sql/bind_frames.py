"""ROWS, RANGE and GROUPS of OVER: which rows around the current one a call looks at."""

from __future__ import annotations

from typing import Any

from streamsql.errors import SqlError
from streamsql.expr.types import INTEGERS, TIMESTAMPS, Kind, SqlType
from streamsql.expr.windows import UP_TO_CURRENT, Frame, Without
from streamsql.sql import dialect as d
from streamsql.sql.bind_expressions import interval_literal
from streamsql.sql.dialect import exp
from streamsql.sql.parse import span_of

Tree = Any

WHOLE_PARTITION = Frame(False, None, None)
_FARTHEST = 2**62
"""Farther than any row is from another, and as far as a bound may be."""
_DAY = 86_400_000_000
_SIGNS = {"PRECEDING": -1, "FOLLOWING": 1}


def bind_frame(spec: Tree, keys: tuple[SqlType, ...]) -> Frame:
    """The frame of a window whose sort keys have these types; without ROWS or RANGE it ends with the current row."""
    tree = spec.args.get("frame")
    if tree is None:
        return UP_TO_CURRENT if keys else WHOLE_PARTITION
    unit = tree.args["unit"]
    if unit == "GROUPS" and not keys:
        hint = "write ORDER BY before it: GROUPS counts groups of equal rows"
        raise SqlError("GROUPS needs ORDER BY", span=span_of(tree), hint=hint)
    start, end = tree.args["start"], tree.args["end"]
    if start.args["kind"] == "UNBOUNDED FOLLOWING" or end.args["kind"] == "UNBOUNDED PRECEDING":
        raise SqlError("a frame begins before it ends", span=span_of(tree), hint="write BETWEEN … PRECEDING AND …")
    low, high = (_bound(each, unit, keys) for each in (start, end))
    exclude = tree.args.get("exclude")
    without = Without(exclude) if exclude not in (None, "NO OTHERS") else None
    frame = Frame(unit == "ROWS", low, high, by_groups=unit == "GROUPS", without=without)
    if frame.start is not None and frame.end is not None and frame.start > frame.end:
        raise SqlError("a frame begins before it ends", span=span_of(tree), hint="exchange the two bounds")
    return frame


def _bound(tree: Tree, unit: str, keys: tuple[SqlType, ...]) -> int | None:
    kind = tree.args["kind"]
    if kind.startswith("UNBOUNDED"):
        return None
    if kind == "CURRENT ROW":
        return 0
    return _SIGNS[kind] * (_distance(tree.this, keys) if unit == "RANGE" else _count(tree.this, unit))


def _count(tree: Tree, unit: str) -> int:
    if not (isinstance(tree, exp.Literal) and tree.is_int):
        message = f"{unit} takes a whole number of {unit.lower()}"
        raise SqlError(message, span=span_of(tree), hint="write for instance 2 PRECEDING")
    return min(int(tree.this), _FARTHEST)


def _distance(tree: Tree, keys: tuple[SqlType, ...]) -> int:
    """How far by value: an interval before times, a number before whole numbers."""
    if len(keys) != 1:
        raise SqlError(
            "RANGE with a distance needs one sort key", span=span_of(tree), hint="write ROWS, or order by one"
        )
    key = keys[0]
    if key.kind in INTEGERS:
        if isinstance(tree, exp.Literal) and tree.is_int:
            if int(tree.this) <= _FARTHEST:
                return int(tree.this)
            raise SqlError(f"RANGE goes at most {_FARTHEST} far", span=span_of(tree), hint="write UNBOUNDED")
        raise SqlError(f"RANGE before {key} takes a whole number", span=span_of(tree))
    if key.kind not in TIMESTAMPS and key.kind is not Kind.DATE:
        raise SqlError(f"RANGE with a distance does not fit a sort key of {key}", span=span_of(tree), hint="write ROWS")
    literal = interval_literal(tree) if isinstance(tree, d.IntervalLiteral) else None
    if literal is None or literal.type.kind is not Kind.INTERVAL_DAY or not isinstance(literal.value, int):
        hint = "write for instance INTERVAL '10' MINUTE"
        raise SqlError(f"RANGE before {key} takes an interval of days or less", span=span_of(tree), hint=hint)
    if key.kind is Kind.DATE and literal.value % _DAY:
        raise SqlError("RANGE before a DATE takes whole days", span=span_of(tree))
    return literal.value // _DAY if key.kind is Kind.DATE else literal.value
