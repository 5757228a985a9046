"""The `datagen` connector: rows out of nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pyarrow as pa

from streamsql.errors import UsageError, did_you_mean
from streamsql.expr.types import Schema
from streamsql.ports import OptionInfo, ReadRequest, Sink, Source, SourceBatch, TableOptions
from streamsql.record import record
from streamsql.time import Clock
from streamsql_connectors.datagen_columns import (
    CHUNK_ROWS,
    FIELD_OPTIONS,
    Chunk,
    GeneratedColumn,
    chunk_random,
    column_of,
    field_paths,
)
from streamsql_connectors.options import count, names_of, option, refuse_unknown
from streamsql_connectors.pace import Pace


class DatagenConnector:
    """Flink's options: `number-of-rows`, `rows-per-second`, and for each column `fields.<column>.` kind (random or
    sequence), min, max, start, end, length, null-rate, max-past; also step, for sequences."""

    options: tuple[OptionInfo, ...] = (
        OptionInfo("number-of-rows", "number", "after so many rows the table ends; without it, it has no end"),
        OptionInfo("rows-per-second", "number", "of a table without end", "10000"),
        *(replace(each, name=f"fields.<column>.{each.name}") for each in FIELD_OPTIONS),
    )

    def source(self, table: TableOptions) -> Source:
        """Bounded where `number-of-rows` or the end of a sequence says so."""
        if table.schema is None:
            raise UsageError(f"table {table.name} (datagen) has no columns")
        paths = [path for each in table.schema for path in field_paths(each.name, each.type)]
        fields = [f"fields.{path}.{name}" for path in paths for name in names_of(FIELD_OPTIONS)]
        known = ("connector", "number-of-rows", "rows-per-second", *fields)
        refuse_unknown(table.options, known, f"table {table.name} (datagen)")
        columns = {each.name: column_of(each.name, each.type, table.options) for each in table.schema}
        ends = [each.rows for each in columns.values() if each.rows is not None]
        wanted = option(table.options, "number-of-rows", count, None)
        rows = min(ends if wanted is None else [wanted, *ends], default=None)
        rate = option(table.options, "rows-per-second", count, 10_000)
        if rate == 0:
            raise UsageError("option 'rows-per-second' must be at least 1")
        return DatagenSource(table.schema, rows is not None, columns, rows, rate, table.clock, table.seed)

    def sink(self, table: TableOptions) -> Sink:
        """There is nothing to write to."""
        raise UsageError(f"table {table.name}: datagen can only be read")

    def infer(self, table: TableOptions) -> Schema:
        """There is nothing to look at."""
        raise UsageError(f"table {table.name}: a datagen table must declare its columns")


@record
class DatagenSource:
    """Rows made in chunks of a fixed size, so that neither batch size nor chosen columns change a value."""

    schema: Schema
    bounded: bool
    columns: Mapping[str, GeneratedColumn]
    rows: int | None
    rate: int
    clock: Clock
    seed: int

    def read(self, request: ReadRequest) -> Iterator[SourceBatch]:
        """As fast as possible where bounded, else `rate` rows a second."""
        for name in request.columns:
            if name not in self.columns:
                raise UsageError(f"unknown column {name}", hint=did_you_mean(name, list(self.columns), kind="columns"))
        done = int((request.start or {}).get("rows", 0))
        pace = None if self.bounded else Pace(self.rate)
        started = self.clock.now()
        made: tuple[int, pa.RecordBatch] | None = None
        while self.rows is None or done < self.rows:
            allowed = request.batch_rows if pace is None else min(request.batch_rows, pace.due())
            if allowed == 0:
                yield SourceBatch(_empty(self.schema, request.columns), {"rows": done})
                continue
            number, offset = divmod(done, CHUNK_ROWS)
            if made is None or made[0] != number:
                now = started if self.bounded else self.clock.now()
                made = number, self._chunk(number, request.columns, now)
            left = CHUNK_ROWS if self.rows is None else min(CHUNK_ROWS, self.rows - number * CHUNK_ROWS)
            size = min(allowed, left - offset)
            done += size
            if pace is not None:
                pace.deliver(size)
            yield SourceBatch(made[1].slice(offset, size), {"rows": done})

    def _chunk(self, number: int, columns: tuple[str, ...], now: int) -> pa.RecordBatch:
        if not columns:
            return pa.RecordBatch.from_struct_array(pa.Array.from_buffers(pa.struct([]), CHUNK_ROWS, [None]))
        first = number * CHUNK_ROWS
        arrays = [
            self.columns[name].make(Chunk(first, CHUNK_ROWS, now, chunk_random(self.seed, name, number)))
            for name in columns
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=_arrow_schema(self.schema, columns))


def _arrow_schema(schema: Schema, columns: tuple[str, ...]) -> pa.Schema:
    arrow = schema.to_arrow()
    return pa.schema([arrow.field(name) for name in columns])


def _empty(schema: Schema, columns: tuple[str, ...]) -> pa.RecordBatch:
    arrow = _arrow_schema(schema, columns)
    return pa.RecordBatch.from_arrays([pa.array([], each.type) for each in arrow], schema=arrow)
