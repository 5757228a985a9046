"""Window bounds by integer arithmetic on microseconds since the epoch, also before 1970."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from streamsql.batch_mode.errors import NoBatchForm
from streamsql.batch_mode.relation import Lowering, Relation, column, distinct_ids, select_list
from streamsql.batch_mode.replay import without_dropped
from streamsql.batch_mode.sessions import REACH, SESSION, TIME, Windowing, session_rows
from streamsql.expr.types import Kind, SqlType
from streamsql.plan.logical import (
    Attached,
    Cumulate,
    Field,
    Hop,
    Session,
    TimeAttribute,
    Tumble,
    WindowAssign,
)
from streamsql.record import record
from streamsql.time import tick


@record
class Windowed:
    """Rows with their windows: rows of one window agree in the columns `group`, next to the key.

    `start` and `end` (µs) are expressions over the rows of one window: columns of `group`, or aggregates.
    """

    rows: Relation
    group: tuple[str, ...]
    start: str
    end: str


def windowed_rows(plan: Windowing, source: Relation, keys: Sequence[int], lowering: Lowering) -> Windowed:
    """Each row once per window it is in, the earlier window first.

    Rows that the stream dropped are left out where decisions are replayed. `keys`: what sessions are kept apart by.
    """
    if plan.time.time is TimeAttribute.PROCESSING:
        raise NoBatchForm("windows over processing time", span=plan.span, hint="use an event-time column")
    window = plan.window
    if isinstance(window, Session):
        rows = session_rows(plan, window, source, keys, lowering)
        return Windowed(rows, SESSION, f"min({TIME})", f"max({REACH})")
    name = lowering.add(_assigned(window, column(plan.time.id), source))
    relation = Relation(name, source.ids, source.order, source.sorted, source.ordinals_only)
    return Windowed(without_dropped(plan, relation, ("ws", "we"), lowering), ("ws", "we"), "ws", "we")


def lower_window_assign(plan: WindowAssign, source: Relation, lowering: Lowering) -> Relation:
    """The rows of a window TVF: input columns, then window start, end and time.

    They come in order of arrival; those of sessions when the session closes, by its end and key.
    """
    windowed = windowed_rows(plan, source, plan.partition, lowering)
    rows, order = windowed.rows, (*windowed.rows.ordinals, windowed.start)
    if isinstance(plan.window, Session):
        windowed = _spread(windowed, plan.partition, lowering)
        rows = replace(windowed.rows, ordinals_only=False)
        order = (windowed.end, *(column(each) for each in plan.partition), *rows.ordinals)
    items = {**{each: each for each in source.columns}, **bound_columns(plan.bounds, plan.time.type, windowed)}
    body = f"SELECT {select_list(items, order)} FROM {rows.name}"
    ids = (*source.ids, *distinct_ids(plan.bounds))
    return Relation(lowering.add(body), ids, len(order), rows.sorted, rows.ordinals_only)


def bound_columns(bounds: tuple[Field, Field, Field], time: SqlType, windowed: Windowed) -> dict[str, str]:
    """window_start, window_end and window_time."""
    last = tick(time.precision if time.precision is not None else 6)
    values = (windowed.start, windowed.end, f"{windowed.end} - {last}")
    return {column(each.id): timestamp_of(value, each.type) for each, value in zip(bounds, values, strict=True)}


def _spread(windowed: Windowed, partition: Sequence[int], lowering: Lowering) -> Windowed:
    """Sessions with their bounds beside each row."""
    by = ", ".join((*(column(each) for each in dict.fromkeys(partition)), *windowed.group))
    bounds = f"{windowed.start} OVER w AS ws, {windowed.end} OVER w AS we"
    rows = windowed.rows
    name = lowering.add(f"SELECT *, {bounds} FROM {rows.name} WINDOW w AS (PARTITION BY {by})")
    return Windowed(replace(rows, name=name), ("ws", "we"), "ws", "we")


def timestamp_of(micros: str, type_: SqlType) -> str:
    """A timestamp of microseconds since the epoch."""
    make = "make_timestamptz" if type_.kind is Kind.TIMESTAMP_LTZ else "make_timestamp"
    return f"{make}({micros})"


def _assigned(window: Tumble | Hop | Cumulate | Attached, time: str, source: Relation) -> str:
    """SQL that gives each row its windows."""
    at = f"epoch_us({time})"
    match window:
        case Tumble(size, offset):
            start = f"{at} - {_above_grid(at, size, offset)}"
            return f"SELECT *, ws + {size} AS we FROM (SELECT *, {start} AS ws FROM {source.name})"
        case Hop(slide, size, offset):
            before = f"({at} - {size})"
            first = f"{before} - {_above_grid(before, slide, offset)} + {slide}"
            starts = f"unnest(range({first}, {at} + 1, {slide}::BIGINT))"
            return f"SELECT *, ws + {size} AS we FROM (SELECT *, {starts} AS ws FROM {source.name})"
        case Cumulate(step, size, offset):
            start = f"{at} - {_above_grid(at, size, offset)}"
            steps = -(-size // step)
            first = f"({at} - ws) // {step} + 1"
            started = f"SELECT *, {start} AS ws FROM {source.name}"
            stepped = f"SELECT *, unnest(range({first}, {steps + 1}::BIGINT)) AS step FROM ({started})"
            end = f"ws + least(step * {step}, {size})"
            return f"SELECT * EXCLUDE (step), {end} AS we FROM ({stepped})"
        case Attached(start_id, end_id):
            bounds = f"epoch_us({column(start_id)}) AS ws, epoch_us({column(end_id)}) AS we"
            return f"SELECT *, {bounds} FROM {source.name}"


def _above_grid(micros: str, size: int, offset: int) -> str:
    """How far a time lies above the last `offset + n * size` at or before it (DuckDB's % takes the dividend's sign)."""
    return f"((({micros} - {offset}) % {size}) + {size}) % {size}"
