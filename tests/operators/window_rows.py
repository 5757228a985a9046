"""Short ways to feed window operators and to read what they emit; all times are in seconds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch
from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.types import BIGINT, INT, STRING, Schema, schema, timestamp
from streamsql.operators.base import LateRows, Operator
from streamsql.row_watermarks import GivenWatermarks
from streamsql.time import BEGIN_OF_TIME, END_OF_TIME

INPUT = schema(("k", STRING), ("v", INT), ("ts", timestamp(3)))
BOUNDS = (("window_start", timestamp(3)), ("window_end", timestamp(3)), ("window_time", timestamp(3)))
TOTALS = schema(("k", STRING), ("n", BIGINT), ("vs", STRING), *BOUNDS)
COUNT = AggregateCall("COUNT", (), BIGINT)
SECOND = 1_000_000

Row = tuple[Any, ...]


def micros(seconds: float) -> int:
    return round(seconds * SECOND)


def batch(*rows: Row, source: Schema = INPUT, watermarks: list[float] | None = None, delay: float = 0) -> Batch:
    """Rows of (k, v, seconds); each one's watermark is the largest time before it less `delay`, unless given."""
    types = source.to_arrow().types
    columns = []
    for position, type_ in enumerate(types):
        values = [row[position] for row in rows]
        if pa.types.is_timestamp(type_):
            columns.append(pa.array([micros(each) for each in values], pa.int64()).cast(type_))
        else:
            columns.append(pa.array(values, type_))
    if watermarks is None:
        held = [BEGIN_OF_TIME]
        for row in rows[:-1]:
            held.append(max(held[-1], micros(row[2] - delay)))
    else:
        held = [micros(each) for each in watermarks]
    marks = GivenWatermarks(np.array(held, np.int64))
    return Batch(pa.RecordBatch.from_arrays(columns, schema=source.to_arrow()), None, marks)


def rows_of(batches: Iterable[Batch]) -> list[Row]:
    """Emitted rows; timestamps in seconds."""
    found: list[Row] = []
    for each in batches:
        assert each.weights is None
        found += zip(*(_values(column) for column in each.rows.columns), strict=True)
    return found


def _values(column: pa.Array) -> list[Any]:
    if pa.types.is_timestamp(column.type):
        return [each / SECOND for each in column.cast(pa.int64()).to_pylist()]
    return list(column.to_pylist())


def finish(operator: Operator) -> list[Row]:
    return rows_of(operator.on_watermark(END_OF_TIME))


def at(operator: Operator, seconds: float) -> list[Row]:
    return rows_of(operator.on_watermark(micros(seconds)))


class Late:
    """Listens for late rows: (k, v, seconds of lateness, missed windows as (start, end))."""

    def __init__(self, operator: Operator) -> None:
        self.rows: list[Row] = []
        operator.on_late = self._note

    def _note(self, late: LateRows) -> None:
        for index in range(late.rows.num_rows):
            windows = [(start / SECOND, end / SECOND) for row, start, end in late.missed.tolist() if row == index]
            assert len(windows) == late.windows_missed[index]
            key, value = (late.rows.column(position)[index].as_py() for position in (0, 1))
            self.rows.append((key, value, late.lateness[index] / SECOND, windows))


def restored(operator: Operator, fresh: Operator) -> Operator:
    """`fresh` with the saved state of `operator`."""
    for name, state in fresh.states().items():
        state.load(operator.states()[name].save())
    return fresh
