"""Columns to JSON lines, column at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr.types import FLOATS, INT, INTEGERS, STRING, Kind, Schema, SqlType
from streamsql_connectors.formats.json_options import USUAL_STYLE, JsonStyle
from streamsql_connectors.formats.text_render import render_scalar, value_bytes

_BARE = frozenset((Kind.BOOLEAN, Kind.DECIMAL, *INTEGERS))
_CONTROL = "[\\x00-\\x1f]"
_ESCAPES = (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))


class JsonWriter:
    """Writes one object a line into an open file."""

    def __init__(self, schema: Schema, target: BinaryIO, style: JsonStyle = USUAL_STYLE) -> None:
        self._type = SqlType(Kind.ROW, nullable=False, children=schema.types, names=schema.names)
        self._target = target
        self._style = style

    def write(self, rows: pa.RecordBatch) -> None:
        """All columns of each row, in order."""
        if rows.num_rows:
            lines = _objects(rows.columns, self._type, rows.num_rows, self._style, end="}\n")
            self._target.write(value_bytes(lines))

    def finish(self) -> None:
        """Nothing belongs at the end."""


def to_json(values: pa.Array, type_: SqlType, style: JsonStyle = USUAL_STYLE) -> pa.Array:
    """JSON text of each value; NULL is `null`."""
    return _complete(*_unquoted(values, type_, style), values)


def _complete(quote: bool, text: pa.Array, values: pa.Array) -> pa.Array:
    if quote:
        text = pc.binary_join_element_wise('"', text, '"', "")
    return pc.if_else(pc.is_valid(values), text, "null") if values.null_count or text.null_count else text


def _unquoted(values: pa.Array, type_: SqlType, style: JsonStyle) -> tuple[bool, pa.Array]:
    """JSON text without the quotes around it, and whether it needs them; where the value is NULL it is undefined."""
    match type_.kind:
        case Kind.ROW:
            return False, _objects(values.flatten(), type_, len(values), style)
        case Kind.ARRAY:
            return False, _arrays(values, type_, style)
        case Kind.MAP | Kind.MULTISET:
            return False, _maps(values, type_, style)
        case Kind.CHAR | Kind.VARCHAR:
            return True, _escaped(values)
        case Kind.DECIMAL if not style.plain_decimals:
            return False, pc.cast(values, pa.string())
        case kind:
            text = render_scalar(values, type_, iso=style.iso)
            if kind not in FLOATS:
                return kind not in _BARE, text
            return False, _named_quoted(text, values)


def _named_quoted(text: pa.Array, values: pa.Array) -> pa.Array:
    """NaN and the infinities are JSON strings."""
    named = pc.invert(pc.is_finite(values))
    if not pc.any(named).as_py():
        return text
    return pc.if_else(named, pc.binary_join_element_wise('"', text, '"', ""), text)


def _escaped(text: pa.Array) -> pa.Array:
    data = np.frombuffer(value_bytes(text), np.uint8)
    if not ((data < 32) | (data == ord('"')) | (data == ord("\\"))).any():
        return text
    for character, escape in _ESCAPES:
        text = pc.replace_substring(text, character, escape)
    if pc.any(pc.match_substring_regex(text, _CONTROL)).as_py():
        for code in range(32):
            text = pc.replace_substring(text, chr(code), f"\\u{code:04x}")
    return text


def _objects(columns: Sequence[pa.Array], type_: SqlType, rows: int, style: JsonStyle, end: str = "}") -> pa.Array:
    if not style.with_nulls:
        return _objects_of_filled(columns, type_, rows, style, end)
    pieces: list[pa.Array | str] = []
    before = "{"
    for name, child, values in zip(type_.names, type_.children, columns, strict=True):
        quote, text = _unquoted(values, child, style)
        if values.null_count or text.null_count:
            quote, text = False, _complete(quote, text, values)
        mark = '"' if quote else ""
        pieces += [f"{before}{_key(name)}{mark}", text]
        before = f"{mark},"
    if not pieces:
        return _repeated("{" + end, rows)
    return pc.binary_join_element_wise(*pieces, before[:-1] + end, "")


def _objects_of_filled(columns: Sequence[pa.Array], type_: SqlType, rows: int, style: JsonStyle, end: str) -> pa.Array:
    """Objects without the fields that are NULL."""
    fields = []
    for name, child, values in zip(type_.names, type_.children, columns, strict=True):
        value = pc.if_else(pc.is_valid(values), to_json(values, child, style), None)
        fields.append(pc.binary_join_element_wise(_key(name), value, ""))
    members = pc.binary_join_element_wise(_repeated("", rows), *fields, ",", null_handling="skip")
    return pc.binary_join_element_wise("{", pc.utf8_slice_codeunits(members, 1), end, "")


def _key(name: str) -> str:
    (escaped,) = _escaped(pa.array([name])).to_pylist()
    return f'"{escaped}":'


def _repeated(text: str, rows: int) -> pa.Array:
    return pa.array([text]).take(pa.array(np.zeros(rows, np.int64)))


def _arrays(values: pa.Array, type_: SqlType, style: JsonStyle) -> pa.Array:
    from streamsql_connectors.formats.conform import compact

    values = compact(values)
    elements = to_json(values.values, type_.children[0], style)
    return pc.binary_join_element_wise("[", _joined(values, elements), "]", "")


def _joined(values: pa.Array, elements: pa.Array) -> pa.Array:
    return pc.binary_join(pa.ListArray.from_arrays(values.offsets, elements), ",")


def _maps(values: pa.Array, type_: SqlType, style: JsonStyle) -> pa.Array:
    key, value = type_.children if type_.kind is Kind.MAP else (type_.children[0], INT)
    from streamsql_connectors.formats.conform import compact

    values = compact(values)
    keys = _as_key(values.keys, key, style)
    entries = pc.binary_join_element_wise(keys, to_json(values.items, value, style), ":")
    return pc.binary_join_element_wise("{", _joined(values, entries), "}", "")


def _as_key(keys: pa.Array, type_: SqlType, style: JsonStyle) -> pa.Array:
    """Keys of JSON objects are text, whatever their type."""
    text = to_json(keys, type_, style)
    if type_.kind in _BARE or type_.kind in FLOATS:
        return pc.if_else(pc.starts_with(text, '"'), text, pc.binary_join_element_wise('"', text, '"', ""))
    if type_.children:
        return to_json(text, STRING, style)
    return text
