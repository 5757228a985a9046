"""Columns to CSV, column at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr.types import STRINGS, Kind, Schema, SqlType
from streamsql_connectors.formats.csv_dialect import Dialect
from streamsql_connectors.formats.json_encode import to_json
from streamsql_connectors.formats.text_render import render_scalar, value_bytes

_NESTED = (Kind.ROW, Kind.ARRAY, Kind.MAP, Kind.MULTISET)


class CsvWriter:
    """Writes one line a row: NULL empty (or the null literal), '' as "", quotes only where they are needed."""

    def __init__(self, schema: Schema, target: BinaryIO, dialect: Dialect, *, header: bool) -> None:
        self._types = schema.types
        self._target = target
        self._delimiter = dialect.delimiter or ","
        self._quote = dialect.quote or '"'
        self._null = dialect.null or ""
        if header and dialect.header is not False:
            names = pa.array(schema.names, pa.string())
            quoted = self._quoted(names)
            self._target.write((self._delimiter.join(quoted.to_pylist()) + "\n").encode())

    def write(self, rows: pa.RecordBatch) -> None:
        """All columns of each row, in order."""
        if rows.num_rows:
            fields = [self._field(values, type_) for values, type_ in zip(rows.columns, self._types, strict=True)]
            self._target.write(value_bytes(_lines(fields, self._delimiter)))

    def finish(self) -> None:
        """Nothing belongs at the end."""

    def _field(self, values: pa.Array, type_: SqlType) -> pa.Array:
        if type_.kind in _NESTED:
            text = self._quoted(to_json(values, type_))
        elif type_.kind in STRINGS:
            text = self._quoted(values)
        else:
            text = render_scalar(values, type_)
            text = pc.if_else(pc.equal(text, ""), self._quote * 2, text)
        return pc.if_else(pc.is_valid(values), text, self._null) if values.null_count or text.null_count else text

    def _quoted(self, text: pa.Array) -> pa.Array:
        """Quotes around what would be misread without them: '', delimiters, quotes, line ends, outer white space."""
        special = f"[{_in_class(self._delimiter)}{_in_class(self._quote)}\r\n]|^\\s|\\s$|^$"
        needed = pc.match_substring_regex(text, special)
        if self._null:
            needed = pc.or_(needed, pc.equal(text, self._null))
        if not pc.any(needed).as_py():
            return text
        doubled = pc.replace_substring(text, self._quote, self._quote * 2)
        return pc.if_else(needed, pc.binary_join_element_wise(self._quote, doubled, self._quote, ""), text)


def _in_class(character: str) -> str:
    return f"\\x{ord(character):02x}"


def _lines(fields: Sequence[pa.Array], delimiter: str) -> pa.Array:
    pieces: list[pa.Array | str] = []
    for field in fields:
        pieces += [field, delimiter]
    pieces[-1] = "\n"
    return pc.binary_join_element_wise(*pieces, "")
