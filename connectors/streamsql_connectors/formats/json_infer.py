"""Columns of JSON lines that nobody declared, from the first 8 MB."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from streamsql.errors import DataError
from streamsql.expr.types import BIGINT, BOOLEAN, DOUBLE, STRING, Column, Schema, SqlType, array, decimal, row
from streamsql.ports import RecordFile
from streamsql_connectors import duck
from streamsql_connectors.formats.inferred_types import inferred_text
from streamsql_connectors.formats.json_values import elements, fields, members
from streamsql_connectors.formats.text_values import parse_text
from streamsql_connectors.text_blocks import read_blocks
from streamsql_connectors.text_lines import Lines


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
            {"t": Lines(block.data).array(pa.binary())},
            "CASE WHEN json_valid(try(decode(t))) AND json_type(try(decode(t))) = 'OBJECT' THEN decode(t) END",
        )
        objects = kept.drop_null()
    structure = _structure(objects) if len(objects) else {}
    names = [each for each in structure if each]
    if not names:
        hint = "each line must be one JSON object, or declare the table's columns"
        raise DataError(f"{file.name}: no JSON objects to find columns in", hint=hint)
    texts = members(objects, names).texts
    columns = [Column(name, _type(structure[name], text)) for name, text in zip(names, texts, strict=True)]
    return Schema(tuple(columns))


def _structure(objects: pa.Array) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(duck.aggregate({"t": objects}, "json_group_structure(t::JSON)"))
    return found


def _type(structure: Any, text: pa.Array) -> SqlType:
    """The type for a structure as DuckDB describes it, and the texts that were found there."""
    match structure:
        case dict() if structure and "" not in structure:
            inside = fields(text, list(structure)).texts
            types = [_type(each, values) for each, values in zip(structure.values(), inside, strict=True)]
            return row(tuple(structure), tuple(types))
        case [element]:
            return array(_type(element, elements(text)[0].flatten()))
        case "VARCHAR":
            return inferred_text(text)
        case "DOUBLE" | "BIGINT" | "UBIGINT" | "HUGEINT":
            return _number(text)
        case "BOOLEAN":
            return BOOLEAN
        case _:
            return STRING


def _number(text: pa.Array) -> SqlType:
    """BIGINT, or DECIMAL(38, 0) for whole numbers that need it; DOUBLE for all else."""
    if not pc.all(pc.match_substring_regex(text, "^-?[0-9]{1,38}$")).as_py():
        return DOUBLE
    return BIGINT if parse_text(text, BIGINT).bad is None else decimal(38, 0)
