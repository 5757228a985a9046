"""Avro files: what other writers put into them, logical types, codecs, damaged files."""

from __future__ import annotations

import json
import sys
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import pytest
from streamsql_connectors.formats import avro

from streamsql.errors import DataError, UsageError
from streamsql.expr import types as t
from streamsql.expr.types import Schema
from streamsql.plugins import load_connector
from streamsql.ports import ReadRequest
from tests.connectors.tables import batch, options, read, rows_of, write

AB = t.schema(("a", t.INT), ("b", t.STRING))
LEGACY = {"avro.timestamp_mapping.legacy": "true"}
POINT = {"type": "record", "name": "Point", "fields": [{"name": "x", "type": "int"}, {"name": "y", "type": "double"}]}


def file_of(tmp_path: Path, fields: dict[str, Any], *records: dict[str, Any], **more: Any) -> Path:
    """An Avro file by another writer, with such fields."""
    path = tmp_path / "t.avro"
    schema = {
        "type": "record",
        "name": "R",
        "namespace": "n.s",
        "fields": [{"name": name, "type": type_} for name, type_ in fields.items()],
    }
    with path.open("wb") as out:
        fastavro.writer(out, schema, records, **more)
    return path


def inferred(path: Path, **more: Any) -> Schema:
    return load_connector("filesystem").infer(options(None, path, **more))


def logical(type_: str, logical_type: str, **more: Any) -> dict[str, Any]:
    return {"type": type_, "logicalType": logical_type, **more}


def test_logical_types(tmp_path: Path) -> None:
    before = datetime(1969, 12, 31, 23, 59, 59, 999000)
    fields = {
        "day": logical("int", "date"),
        "ms": logical("int", "time-millis"),
        "us": logical("long", "time-micros"),
        "at": ["null", logical("long", "timestamp-millis")],
        "at6": logical("long", "timestamp-micros"),
        "here": logical("long", "local-timestamp-millis"),
        "here9": logical("long", "local-timestamp-nanos"),
        "money": logical("bytes", "decimal", precision=7, scale=2),
        "fixed": logical("fixed", "decimal", name="F", size=4, precision=8, scale=3),
    }
    row = {
        "day": date(2024, 2, 29),
        "ms": time(1, 2, 3, 4000),
        "us": time(1, 2, 3, 4),
        "at": before.replace(tzinfo=UTC),
        "at6": datetime(2024, 1, 1, 0, 0, 0, 7, tzinfo=UTC),
        "here": before,
        "here9": -1,
        "money": Decimal("-12345.67"),
        "fixed": Decimal("1.500"),
    }
    path = file_of(tmp_path, fields, row)
    found = inferred(path)
    assert [f"{each.name} {each.type}" for each in found] == [
        "day DATE NOT NULL",
        "ms TIME(3) NOT NULL",
        "us TIME(6) NOT NULL",
        "at TIMESTAMP_LTZ(3)",
        "at6 TIMESTAMP_LTZ(6) NOT NULL",
        "here TIMESTAMP(3) NOT NULL",
        "here9 TIMESTAMP(6) NOT NULL",
        "money DECIMAL(7, 2) NOT NULL",
        "fixed DECIMAL(8, 3) NOT NULL",
    ]
    assert rows_of(read(found, path)) == [{**row, "here9": datetime(1969, 12, 31, 23, 59, 59, 999999)}]
    assert str(inferred(path, **LEGACY).columns[3].type) == "TIMESTAMP(3)"


def test_nested_and_named_types(tmp_path: Path) -> None:
    fields = {
        "p": POINT,
        "q": ["null", "n.s.Point"],
        "colour": {"type": "enum", "name": "Colour", "symbols": ["RED", "BLUE"]},
        "id": {"type": "fixed", "name": "Id", "size": 2},
        "tags": {"type": "array", "items": ["null", "string"]},
        "counts": {"type": "map", "values": {"type": "array", "items": "long"}},
        "n": ["int", "long"],
        "x": ["null", "int", "double"],
    }
    row = {
        "p": {"x": 1, "y": 0.5},
        "q": None,
        "colour": "BLUE",
        "id": b"ab",
        "tags": ["a", None],
        "counts": {"k": [1, 2]},
        "n": 2**40,
        "x": 1,
    }
    path = file_of(tmp_path, fields, row)
    found = inferred(path)
    assert [f"{each.name} {each.type}" for each in found] == [
        "p ROW<x INT, y DOUBLE> NOT NULL",
        "q ROW<x INT, y DOUBLE>",
        "colour STRING NOT NULL",
        "id BYTES NOT NULL",
        "tags ARRAY<STRING> NOT NULL",
        "counts MAP<STRING, ARRAY<BIGINT>> NOT NULL",
        "n BIGINT NOT NULL",
        "x DOUBLE",
    ]
    assert rows_of(read(found, path)) == [{**row, "counts": [("k", [1, 2])]}]


