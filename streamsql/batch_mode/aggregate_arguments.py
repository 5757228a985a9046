"""What the DuckDB SQL of an aggregate call is made of."""

from __future__ import annotations

from streamsql.batch_mode.relation import order_terms
from streamsql.expr.aggregates import AggregateCall, Ordering
from streamsql.record import record


@record
class Arguments:
    """The arguments of a call as columns, the BOOLEAN columns that select its rows, the ORDER BY terms of arrival.

    Not `append_only`: floating point is summed with compensation. Not `arrival`: lists go by value. `window`: the OVER
    clause of a call that has one.
    """

    call: AggregateCall
    columns: tuple[str, ...]
    conditions: tuple[str, ...]
    order: str
    append_only: bool
    arrival: bool
    window: str = ""

    @property
    def values(self) -> tuple[str, ...]:
        """The arguments that do not order the rows."""
        return self.columns[: len(self.call.value_args)]

    @property
    def value(self) -> str:
        return self.columns[0]

    @property
    def distinct(self) -> str:
        return "DISTINCT " if self.call.distinct else ""

    def over(self, *conditions: str) -> str:
        """The FILTER clause that keeps the rows of the call and obeys further conditions, and the OVER clause."""
        wanted = (*self.conditions, *conditions)
        return (f" FILTER (WHERE {' AND '.join(wanted)})" if wanted else "") + self.window

    def known(self) -> str:
        """The FILTER clause that also leaves out rows with a NULL, where these do not count."""
        return self.over() if self.call.optional else self.over(*(f"{each} IS NOT NULL" for each in self.values))

    @property
    def ordered(self) -> str:
        """The ORDER BY terms of the call's own order and then of arrival, or of the values."""
        own = [
            ordering_sql(name, how) for name, how in zip(self.columns[len(self.values) :], self.call.order, strict=True)
        ]
        return ", ".join([*own, self.order if self.arrival else order_terms(self.columns)])


def ordering_sql(name: str, how: Ordering) -> str:
    """A term of ORDER BY."""
    return f"{name} {'ASC' if how.ascending else 'DESC'} NULLS {'FIRST' if how.nulls_first else 'LAST'}"
