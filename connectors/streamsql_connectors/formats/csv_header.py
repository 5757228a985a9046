"""The first line of a CSV file: whether it names the columns, and the types that the columns seem to have."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from streamsql.errors import DataError
from streamsql.expr.types import STRING, Column, Schema, SqlType
from streamsql.ports import RecordFile
from streamsql_connectors.formats.block_rows import Problem
from streamsql_connectors.formats.csv_decode import CsvLayout
from streamsql_connectors.formats.csv_dialect import Dialect
from streamsql_connectors.formats.csv_records import records_of
from streamsql_connectors.formats.csv_scan import RecordCutter, Scanner, head_of
from streamsql_connectors.formats.inferred_types import inferred_csv
from streamsql_connectors.formats.text_values import parse_text
from streamsql_connectors.text_blocks import TextBlock, read_blocks
from streamsql_connectors.text_lines import Lines

_NAME = re.compile(r"[^\W\d][\w .\-/()%#$]*")


def layout_of(head: str, schema: Schema, dialect: Dialect) -> CsvLayout:
    """What the fields of a file are whose first record is given: by name where it has all names of the schema.

    A first line that looks like a header, but names some of the columns only, is neither taken for one nor for data.
    """
    delimiter = dialect.delimiter_of(head)
    fields = column_names(split_fields(head, delimiter, dialect))
    if dialect.header is not None:
        return CsvLayout(delimiter, (dialect.header and fields) or schema.names, dialect.header)
    missing = [each for each in schema.names if each not in fields]
    repeated = [each for each in dict.fromkeys(fields) if fields.count(each) > 1]
    if repeated and set(fields) <= set(schema.names):
        return CsvLayout(delimiter, schema.names, False, _repeated_names(repeated))
    if not missing:
        return CsvLayout(delimiter, fields, True)
    doubt = _partial_header(missing) if len(missing) < len(schema) and looks_like_header(fields) else None
    return CsvLayout(delimiter, schema.names, False, doubt)


def _partial_header(missing: Sequence[str]) -> Problem:
    return Problem(
        0,
        f"a header without the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}",
        hint="'csv.header' = 'true' reads columns by name, NULL where a file has none; 'false' takes the line for data",
    )


def _repeated_names(repeated: Sequence[str]) -> Problem:
    return Problem(
        0,
        f"a header that names {', '.join(repeated)} more than once",
        hint="rename all but one of them; 'csv.header' = 'false' takes the line for data",
    )


def column_names(fields: Sequence[str]) -> tuple[str, ...]:
    """The names that a header line gives, without white space around them; a column without a name gets one.

    >>> column_names(["", " a "])
    ('column0', 'a')
    """
    return tuple(each.strip() or f"column{position}" for position, each in enumerate(fields))


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
    try:
        return next(lines, [])
    except csv.Error:  # what follows a closing quote, for example; it is a record all the same
        return record.split(delimiter)


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
    names = column_names(fields)
    header = dialect.header or (dialect.header is None and looks_like_header(fields))
    if header or dialect.header is None:
        types = _types(block, CsvLayout(delimiter, names, True), dialect, file.name)
        header = header or _is_no_record(fields, types)
    if not header:
        names = tuple(f"column{each}" for each in range(len(fields)))
        types = _types(block, CsvLayout(delimiter, names, False), dialect, file.name)
    if len(set(names)) != len(names):
        hint = "rename one in the file, or declare the table's columns with 'csv.header' = 'false'"
        raise DataError(f"{file.name}: two columns have the same name: {', '.join(names)}", hint=hint)
    return Schema(tuple(Column(name, type_) for name, type_ in zip(names, types, strict=True)))


def _is_no_record(fields: Sequence[str], types: Sequence[SqlType]) -> bool:
    """Whether a first line does not fit the types that the lines below it have, such as `id[0],x` above `1,y`."""
    typed = [(text, type_) for text, type_ in zip(fields, types, strict=True) if type_ != STRING and text]
    return any(parse_text(pa.array([text]), type_).bad is not None for text, type_ in typed)


def looks_like_header(fields: Sequence[str]) -> bool:
    """Whether all fields are different names; the first may be empty, as for the row numbers that pandas writes.

    >>> looks_like_header(["id", "air time"]), looks_like_header(["id", "12"]), looks_like_header(["", "a"])
    (True, False, True)
    """
    stripped = [each.strip() for each in fields]
    if len(stripped) > 1 and not stripped[0]:
        stripped = stripped[1:]
    named = all(_NAME.fullmatch(each) and each.lower() not in ("true", "false", "nan") for each in stripped)
    return named and len(set(stripped)) == len(stripped)


def _types(block: TextBlock, layout: CsvLayout, dialect: Dialect, name: str) -> list[SqlType]:
    scanner = Scanner(dialect, layout.delimiter)
    records, _ = records_of(block, Lines(block.data), scanner, header=layout.header)
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
