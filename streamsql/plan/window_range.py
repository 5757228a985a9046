"""Conditions over window bounds as ranges of the time column that the windows go by."""

from __future__ import annotations

from streamsql.expr.nodes import Call, Cast, ColumnRef, Expr, Literal
from streamsql.expr.types import BOOLEAN, TIMESTAMPS, SqlType
from streamsql.plan.logical import Cumulate, Field, Hop, Tumble, Window
from streamsql.plan.predicates import comparison
from streamsql.plan.tree import reference
from streamsql.record import record
from streamsql.time import Duration, Time, floor_to, tick


@record
class TimeRange:
    """Conditions over the time column; `exact`: they say all that the condition over the bound says."""

    terms: tuple[Expr, ...]
    exact: bool


@record
class _Range:
    """`low <= value <= high`, None for no limit."""

    low: Time | None
    high: Time | None

    def shifted(self, by: Duration) -> _Range:
        return _Range(None if self.low is None else self.low + by, None if self.high is None else self.high + by)


def time_range(term: Expr, window: Window, time: Field, bounds: tuple[Field, Field, Field]) -> TimeRange | None:
    """The rows that a window satisfying `term` can hold; None where `term` does not compare a bound with a constant.

    `window_start >= 12:20` over windows of an hour: only rows from 13:00 on are in such a window.
    """
    compared = _compared_bound(term, bounds)
    if compared is None:
        return None
    bound, values = compared
    if bound == 2:
        values = values.shifted(tick(bounds[2].type.precision or 0))
    match window:
        case Tumble(size=size, offset=offset):
            starts, exact = values.shifted(-size if bound else 0), True
            grid = size
        case Hop(slide=grid, size=size, offset=offset):
            starts, exact = values.shifted(-size if bound else 0), False
        case Cumulate(size=size, offset=offset):
            starts, exact = values if bound == 0 else _cumulate_starts(values, size), bound == 0
            grid = size
        case _:
            return None
    return TimeRange(_rows_of(starts, grid, size, offset, time), exact)


def _cumulate_starts(ends: _Range, size: Duration) -> _Range:
    """An end lies after its start, at most `size` later."""
    return _Range(None if ends.low is None else ends.low - size, None if ends.high is None else ends.high - 1)


def _compared_bound(term: Expr, bounds: tuple[Field, Field, Field]) -> tuple[int, _Range] | None:
    """Which bound the condition limits, and to what."""
    compared = comparison(term)
    if compared is None:
        return None
    side, operator, literal = compared
    column = _column(side)
    places = [index for index, each in enumerate(bounds) if column is not None and each.id == column.id]
    value = literal.value
    if not places or not isinstance(value, int) or literal.type.kind is not bounds[0].type.kind:
        return None
    limits = {
        "=": _Range(value, value),
        ">=": _Range(value, None),
        ">": _Range(value + 1, None),
        "<=": _Range(None, value),
        "<": _Range(None, value - 1),
    }
    return places[0], limits[operator]


def _column(expr: Expr) -> ColumnRef | None:
    """The column, also under a cast that keeps every value."""
    if isinstance(expr, Cast) and isinstance(expr.arg, ColumnRef) and _keeps_values(expr.arg.type, expr.type):
        return expr.arg
    return expr if isinstance(expr, ColumnRef) else None


def _keeps_values(given: SqlType, wanted: SqlType) -> bool:
    return given.kind is wanted.kind and given.kind in TIMESTAMPS and (wanted.precision or 0) >= (given.precision or 0)


def _rows_of(starts: _Range, grid: Duration, size: Duration, offset: Duration, time: Field) -> tuple[Expr, ...]:
    """Rows within `size` after a start on the grid that lies in the range."""
    terms = []
    if starts.low is not None:
        terms.append(_compare(time, ">=", -floor_to(-starts.low, grid, -offset)))
    if starts.high is not None:
        terms.append(_compare(time, "<", floor_to(starts.high, grid, offset) + size))
    return tuple(terms)


def _compare(time: Field, operator: str, value: Time) -> Expr:
    literal = Literal(type=time.type.with_nullable(False), value=value)
    return Call(type=BOOLEAN, function=operator, args=(reference(time), literal))
