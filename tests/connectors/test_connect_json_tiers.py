"""The fast readers of JSON lines give what reading every value from text gives, or leave the block alone."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from streamsql_connectors.formats import json_decode
from streamsql_connectors.formats.json_decode import JsonDecoder
from streamsql_connectors.formats.json_plain import plain_rows
from streamsql_connectors.formats.json_regular import regular_rows
from streamsql_connectors.text_blocks import TextBlock

from streamsql.expr import types as t

SCHEMA = t.schema(
    ("i", t.INT), ("s", t.STRING), ("d", t.DOUBLE), ("dec", t.decimal(6, 2)), ("ok", t.BOOLEAN),
    ("ts", t.timestamp(3)), ("day", t.DATE), ("r", t.row(("x", "a"), (t.INT, t.array(t.STRING)))),
)  # fmt: skip
FLAT = t.Schema(SCHEMA.columns[:-1])
VALUES = {
    "i": [
        "1",
        "0",
        "-0",
        "-17",
        "null",
        '"5"',
        "01",
        "1.0",
        "1e1",
        "true",
        "3000000000",
        "0x1",
        "+1",
        "[1]",
        '"5\t"',
        '"\\u0035"',
        '"5""',
    ],
    "s": [
        '"a"',
        '""',
        '"a,b"',
        '"\\"q\\" \\u00e9"',
        '"é"',
        "null",
        "1.10",
        "-0",
        "true",
        '{"k": 1}',
        '"}\\n{"',
        '"NaN"',
    ],
    "d": ["1.5", "0", "1e3", "1e400", "NaN", '"NaN"', "-Infinity", "null", "01.5", "1.", ".5", '"x"'],
    "dec": ["1.25", "1.005", "7", '"7.5"', "99999.99", "null", "1e2", "00.1"],
    "ok": ["true", "false", "null", "1", '"true"', "True"],
    "ts": [
        '"2024-01-01 10:00:00.5"',
        '"2024-01-01T10:00:00Z"',
        '"2024-01-01T10:00:00+02:00"',
        "null",
        "17",
        '"soon"',
        '"2024-01-01\t"',
    ],
    "day": ['"2024-02-29"', "null", "5", '"2024-1-1"', '"2024-02-29""', '"2024-02-2\\u0039"', '\t"2024-02-29"'],
    "r": ["null", "{}", '{"x": 1, "a": ["b", null]}', '{ "x" : 2 }', '{"x": 1, "x": 2}', "[]", '{"a": [1]}'],
    "other": ["1", '"x"', "{}", "[1, 2]", "NaN", "null", "tru", "01", '{"a": {}}'],
}


def decoded(decoder: JsonDecoder, data: bytes, columns: tuple[str, ...]) -> Any:
    found = decoder.decode(TextBlock(pa.py_buffer(data), 0), columns)
    return repr(
        (found.rows.to_pylist(), found.rows.schema, found.rows.num_rows, found.lines, found.problems, found.fatal)
    )


@st.composite
def blocks(draw: st.DrawFn) -> bytes:
    """Lines that are mostly alike, with a few odd ones among them."""
    keys = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=4, unique=True))
    colon, comma, end = draw(st.sampled_from([(":", ",", "\n"), (": ", ", ", "\n"), (":", ",", "\r\n")]))
    usual = {key: draw(st.sampled_from(VALUES[key])) for key in keys}
    lines = []
    for _ in range(draw(st.integers(1, 6))):
        odd = draw(st.sampled_from([None, None, *keys]))
        values = {**usual, **({} if odd is None else {odd: draw(st.sampled_from(VALUES[odd]))})}
        shown = draw(st.permutations(keys)) if draw(st.integers(0, 7)) == 0 else keys
        lines.append("{" + comma.join(f'"{key}"{colon}{values[key]}' for key in shown) + "}")
        if draw(st.integers(0, 5)) == 0:
            lines.append(
                draw(st.sampled_from(["", " ", "{}", "[]", '{"i":1}{"i":2}', '{"i":1', '{"i":1} null {"i":2}']))
            )
    return (end.join(lines) + (end if draw(st.booleans()) else "")).encode()


@settings(derandomize=True, deadline=None, max_examples=50)
@given(blocks(), st.sampled_from([SCHEMA, FLAT]), st.booleans(), st.booleans(), st.data())
@example(b'{"dec":99999.9}\r\n', FLAT, False, False, None)
@example(b'{"s":"}{"}\n{"s":"a"}\n', FLAT, False, False, None)
def test_all_readers_agree(data: bytes, schema: t.Schema, ignore: bool, missing: bool, draw: Any) -> None:
    columns = schema.names if draw is None else tuple(draw.draw(st.lists(st.sampled_from(schema.names), unique=True)))
    decoder = JsonDecoder(schema, ignore, missing and not ignore)
    found = []
    for readers in ((regular_rows, plain_rows), (plain_rows,), ()):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(json_decode, "_AT_ONCE", readers)
            found.append(decoded(decoder, data, columns))
    assert found[0] == found[2]
    assert found[1] == found[2]


LINES = 3
ALIKE = b'{"i":1,"s":"x","d":1.5,"ok":true,"ts":"2024-01-01 10:00:00","other":7}\n'


@pytest.mark.parametrize(
    "line", [ALIKE, ALIKE.replace(b'":', b'": '), ALIKE.replace(b"1,", b"null,").replace(b'"x"', b"null")]
)
def test_lines_that_are_alike_need_no_parser(line: bytes) -> None:
    rows = regular_rows(pa.py_buffer(line * LINES), FLAT.columns)
    assert rows is not None
    assert (rows.rows, rows.lines) == (LINES, LINES)


@pytest.mark.parametrize(
    "line",
    [ALIKE.replace(b'"x"', b'"a, \\"b\\""'), b'{"r": {"x": 1, "a": ["b"]}, "i": 2}\r\n', b"{}\n", b'{"s": "1"}\n\n'],
)
def test_plain_objects_need_no_text(line: bytes) -> None:
    rows = plain_rows(pa.py_buffer(line * LINES), SCHEMA.columns)
    assert rows is not None
    assert rows.rows == LINES


def test_what_only_looks_like_plain_objects_is_left_alone() -> None:
    assert regular_rows(pa.py_buffer(b'{"i":1}\n{"i":"}\n'), FLAT.columns) is None
    assert plain_rows(pa.py_buffer(b'{"i":1} {"i":2}\n'), FLAT.columns) is None
    assert plain_rows(pa.py_buffer(b'{"i":1} null\n'), FLAT.columns) is None
