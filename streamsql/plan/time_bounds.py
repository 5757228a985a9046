"""Bounds between the times of two inputs, read off the conditions of their join."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from streamsql.expr.nodes import Call, Cast, ColumnRef, Expr, Literal
from streamsql.expr.types import TIMESTAMPS, Kind
from streamsql.plan.logical import Field, Plan
from streamsql.plan.predicates import FLIPPED
from streamsql.record import record
from streamsql.time import Duration


@record
class TimeBounds:
    """`lower <= right - left <= upper`, in microseconds."""

    left: Field
    right: Field
    lower: Duration
    upper: Duration


def time_bounds(left: Plan, right: Plan, terms: Iterable[Expr]) -> TimeBounds | None:
    """The first pair of event times, or of processing times, that the terms, which all hold, bound on both sides."""
    mine, other = _times(left), _times(right)
    lows: dict[tuple[int, int], Duration] = {}
    highs: dict[tuple[int, int], Duration] = {}
    for first, operator, second in (each for term in terms for each in _comparisons(term)):
        one, two = moment(first), moment(second)
        if one is None or two is None:
            continue
        if one[0] in other and two[0] in mine:
            one, two, operator = two, one, FLIPPED[operator]
        if one[0] not in mine or two[0] not in other or mine[one[0]].time is not other[two[0]].time:
            continue
        # left + a <= right + b says that right - left >= a - b
        pair, distance = (one[0], two[0]), one[1] - two[1]
        if operator in ("<", "<=", "="):
            low = distance + (operator == "<")
            lows[pair] = max(low, lows.get(pair, low))
        if operator in (">", ">=", "="):
            high = distance - (operator == ">")
            highs[pair] = min(high, highs.get(pair, high))
    bound = next((each for each in lows if each in highs), None)
    return None if bound is None else TimeBounds(mine[bound[0]], other[bound[1]], lows[bound], highs[bound])


def _times(plan: Plan) -> dict[int, Field]:
    return {each.id: each for each in plan.fields if each.time is not None}


def _comparisons(term: Expr) -> Iterator[tuple[Expr, str, Expr]]:
    match term:
        case Call(function=operator, args=(first, second)) if operator in FLIPPED:
            yield first, operator, second


def moment(expr: Expr) -> tuple[int, Duration] | None:
    """A time column, by its id, plus a constant distance (µs); None for any other expression."""
    match expr:
        case ColumnRef(id=id_):
            return id_, 0
        case Cast(arg=arg) if _keeps_time(expr, arg):
            return moment(arg)
        case Call(function="+ INTERVAL" | "- INTERVAL" as moves, args=(value, Literal() as distance)):
            return _moved(value, distance, 1 if moves == "+ INTERVAL" else -1)
        case Call(function="INTERVAL +", args=(Literal() as distance, value)):
            return _moved(value, distance, 1)
        case _:
            return None


def _moved(value: Expr, distance: Literal, sign: int) -> tuple[int, Duration] | None:
    found = moment(value)
    if found is None or distance.type.kind is not Kind.INTERVAL_DAY or not isinstance(distance.value, int):
        return None
    return found[0], found[1] + sign * distance.value


def _keeps_time(cast: Expr, arg: Expr) -> bool:
    """Whether a cast between timestamps changes no value."""
    if cast.type.kind is not arg.type.kind or cast.type.kind not in TIMESTAMPS:
        return False
    return _digits(cast) >= _digits(arg)


def _digits(expr: Expr) -> int:
    return 6 if expr.type.precision is None else expr.type.precision
