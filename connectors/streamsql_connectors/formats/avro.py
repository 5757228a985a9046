"""Avro object container files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from io import BufferedReader, BytesIO
from typing import Any, BinaryIO

import pyarrow as pa

from streamsql.errors import DataError, UsageError
from streamsql.expr.types import Schema
from streamsql.ports import Comparison, DecodedRows, FileReader, FileWriter, OptionInfo, Position, RecordFile
from streamsql.record import record
from streamsql_connectors.formats.avro_schema import AvroSchema, arrow_schema, as_integers, avro_schema
from streamsql_connectors.options import boolean, choice, option
from streamsql_connectors.streams import Rejoined

_CHUNK_ROWS = 16_384
_CODECS = ("snappy", "deflate", "zstandard", "bzip2", "xz", "null")
_HEADER: AvroSchema = {
    "type": "record",
    "name": "header",
    "fields": [
        {"name": "magic", "type": {"type": "fixed", "name": "magic", "size": 4}},
        {"name": "meta", "type": {"type": "map", "values": "bytes"}},
        {"name": "sync", "type": {"type": "fixed", "name": "sync", "size": 16}},
    ],
}
"""The head of a container file, by the Avro specification."""


class AvroFormat:
    """Columns by name: absent ones are NULL, others are not read. Needs the package fastavro."""

    options: tuple[OptionInfo, ...] = (
        OptionInfo("codec", " | ".join(_CODECS), "of files that are written", "snappy"),
        OptionInfo(
            "timestamp_mapping.legacy", "boolean", "TIMESTAMP is Avro's timestamp, not its local-timestamp", "false"
        ),
    )
    appendable = False

    def reader(self, schema: Schema, options: Mapping[str, str]) -> FileReader:
        """Reads block by block."""
        _library()
        _legacy(options)
        return _AvroReader(schema)

    def writer(self, schema: Schema, options: Mapping[str, str], target: BinaryIO, *, start: bool) -> FileWriter:
        """A record of the columns, named as Flink names it."""
        codec = option(options, "codec", choice(*_CODECS), "snappy")
        return _AvroWriter(avro_schema(schema, legacy=_legacy(options)), target, codec)

    def infer(self, file: RecordFile, options: Mapping[str, str]) -> Schema:
        """The columns of the schema in the file."""
        from streamsql_connectors.formats.shaping import inferred

        stream = file.open()
        try:
            found = arrow_schema(_expanded(_head(stream, file.name).schema), file.name)
        finally:
            stream.close()
        fields = [_unzoned(each) for each in found] if _legacy(options) else list(found)
        return inferred(pa.schema(fields), file.name)


def _library() -> Any:
    try:
        import fastavro
    except ImportError:
        raise UsageError(
            "format avro needs the package fastavro", hint="pip install 'streamsql-engine[avro]'"
        ) from None
    return fastavro


def _legacy(options: Mapping[str, str]) -> bool:
    return option(options, "timestamp_mapping.legacy", boolean, False)


def _unzoned(field: pa.Field) -> pa.Field:
    return field.with_type(pa.timestamp(field.type.unit)) if pa.types.is_timestamp(field.type) else field


def _expanded(schema: AvroSchema) -> AvroSchema:
    return _library().schema.expand_schema(schema)


@record
class _Head:
    """What stands before the blocks of a file: its schema, and the same bytes with times turned into integers."""

    schema: AvroSchema
    plain: bytes


def _head(stream: BinaryIO, name: str) -> _Head:
    avro = _library()
    try:
        header = avro.schemaless_reader(stream, _HEADER, None)
        if header["magic"] != b"Obj\x01":
            raise ValueError("it does not begin with Obj1")
        schema = json.loads(header["meta"]["avro.schema"])
        avro.parse_schema(schema, _write_hint=False)
        plain = {**header["meta"], "avro.schema": json.dumps(as_integers(schema)).encode()}
        rewritten = BytesIO()
        avro.schemaless_writer(rewritten, _HEADER, {**header, "meta": plain})
    except Exception as error:  # damaged bytes make the library raise nearly anything
        raise DataError(f"{name}: not an Avro file: {_why(error)}") from error
    return _Head(schema, rewritten.getvalue())


def _why(error: Exception) -> str:
    return str(error) or ("it ends too early" if isinstance(error, EOFError) else type(error).__name__)


@record
class _AvroReader:
    """The mark of a chunk: how many blocks lie before it."""

    schema: Schema

    def read(
        self, file: RecordFile, columns: tuple[str, ...], predicate: tuple[Comparison, ...], start: Position | None
    ) -> Iterator[DecodedRows]:
        from streamsql_connectors.formats.block_rows import columns_batch
        from streamsql_connectors.formats.shaping import check_types, shaped

        begin: Any = start or {"block": 0}
        stream = file.open()
        try:
            head = _head(stream, file.name)
            found = arrow_schema(_expanded(head.schema), file.name, lambda name: name in self.schema.names)
            check_types(found, self.schema, file.name)
            wanted = pa.schema([each for each in found if each.name in columns])
            for block, records in _chunks(BufferedReader(Rejoined(head.plain, stream)), file.name, begin["block"]):
                batch = _batch(records, wanted, file.name)
                arrays = shaped(batch, self.schema, columns, file.name, len(records))
                yield DecodedRows(columns_batch(self.schema, columns, arrays, len(records)), {"block": block})
        finally:
            stream.close()


def _chunks(stream: Any, name: str, first: int) -> Iterator[tuple[int, list[Any]]]:
    """The records of several blocks at a time, and the number of the first of them; those before `first` left out.

    DataError after all whole blocks before what cannot be read.
    """
    records: list[Any] = []
    begin, failure = first, None
    try:
        for number, block in enumerate(_library().block_reader(stream)):
            if number < first:
                continue
            records.extend(block)
            if len(records) >= _CHUNK_ROWS:
                yield begin, records
                begin, records = number + 1, []
    except GeneratorExit:
        raise
    except Exception as error:  # damaged bytes make the library raise nearly anything
        failure = error
    if records:
        yield begin, records
    if failure is not None:
        raise DataError(f"{name}: damaged Avro file: {_why(failure)}") from failure


def _batch(records: list[Any], wanted: pa.Schema, name: str) -> pa.RecordBatch | None:
    if not len(wanted):
        return None
    try:
        return pa.RecordBatch.from_pylist(records, wanted)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{name}: a value does not fit its Avro type: {error}") from error


class _AvroWriter:
    def __init__(self, schema: AvroSchema, target: BinaryIO, codec: str) -> None:
        _library()
        from fastavro.write import Writer

        self._in_units = arrow_schema(schema, "the result")
        self._stored = arrow_schema(as_integers(schema), "the result")
        try:
            self._writer = Writer(target, schema, codec=codec)
        except ValueError as error:
            raise UsageError(
                f"'avro.codec' = '{codec}': {error}", hint="pip install 'streamsql-engine[avro]'"
            ) from None

    def write(self, rows: pa.RecordBatch) -> None:
        """Times as integers, which is faster, then record by record: the library takes no columns."""
        columns = [
            values.cast(unit.type, safe=False).cast(stored.type)
            for values, unit, stored in zip(rows.columns, self._in_units, self._stored, strict=True)
        ]
        stored = pa.RecordBatch.from_arrays(columns, names=self._stored.names)
        for each in stored.to_pylist(maps_as_pydicts="strict"):
            self._writer.write(each)

    def finish(self) -> None:
        """The last block."""
        self._writer.flush()
