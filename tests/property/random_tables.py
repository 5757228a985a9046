"""Random in-memory tables: few values, so that they meet; disordered times, on and beside window edges, before 1970."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from streamsql.session import Session

VALUES: dict[str, tuple[str, list[Any]]] = {
    "i": ("INT", [None, 0, 1, 2, 3, -7]),
    "b": ("BIGINT", [None, 1, 4_000_000_000, -5]),
    "s": ("STRING", [None, "a", "b", "ż", ""]),
    "d": ("DOUBLE", [None, 0.0, -0.0, 1.5, -2.25, float("nan")]),
    "m": ("DECIMAL(10, 2)", [None, Decimal("0.00"), Decimal("1.25"), Decimal("-3.50"), Decimal("7.01")]),
    "f": ("BOOLEAN", [None, True, False]),
    "y": ("DATE", [None, dt.date(1969, 12, 31), dt.date(2025, 6, 2)]),
}
"""The columns of every random table but its time: type and values."""
SECOND = 1_000_000
EPOCHS = (0, 1_748_858_400 * SECOND)
"""Times lie around 1970-01-01 00:00:00 or 2025-06-02 10:00:00."""
NEVER_LATE = 1_000_000
"""A delay in seconds that no row exceeds."""


@dataclass(frozen=True)
class RandomTable:
    """A table with its rows in arrival order: the values of VALUES, then the time in µs; weights ±1."""

    name: str
    time_type: str
    delay: int
    rows: tuple[tuple[Any, ...], ...]
    weights: tuple[int, ...] = ()

    @property
    def ddl(self) -> str:
        """CREATE TABLE."""
        columns = ", ".join(f"{name} {type_}" for name, (type_, _) in VALUES.items())
        watermark = f"WATERMARK FOR ts AS ts - INTERVAL '{self.delay}' SECOND"
        return f"CREATE TABLE {self.name} ({columns}, ts {self.time_type}, {watermark});"

    @property
    def updating(self) -> bool:
        return any(each < 0 for each in self.weights)

    def fill(self, session: Session) -> None:
        """Put the rows into the session's in-memory table."""
        if not self.rows:
            return
        table = session.tables.memory(self.name)
        weights = np.array(self.weights, np.int8) if self.updating else None
        table.append(self.batch(self.rows, table.schema.to_arrow()), weights)

    @staticmethod
    def batch(rows: tuple[tuple[Any, ...], ...], schema: pa.Schema) -> pa.RecordBatch:
        """Rows as a record batch."""
        *values, time = zip(*rows, strict=True)
        arrays = [pa.array(column, schema.field(index).type) for index, column in enumerate(values)]
        return pa.RecordBatch.from_arrays([*arrays, pa.array(time, pa.int64()).cast(schema.types[-1])], schema=schema)

    def __repr__(self) -> str:
        """The table as a `.test` file has it."""
        lines = [self.ddl, f"--- rows {self.name}"]
        for index, (*values, time) in enumerate(self.rows):
            sign = "- " if self.updating and self.weights[index] < 0 else ""
            shown = None if time is None else dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=time)
            lines.append(sign + " | ".join(_text(each) for each in (*values, shown)))
        return "\n".join(lines)


def _text(value: Any) -> str:
    if value is None:
        return "NULL"
    return "''" if value == "" else str(value)


@st.composite
def event_times(draw: st.DrawFn, count: int, tick: int, *, nulls: bool) -> list[int | None]:
    """Times of rows in arrival order: drifting or not, on whole seconds or a tick beside them, a few NULL."""
    epoch = draw(st.sampled_from(EPOCHS))
    drift = draw(st.sampled_from([0, 0, 1, 3]))
    spread = draw(st.sampled_from([3, 15, 40]))
    seconds = draw(st.lists(st.integers(-spread, spread), min_size=count, max_size=count))
    beside = draw(st.lists(st.sampled_from([0, 0, 0, -tick, tick]), min_size=count, max_size=count))
    times: list[int | None] = [
        epoch + (second + drift * index) * SECOND + nudge
        for index, (second, nudge) in enumerate(zip(seconds, beside, strict=True))
    ]
    for index in draw(st.sets(st.integers(0, 200), max_size=2)) if nulls else ():
        if index < count:
            times[index] = None
    return times


@st.composite
def tables(
    draw: st.DrawFn, name: str = "t", time_type: str = "TIMESTAMP(3)", delay: int | None = None, most: int = 60
) -> RandomTable:
    """A table without retractions; with a time in every row where nothing may be late."""
    count = draw(st.integers(0, draw(st.sampled_from([4, most]))))
    columns = [draw(st.lists(st.sampled_from(each), min_size=count, max_size=count)) for _, each in VALUES.values()]
    times = draw(event_times(count, 1_000 if "(3)" in time_type else 1, nulls=delay != NEVER_LATE))
    if delay is None:
        delay = draw(st.sampled_from([0, 0, 1, 5, 20]))
    return RandomTable(name, time_type, delay, tuple(zip(*columns, times, strict=True)))


@st.composite
def changing_tables(
    draw: st.DrawFn, name: str = "t", time_type: str = "TIMESTAMP(3)", delay: int | None = None, most: int = 40
) -> RandomTable:
    """A table whose rows are taken back at random; what is taken back was there."""
    wanted = draw(tables(name, time_type, delay, most))
    rows: list[tuple[Any, ...]] = []
    weights: list[int] = []
    present: list[tuple[Any, ...]] = []
    for row in wanted.rows:
        if present and draw(st.integers(0, 2)) == 0:
            rows.append(present.pop(draw(st.integers(0, len(present) - 1))))
            weights.append(-1)
            continue
        rows.append(row)
        weights.append(1)
        present.append(row)
    return RandomTable(wanted.name, wanted.time_type, wanted.delay, tuple(rows), tuple(weights))
