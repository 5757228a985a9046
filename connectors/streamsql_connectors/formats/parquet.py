"""Parquet files."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import pyarrow as pa

from streamsql.errors import DataError, UsageError
from streamsql.expr.types import Schema
from streamsql.ports import Comparison, DecodedRows, FileReader, FileWriter, OptionInfo, Position, RecordFile
from streamsql.record import record
from streamsql_connectors.options import boolean, choice, count, option, positive

_MAGIC = b"PAR1"
_CODECS = ("snappy", "zstd", "gzip", "lz4", "brotli", "none")
_LEVELLED = ("zstd", "gzip", "brotli")
_PLAIN_NAMES = {"uncompressed": "none"}
_BATCH_ROWS = 65_536
_ROW_GROUP_ROWS = 131_072
_READ_BUFFER = 1 << 20


class ParquetFormat:
    """Columns by name: absent ones are NULL, others are not read."""

    options: tuple[OptionInfo, ...] = (
        OptionInfo("compression", " | ".join(_CODECS), "of files that are written", "snappy"),
        OptionInfo("compression-level", "number", "how hard it tries; without it, the codec's own"),
        OptionInfo("row-group-size", "number", "rows of a row group that is written", str(_ROW_GROUP_ROWS)),
        OptionInfo("enable.dictionary", "boolean", "values that come again are written once", "true"),
        OptionInfo(
            "write.int64.timestamp", "boolean", "false: times are written as INT96, as old readers need", "true"
        ),
    )
    appendable = False

    def reader(self, schema: Schema, options: Mapping[str, str]) -> FileReader:
        """Reads row group by row group, only the columns and row groups that are wanted."""
        _written_as(options)
        return _ParquetReader(schema)

    def writer(self, schema: Schema, options: Mapping[str, str], target: BinaryIO, *, start: bool) -> FileWriter:
        """Row groups of 128K rows, unless told otherwise."""
        return _ParquetWriter(schema, target, options)

    def infer(self, file: RecordFile, options: Mapping[str, str]) -> Schema:
        """The columns of the file's footer."""
        from streamsql_connectors.formats.shaping import inferred

        with _opened(file) as opened:
            return inferred(opened.schema_arrow, file.name)


def _written_as(options: Mapping[str, str]) -> dict[str, Any]:
    """The options of a writer as pyarrow calls them."""
    codec = option(options, "compression", choice(*_CODECS, "uncompressed", fold=True), "snappy")
    level = option(options, "compression-level", count, None)
    found = {
        "compression": _PLAIN_NAMES.get(codec, codec),
        "compression_level": level,
        "use_dictionary": option(options, "enable.dictionary", boolean, True),
        "use_deprecated_int96_timestamps": not option(options, "write.int64.timestamp", boolean, True),
    }
    if level is not None and codec not in _LEVELLED:
        raise UsageError(f"'parquet.compression' = '{codec}' has no levels", hint=f"{', '.join(_LEVELLED)} have")
    return found


class _opened:
    """A parquet file with errors that name it."""

    def __init__(self, file: RecordFile) -> None:
        self._file = file

    def __enter__(self) -> Any:
        import pyarrow.parquet as pq

        stream = self._file.open()
        try:
            if not self._file.seekable:
                stream = _spooled(stream)
            self._opened = pq.ParquetFile(
                stream, buffer_size=_READ_BUFFER, pre_buffer=False, coerce_int96_timestamp_unit="us"
            )
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            hint = _damage(stream)
            stream.close()
            raise DataError(f"{self._file.name}: not a whole parquet file: {error}", hint=hint) from error
        self._stream = stream
        return self._opened

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._opened.close(force=True)
        self._stream.close()
        if isinstance(error, UnicodeDecodeError):
            raise DataError(f"{self._file.name}: damaged parquet file: a name in it is no text") from error


def _damage(stream: Any) -> str:
    """What may be wrong with a file that has no footer to be read."""
    stream.seek(0)
    if stream.read(4) == _MAGIC:
        return "the file is cut off or damaged: fetch it again"
    return "the file is in another format: say in which with 'format' = '…'"


def _spooled(stream: BinaryIO) -> Any:
    """The bytes of a stream in a temporary file: the footer stands at the end, and they may not fit into memory."""
    kept = tempfile.TemporaryFile()  # noqa: SIM115
    shutil.copyfileobj(stream, kept, _READ_BUFFER)
    stream.close()
    kept.seek(0)
    return kept


@record
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
    def __init__(self, schema: Schema, target: BinaryIO, options: Mapping[str, str]) -> None:
        import pyarrow.parquet as pq

        from streamsql_connectors.formats.shaping import Gathered

        self._rows = option(options, "row-group-size", positive, _ROW_GROUP_ROWS)
        try:
            self._writer = pq.ParquetWriter(target, schema.to_arrow(), store_schema=True, **_written_as(options))
        except (pa.ArrowException, ValueError) as error:
            raise UsageError(f"cannot write parquet with these options: {error}") from error
        self._gathered = Gathered(self._rows, self._write)

    def _write(self, rows: pa.Table) -> None:
        self._writer.write_table(rows, row_group_size=self._rows)

    def write(self, rows: pa.RecordBatch) -> None:
        self._gathered.add(rows)

    def finish(self) -> None:
        """The last row group and the footer."""
        self._gathered.flush()
        self._writer.close()
