"""The tables of a batch run: what the stream's own reader delivers, handed to DuckDB as an Arrow stream."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from functools import partial

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch, Weights
from streamsql.batch_mode.conform import to_duckdb
from streamsql.batch_mode.connection import open_cursor
from streamsql.batch_mode.errors import NoBatchForm
from streamsql.expr.context import EvalContext
from streamsql.expr.duckdb_kernel import for_duckdb
from streamsql.expr.types import arrow_type
from streamsql.operators.keep_last import KeepLast
from streamsql.plan.logical import Scan, Table
from streamsql.plan.operators import exact_changes
from streamsql.ports import Source
from streamsql.record import record
from streamsql.runtime.rejects import RejectLog
from streamsql.runtime.source_reader import SourceReader
from streamsql.time import BEGIN_OF_TIME

OpenSource = Callable[[Table], Source]

_BATCH_ROWS = 65_536


@record
class ScanSettings:
    """`watermarks`: several sources are read, so that a row's place in the order depends on its source's watermark."""

    context: EvalContext
    watermarks: bool
    rejects: RejectLog


class ScanInput:
    """One scan: `f0 …` its fields, `r` the row number and `w` the watermark before the row.

    DuckDB pulls the rows from its own threads, one batch at a time; an error of the source is kept in `error`, because
    DuckDB passes on only its text.
    """

    def __init__(self, scan: Scan, source: Source, settings: ScanSettings) -> None:
        self.error: BaseException | None = None
        self._scan = scan
        self._reader = SourceReader(
            scan,
            source,
            settings.context,
            needs_watermarks=settings.watermarks and scan.watermark is not None,
            batch_rows=_BATCH_ROWS,
            rejects=settings.rejects,
        )
        fields = [pa.field(f"f{index}", for_duckdb(arrow_type(each.type))) for index, each in enumerate(scan.fields)]
        self.schema = pa.schema([*fields, pa.field("r", pa.int64()), pa.field("w", pa.int64())])
        self._batches = self._kept_batches() if scan.table.connector is None or scan.table.updating else self._read()

    def stream(self) -> pa.RecordBatchReader:
        """The rows, to be read once; nothing is copied or kept."""
        return pa.RecordBatchReader.from_batches(self.schema, self._guarded())

    def close(self) -> None:
        """Let go of files, also when DuckDB did not read to the end."""
        self._batches.close()

    def _guarded(self) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._batches
        except (Exception, KeyboardInterrupt) as error:
            self.error = error
            raise

    def _read(self) -> Generator[pa.RecordBatch]:
        for batch, numbered in self._numbered():
            if batch.weights is not None and (batch.weights < 0).any():
                raise NoBatchForm(f"the source of {self._scan.table.name} takes rows back", span=self._scan.span)
            yield numbered

    def _kept_batches(self) -> Generator[pa.RecordBatch]:
        """A table that takes rows back is read whole first (no copy): only then it is known what it took back."""
        batches, weights = [], []
        for batch, numbered in self._numbered():
            batches.append(numbered)
            weights.append(batch.sign())
        if any((each < 0).any() for each in weights):
            batches = _without_retracted(pa.Table.from_batches(batches, self.schema), np.concatenate(weights))
        yield from batches

    def _numbered(self) -> Iterator[tuple[Batch, pa.RecordBatch]]:
        row = 0
        for batch in self._changes():
            count = len(batch)
            watermarks = np.full(count, BEGIN_OF_TIME) if batch.watermarks is None else batch.watermarks.values
            arrays = [*map(to_duckdb, batch.rows.columns), pa.array(np.arange(row, row + count)), pa.array(watermarks)]
            row += count
            if count:
                yield batch, pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _changes(self) -> Iterator[Batch]:
        """What the source delivers; changes by key are made exact first, as a stream does it."""
        exact = exact_changes(self._scan)
        if isinstance(exact, KeepLast):
            exact.on_unknown = partial(self._reader.rejects.add_unknown, self._scan.table.name)
        for step in self._reader:
            yield from (step.batch,) if exact is None else exact.on_batch(step.batch)


def _without_retracted(table: pa.Table, weights: Weights) -> list[pa.RecordBatch]:
    """The rows that are left when each -1 row has cancelled one equal row; of equal rows the earliest go."""
    values = ", ".join(table.column_names[:-2]) or "0"
    weighted = table.append_column("weight", pa.array(weights))
    with open_cursor() as connection:
        connection.register("weighted", weighted)
        query = f"""
            SELECT * EXCLUDE (weight, nth, gone) FROM (
              SELECT *, count(*) FILTER (weight < 0) OVER (PARTITION BY {values}) AS gone,
                     row_number() OVER (PARTITION BY weight, {values} ORDER BY r) AS nth
              FROM weighted)
            WHERE weight > 0 AND nth > gone ORDER BY r"""
        kept = connection.sql(query).to_arrow_table()
    return [each for each in kept.cast(table.schema).to_batches() if each.num_rows]
