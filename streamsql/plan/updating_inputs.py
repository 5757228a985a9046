"""What has no meaning over rows that are taken back, and is refused by the name of the clause that makes them so."""

from __future__ import annotations

from streamsql.errors import SqlError
from streamsql.expr.aggregates import needs_order
from streamsql.expr.properties import random_call
from streamsql.plan.logical import Aggregate, Plan
from streamsql.plan.trait_values import Traits
from streamsql.plan.tree import expressions


def refuse_updating(plan: Plan, what: str, below: Traits) -> None:
    """SqlError where a node that needs rows to stay as they came reads rows that are taken back."""
    because = below.updating_because
    if because is None or because.keeps_time:
        return
    raise SqlError(
        f"{what} needs an append-only input, but {because.clause} makes this one updating: rows that it takes back may "
        "belong to windows that have closed",
        span=because.span or plan.span,
        hint="group by window_start and window_end of a window below, or apply the window to the table itself",
    )


def refuse_random(plan: Plan, inputs: tuple[Traits, ...]) -> None:
    """SqlError for a random function over rows that are taken back."""
    because = next((each.updating_because for each in inputs if each.updating_because), None)
    if because is None:
        return
    call = next((found for each in expressions(plan) if (found := random_call(each)) is not None), None)
    if call is not None:
        raise SqlError(
            f"{call.function} over the updating rows of {because.clause}: a row that is taken back would get another "
            "value than it came with",
            span=call.span or because.span,
            hint="compute it below, over the rows of a table or of a window",
        )


def refuse_without_order(plan: Aggregate, below: Traits) -> None:
    """SqlError for an aggregate that goes by the order of arrival over rows that are updated."""
    because = below.updating_because
    if because is None or because.keeps_time:
        return
    for call in plan.calls:
        if needs_order(call):
            raise SqlError(
                f"{call.function} has no meaning over {because.clause}: which of its rows was updated last depends "
                "on how the input was cut into steps",
                span=call.span or because.span,
                hint="choose by a column: ARG_MIN(value, column) or ARG_MAX(value, column)",
            )
