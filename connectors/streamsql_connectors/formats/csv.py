"""Comma-separated values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import BinaryIO

from streamsql.errors import UsageError
from streamsql.expr.types import Schema
from streamsql.ports import FileReader, FileWriter, RecordFile
from streamsql_connectors.formats.csv_dialect import OPTIONS, Dialect
from streamsql_connectors.formats.text_reader import DecodeBlock, TextReader

_HINT = "set 'csv.ignore-parse-errors' = 'true' to go on without such records; they are counted and kept as rejects"


class CsvFormat:
    """Fields by position; a first line that equals the column names is a header. With 'csv.header' = 'true' the first
    line says which field is which. An empty field is NULL, "" the empty string."""

    option_names: tuple[str, ...] = OPTIONS
    appendable = True

    def reader(self, schema: Schema, options: Mapping[str, str]) -> FileReader:
        """Decodes with Arrow, a block at a time."""
        from streamsql_connectors.formats.csv_decode import CsvDecoder
        from streamsql_connectors.formats.csv_header import layout_of
        from streamsql_connectors.formats.readable import refuse_unreadable

        refuse_unreadable(schema, "csv")
        if not len(schema):
            raise UsageError("a csv table needs at least one column")
        dialect = Dialect.of(options)

        def decoder(first_line: str) -> DecodeBlock:
            return CsvDecoder(schema, dialect, layout_of(first_line, schema, dialect)).decode

        return TextReader(decoder, _HINT, dialect.whole_records, head=True)

    def writer(self, schema: Schema, options: Mapping[str, str], target: BinaryIO, *, start: bool) -> FileWriter:
        """A header line, then one line a row; nested values as JSON."""
        from streamsql_connectors.formats.csv_encode import CsvWriter

        return CsvWriter(schema, target, Dialect.of(options), header=start)

    def infer(self, file: RecordFile, options: Mapping[str, str]) -> Schema:
        """Columns of the first 8 MB, named by the header if there is one."""
        from streamsql_connectors.formats.csv_header import infer_csv

        return infer_csv(file, Dialect.of(options))
