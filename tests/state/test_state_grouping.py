"""Grouping rows, and nested keys as binary."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from streamsql.state.grouping import denormalize_key, group_rows, normalize_key

INTS = pa.list_(pa.int32())


@pytest.mark.parametrize(
    ("columns", "ids", "first"),
    [
        ([pa.array([5, 5, 3, 5])], [0, 0, 1, 0], [0, 2]),
        ([pa.array([5 << 40, 5, 5 << 40])], [0, 1, 0], [0, 1]),
        ([pa.array([None, 1, None])], [0, 1, 0], [0, 1]),
        ([pa.array(["b", "a", "b", None])], [0, 1, 0, 2], [0, 1, 3]),
        ([pa.array([1, 1, 2, 1]), pa.array(["x", "y", "x", "x"])], [0, 1, 2, 0], [0, 1, 2]),
        ([pa.array([1, 1]), pa.array([True, True])], [0, 0], [0]),
        ([pa.array([], pa.int64())], [], []),
    ],
)
def test_groups_are_numbered_by_first_appearance(columns: list[pa.Array], ids: list[int], first: list[int]) -> None:
    found, first_rows = group_rows(columns)
    assert (found.tolist(), first_rows.tolist()) == (ids, first)


@pytest.mark.parametrize("spread", [1, 1_000_003])
def test_grouping_of_close_and_far_integers_agrees_with_numpy(spread: int) -> None:
    values = np.random.default_rng(1).integers(-500, 500, 3_000) * spread
    ids, first = group_rows([pa.array(values)])
    assert (values[first][ids] == values).all()
    assert sorted(first.tolist()) == first.tolist()
    assert len(first) == len(np.unique(values))


def test_runs_of_equal_integers_far_apart() -> None:
    values = np.repeat([10**15, 5, 10**15, 7], 20)
    ids, first = group_rows([pa.array(values)])
    assert (ids[::20].tolist(), first.tolist()) == ([0, 1, 0, 2], [0, 20, 60])


def test_runs_of_equal_texts() -> None:
    values = ["b"] * 900 + [None] * 3 + ["a"] * 700 + ["b"] * 400
    ids, first = group_rows([pa.array(values)])
    assert ids.tolist() == [0] * 900 + [1] * 3 + [2] * 700 + [0] * 400
    assert first.tolist() == [0, 900, 903]
    late = ["b"] * 600 + ["a", "b"] * 600
    assert group_rows([pa.array(late)])[0].tolist() == [0] * 600 + [1, 0] * 600


NESTED: list[tuple[pa.DataType, list[Any]]] = [
    (INTS, [[1, 2], None, [], [None, 3]]),
    (pa.list_(INTS), [[[1], [2, 3]], [None, []], None]),
    (pa.list_(pa.string()), [["a", "bcd"], None, [], [None, ""]]),
    (pa.list_(pa.decimal128(20, 2)), [[Decimal("1.50")], [None]]),
    (pa.list_(pa.bool_()), [[True, False], [None]]),
    (pa.struct([("x", pa.int64()), ("y", pa.list_(pa.string()))]), [{"x": 1, "y": ["q", None]}, None]),
    (pa.map_(pa.string(), pa.int32()), [[("a", 1), ("b", None)], [], None]),
]


@pytest.mark.parametrize(("type_", "values"), NESTED)
def test_nested_values_come_back_from_binary(type_: pa.DataType, values: list[Any]) -> None:
    column = pa.array(values, type_)
    encoded = normalize_key(column)
    back = denormalize_key(encoded, type_)
    back.validate(full=True)
    assert (back.type, back.to_pylist()) == (type_, values)
    assert normalize_key(column.slice(1)).to_pylist() == encoded.to_pylist()[1:]
    assert len(set(encoded.to_pylist())) == len(values)


def test_equal_nested_values_have_equal_bytes() -> None:
    zeros = normalize_key(pa.array([[0.0], [-0.0]]))
    assert zeros[0] == zeros[1]
    maps = normalize_key(pa.array([[("a", 1), ("b", 2)], [("b", 2), ("a", 1)]], pa.map_(pa.string(), pa.int32())))
    assert maps[0] == maps[1]
