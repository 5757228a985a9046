"""Damaged files: each ends in an error that says where and what to do, after the good rows before it."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from streamsql_connectors import text_blocks

from streamsql.errors import DataError
from streamsql.expr import types as t
from streamsql.plugins import load_connector
from streamsql.ports import ReadRequest
from tests.connectors.tables import options, read, rows_of

KV = t.schema(("k", t.STRING), ("v", t.INT))
GOOD = b'{"k":"a","v":1}\n'


def failure(path: Path) -> tuple[list[dict[str, Any]], DataError]:
    """The rows before the error, and the error."""
    rows = []
    with pytest.raises(DataError) as caught:
        for each in load_connector("filesystem").source(options(KV, path)).read(ReadRequest(KV.names)):
            rows += each.rows.to_pylist()
    return rows, caught.value


@pytest.mark.parametrize(
    ("line", "reason", "shown"),
    [
        (b'{"k":"a\0b"}', "not valid JSON: Invalid control character at column 8", '{"k":"a\\x00b"}'),
        (b"\xef\xbb\xbf{}", "not a JSON object", "\\ufeff{}"),
        (b'{"v":1,"v":2}', "field v occurs twice", '{"v":1,"v":2}'),
        (b'{"v":NaN}', "not valid JSON: NaN is not a JSON value", '{"v":NaN}'),
        (b'{"v":1,}', "not valid JSON: Expecting property name enclosed in double quotes at column 8", '{"v":1,}'),
        (b'{"z":[1,]}', "not valid JSON: Expecting value at column 9", '{"z":[1,]}'),
        (
            b'{"k":"\\ud800"}',
            "not valid JSON: an escape from \\ud800 to \\udfff without its other half",
            '{"k":"\\ud800"}',
        ),
        (b'{"v":1} x', "not valid JSON: Extra data at column 9", '{"v":1} x'),
        (b'{"v":99999999999}', "column v: '99999999999' is not INT", '{"v":99999999999}'),
        (b'{"v":1e400}', "column v: '1e400' is not INT", '{"v":1e400}'),
        (b'{"k":"a"}\r{"k":"b"}', "not valid JSON: Extra data at column 11", '{"k":"a"}\\r{"k":"b"}'),
        (
            b'{"z":' + b"[" * 100_000,
            "not valid JSON that could be read: it is nested too deeply",
            '{"z":' + "[" * 195 + "…",
        ),
    ],
)
def test_bad_lines(tmp_path: Path, line: bytes, reason: str, shown: str) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(GOOD + b"\r\n" + line + b"\n" + GOOD)
    rows, error = failure(path)
    assert rows == [{"k": "a", "v": 1}]
    assert error.message == f"{path}:3: {reason}\n  {shown}"
    assert "'json.ignore-parse-errors' = 'true'" in (error.hint or "")
    assert len(rows_of(read(KV, path, ignore_parse_errors="true"))) == (3 if reason.startswith("column") else 2)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (b'[{"v":1},\n {"v":2}]\n', "a file that is one array has to be rewritten as one object a line"),
        (b'{\n  "v": 1\n}\n', "an object must be on one line"),
    ],
)
def test_other_layouts_of_json(tmp_path: Path, text: bytes, hint: str) -> None:
    path = tmp_path / "t.json"
    path.write_bytes(text)
    _, error = failure(path)
    assert error.message.startswith(f"{path}:1: ")
    assert (error.hint or "").startswith(hint)


def test_deep_values_that_are_complete_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(b'{"v":1,"z":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n")
    assert rows_of(read(KV, path)) == [{"k": None, "v": 1}]


def test_compressed_data_that_ends_too_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_blocks, "BLOCK_BYTES", 1 << 16)
    path = tmp_path / "t.jsonl.gz"
    whole = gzip.compress(b"".join(b'{"k":"%x","v":%d}\n' % (each * 7919, each) for each in range(100_000)))
    path.write_bytes(whole[: len(whole) // 2])
    rows, error = failure(path)
    assert rows[:2] == [{"k": "0", "v": 0}, {"k": "1eef", "v": 1}]
    assert error.message == f"{path} after line {len(rows)}: Truncated compressed stream"
    assert error.hint == "the file is cut off: fetch it again"


def test_a_name_that_promises_compression(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl.gz"
    path.write_bytes(GOOD)
    rows, error = failure(path)
    assert (rows, "incorrect header check" in error.message) == ([], True)
    assert error.hint == "the file is not compressed as its name says: set 'compression' = 'none', or rename it"
    assert rows_of(read(KV, path, compression="none")) == [{"k": "a", "v": 1}]


def test_members_of_gzip_are_one_file(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl.gz"
    path.write_bytes(gzip.compress(GOOD + GOOD[:5]) + gzip.compress(GOOD[5:]) + gzip.compress(b""))
    assert rows_of(read(KV, path)) == [{"k": "a", "v": 1}] * 2
