"""Avro schemas and Arrow types, both ways; an Avro schema is a str, list or dict as its JSON says."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from streamsql.errors import DataError, UsageError
from streamsql.expr.types import STRINGS, Kind, Schema, SqlType

AvroSchema = Any

RECORD_NAME = "org.apache.flink.avro.generated.record"
"""The name of the record that Flink reads and writes."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLAIN: dict[str, pa.DataType] = {
    "null": pa.null(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "bytes": pa.binary(),
    "fixed": pa.binary(),
    "string": pa.string(),
    "enum": pa.string(),
}
_LOGICAL: dict[tuple[str, str], pa.DataType] = {
    ("int", "date"): pa.date32(),
    ("int", "time-millis"): pa.time32("ms"),
    ("long", "time-micros"): pa.time64("us"),
    **{("long", f"timestamp-{name}s"): pa.timestamp(unit, "UTC") for name, unit in (("milli", "ms"), ("micro", "us"))},
    **{("long", f"local-timestamp-{name}s"): pa.timestamp(unit) for name, unit in (("milli", "ms"), ("micro", "us"))},
    ("long", "timestamp-nanos"): pa.timestamp("ns", "UTC"),
    ("long", "local-timestamp-nanos"): pa.timestamp("ns"),
}
_WIDER = (("int", "long"), ("int", "float", "double"), ("int", "long", "double"), ("float", "double"))
"""Unions of numbers that the last of them holds."""


def as_integers(schema: AvroSchema) -> AvroSchema:
    """The schema without its times: they are then read as the integers that they are stored as."""
    match schema:
        case dict():
            kept = {key: as_integers(value) for key, value in schema.items() if not _is_time(schema, key)}
            return {**kept, **{key: schema[key] for key in ("default", "symbols") if key in schema}}
        case list():
            return [as_integers(each) for each in schema]
        case _:
            return schema


def _is_time(schema: AvroSchema, key: str) -> bool:
    return key == "logicalType" and (schema.get("type"), schema[key]) in _LOGICAL


def arrow_schema(schema: AvroSchema, file: str, wanted: Callable[[str], bool] = lambda name: True) -> pa.Schema:
    """The columns of a file whose records have this (expanded) schema; DataError for what SQL has no type for."""
    if not (isinstance(schema, dict) and schema.get("type") == "record"):
        raise DataError(f"{file}: holds no records, but {_name(schema)}", hint="a table needs a schema of type record")
    fields = [each for each in schema["fields"] if wanted(each["name"])]
    return pa.schema([_field(each["name"], each["type"], f"{file}: column {each['name']}") for each in fields])


def _field(name: str, schema: AvroSchema, where: str) -> pa.Field:
    return pa.field(name, _type(schema, where), nullable=schema == "null" or (_is_union(schema) and "null" in schema))


def _is_union(schema: AvroSchema) -> bool:
    return isinstance(schema, list)


def _type(schema: AvroSchema, where: str) -> pa.DataType:
    if isinstance(schema, list):
        return _union(schema, where)
    if isinstance(schema, str):
        schema = {"type": schema}
    kind, logical = schema["type"], schema.get("logicalType")
    if isinstance(kind, dict | list):
        return _type(kind, where)
    if logical == "decimal" and "precision" in schema and kind in ("bytes", "fixed"):
        return _decimal(schema, where)
    found = _LOGICAL.get((kind, logical)) or _PLAIN.get(kind)
    if found is not None:
        return found
    match kind:
        case "array":
            return pa.list_(_type(schema["items"], where))
        case "map":
            return pa.map_(pa.string(), _type(schema["values"], where))
        case "record":
            return pa.struct([_field(each["name"], each["type"], where) for each in schema["fields"]])
        case _:
            raise DataError(f"{where}: {kind} contains itself, which no SQL type can", hint=_LEAVE_OUT)


_LEAVE_OUT = "declare the table's columns without it"


def _decimal(schema: AvroSchema, where: str) -> pa.DataType:
    if schema["precision"] > 38:
        raise DataError(f"{where}: a decimal of {schema['precision']} digits, SQL has 38", hint=_LEAVE_OUT)
    return pa.decimal128(schema["precision"], schema.get("scale", 0))


