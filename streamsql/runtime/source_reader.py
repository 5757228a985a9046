"""Reading a table: asks its source for columns, cuts values to their precision, computes columns and watermarks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch
from streamsql.errors import DataError
from streamsql.expr.context import EvalContext
from streamsql.expr.nodes import Call, ColumnRef, Expr, Literal
from streamsql.expr.types import Kind, arrow_type
from streamsql.plan.logical import Field, Scan
from streamsql.plan.tree import schema_of
from streamsql.ports import Position, ReadRequest, Source, SourceBatch
from streamsql.precision import Cutter, cutter
from streamsql.record import record
from streamsql.row_watermarks import GivenWatermarks, RowWatermarks, RunningWatermarks
from streamsql.runtime.pushdown import comparisons
from streamsql.runtime.rejects import RejectLog
from streamsql.runtime.watermarks import beginning
from streamsql.state.fixed_width import BoolArray, valid_of, values_of
from streamsql.time import BEGIN_OF_TIME, Duration, Time

Kernel = Callable[[pa.RecordBatch], pa.Array]


@record(eq=False)
class ReadStep:
    """Rows of a scan as the plan wants them, the source's watermark after them, and its position after them."""

    batch: Batch
    watermark_after: Time
    position: Position


class SourceReader:
    """Makes the rows of a scan of what its source delivers; the scan's predicate is only a hint to the source.

    Rows whose event time is NULL are rejected where the plan uses that time. `timed`: the scan has a watermark;
    `watermark`: the largest so far; `rows_read`: how many rows the source has delivered. `needs_watermarks`: batches
    carry per-row watermarks.
    """

    def __init__(
        self,
        scan: Scan,
        source: Source,
        context: EvalContext,
        *,
        needs_watermarks: bool = False,
        batch_rows: int = 65_536,
        rejects: RejectLog | None = None,
    ) -> None:
        self.scan = scan
        self.source = source
        self.rejects = RejectLog() if rejects is None else rejects
        self.watermark: Time = BEGIN_OF_TIME
        self.rows_read = 0
        self._met: Time = BEGIN_OF_TIME
        self.timed = scan.watermark is not None
        self._batch_rows = batch_rows
        self._needs_watermarks = needs_watermarks
        self._conform = [
            _Conform(scan.table.name, each.name, arrow_type(each.type), cutter(each.type)) for each in scan.physical
        ]
        time = None if scan.watermark is None else scan.watermark.column
        self._required = [
            (position, each.name)
            for position, each in enumerate(scan.physical)
            if not each.type.nullable and each.id != time
        ]
        self._columns = _ColumnProgram(scan, context.own())
        self._time = None if scan.watermark is None else self._columns.position(scan.watermark.column)
        self._time_name = _time_name(scan)

    @property
    def lead(self) -> Time:
        """The watermark before the next row, as far as it is known. Where rows bring their own, one of them may have
        gone ahead of the source's."""
        return max(self.watermark, self._met)

    def open(self, start: Position | None = None) -> Iterator[SourceBatch]:
        """What the source delivers, unprepared, from a position on; may run in another thread than `prepare`."""
        request = ReadRequest(
            columns=tuple(each.name for each in self.scan.physical),
            batch_rows=self._batch_rows,
            predicate=comparisons(self.scan),
            start=start,
        )
        return self.source.read(request)

    def __iter__(self) -> Iterator[ReadStep]:
        for delivered in self.open():
            yield self.prepare(delivered)

    def prepare(self, delivered: SourceBatch) -> ReadStep:
        """The next delivery as rows of the scan; deliveries must come in order."""
        if delivered.rejects:
            self.rejects.add(self.scan.table.name, delivered.rejects)
        count = delivered.rows.num_rows
        self.rows_read += count
        weights = delivered.weights
        removals = weights < 0 if self.scan.table.by_key and weights is not None else None
        rows = delivered.rows if delivered.conforming else self._conformed(delivered.rows)
        self._require(rows, removals)
        rows = self._columns.evaluate(rows)
        if self._time is None:
            watermarks = beginning(rows.num_rows) if self._needs_watermarks else None
            return ReadStep(Batch(self._columns.output(rows), weights, watermarks), BEGIN_OF_TIME, delivered.position)
        valid = self._reject_null_times(rows, removals, count) if self.scan.time_used else None
        if valid is not None:
            rows, weights = rows.filter(pa.array(valid)), None if weights is None else weights[valid]
        if self.scan.table.materialized and delivered.watermarks is None:
            watermarks = GivenWatermarks(np.full(rows.num_rows, self.watermark))
        elif delivered.watermarks is None:
            watermarks = self._advance(rows)
        else:
            watermarks = GivenWatermarks(delivered.watermarks if valid is None else delivered.watermarks[valid])
            self._met = max(self._met, int(delivered.watermarks.max(initial=BEGIN_OF_TIME)))
        if delivered.watermark is not None:
            self.watermark = max(self.watermark, delivered.watermark)
        return ReadStep(Batch(self._columns.output(rows), weights, watermarks), self.watermark, delivered.position)

    def _require(self, rows: pa.RecordBatch, removals: BoolArray | None) -> None:
        for position, name in self._required:
            column = rows.column(position)
            if column.null_count and (missing := _missing_at(column, removals)) is not None:
                raise self._missing(name, missing - rows.num_rows)

    def _conformed(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        columns = rows.columns
        arrays = [conform(column) for conform, column in zip(self._conform, columns, strict=True)]
        if all(new is old for new, old in zip(arrays, columns, strict=True)):
            return rows
        return pa.RecordBatch.from_arrays(arrays, names=rows.schema.names)

    def _missing(self, name: str, place: int) -> DataError:
        row = self.rows_read + place + 1
        message = f"{self.scan.table.name}.{name} is NOT NULL, row {row} has NULL for it"
        hint = "declare the column without NOT NULL where NULL may come"
        return DataError(message, span=self.scan.span, hint=hint)

    def _reject_null_times(self, rows: pa.RecordBatch, removals: BoolArray | None, count: int) -> BoolArray | None:
        """Which rows have an event time; None: all of them."""
        valid = valid_of(rows.column(self._time))
        if valid is None:
            return None
        if removals is not None:
            valid = valid | removals
        ordinals = np.flatnonzero(~valid) + (self.rows_read - count + 1)
        reason = f"event time {self._time_name} is NULL"
        unusable = self._columns.named(rows.filter(pa.array(~valid)))
        self.rejects.add_rows(self.scan.table.name, reason, unusable, ordinals)
        return valid

    def _advance(self, rows: pa.RecordBatch) -> RowWatermarks | None:
        watermarks = self._columns.watermarks(rows, self.watermark)
        self.watermark = watermarks.after
        return watermarks if self._needs_watermarks else None


class _ColumnProgram:
    """Where each column of a scan lies while its rows are made: physical columns first, then the computed ones."""

    def __init__(self, scan: Scan, context: EvalContext) -> None:
        from streamsql.expr.compile import compile_expr

        fields = [*scan.physical, *(field for field, _ in scan.computed)]
        self._names = [each.name for each in fields]
        self._positions = {each.id: index for index, each in enumerate(fields)}
        self._kernels: list[Kernel] = [compile_expr(expr, self._positions, context) for _, expr in scan.computed]
        self._schema = schema_of(scan.fields).to_arrow()
        self._selected = [self._positions[each.id] for each in scan.fields]
        self._in_place = self._selected == list(range(len(scan.physical))) and not scan.computed
        self._watermark: Kernel | None = None
        self._delayed: tuple[int, Duration] | None = None
        if scan.watermark is not None:
            self._watermark = compile_expr(scan.watermark.expr, self._positions, context)
            self._delayed = self._column_and_delay(scan.watermark.expr)

    def position(self, column: int) -> int:
        """Where the column with this id lies."""
        return self._positions[column]

    def _column_and_delay(self, expr: Expr) -> tuple[int, Duration] | None:
        """The column that a watermark follows at a fixed distance, as most do: it needs no evaluation."""
        match expr:
            case ColumnRef(id=id_):
                return self._positions[id_], 0
            case Call(function="- INTERVAL", args=(ColumnRef(id=id_), Literal(value=int(delay)) as by)) if (
                by.type.kind is Kind.INTERVAL_DAY
            ):
                return self._positions[id_], delay
            case _:
                return None

    def evaluate(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """The rows with their computed columns beside them."""
        for kernel in self._kernels:
            arrays = [*rows.columns, kernel(rows)]
            rows = pa.RecordBatch.from_arrays(arrays, names=self._names[: len(arrays)])
        return rows

    def watermarks(self, rows: pa.RecordBatch, held: Time) -> RunningWatermarks:
        """What held before each row; NULL brings no watermark on."""
        assert self._watermark is not None
        if self._delayed is not None:
            position, delay = self._delayed
            if not (times := rows.column(position)).null_count:
                return RunningWatermarks(values_of(times), held, delay)
        array = self._watermark(rows)
        values, valid = values_of(array), valid_of(array)
        return RunningWatermarks(values if valid is None else np.where(valid, values, BEGIN_OF_TIME), held)

    def named(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """All columns of the rows under their names in the table."""
        return pa.RecordBatch.from_arrays(rows.columns, names=self._names)

    def output(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """The columns that the scan delivers."""
        if self._in_place and rows.schema.equals(self._schema):
            return rows
        if not self._selected:
            return rows.select([])
        return pa.RecordBatch.from_arrays([rows.column(each) for each in self._selected], schema=self._schema)


def _missing_at(column: pa.Array, removals: BoolArray | None) -> int | None:
    """The first row that lacks a value; rows that only remove one of a key need none."""
    valid = valid_of(column)
    lacking = np.zeros(len(column), np.bool_) if valid is None else ~valid
    if removals is not None:
        lacking = lacking & ~removals
    return int(np.argmax(lacking)) if lacking.any() else None


def _time_name(scan: Scan) -> str:
    if scan.watermark is None:
        return ""
    fields: list[Field] = [*scan.physical, *(field for field, _ in scan.computed)]
    return next(each.name for each in fields if each.id == scan.watermark.column)


@record
class _Conform:
    """Brings a column to the layout and precision of its type."""

    table: str
    column: str
    layout: pa.DataType
    cut: Cutter | None

    def __call__(self, array: pa.Array) -> pa.Array:
        if array.type != self.layout:
            array = self._cast(array)
        return array if self.cut is None else self.cut(array)

    def _cast(self, array: pa.Array) -> pa.Array:
        try:
            return array.cast(self.layout)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            message = f"table {self.table}, column {self.column}: cannot read {array.type} as {self.layout}: {error}"
            raise DataError(message) from error
