"""ASOF joins: each left row with the one right row that is nearest to it."""

from __future__ import annotations

from streamsql.plan.logical import Field, Join
from streamsql.plan.time_joins import TemporalJoin, said_by
from streamsql.record import record
from streamsql.time import Duration


@record(kw_only=True)
class AsofJoin(Join):
    """Each left row with the nearest right row for which `left_value operator right_value` and the condition hold.

    `operator` is >= or > (the last right row before it), <= or < (the first one after it). Of right rows with equal
    values the one that arrived last counts, over updating ones the last by their order: unique key, else all columns.
    INNER, LEFT, RIGHT or FULL; a right row without partner is one that no left row has found.
    """

    left_value: Field
    operator: str
    right_value: Field


OPERATORS = {0: ">=", 1: ">"}
"""What compares the times of an TimedAsofJoin, by its lag."""


@record(kw_only=True)
class TimedAsofJoin(TemporalJoin):
    """An AsofJoin of two event times, `right <= left - lag` (µs, not below 0), over inputs that only grow.

    A left row waits until the watermark has reached its time. `residual` beyond the keys reads the left side alone.
    """

    lag: Duration = 0

    def untimed(self) -> AsofJoin:
        """The same join of rows that may change; only without a distance between the times."""
        left, right = self.times
        return AsofJoin(**said_by(self), left_value=left, operator=OPERATORS[self.lag], right_value=right)
