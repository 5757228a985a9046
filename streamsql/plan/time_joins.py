"""Joins whose state time bounds: plan nodes, each a Join with what it knows of time."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from streamsql.plan.logical import Field, Filter, Join, Project, Scan, TimeAttribute, Union, Unnest
from streamsql.plan.lookup_join import LookupJoin
from streamsql.plan.time_bounds import TimeBounds
from streamsql.plan.tree import walk_plan
from streamsql.record import record
from streamsql.time import Duration


def said_by(join: Join) -> dict[str, Any]:
    """What a join says as a Join, for one that says more or less."""
    return {each.name: getattr(join, each.name) for each in fields(Join)}


@record(kw_only=True)
class IntervalJoin(Join):
    """Rows of two append-only inputs whose times lie near each other: `lower <= right - left <= upper` (µs).

    That follows from the condition, which still says it. A pair comes with the later of its rows; a row without partner
    is padded once the watermark says that none can come, or the clock, where they are processing times. The times of
    sides that are never padded stay time attributes.
    """

    left_time: Field
    right_time: Field
    lower: Duration
    upper: Duration

    @property
    def times(self) -> tuple[Field, Field]:
        """The time of each side."""
        return (self.left_time, self.right_time)

    @property
    def by_clock(self) -> bool:
        """They are processing times."""
        return self.left_time.time is TimeAttribute.PROCESSING

    @property
    def reaches(self) -> tuple[Duration, Duration]:
        """How far the watermark must pass a row of each side before no row that comes in time can match it."""
        return (self.upper, -self.lower)


@record(kw_only=True)
class WindowJoin(Join):
    """Rows of two append-only inputs that lie in the same window, by conditions on window_start and window_end.

    They are joined once, when the window closes. `bounds`: these two columns, of each side.
    """

    bounds: tuple[tuple[Field, Field], tuple[Field, Field]]

    @property
    def times(self) -> tuple[Field, Field]:
        """What each side goes by."""
        return (self.bounds[0][1], self.bounds[1][1])


def window_join(join: Join, bounds: tuple[tuple[Field, Field], tuple[Field, Field]]) -> WindowJoin:
    """The join with the windows of its inputs."""
    return WindowJoin(**said_by(join), bounds=bounds)


@record(kw_only=True)
class TemporalJoin(Join):
    """FOR SYSTEM_TIME AS OF: each left row with the last version of its key that is not after its own time.

    INNER or LEFT; `residual` is asked of that one version. `version_key` and `right_time`: what the versions go by, set
    by a rule; the keys of `on` are exactly these. `latest_only`: a version older than one that came before is none.
    `ended`: the column of the right side that is TRUE where a key has no version from that row's time on.
    """

    left_time: Field
    version_key: tuple[Field, ...] = ()
    right_time: Field | None = None
    latest_only: bool = False
    ended: Field | None = None

    @property
    def times(self) -> tuple[Field, Field]:
        """The event time of each side."""
        assert self.right_time is not None
        return (self.left_time, self.right_time)


def temporal_join(join: Join, left_time: Field) -> TemporalJoin:
    """The join as of a time of its left side, which stays event time."""
    timed = tuple(replace(each, time=left_time.time if each.id == left_time.id else None) for each in join.fields)
    return replace(TemporalJoin(**said_by(join), left_time=left_time), fields=timed)


@record(kw_only=True)
class ProcessingTimeJoin(Join):
    """FOR SYSTEM_TIME AS OF a processing time: each left row with the right rows as they are when it arrives.

    INNER or LEFT. What a left row met stays, whatever becomes of the right side; a left row that is taken back takes
    back what it met. The times of the left side stay what they are.
    """


def processing_time_join(join: Join) -> ProcessingTimeJoin:
    """The join as of the arrival of its left rows."""
    times = {each.id: each.time for each in join.left.fields}
    timed = tuple(replace(each, time=times.get(each.id)) for each in join.fields)
    return replace(ProcessingTimeJoin(**said_by(join)), fields=timed)


def orders_by_arrival(join: ProcessingTimeJoin) -> bool:
    """Whether the rows of both sides are single rows of sources with watermarks, so that they have a common order.

    Else the right side's sources are read first: bounded ones to their end.
    """
    nodes = [each for side in join.inputs for each in walk_plan(side)]
    timed = (isinstance(each, Scan) and each.watermark is not None for each in nodes if not each.inputs)
    return all(timed) and all(isinstance(each, _SINGLE_ROWS) for each in nodes)


_SINGLE_ROWS = (Scan, Filter, Project, Unnest, Union, ProcessingTimeJoin, LookupJoin)


def interval_join(join: Join, bounds: TimeBounds) -> IntervalJoin:
    """The join with its bounds."""
    return IntervalJoin(
        **said_by(join), left_time=bounds.left, right_time=bounds.right, lower=bounds.lower, upper=bounds.upper
    )


def timed_fields(join: IntervalJoin) -> tuple[Field, ...]:
    """The fields, with the times of the sides that are never padded as event time."""
    padded = (join.kind.keeps_right, join.kind.keeps_left)
    timed = {each.id: each.time for each, never in zip(join.times, padded, strict=True) if not never}
    return tuple(replace(each, time=timed.get(each.id)) for each in join.fields)


def padded_ports(join: Join) -> tuple[int, ...]:
    """The inputs whose rows are delivered without partner too."""
    return tuple(port for port, kept in ((0, join.kind.keeps_left), (1, join.kind.keeps_right)) if kept)