def test_columns_go_by_name_and_widen(tmp_path: Path) -> None:
    path = file_of(tmp_path, {"extra": "string", "a": "int"}, {"extra": "?", "a": 1})
    schema = t.schema(("a", t.BIGINT), ("absent", t.STRING))
    assert rows_of(read(schema, path)) == [{"a": 1, "absent": None}]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"u": ["int", "string"]}, r"t\.avro: column u is a union of int and string, which no SQL type holds"),
        ({"d": logical("bytes", "decimal", precision=50)}, r"t\.avro: column d: a decimal of 50 digits, SQL has 38"),
        (
            {"tree": {"type": "record", "name": "T", "fields": [{"name": "left", "type": ["null", "T"]}]}},
            r"t\.avro: column tree: n\.s\.T contains itself",
        ),
    ],
)
def test_what_sql_cannot_hold_may_be_left_out(tmp_path: Path, fields: dict[str, Any], message: str) -> None:
    path = file_of(tmp_path, {**fields, "ok": "int"})
    with pytest.raises(DataError, match=message) as caught:
        inferred(path)
    assert caught.value.hint == "declare the table's columns without it"
    assert rows_of(read(t.schema(("ok", t.INT)), path)) == []


def test_a_type_that_does_not_fit(tmp_path: Path) -> None:
    path = file_of(tmp_path, {"a": "string"}, {"a": "x"})
    with pytest.raises(DataError, match=r"t\.avro: column a is string in the file, but declared INT"):
        read(t.schema(("a", t.INT)), path)


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy", "zstandard", "bzip2", "xz"])
def test_codecs(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "t.avro"
    rows = batch(AB, a=list(range(100)), b=["same text"] * 100)
    write(AB, path, rows, avro__codec=codec)
    with path.open("rb") as file:
        assert fastavro.reader(file).codec == codec
    assert rows_of(read(AB, path)) == rows.to_pylist()


def test_as_written(tmp_path: Path) -> None:
    path = tmp_path / "t.avro"
    schema = t.schema(
        ("ts", t.timestamp(3)),
        ("ltz", t.timestamp_ltz(6)),
        ("m", t.map_(t.STRING, t.DATE)),
        ("n", t.INT.with_nullable(False)),
    )
    at = datetime(1969, 12, 31, 23, 59, 59, 999000)
    rows = batch(
        schema, ts=[at, None], ltz=[at.replace(tzinfo=UTC), None], m=[[("k", date(1950, 1, 1))], None], n=[1, 2]
    )
    write(schema, path, rows)
    with path.open("rb") as file:
        found = fastavro.reader(file)
        fields = json.loads(found.metadata["avro.schema"])["fields"]
        assert [each["type"] for each in fields] == [
            ["null", logical("long", "local-timestamp-millis")],
            ["null", logical("long", "timestamp-micros")],
            ["null", {"type": "map", "values": ["null", logical("int", "date")]}],
            "int",
        ]
        assert list(found) == [
            {"ts": at, "ltz": at.replace(tzinfo=UTC), "m": {"k": date(1950, 1, 1)}, "n": 1},
            {"ts": None, "ltz": None, "m": None, "n": 2},
        ]
    write(schema, path, rows, **LEGACY)
    assert str(inferred(path).types[0]) == "TIMESTAMP_LTZ(3)"
    assert rows_of(read(schema, path)) == rows.to_pylist()


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (t.schema(("a b", t.INT)), "avro cannot have a column named 'a b'"),
        (t.schema(("m", t.map_(t.INT, t.INT))), "avro cannot hold MAP<INT, INT>"),
        (t.schema(("i", t.INTERVAL_DAY)), "avro cannot hold INTERVAL DAY TO SECOND"),
    ],
)
def test_what_avro_cannot_hold(tmp_path: Path, schema: Schema, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        write(schema, tmp_path / "t.avro")


@pytest.mark.parametrize("content", [b"", b"PAR1 is not it", b"Obj\x01", b"Obj\x01\x02\x16avro.schema\x06oops"])
def test_not_avro(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.avro"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"t\.avro: not an Avro file: ."):
        read(AB, path)
    with pytest.raises(DataError, match=r"t\.avro: not an Avro file: ."):
        inferred(path)


def test_rows_before_the_damage_are_delivered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(avro, "_CHUNK_ROWS", 40)
    records = [{"a": each, "b": f"text {each}"} for each in range(200)]
    path = file_of(tmp_path, {"a": "int", "b": "string"}, *records, sync_interval=100)
    path.write_bytes(path.read_bytes()[:-7])
    rows = []
    with pytest.raises(DataError, match=r"t\.avro: damaged Avro file: ."):
        for each in load_connector("filesystem").source(options(AB, path)).read(ReadRequest(("a",))):
            rows += each.rows.column(0).to_pylist()
    assert rows == list(range(len(rows)))
    assert 180 < len(rows) < 200


def test_resume_in_any_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(avro, "_CHUNK_ROWS", 10)
    records = [{"a": each, "b": f"text {each}"} for each in range(50)]
    path = file_of(tmp_path, {"a": "int", "b": "string"}, *records, sync_interval=30)
    batches = read(AB, path, ("a",), batch_rows=4)
    assert len(batches) > 10
    seen = 0
    for each in batches:
        seen += each.rows.num_rows
        assert [row["a"] for row in rows_of(read(AB, path, ("a",), start=each.position))] == list(range(seen, 50))


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file_of(tmp_path, {"a": "int"}, {"a": 1})
    monkeypatch.setitem(sys.modules, "fastavro", None)
    with pytest.raises(UsageError, match="format avro needs the package fastavro") as caught:
        read(AB, path)
    assert caught.value.hint == "pip install 'streamsql-engine[avro]'"
    with pytest.raises(UsageError, match="format avro needs the package fastavro"):
        write(AB, tmp_path / "out.avro")
