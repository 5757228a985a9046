"""Arrow IPC: the file format (also known as Feather) and the stream format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BufferedReader
from typing import Any, BinaryIO

import pyarrow as pa

from streamsql.errors import DataError
from streamsql.expr.types import Schema
from streamsql.ports import Comparison, DecodedRows, FileReader, FileWriter, OptionInfo, Position, RecordFile
from streamsql.record import record
from streamsql_connectors.options import choice, option
from streamsql_connectors.streams import Rejoined

_MAGIC = b"ARROW1"
_BATCH_ROWS = 65_536


class ArrowFormat:
    """Columns by name: absent ones are NULL, others are not read. Files are told from streams by their first bytes."""

    options: tuple[OptionInfo, ...] = (
        OptionInfo("compression", "zstd | lz4 | none", "of the record batches that are written", "none"),
        OptionInfo("layout", "file | stream", "what is written; without it, a stream where the name ends with .arrows"),
    )
    appendable = False

    def reader(self, schema: Schema, options: Mapping[str, str]) -> FileReader:
        """Reads record batch by record batch, only the wanted columns."""
        return _ArrowReader(schema)

    def writer(self, schema: Schema, options: Mapping[str, str], target: BinaryIO, *, start: bool) -> FileWriter:
        """Record batches of 64K rows."""
        codec = option(options, "compression", choice("zstd", "lz4", "none"), "none")
        layout = option(options, "layout", choice("file", "stream"), "file")
        return _ArrowWriter(schema, target, None if codec == "none" else codec, streaming=layout == "stream")

    def infer(self, file: RecordFile, options: Mapping[str, str]) -> Schema:
        """The columns that the file declares."""
        from streamsql_connectors.formats.shaping import inferred

        with _errors(file.name):
            return inferred(_schema_of(file), file.name)


@record(eq=False)
class _Batches:
    """Record batches one after the other."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]


@contextmanager
def _opened(file: RecordFile) -> Iterator[BinaryIO]:
    stream = file.open()
    try:
        yield stream
    finally:
        stream.close()


@contextmanager
def _errors(name: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, EOFError, UnicodeDecodeError) as error:
        hint = (
            "the file is cut off or damaged, or in another format: fetch it again, or say in which with 'format' = '…'"
        )
        raise DataError(f"{name}: not a whole Arrow IPC file: {error}", hint=hint) from error
    except MemoryError as error:
        raise DataError(f"{name}: damaged Arrow IPC file, or a record batch that memory does not hold") from error


def _batches_of(stream: Any, seekable: bool, columns: list[int] | None) -> _Batches:
    """The batches of a file or stream; a file that cannot be sought in is read like a stream."""
    head = stream.read(8)
    if not head.startswith(_MAGIC):
        return _as_stream(stream, head, columns)
    if seekable:
        stream.seek(0)
        opened = pa.ipc.open_file(stream, options=pa.ipc.IpcReadOptions(included_fields=columns))
        whole = (opened.get_batch(each) for each in range(opened.num_record_batches))
        return _Batches(opened.schema, whole)
    return _as_stream(stream, b"", columns)


def _as_stream(stream: Any, head: bytes, columns: list[int] | None) -> _Batches:
    source = pa.PythonFile(BufferedReader(Rejoined(head, stream)), "r")
    opened = pa.ipc.open_stream(source, options=pa.ipc.IpcReadOptions(included_fields=columns))
    return _Batches(opened.schema, iter(opened))


@record
class _ArrowReader:
    """The mark of a chunk: how many record batches lie before it."""

    schema: Schema

    def read(
        self, file: RecordFile, columns: tuple[str, ...], predicate: tuple[Comparison, ...], start: Position | None
    ) -> Iterator[DecodedRows]:
        from streamsql_connectors.formats.block_rows import columns_batch
        from streamsql_connectors.formats.shaping import check_types, shaped

        begin: Any = start or {"batch": 0}
        indices = _positions(_schema_of(file), columns, self.schema, file.name) if file.seekable else None
        with _opened(file) as stream:
            with _errors(file.name):
                found = _batches_of(stream, file.seekable, indices)
                if not file.seekable:
                    check_types(found.schema, self.schema, file.name)
            for number, batch in enumerate(_checked(found.batches, file.name)):
                if number >= begin["batch"]:
                    with _errors(file.name):
                        arrays = shaped(batch, self.schema, columns, file.name, batch.num_rows)
                        rows = columns_batch(self.schema, columns, arrays, batch.num_rows)
                    yield DecodedRows(rows, {"batch": number})


def _schema_of(file: RecordFile) -> pa.Schema:
    with _opened(file) as stream, _errors(file.name):
        return _batches_of(stream, file.seekable, None).schema


def _positions(found: pa.Schema, columns: tuple[str, ...], schema: Schema, name: str) -> list[int] | None:
    """Positions of the wanted columns in the file; None for all, where it has none of them. Checks all types."""
    from streamsql_connectors.formats.shaping import check_types

    with _errors(name):
        check_types(found, schema, name)
    positions = [found.get_field_index(each) for each in dict.fromkeys(columns)]
    return [each for each in positions if each >= 0] or None


def _checked(batches: Iterator[pa.RecordBatch], name: str) -> Iterator[pa.RecordBatch]:
    while True:
        with _errors(name):
            batch = next(batches, None)
            if batch is not None:
                batch.validate()
        if batch is None:
            return
        yield batch


class _ArrowWriter:
    def __init__(self, schema: Schema, target: BinaryIO, codec: str | None, *, streaming: bool) -> None:
        from streamsql_connectors.formats.shaping import Gathered

        make = pa.ipc.new_stream if streaming else pa.ipc.new_file
        self._writer = make(target, schema.to_arrow(), options=pa.ipc.IpcWriteOptions(compression=codec))
        self._gathered = Gathered(_BATCH_ROWS, self._write)

    def _write(self, rows: pa.Table) -> None:
        for batch in rows.combine_chunks().to_batches(max_chunksize=_BATCH_ROWS):
            self._writer.write_batch(batch)

    def write(self, rows: pa.RecordBatch) -> None:
        self._gathered.add(rows)

    def finish(self) -> None:
        """The last record batch and the footer."""
        self._gathered.flush()
        self._writer.close()
