"""Columns to CSV, column at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.errors import DataError
from streamsql.expr.text_bytes import has_byte, offsets_and_bytes
from streamsql.expr.types import STRINGS, Column, Kind, Schema
from streamsql.expr.vectors import nulls
from streamsql_connectors.formats.csv_dialect import Dialect
from streamsql_connectors.formats.csv_nested import NESTED, render_nested
from streamsql_connectors.formats.text_render import render_scalar, value_bytes
from streamsql_connectors.formats.text_scientific import scientific


class CsvWriter:
    """Writes one line a row: NULL empty (or the null literal), '' as "", quotes only where they are needed."""

    def __init__(self, schema: Schema, target: BinaryIO, dialect: Dialect, *, header: bool) -> None:
        self._columns = schema.columns
        self._target = target
        self._dialect = dialect
        self._delimiter = dialect.delimiter or ","
        self._null = dialect.null or ""
        self._special = self._special_pattern()
        self._inside = [each for each in (self._delimiter, dialect.quote, dialect.escape, "\r", "\n") if each]
        if header and dialect.header is not False:
            names = [self._protected(pa.array([each.name]), each)[0].as_py() for each in schema]
            self._target.write((self._delimiter.join(names) + "\n").encode())

    def write(self, rows: pa.RecordBatch) -> None:
        """All columns of each row, in order."""
        if rows.num_rows:
            fields = [self._field(values, column) for values, column in zip(rows.columns, self._columns, strict=True)]
            self._target.write(value_bytes(_lines(fields, self._delimiter)))

    def finish(self) -> None:
        """Nothing belongs at the end."""

    def _field(self, values: pa.Array, column: Column) -> pa.Array:
        text = self._text(values, column)
        return pc.if_else(pc.is_valid(values), text, self._null) if values.null_count or text.null_count else text

    def _text(self, values: pa.Array, column: Column) -> pa.Array:
        kind = column.type.kind
        if kind in NESTED:
            return self._protected(render_nested(values, column.type, self._dialect.elements), column)
        if kind in STRINGS:
            return self._protected(values, column)
        if kind is Kind.DECIMAL and self._dialect.scientific:
            text = scientific(values)
        else:
            text = render_scalar(values, column.type)
        return self._protected(text, column) if self._may_mislead(text) else text

    def _may_mislead(self, text: pa.Array) -> bool:
        """Whether text that is no STRING could be misread: empty bytes, or 1,5 where a digit or sign delimits."""
        return self._delimiter in "0123456789+-.:eETZ " or pc.any(pc.equal(text, "")).as_py() is True

    def _special_pattern(self) -> str:
        """What would be misread without quotes: delimiters, quotes, escapes, line ends, outer space, '', comments."""
        characters = (self._delimiter, self._dialect.quote, self._dialect.escape)
        inside = "".join(f"\\x{ord(each):02x}" for each in characters if each is not None)
        if self._dialect.quote is None:
            return f"[{inside}\r\n]"
        return f"[{inside}\r\n]|^\\s|\\s$|^$" + ("|^#" if self._dialect.comments else "")

    def _protected(self, text: pa.Array, column: Column) -> pa.Array:
        """The text so that it reads back as what it is: in quotes, or with escapes."""
        if self._is_plain(text):
            return text
        needed = pc.match_substring_regex(text, self._special)
        if self._null and self._dialect.quote is not None:
            needed = pc.or_(needed, pc.equal(text, self._null))
        if not pc.any(needed).as_py():
            return text
        quote, escape = self._dialect.quote, self._dialect.escape
        if quote is None:
            return pc.if_else(needed, self._escaped(text, needed, column), text)
        doubled = text if escape is None else pc.replace_substring(text, escape, escape * 2)
        doubled = pc.replace_substring(doubled, quote, quote * 2)
        return pc.if_else(needed, pc.binary_join_element_wise(quote, doubled, quote, ""), text)

    def _is_plain(self, text: pa.Array) -> bool:
        """Whether nothing of that is in any text, as far as its bytes tell at a glance."""
        if self._null or text.type != pa.string() or not "".join(self._inside).isascii():
            return False
        offsets, data = offsets_and_bytes(text)
        begins, ends = offsets[:-1] - offsets[0], offsets[1:] - offsets[0]
        filled, missing = begins < ends, nulls(text)
        if not bool((filled if missing is None else filled | missing).all()) or has_byte(data, self._inside):
            return False
        outer = np.concatenate([data[begins[filled]], data[ends[filled] - 1]])
        return not has_byte(outer, " \t\f\v#")

    def _escaped(self, text: pa.Array, needed: pa.Array, column: Column) -> pa.Array:
        escape = self._dialect.escape
        if escape is None:
            first = text.filter(needed)[0].as_py()
            raise DataError(
                f"column {column.name}: '{first}' cannot be written without quotes",
                hint="set 'csv.escape-character', or leave 'csv.disable-quote-character' out",
            )
        for each in (escape, self._delimiter, "\r", "\n"):
            text = pc.replace_substring(text, each, escape + each)
        return text


def _lines(fields: Sequence[pa.Array], delimiter: str) -> pa.Array:
    pieces: list[pa.Array | str] = []
    for field in fields:
        pieces += [field, delimiter]
    pieces[-1] = "\n"
    return pc.binary_join_element_wise(*pieces, "")
