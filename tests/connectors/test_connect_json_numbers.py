"""Numbers in JSON text come through as they were written, whatever JSON library reads the rest."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamsql_connectors.formats.json_numbers import mark_numbers

from streamsql.expr import types as t
from tests.connectors.tables import read, rows_of

NUMBERS = ("0", "-0", "1.10", "1E400", "-2.50e-3", "123456789012345678901234567890.5")


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("around", ["N", "[N, N]", '{"a": {"1.0": [N]}}'])
def test_a_string_keeps_numbers_as_written(tmp_path: Path, number: str, around: str) -> None:
    path, value = tmp_path / "t.jsonl", around.replace("N", number)
    path.write_text(f'{{"s": {value}}}\n')
    assert rows_of(read(t.schema(("s", t.STRING)), path)) == [{"s": value.replace(" ", "")}]


def test_strings_that_look_like_numbers_or_like_marks_stay(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"s": ["1.10", 2.50, "\\ue000 5", "a \\\\", 7, "\\" : 6,", "\ue001"], "m": {"\ue0025": 1.50}}\n')
    (row,) = rows_of(read(t.schema(("s", t.STRING), ("m", t.map_(t.STRING, t.decimal(9, 4)))), path))
    assert json.loads(row["s"], parse_float=Decimal) == [
        "1.10", Decimal("2.50"), "\ue000 5", "a \\", 7, '" : 6,', "\ue001",
    ]  # fmt: skip
    assert row["m"] == [("\ue0025", Decimal("1.5000"))]


def test_decimals_at_every_depth_are_exact(tmp_path: Path) -> None:
    path, exact = tmp_path / "t.jsonl", t.decimal(38, 10)
    schema = t.schema(("a", t.array(exact)), ("m", t.map_(t.STRING, exact)), ("r", t.row(("d",), (exact,))))
    number = "12345678901234567890.1234567891"
    path.write_text(f'{{"a": [{number}, 0.5], "m": {{"k": -{number}}}, "r": {{"d": {number}}}}}\n')
    assert rows_of(read(schema, path)) == [
        {"a": [Decimal(number), Decimal("0.5")], "m": [("k", Decimal("-" + number))], "r": {"d": Decimal(number)}}
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.lists(st.none() | JSON, max_size=4), st.booleans())
def test_only_numbers_change(values: list[Any], ascii_only: bool) -> None:
    texts = [None if each is None else json.dumps([each], ensure_ascii=ascii_only) for each in values]
    marked = mark_numbers(pa.array(["[7]", *texts], pa.string()).slice(1))

    def marked_number(text: str) -> str:
        return marked.mark + text

    expected = [None if each is None else json.loads(each, parse_int=marked_number, parse_float=marked_number)
                for each in texts]  # fmt: skip
    assert [None if each is None else json.loads(each) for each in marked.texts.to_pylist()] == expected