def _union(schema: list[AvroSchema], where: str) -> pa.DataType:
    branches = [each for each in schema if each != "null"]
    if len(branches) <= 1:
        return _type(branches[0] if branches else "null", where)
    names = {_name(each) for each in branches}
    for wider in _WIDER:
        if names <= set(wider) and wider[-1] in names:
            return _PLAIN[wider[-1]]
    listed = " and ".join(_name(each) for each in branches)
    raise DataError(f"{where} is a union of {listed}, which no SQL type holds", hint=_LEAVE_OUT)


def _name(schema: AvroSchema) -> str:
    if isinstance(schema, list):
        return "a union"
    return str(schema if isinstance(schema, str) else schema.get("logicalType") or schema["type"])


def avro_schema(schema: Schema, *, legacy: bool) -> AvroSchema:
    """The schema of a record with these columns, as Flink makes it; UsageError for what Avro cannot hold.

    `legacy`: TIMESTAMP is written as an instant, as Flink does unless told otherwise.
    """
    names, types = schema.names, schema.types
    return _record(RECORD_NAME, names, types, legacy)


def _record(name: str, names: tuple[str, ...], types: tuple[SqlType, ...], legacy: bool) -> AvroSchema:
    for each in names:
        if not _NAME.fullmatch(each):
            raise UsageError(
                f"avro cannot have a column named '{each}'", hint="name it with letters, digits and _, such as AS total"
            )
    columns = zip(names, types, strict=True)
    fields = [_written_field(each, _nullable(type_, f"{name}_{each}", legacy)) for each, type_ in columns]
    return {"type": "record", "name": name, "fields": fields}


def _written_field(name: str, schema: AvroSchema) -> AvroSchema:
    return {"name": name, "type": schema, **({"default": None} if isinstance(schema, list) else {})}


def _nullable(type_: SqlType, name: str, legacy: bool) -> AvroSchema:
    schema = _written(type_, name, legacy)
    return ["null", schema] if type_.nullable and schema != "null" else schema


def _written(type_: SqlType, name: str, legacy: bool) -> AvroSchema:
    unit = "millis" if (type_.precision or 0) <= 3 else "micros"
    match type_.kind:
        case Kind.TIMESTAMP | Kind.TIMESTAMP_LTZ:
            local = "" if legacy or type_.kind is Kind.TIMESTAMP_LTZ else "local-"
            return {"type": "long", "logicalType": f"{local}timestamp-{unit}"}
        case Kind.TIME:
            return {"type": "int" if unit == "millis" else "long", "logicalType": f"time-{unit}"}
        case Kind.DECIMAL:
            return {"type": "bytes", "logicalType": "decimal", "precision": type_.precision, "scale": type_.scale}
        case Kind.ARRAY:
            return {"type": "array", "items": _nullable(type_.children[0], name, legacy)}
        case Kind.MAP if type_.children[0].kind in STRINGS:
            return {"type": "map", "values": _nullable(type_.children[1], name, legacy)}
        case Kind.MULTISET if type_.children[0].kind in STRINGS:
            return {"type": "map", "values": "int"}
        case Kind.ROW:
            return _record(name, type_.names, type_.children, legacy)
        case kind if kind in _WRITTEN:
            return _WRITTEN[kind]
        case _:
            raise UsageError(f"avro cannot hold {type_}", hint="CAST it to STRING")


_WRITTEN: dict[Kind, AvroSchema] = {
    Kind.NULL: "null",
    Kind.BOOLEAN: "boolean",
    Kind.TINYINT: "int",
    Kind.SMALLINT: "int",
    Kind.INT: "int",
    Kind.BIGINT: "long",
    Kind.FLOAT: "float",
    Kind.DOUBLE: "double",
    Kind.CHAR: "string",
    Kind.VARCHAR: "string",
    Kind.BINARY: "bytes",
    Kind.VARBINARY: "bytes",
    Kind.DATE: {"type": "int", "logicalType": "date"},
}
