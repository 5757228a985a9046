"""Sources, operators and nodes small enough to see through, for the tests of the runtime."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from types import SimpleNamespace

import pyarrow as pa
import pytest

from streamsql.batch import Batch
from streamsql.expr.context import EvalContext
from streamsql.expr.nodes import ColumnRef, Expr, Literal
from streamsql.expr.resolve import resolve_call
from streamsql.expr.types import BIGINT, BOOLEAN, INTERVAL_DAY, Column, Schema, timestamp
from streamsql.operators.base import Operator
from streamsql.plan.logical import Field, Filter, Scan, Table, Union, WatermarkSpec
from streamsql.plan.physical import PhysicalNode
from streamsql.ports import ReadRequest, Reject, SourceBatch
from streamsql.time import ManualClock

EVENTS = Schema((Column("ts", timestamp(6)), Column("id", BIGINT)))


def events(times: Sequence[int | None], ids: Sequence[int]) -> pa.RecordBatch:
    """Rows of EVENTS; times in µs."""
    return pa.record_batch([pa.array(times, pa.timestamp("us")), pa.array(ids, pa.int64())], ["ts", "id"])


class ListSource:
    """A bounded source over one record batch; after its rows it may fail."""

    bounded = True

    def __init__(self, rows: pa.RecordBatch, schema: Schema = EVENTS, error: Exception | None = None) -> None:
        self.rows, self.schema, self.error = rows, schema, error
        self.closed = False
        self.rejects: tuple[Reject, ...] = ()

    def read(self, request: ReadRequest) -> Iterator[SourceBatch]:
        start = 0 if request.start is None else request.start["rows"]
        rows = self.rows.select(list(request.columns))
        try:
            for begin in range(start, rows.num_rows, request.batch_rows):
                batch = rows.slice(begin, request.batch_rows)
                yield SourceBatch(batch, {"rows": begin + batch.num_rows}, rejects=self.rejects)
            if self.error is not None:
                raise self.error
        finally:
            self.closed = True


class LiveSource:
    """An unbounded source that plays a script: record batches, None for a quiet moment, functions to call."""

    bounded = False

    def __init__(self, script: Sequence[object], schema: Schema = EVENTS) -> None:
        self.script, self.schema = script, schema

    def read(self, request: ReadRequest) -> Iterator[SourceBatch]:
        arrow = self.schema.to_arrow()
        empty = pa.RecordBatch.from_arrays([pa.array([], each.type) for each in arrow], schema=arrow)
        for each in self.script:
            if callable(each):
                each()
            elif each is None:
                yield SourceBatch(empty.select(list(request.columns)))
            else:
                assert isinstance(each, pa.RecordBatch)
                yield SourceBatch(each.select(list(request.columns)))


class Echo(Operator):
    """Passes everything on."""

    schema = EVENTS

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        return (batch,)


class Recorder(Operator):
    """Writes down what it is told, passes changes on."""

    schema = EVENTS

    def __init__(self) -> None:
        self.log: list[object] = []

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        marks = None if batch.watermarks is None else batch.watermarks.values.tolist()
        self.log.append((port, batch.rows.column(batch.rows.num_columns - 1).to_pylist(), marks))
        return (batch,)

    def on_watermark(self, time: int) -> Iterable[Batch]:
        self.log.append(time)
        return ()


def scan_node(
    name: str,
    base: int = 0,
    *,
    delay: int | None = 0,
    options: dict[str, str] | None = None,
    needs_watermarks: bool = False,
) -> PhysicalNode:
    """A scan of EVENTS with WATERMARK FOR ts AS ts - delay µs (None: without); `base` keeps column ids apart."""
    ts, id_ = Field(base + 1, "ts", timestamp(6)), Field(base + 2, "id", BIGINT)
    mark = None
    if delay is not None:
        column = ColumnRef(type=ts.type, id=ts.id, name="ts")
        mark = WatermarkSpec(ts.id, column if not delay else resolve_call("-", (column, interval(delay)), None))
    table = Table(name, EVENTS.columns, options=options or {})
    scan = Scan(fields=(ts, id_), table=table, physical=(ts, id_), watermark=mark)
    return PhysicalNode(f"Scan {name}", scan, (), None, needs_watermarks)


def interval(micros: int) -> Expr:
    """An INTERVAL DAY TO SECOND constant."""
    return Literal(type=INTERVAL_DAY, value=micros)


def over(name: str, operator: Operator, *inputs: PhysicalNode) -> PhysicalNode:
    """A node that runs `operator`; its plan is a UNION ALL where there are several inputs, else a filter."""
    fields = inputs[0].plan.fields
    plans = tuple(each.plan for each in inputs)
    true = Literal(type=BOOLEAN, value=True)
    plan = (
        Union(fields=fields, branches=plans)
        if len(plans) > 1
        else Filter(fields=fields, input=plans[0], predicate=true)
    )
    return PhysicalNode(name, plan, inputs, operator, False)


@pytest.fixture(scope="session")
def parts() -> SimpleNamespace:
    """The above, by name."""
    return SimpleNamespace(
        Batch=Batch,
        EVENTS=EVENTS,
        Echo=Echo,
        ListSource=ListSource,
        LiveSource=LiveSource,
        Recorder=Recorder,
        context=lambda: EvalContext(clock=ManualClock(0), start=0),
        events=events,
        over=over,
        scan_node=scan_node,
    )
