"""Columns to JSON lines, column at a time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr.types import FLOATS, INT, INTEGERS, STRING, Kind, Schema, SqlType
from streamsql_connectors.formats.text_render import render_scalar, value_bytes

_BARE = frozenset((Kind.BOOLEAN, Kind.DECIMAL, *INTEGERS))
_CONTROL = "[\\x00-\\x1f]"
_ESCAPED = '["\\\\\\x00-\\x1f]'
_ESCAPES = (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))


class JsonWriter:
    """Writes one object a line into an open file."""

    def __init__(self, schema: Schema, target: BinaryIO, *, iso: bool = False) -> None:
        self._type = SqlType(Kind.ROW, nullable=False, children=schema.types, names=schema.names)
        self._target = target
        self._iso = iso

    def write(self, rows: pa.RecordBatch) -> None:
        """All columns of each row, in order."""
        if rows.num_rows:
            lines = _objects(rows.columns, self._type, rows.num_rows, self._iso, end="}\n")
            self._target.write(value_bytes(lines))

    def finish(self) -> None:
        """Nothing belongs at the end."""


def to_json(values: pa.Array, type_: SqlType, *, iso: bool = False) -> pa.Array:
    """JSON text of each value; NULL is `null`."""
    match type_.kind:
        case Kind.ROW:
            text = _objects(values.flatten(), type_, len(values), iso)
        case Kind.ARRAY:
            text = _arrays(values, type_, iso)
        case Kind.MAP | Kind.MULTISET:
            text = _maps(values, type_, iso)
        case _:
            return pc.fill_null(_scalar(values, type_, iso), "null")
    return pc.if_else(pc.is_valid(values), text, "null") if values.null_count else text


def _scalar(values: pa.Array, type_: SqlType, iso: bool) -> pa.Array:
    text = render_scalar(values, type_, iso=iso)
    if type_.kind in _BARE:
        return text
    if type_.kind in FLOATS:
        named = pc.is_in(text, pa.array(["NaN", "Infinity", "-Infinity"]))
        return pc.if_else(named, _quoted(text), text) if pc.any(named).as_py() else text
    return _quoted(_escaped(text) if type_.kind in (Kind.CHAR, Kind.VARCHAR) else text)


def _quoted(text: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise('"', text, '"', "")


def _escaped(text: pa.Array) -> pa.Array:
    if not pc.any(pc.match_substring_regex(text, _ESCAPED)).as_py():
        return text
    for character, escape in _ESCAPES:
        text = pc.replace_substring(text, character, escape)
    if pc.any(pc.match_substring_regex(text, _CONTROL)).as_py():
        for code in range(32):
            text = pc.replace_substring(text, chr(code), f"\\u{code:04x}")
    return text


def _objects(columns: Sequence[pa.Array], type_: SqlType, rows: int, iso: bool, end: str = "}") -> pa.Array:
    pieces: list[pa.Array | str] = []
    opening = "{"
    for name, child, values in zip(type_.names, type_.children, columns, strict=True):
        pieces += [f"{opening}{json.dumps(name, ensure_ascii=False)}:", to_json(values, child, iso=iso)]
        opening = ","
    if not pieces:
        return pa.array(["{" + end]).take(pa.array([0] * rows))
    return pc.binary_join_element_wise(*pieces, end, "")


def _arrays(values: pa.Array, type_: SqlType, iso: bool) -> pa.Array:
    elements = to_json(values.values, type_.children[0], iso=iso)
    return pc.binary_join_element_wise("[", _joined(values, elements), "]", "")


def _joined(values: pa.Array, elements: pa.Array) -> pa.Array:
    texts = pa.ListArray.from_arrays(_whole_offsets(values), elements)
    return pc.binary_join(texts, ",")


def _whole_offsets(values: pa.Array) -> pa.Array:
    return values.offsets


def _maps(values: pa.Array, type_: SqlType, iso: bool) -> pa.Array:
    key, value = type_.children if type_.kind is Kind.MAP else (type_.children[0], INT)
    keys = _as_key(values.keys, key, iso)
    entries = pc.binary_join_element_wise(keys, to_json(values.items, value, iso=iso), ":")
    return pc.binary_join_element_wise("{", _joined(values, entries), "}", "")


def _as_key(keys: pa.Array, type_: SqlType, iso: bool) -> pa.Array:
    """Keys of JSON objects are text, whatever their type."""
    text = to_json(keys, type_, iso=iso)
    if type_.kind in _BARE or type_.kind in FLOATS:
        return pc.if_else(pc.starts_with(text, '"'), text, _quoted(text))
    if type_.children:
        return to_json(text, STRING)
    return text
