"""The first line of a CSV file: whether it names the columns, and the types that the columns seem to have."""

from __future__ import annotations

import csv
import re

import pyarrow as pa
import pyarrow.csv as pa_csv

from streamsql.errors import DataError
from streamsql.expr.types import STRING, Column, Schema, SqlType
from streamsql.ports import RecordFile
from streamsql_connectors.formats.csv_decode import CsvLayout
from streamsql_connectors.formats.csv_dialect import Dialect
from streamsql_connectors.formats.inferred_types import inferred_csv
from streamsql_connectors.formats.text_reader import first_line
from streamsql_connectors.text_blocks import TextBlock, read_blocks

_NAME = re.compile(r"[^\W\d][\w .\-/()%#$]*")


def layout_of(line: str, schema: Schema, dialect: Dialect) -> CsvLayout:
    """What the fields of a file are whose first line is given."""
    delimiter = dialect.delimiter_of(line)
    fields = split_fields(line, delimiter, dialect)
    if dialect.header:
        return CsvLayout(delimiter, tuple(fields), True)
    names = schema.names
    header = dialect.header is None and tuple(each.strip() for each in fields) == names
    return CsvLayout(delimiter, names, header)


def split_fields(line: str, delimiter: str, dialect: Dialect) -> list[str]:
    """The fields of one line.

    >>> split_fields('a,"b,c",', ",", Dialect())
    ['a', 'b,c', '']
    """
    if dialect.quote is None:
        return line.split(delimiter)
    return next(csv.reader([line], delimiter=delimiter, quotechar=dialect.quote), [])


def infer_csv(file: RecordFile, dialect: Dialect) -> Schema:
    """Names and types of a file's columns; DataError where it is empty."""
    stream = file.open()
    try:
        block = next(read_blocks(stream, file.name, dialect.whole_records), None)
    finally:
        stream.close()
    if block is None:
        raise DataError(f"{file.name}: empty, so it has no columns to find", hint="declare the table's columns")
    line = first_line(block)
    delimiter = dialect.delimiter_of(line)
    fields = split_fields(line, delimiter, dialect)
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
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(block.data),
            pa_csv.ReadOptions(
                column_names=[str(each) for each in range(len(layout.fields))],
                skip_rows=1 if layout.header else 0,
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
