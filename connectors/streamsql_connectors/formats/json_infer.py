"""Columns of JSON lines that nobody declared, from the first 8 MB."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from streamsql.errors import DataError
from streamsql.expr.types import BIGINT, BOOLEAN, DOUBLE, STRING, Column, Schema, SqlType, array, decimal, row
from streamsql.ports import RecordFile
from streamsql_connectors import duck
from streamsql_connectors.formats.inferred_types import inferred_text
from streamsql_connectors.formats.json_values import members
from streamsql_connectors.formats.text_values import parse_text
from streamsql_connectors.text_blocks import read_blocks
from streamsql_connectors.text_lines import split_lines

_WHOLE = ("BIGINT", "UBIGINT", "HUGEINT")
_SCALARS = {**dict.fromkeys(_WHOLE, BIGINT), "DOUBLE": DOUBLE, "BOOLEAN": BOOLEAN}


def infer_json(file: RecordFile) -> Schema:
    """All keys of the first lines, in the order in which they first appear; DataError where there are none.

    Malformed lines are not looked at: reading the file will name them.
    """
    stream = file.open()
    try:
        block = next(read_blocks(stream, file.name), None)
    finally:
        stream.close()
    objects = pa.array([], pa.string())
    if block is not None:
        (kept,) = duck.project(
            {"t": split_lines(block.data).array(pa.binary())},
            "CASE WHEN json_valid(try(decode(t))) AND json_type(try(decode(t))) = 'OBJECT' THEN decode(t) END",
        )
        objects = kept.drop_null()
    if not len(objects):
        raise DataError(f"{file.name}: no JSON objects to find columns in", hint="declare the table's columns")
    structure = _structure(objects)
    names = list(structure)
    texts = members(objects, names).texts
    columns = [Column(name, _type(structure[name], text)) for name, text in zip(names, texts, strict=True)]
    return Schema(tuple(columns))


def _structure(objects: pa.Array) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(duck.aggregate({"t": objects}, "json_group_structure(t::JSON)"))
    return found


def _type(structure: Any, text: pa.Array | None = None) -> SqlType:
    match structure:
        case dict():
            if not structure:
                return STRING
            return row(tuple(structure), tuple(_type(each) for each in structure.values()))
        case [element]:
            return array(_type(element))
        case str():
            if structure == "VARCHAR" and text is not None:
                return inferred_text(text)
            if structure in _WHOLE and text is not None and parse_text(text, BIGINT).bad is not None:
                return decimal(38, 0)
            return _SCALARS.get(structure, STRING)
        case _:
            return STRING
