"""Blocks of JSON lines in which every value is what its column asks for, read at once by Arrow's JSON reader.

Arrow's reader is stricter than the format and keeps the text of numbers to the end, so what it takes is right; but it
goes on from one record to the next without looking at lines, and must never see a record that is no object. Both are
checked on the bytes before it starts. Whatever else a block holds ('12' for an INT, 12 for a STRING, a MAP, a bad
record) is for `json_decode` to read from text.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streamsql.expr.types import BYTES_KINDS, FLOATS, INTEGERS, STRINGS, TIMESTAMPS, Column, Kind, SqlType, arrow_type
from streamsql.record import record
from streamsql_connectors.formats.text_values import parse_text
from streamsql_connectors.text_blocks import NEWLINE, Bytes
from streamsql_connectors.text_lines import Lines

_OPEN, _CLOSE = ord("{"), ord("}")
_AS_ARROW_READS = frozenset((*INTEGERS, *FLOATS, *STRINGS, Kind.BOOLEAN, Kind.DECIMAL))
_FROM_TEXT = frozenset((*TIMESTAMPS, *BYTES_KINDS, Kind.DATE, Kind.TIME))
_ODD_NUMBERS = (b"Na", b"In")
_SPACE = np.zeros(256, np.bool_)
_SPACE[list(b" \t\r")] = True
_FOLLOWS_A_BRACE = np.zeros(256, np.bool_)
_FOLLOWS_A_BRACE[list(b",]}\n")] = True
_MOST_SPACES = 16


@record(eq=False)
class PlainRows:
    """Columns by name, how many rows there are, and in how many lines."""

    columns: dict[str, pa.Array]
    rows: int
    lines: int


def plain_rows(data: pa.Buffer, columns: Sequence[Column]) -> PlainRows | None:
    """The columns of lines that are objects; None where one is not, or where a value is not written as its column's
    type wants it.

    >>> from streamsql.expr.types import INT
    >>> plain_rows(pa.py_buffer(b'{"a": 1, "b": 2}\\n{}\\n'), [Column("a", INT)]).columns["a"].to_pylist()
    [1, None]
    >>> plain_rows(pa.py_buffer(b'{"a": "1"}\\n'), [Column("a", INT)])
    """
    types = [_read_as(each.type) for each in columns]
    if None in types:
        return None
    lines = Lines(data)
    rows = None if _has_odd_numbers(data) else _count_objects(lines)
    if rows is None:
        return None
    if not rows:
        return PlainRows({each.name: pa.nulls(0, arrow_type(each.type)) for each in columns}, 0, len(lines))
    fields = [pa.field(each.name, type_) for each, type_ in zip(columns, types, strict=True)]
    try:
        table = _read(data, pa.schema(fields))
        table.validate(full=True)  # the reader lets decimals pass that have too many digits
    except pa.ArrowInvalid:
        return None
    if table.num_rows != rows:
        return None
    found = {}
    for column in columns:
        values = _converted(table.column(column.name).combine_chunks(), column.type)
        if values is None:
            return None
        found[column.name] = values
    return PlainRows(found, rows, len(lines))


def _read(data: pa.Buffer, schema: pa.Schema) -> pa.Table:
    import pyarrow.json as arrow_json

    return arrow_json.read_json(
        pa.BufferReader(data),
        read_options=arrow_json.ReadOptions(use_threads=False, block_size=data.size + 1),
        parse_options=arrow_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
    )


def _read_as(type_: SqlType) -> pa.DataType | None:
    """The Arrow type to read a type as, None if there is none."""
    if type_.kind in _AS_ARROW_READS:
        return arrow_type(type_)
    if type_.kind in _FROM_TEXT:
        return pa.string()
    children = [_read_as(each) for each in type_.children]
    if type_.kind is Kind.ARRAY and children[0] is not None:
        return pa.list_(children[0])
    if type_.kind is Kind.ROW and None not in children:
        return pa.struct([pa.field(name, child) for name, child in zip(type_.names, children, strict=True)])
    return None


def _converted(values: pa.Array, type_: SqlType) -> pa.Array | None:
    """The values in the layout of their type; None where a text means nothing."""
    if type_.kind in _AS_ARROW_READS:
        return values
    if type_.kind in _FROM_TEXT:
        parsed = parse_text(values, type_)
        return parsed.values if parsed.bad is None else None
    inner = [values.values] if type_.kind is Kind.ARRAY else [values.field(each) for each in range(len(type_.children))]
    children = [_converted(each, child) for each, child in zip(inner, type_.children, strict=True)]
    if any(each is None for each in children):
        return None
    layout, missing = arrow_type(type_), values.is_null()
    if type_.kind is Kind.ARRAY:
        return pa.ListArray.from_arrays(values.offsets, children[0], type=layout, mask=missing)
    return pa.StructArray.from_arrays(children, fields=list(layout), mask=missing)


def _has_odd_numbers(data: pa.Buffer) -> bool:
    """Whether NaN or Infinity may be in it, which Arrow's reader takes for numbers."""
    values: Bytes = np.frombuffer(data, np.uint8)
    return any(((values[:-1] == first) & (values[1:] == second)).any() for first, second in _ODD_NUMBERS)


def _count_objects(lines: Lines) -> int | None:
    """The number of records, if each begins a line with `{` and ends it with `}`, and no brace is closed before
    something that could be another record; None if that is not sure. Empty lines do not count."""
    data: Bytes = np.frombuffer(lines.data, np.uint8)
    first = data[lines.starts]
    filled = int(np.count_nonzero(first != NEWLINE))
    if np.count_nonzero(first == _OPEN) != filled:
        return None
    closing = np.flatnonzero(data == _CLOSE)
    following = _next_characters(data, closing)
    outer = int(np.count_nonzero(following == NEWLINE))
    if outer != filled or (outer != len(closing) and not _FOLLOWS_A_BRACE[following].all()):
        return None
    return filled


def _next_characters(data: Bytes, positions: npt.NDArray[np.int64]) -> Bytes:
    """What follows each position, some spaces left out; a newline where the data ends."""
    found = np.full(len(positions), NEWLINE, np.uint8)
    open_, after = np.arange(len(positions)), positions + 1
    for _ in range(_MOST_SPACES):
        inside = after < len(data)
        open_, after = open_[inside], after[inside]
        found[open_] = data[after]
        space = _SPACE[found[open_]]
        open_, after = open_[space], after[space] + 1
        if not len(open_):
            break
    return found
