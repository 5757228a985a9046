"""The options of the json format, as Flink has them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from streamsql.errors import DataError, UsageError
from streamsql.expr import types as t
from tests.connectors.tables import batch, read, rows_of, write

SCHEMA = t.schema(
    ("k", t.STRING), ("d", t.decimal(20, 8)), ("r", t.row(("x", "y"), (t.INT, t.STRING))), ("a", t.array(t.INT)),
)  # fmt: skip
ROWS = batch(
    SCHEMA,
    k=["a", None, None], d=[Decimal("0.00000001"), None, None], a=[[1, None], None, []],
    r=[{"x": None, "y": 'q"'}, None, {"x": None, "y": None}],
)  # fmt: skip
PLAIN = (
    '{"k":"a","d":0.00000001,"r":{"x":null,"y":"q\\""},"a":[1,null]}\n'
    '{"k":null,"d":null,"r":null,"a":null}\n'
    '{"k":null,"d":null,"r":{"x":null,"y":null},"a":[]}\n'
)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, PLAIN),
        ({"json__encode__decimal_as_plain_number": "true"}, PLAIN),
        ({"json__encode__decimal_as_plain_number": "false"}, PLAIN.replace("0.00000001", "1E-8")),
        ({"encode__ignore_null_fields": "false"}, PLAIN),
        (
            {"json__encode__ignore_null_fields": "true"},
            '{"k":"a","d":0.00000001,"r":{"y":"q\\""},"a":[1,null]}\n{}\n{"r":{},"a":[]}\n',
        ),
        ({"json__map_null_key__mode": "LITERAL", "json__map_null_key__literal": "none"}, PLAIN),
    ],
)
def test_how_rows_are_written(tmp_path: Path, options: dict[str, str], expected: str) -> None:
    path = tmp_path / "out.jsonl"
    write(SCHEMA, path, ROWS, **options)
    assert path.read_text() == expected
    assert rows_of(read(SCHEMA, path)) == ROWS.to_pylist()


def test_iso_times_are_written_and_both_are_read(tmp_path: Path) -> None:
    path, schema = tmp_path / "out.jsonl", t.schema(("at", t.timestamp(3)), ("zoned", t.timestamp_ltz(3)))
    path.write_text('{"at": "2024-01-01 10:00:00", "zoned": "2024-01-01T10:00:00.5Z"}\n')
    (found,) = read(schema, path, timestamp_format__standard="ISO-8601")
    write(schema, path, found.rows, timestamp_format__standard="ISO-8601")
    assert path.read_text() == '{"at":"2024-01-01T10:00:00.000","zoned":"2024-01-01T10:00:00.500Z"}\n'


@pytest.mark.parametrize("prefix", ["", "json__"])
def test_a_field_that_is_missing(tmp_path: Path, prefix: str) -> None:
    path, schema = tmp_path / "t.jsonl", t.schema(("k", t.STRING), ("v", t.INT))
    path.write_text('{"v":1,"k":null}\n{"v":2}\n')
    options: dict[str, Any] = {f"{prefix}fail_on_missing_field": "true"}
    assert rows_of(read(schema, path)) == [{"k": None, "v": 1}, {"k": None, "v": 2}]
    with pytest.raises(DataError, match=r"t\.jsonl:2: field k is missing\n  \{\"v\":2\}"):
        read(schema, path, ("v",), **options)


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        (
            {"json__ignore_parse_error": "true"},
            "unknown option 'json.ignore-parse-error' of table t (filesystem, json)",
            'did you mean "json.ignore-parse-errors"?',
        ),
        (
            {"json__map_null_key__mode": "drop"},
            "option 'map-null-key.mode' = 'drop': write one of FAIL, DROP, LITERAL",
            "",
        ),
        (
            {"json__timestamp_format__standard": "ISO"},
            "option 'timestamp-format.standard' = 'ISO': write one of SQL, ISO-8601",
            "",
        ),
        (
            {"json__encode__ignore_null_fields": "yes"},
            "option 'encode.ignore-null-fields' = 'yes': write true or false",
            "",
        ),
    ],
)
def test_wrong_options(tmp_path: Path, options: dict[str, str], message: str, hint: str) -> None:
    path = tmp_path / "t.jsonl"
    path.touch()
    with pytest.raises(UsageError) as caught:
        read(SCHEMA, path, **options)
    assert caught.value.message == message
    assert (caught.value.hint or "").startswith(hint)
