"""What rankings and OVER go by: values, event time, or the order of arrival."""

from __future__ import annotations

from enum import Enum

from streamsql.errors import Span, SqlError
from streamsql.expr.aggregates import skips_nulls
from streamsql.plan.logical import OverAggregate, Rank, TimeAttribute
from streamsql.plan.trait_values import Updating
from streamsql.plan.tree import fields_by_id

_LOOKING_AHEAD = frozenset({"PERCENT_RANK", "CUME_DIST", "NTILE", "LEAD", "NTH_VALUE", "LAST_OF_FRAME"})
"""Functions that go by the row's place and that rows which come later can change."""


class OverOrder(Enum):
    """What OVER goes by, which decides how it runs."""

    TIME = "event time"
    ARRIVAL = "arrival"
    VALUES = "any values"


def order_of_over(plan: OverAggregate, below: Updating | None) -> OverOrder:
    """Rows are computed once, in the order of time, where no row that comes later can change them.

    `below`: what makes the input updating. Raises SqlError where such an input is ordered by processing time.
    """
    times = fields_by_id(plan.input.fields)
    time = times[plan.order[0].column].time if plan.order else None
    if below is not None:
        if time is TimeAttribute.PROCESSING:
            raise _needs_arrival("OVER", plan.span, below)
        return OverOrder.VALUES
    if not plan.order and all(each.function == "ROW_NUMBER" for each in plan.calls):
        return OverOrder.ARRIVAL
    ahead = any(each.function in _LOOKING_AHEAD or skips_nulls(each) for each in plan.calls)
    ahead |= plan.frame.end != 0 or plan.frame.by_groups or plan.frame.without is not None
    if time is None or ahead or not plan.order[0].ascending:
        return OverOrder.VALUES
    return OverOrder.TIME if time is TimeAttribute.EVENT else OverOrder.ARRIVAL


class RankOrder(Enum):
    """What kind of order a ranking has, which decides how it runs."""

    VALUES = "any values"
    LAST_BY_TIME = "event time, the latest alone"
    FIRST_BY_TIME = "event time, the earliest alone"
    ARRIVAL = "arrival, the earlier first"
    LATEST_ARRIVAL = "arrival, the later first"


def order_of_rank(plan: Rank, below: Updating | None) -> RankOrder:
    """The order of a ranking of rows; processing time rises with arrival, so it stands for it.

    `below`: what makes the input updating; its rows have no arrival to go by. Raises SqlError where a ranking asks for
    it.
    """
    if below is not None:
        _refuse_arrival(plan, below)
        return RankOrder.VALUES
    if not plan.order:
        return RankOrder.ARRIVAL
    times = fields_by_id(plan.input.fields)
    key, only = plan.order[0], (plan.first, plan.last, len(plan.order)) == (1, 1, 1)
    match times[key.column].time:
        case TimeAttribute.PROCESSING:
            return RankOrder.ARRIVAL if key.ascending else RankOrder.LATEST_ARRIVAL
        case TimeAttribute.EVENT if only:
            return RankOrder.FIRST_BY_TIME if key.ascending else RankOrder.LAST_BY_TIME
        case _:
            return RankOrder.VALUES


def _refuse_arrival(plan: Rank, because: Updating) -> None:
    times = fields_by_id(plan.input.fields)
    if any(times[key.column].time is TimeAttribute.PROCESSING for key in plan.order):
        raise _needs_arrival("ranking", plan.span, because)


def _needs_arrival(what: str, span: Span | None, because: Updating) -> SqlError:
    return SqlError(
        f"{what} by processing time needs an append-only input, but {because.clause} makes this one updating",
        span=span or because.span,
        hint="order by a column of the rows instead",
    )
