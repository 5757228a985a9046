"""Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow as pa

from streamsql.errors import DataError
from streamsql.expr.types import Schema, from_arrow_schema
from streamsql.ports import Comparison, DecodedRows, FileReader, FileWriter, OptionInfo, Position, RecordFile
from streamsql_connectors.options import choice, option

_BATCH_ROWS = 65_536
_ROW_GROUP_ROWS = 131_072
_READ_BUFFER = 1 << 20


class ParquetFormat:
    """Columns by name: absent ones are NULL, others are not read."""

    options: tuple[OptionInfo, ...] = (
        OptionInfo("compression", "snappy | zstd | gzip | none", "of files that are written", "snappy"),
    )
    appendable = False

    def reader(self, schema: Schema, options: Mapping[str, str]) -> FileReader:
        """Reads row group by row group, only the columns and row groups that are wanted."""
        _codec(options)
        return _ParquetReader(schema)

    def writer(self, schema: Schema, options: Mapping[str, str], target: BinaryIO, *, start: bool) -> FileWriter:
        """Row groups of 128K rows."""
        return _ParquetWriter(schema, target, _codec(options))

    def infer(self, file: RecordFile, options: Mapping[str, str]) -> Schema:
        """The columns of the file's footer."""
        with _opened(file) as opened:
            return from_arrow_schema(opened.schema_arrow)


def _codec(options: Mapping[str, str]) -> str:
    return option(options, "compression", choice("snappy", "zstd", "gzip", "none"), "snappy").upper()


class _opened:
    """A parquet file with errors that name it."""

    def __init__(self, file: RecordFile) -> None:
        self._file = file

    def __enter__(self) -> Any:
        import pyarrow.parquet as pq

        stream = self._file.open()
        try:
            if not self._file.seekable:
                stream = pa.BufferReader(stream.read())
            self._opened = pq.ParquetFile(
                stream, buffer_size=_READ_BUFFER, pre_buffer=False, coerce_int96_timestamp_unit="us"
            )
        except (pa.ArrowException, OSError) as error:
            stream.close()
            raise DataError(f"{self._file.name}: not a whole parquet file: {error}") from error
        self._stream = stream
        return self._opened

    def __exit__(self, *_: object) -> None:
        self._opened.close(force=True)
        self._stream.close()


@dataclass(frozen=True, slots=True)
class _ParquetReader:
    """The mark of a chunk: its row group, and how many rows of that lie before it."""

    schema: Schema

    def read(
        self, file: RecordFile, columns: tuple[str, ...], predicate: tuple[Comparison, ...], start: Position | None
    ) -> Iterator[DecodedRows]:
        from streamsql_connectors.formats.row_groups import wanted_row_groups
        from streamsql_connectors.formats.shaping import check_types

        begin: Any = start or {"row_group": 0, "row": 0}
        with _opened(file) as opened:
            check_types(opened.schema_arrow, self.schema, file.name)
            for group in wanted_row_groups(opened.metadata, predicate):
                if group >= begin["row_group"]:
                    first = begin["row"] if group == begin["row_group"] else 0
                    yield from self._read_group(opened, file.name, columns, group, first)

    def _read_group(
        self, opened: Any, name: str, columns: tuple[str, ...], group: int, first: int
    ) -> Iterator[DecodedRows]:
        from streamsql_connectors.formats.block_rows import columns_batch
        from streamsql_connectors.formats.shaping import shaped

        wanted = [each for each in dict.fromkeys(columns) if each in opened.schema_arrow.names]
        row = 0
        for length, batch in _batches(opened, name, group, wanted):
            if row >= first:
                arrays = shaped(batch, self.schema, columns, name, length)
                rows = columns_batch(self.schema, columns, arrays, length)
                yield DecodedRows(rows, {"row_group": group, "row": row})
            row += length


def _batches(opened: Any, name: str, group: int, wanted: list[str]) -> Iterator[tuple[int, pa.RecordBatch]]:
    if not wanted:
        left = opened.metadata.row_group(group).num_rows
        for done in range(0, left, _BATCH_ROWS):
            yield min(_BATCH_ROWS, left - done), None
        return
    try:
        for batch in opened.iter_batches(_BATCH_ROWS, row_groups=[group], columns=wanted, use_threads=True):
            yield batch.num_rows, batch
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{name}: damaged parquet file: {error}") from error


class _ParquetWriter:
    def __init__(self, schema: Schema, target: BinaryIO, codec: str) -> None:
        import pyarrow.parquet as pq

        from streamsql_connectors.formats.shaping import Gathered

        self._writer = pq.ParquetWriter(target, schema.to_arrow(), compression=codec, store_schema=True)
        self._gathered = Gathered(_ROW_GROUP_ROWS, self._write)

    def _write(self, rows: pa.Table) -> None:
        self._writer.write_table(rows, row_group_size=_ROW_GROUP_ROWS)

    def write(self, rows: pa.RecordBatch) -> None:
        self._gathered.add(rows)

    def finish(self) -> None:
        """The last row group and the footer."""
        self._gathered.flush()
        self._writer.close()
