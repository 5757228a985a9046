"""Texts by their bytes: counts, parts and cases, also of slices, NULLs and what is not ASCII."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from streamsql.expr import text_bytes
from streamsql.expr import types as t
from streamsql.expr.compile import compile_exprs
from streamsql.expr.context import EvalContext
from streamsql.expr.nodes import ColumnRef
from streamsql.expr.resolve import resolve_call
from tests.expr.test_distinct_values import text, whole

TEXTS = pa.array(["a,b,,c", "", None, ",", "é,ü,語", "no separator", "," * 70 + "end", "last,"])


def parts(array: pa.Array, index: int) -> list[str | None]:
    found: list[str | None] = text_bytes.part(array, text_bytes.parts_between(",")(array), index).to_pylist()
    return found


def test_parts() -> None:
    assert parts(TEXTS, 0) == ["a", None, None, "", "é", "no separator", "", "last"]
    assert parts(TEXTS, 1) == ["b", None, None, "", "ü", None, "", ""]
    assert parts(TEXTS, 2) == ["", None, None, None, "語", None, "", None]
    assert parts(TEXTS, 3) == ["c", None, None, None, None, None, "", None]
    assert parts(TEXTS, 70) == [None, None, None, None, None, None, "end", None]


def test_counts() -> None:
    assert text_bytes.count_character(",")(TEXTS).to_pylist() == [3, 0, None, 1, 2, 0, 70, 1]
    assert text_bytes.count_character("o")(pa.scalar("foo")).as_py() == 2


@pytest.mark.parametrize("start", range(9))
def test_slices_are_as_the_whole(start: int) -> None:
    piece = TEXTS[start : start + 4]
    assert text_bytes.count_character(",")(piece).to_pylist() == pc.count_substring(piece, ",").to_pylist()
    for index in range(4):
        assert parts(piece, index) == parts(TEXTS, index)[start : start + 4]


def test_counts_where_texts_end_within_and_between_words_of_bits() -> None:
    texts = pa.array(["x" * (length % 67) + "," * (length % 5) for length in range(1_000)])
    assert text_bytes.count_character(",")(texts).to_pylist() == [length % 5 for length in range(1_000)]
    assert parts(texts, 0) == [each.split(",")[0] or (None if not each else "") for each in texts.to_pylist()]


@pytest.mark.parametrize(
    ("texts", "upper", "lower"),
    [
        (["Abc", None, "x1"], ["ABC", None, "X1"], ["abc", None, "x1"]),
        (["Abc", None, "Äöx"], ["ABC", None, "ÄÖX"], ["abc", None, "äöx"]),
        ([], [], []),
    ],
)
def test_cases(texts: list[str], upper: list[str], lower: list[str]) -> None:
    array = pa.array(texts, pa.string())
    assert text_bytes.upper(array).to_pylist() == upper
    assert text_bytes.lower(array).to_pylist() == lower


@pytest.mark.parametrize(
    ("pattern", "counts"), [("a", [2, 0, None]), (r"\.", [1, 3, None]), ("a.", [2, 0, None]), ("a\\.", [1, 0, None])]
)
def test_counting_a_pattern_that_is_a_text(pattern: str, counts: list[int | None]) -> None:
    call = resolve_call("REGEXP_COUNT", (ColumnRef(id=1, type=t.STRING, name="x"), text(pattern)))
    (kernel,) = compile_exprs([call], {1: 0}, EvalContext())
    assert kernel(pa.record_batch({"x": ["ab a.", "...", None]})).to_pylist() == counts


def test_two_columns_are_parted_each_for_itself() -> None:
    left, right = (ColumnRef(id=number, type=t.STRING, name="x") for number in (1, 2))
    calls = [resolve_call("SPLIT_INDEX", (each, text("/"), whole(1))) for each in (left, right, left)]
    kernels = compile_exprs(calls, {1: 0, 2: 1}, EvalContext())
    batch = pa.record_batch({"l": ["a/b", "c/d/e"], "r": ["1/2", "3"]})
    assert [kernel(batch).to_pylist() for kernel in kernels] == [["b", "d"], ["2", None], ["b", "d"]]
