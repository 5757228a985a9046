"""The first line of a CSV file: whether it names the columns, and the types that the columns seem to have."""

from __future__ import annotations

import csv
import re

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from streamsql.errors import DataError
from streamsql.expr.types import STRING, Column, Schema, SqlType
from streamsql.ports import RecordFile
from streamsql_connectors.formats.csv_decode import CsvLayout
from streamsql_connectors.formats.csv_dialect import Dialect
from streamsql_connectors.formats.csv_records import records_of
from streamsql_connectors.formats.csv_scan import RecordCutter, Scanner, head_of
from streamsql_connectors.formats.inferred_types import inferred_csv
from streamsql_connectors.text_blocks import TextBlock, read_blocks
from streamsql_connectors.text_lines import split_lines

_NAME = re.compile(r"[^\W\d][\w .\-/()%#$]*")


def layout_of(head: str, schema: Schema, dialect: Dialect) -> CsvLayout:
    """What the fields of a file are whose first record is given."""
    delimiter = dialect.delimiter_of(head)
    fields = split_fields(head, delimiter, dialect)
    if dialect.header:
        return CsvLayout(delimiter, tuple(fields), True)
    names = schema.names
    header = dialect.header is None and tuple(each.strip() for each in fields) == names
    return CsvLayout(delimiter, names, header)


def split_fields(record: str, delimiter: str, dialect: Dialect) -> list[str]:
    """The fields of one record.

    >>> split_fields('a,"b,c",', ",", Dialect())
    ['a', 'b,c', '']
    """
    escape = dialect.escape
    if dialect.quote is None:
        lines = csv.reader([record], delimiter=delimiter, escapechar=escape, quoting=csv.QUOTE_NONE)
    else:
        lines = csv.reader([record], delimiter=delimiter, escapechar=escape, quotechar=dialect.quote)
    return next(lines, [])


def infer_csv(file: RecordFile, dialect: Dialect) -> Schema:
    """Names and types of a file's columns; DataError where it is empty."""
    stream = file.open()
    try:
        block = next(read_blocks(stream, file.name, RecordCutter(dialect)), None)
    finally:
        stream.close()
    if block is None:
        raise DataError(f"{file.name}: empty, so it has no columns to find", hint="declare the table's columns")
    head = head_of(np.frombuffer(block.data, np.uint8), dialect)
    delimiter = dialect.delimiter_of(head)
    fields = split_fields(head, delimiter, dialect)
    header = looks_like_header(fields) if dialect.header is None else dialect.header
    names = fields if header else [f"column{each}" for each in range(len(fields))]
    if len(set(names)) != len(names):
        raise DataError(f"{file.name}: two columns have the same name: {', '.join(names)}")
    types = _types(block, CsvLayout(delimiter, tuple(names), header), dialect, file.name)
    return Schema(tuple(Column(name.strip(), type_) for name, type_ in zip(names, types, strict=True)))


def looks_like_header(fields: list[str]) -> bool:
    """Whether all fields are different names.

    >>> looks_like_header(["id", "air time"]), looks_like_header(["id", "12"]), looks_like_header(["a", "a"])
    (True, False, False)
    """
    stripped = [each.strip() for each in fields]
    named = all(_NAME.fullmatch(each) and each.lower() not in ("true", "false", "nan") for each in stripped)
    return named and len(set(stripped)) == len(stripped)


def _types(block: TextBlock, layout: CsvLayout, dialect: Dialect, name: str) -> list[SqlType]:
    scanner = Scanner(dialect, layout.delimiter)
    records, _ = records_of(block, split_lines(block.data), scanner, header=layout.header)
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(records.data),
            pa_csv.ReadOptions(
                column_names=[str(each) for each in range(len(layout.fields))],
                block_size=block.size + 1,
            ),
            pa_csv.ParseOptions(
                delimiter=layout.delimiter,
                quote_char=dialect.quote or False,
                escape_char=dialect.escape or False,
                newlines_in_values=True,
                invalid_row_handler=lambda row: "skip",
            ),
            pa_csv.ConvertOptions(
                null_values=["" if dialect.null is None else dialect.null],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        if "Empty CSV file" in str(error):
            return [STRING] * len(layout.fields)
        raise DataError(f"{name}: {error}") from error
    return [inferred_csv(column) for column in table.columns]
