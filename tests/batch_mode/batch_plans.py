"""Hand-made plans over in-memory tables, for the tests of batch mode."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np
import pyarrow as pa

from streamsql.batch_mode.query import BatchQuery
from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.context import EvalContext
from streamsql.expr.nodes import ColumnRef
from streamsql.expr.types import BIGINT, Column, Schema, SqlType, timestamp
from streamsql.plan.logical import (
    Aggregate,
    Field,
    Plan,
    Project,
    Scan,
    Table,
    TimeAttribute,
    WatermarkSpec,
    Window,
    WindowAggregate,
    WindowAssign,
)
from streamsql.ports import ReadRequest, SourceBatch
from streamsql.runtime.decisions import Decision

CONTEXT = EvalContext(start=0)
TS = timestamp(3)
_ids = count(1000)


class Rows:
    """A bounded source over an Arrow table, a few rows a batch."""

    bounded = True

    def __init__(self, schema: Schema, columns: Sequence[Sequence[Any]], weights: Sequence[int] | None = None) -> None:
        self.schema = schema
        arrow = schema.to_arrow()
        arrays = [pa.array(values, field.type) for values, field in zip(columns, arrow, strict=True)]
        self._rows = pa.RecordBatch.from_arrays(arrays, schema=arrow)
        self._weights = None if weights is None else np.array(weights, np.int8)

    def read(self, request: ReadRequest) -> Iterator[SourceBatch]:
        rows = self._rows.select(list(request.columns))
        for start in range(0, rows.num_rows, 3):
            weights = None if self._weights is None else self._weights[start : start + 3]
            yield SourceBatch(rows.slice(start, 3), {}, weights)


class Input:
    """A table with its rows, its fields by name, and scans of it."""

    def __init__(
        self,
        name: str,
        columns: Mapping[str, tuple[SqlType, Sequence[Any]]],
        *,
        time: str | None = None,
        connector: str | None = "rows",
        weights: Sequence[int] | None = None,
    ) -> None:
        schema = Schema(tuple(Column(each, type_) for each, (type_, _) in columns.items()))
        self.source = Rows(schema, [values for _, values in columns.values()], weights)
        self.fields = {
            each.name: Field(next(_ids), each.name, each.type, TimeAttribute.EVENT if each.name == time else None)
            for each in schema
        }
        self.table = Table(name, schema.columns, connector=connector, updating=weights is not None)
        self.time = None if time is None else self.fields[time]

    def scan(self) -> Scan:
        """All columns, with the time column itself as the watermark."""
        mark = None
        if self.time is not None:
            mark = WatermarkSpec(self.time.id, ref(self.time))
        fields = tuple(self.fields.values())
        return Scan(table=self.table, physical=fields, watermark=mark, fields=fields)

    def id(self, name: str) -> int:
        return self.fields[name].id


def field(name: str, type_: SqlType = BIGINT, time: TimeAttribute | None = None) -> Field:
    """A new column."""
    return Field(next(_ids), name, type_, time)


def ref(column: Field) -> ColumnRef:
    return ColumnRef(type=column.type, id=column.id, name=column.name)


def bounds(type_: SqlType = TS) -> tuple[Field, Field, Field]:
    """New columns window_start, window_end and window_time."""
    return (field("start", type_), field("end", type_), field("time", type_, TimeAttribute.EVENT))


def call(function: str, *args: Field, type_: SqlType = BIGINT, **options: Any) -> AggregateCall:
    return AggregateCall(function, tuple(each.id for each in args), type_, tuple(each.type for each in args), **options)


def aggregate(plan: Plan, keys: Sequence[Field], *calls: AggregateCall) -> Aggregate:
    results = tuple(field(f"r{index}", each.type) for index, each in enumerate(calls))
    return Aggregate(input=plan, keys=tuple(each.id for each in keys), calls=calls, fields=(*keys, *results))


def window_aggregate(
    plan: Plan, window: Window, time: Field, keys: Sequence[Field], *calls: AggregateCall
) -> WindowAggregate:
    results = tuple(field(f"r{index}", each.type) for index, each in enumerate(calls))
    new = bounds(time.type)
    return WindowAggregate(
        input=plan,
        window=window,
        time=time,
        keys=tuple(each.id for each in keys),
        calls=calls,
        bounds=new,
        fields=(*keys, *results, *new),
    )


def window_assign(plan: Plan, window: Window, time: Field, partition: Sequence[Field] = ()) -> WindowAssign:
    new = bounds(time.type)
    ids = tuple(each.id for each in partition)
    return WindowAssign(input=plan, window=window, time=time, bounds=new, partition=ids, fields=(*plan.fields, *new))


def select(plan: Plan, *columns: Field) -> Project:
    """A projection to some columns."""
    return Project(input=plan, exprs=tuple(ref(each) for each in columns), fields=columns)


def query(plan: Plan, *inputs: Input, decisions: Sequence[Decision] = ()) -> BatchQuery:
    sources = {each.table.name: each.source for each in inputs}
    return BatchQuery(plan, lambda table: sources[table.name], CONTEXT, decisions=decisions)


def run(plan: Plan, *inputs: Input, decisions: Sequence[Decision] = ()) -> list[tuple[Any, ...]]:
    """The rows of the answer, times as seconds since 1970."""
    return rows_of(query(plan, *inputs, decisions=decisions).run())


def rows_of(table: pa.Table) -> list[tuple[Any, ...]]:
    columns = []
    for column in table.columns:
        if pa.types.is_timestamp(column.type):
            columns.append([None if each is None else each / 1e6 for each in column.cast(pa.int64()).to_pylist()])
        else:
            columns.append(column.to_pylist())
    return list(zip(*columns, strict=True)) if columns else [()] * table.num_rows


def seconds(*values: float | None) -> list[int | None]:
    """Times of a column, in µs."""
    return [None if each is None else round(each * 1_000_000) for each in values]
