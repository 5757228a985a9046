"""Comma-separated values."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import BinaryIO

import numpy as np

from streamsql.errors import UsageError
from streamsql.expr.types import Schema
from streamsql.ports import FileReader, FileWriter, OptionInfo, RecordFile
from streamsql_connectors.formats.csv_dialect import HINT, OPTIONS, Dialect
from streamsql_connectors.formats.text_reader import DecodeBlock, TextReader
from streamsql_connectors.text_blocks import TextBlock


class CsvFormat:
    """Fields by position; a first line that equals the column names is a header. With 'csv.header' = 'true' the first
    line says which field is which. An empty field is NULL, "" the empty string."""

    options: tuple[OptionInfo, ...] = OPTIONS
    appendable = True

    def reader(self, schema: Schema, options: Mapping[str, str]) -> FileReader:
        """Decodes with Arrow, a block at a time."""
        from streamsql_connectors.formats.csv_decode import CsvDecoder
        from streamsql_connectors.formats.csv_header import layout_of
        from streamsql_connectors.formats.csv_scan import RecordCutter, head_of
        from streamsql_connectors.formats.readable import refuse_unreadable

        refuse_unreadable(schema, "csv")
        if not len(schema):
            raise UsageError("a csv table needs at least one column")
        dialect = Dialect.of(options)

        def decoder(head: str) -> DecodeBlock:
            return CsvDecoder(schema, dialect, layout_of(head, schema, dialect)).decode

        def head(block: TextBlock) -> str:
            return head_of(np.frombuffer(block.data, np.uint8), dialect)

        return TextReader(decoder, HINT, partial(RecordCutter, dialect), head)

    def writer(self, schema: Schema, options: Mapping[str, str], target: BinaryIO, *, start: bool) -> FileWriter:
        """A header line, then one line a row."""
        from streamsql_connectors.formats.csv_encode import CsvWriter

        return CsvWriter(schema, target, Dialect.of(options), header=start)

    def infer(self, file: RecordFile, options: Mapping[str, str]) -> Schema:
        """Columns of the first 8 MB, named by the header if there is one."""
        from streamsql_connectors.formats.csv_header import infer_csv

        return infer_csv(file, Dialect.of(options))
