"""Columns that rows are appended to: values stay what they were, and take no more memory than their values ask for."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from streamsql.state import appended_bytes
from streamsql.state.appended_bytes import AppendedBytes
from streamsql.state.appended_columns import AppendedColumn, appended_column
from streamsql.state.held_bytes import held_bytes


@pytest.fixture(params=["as it is", "small limits"])
def limits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small limits make a few values go every way: by reference, copied, among short and among long ones."""
    if request.param == "small limits":
        for name, value in (("_LARGE", 60), ("_FULL", 200), ("_SHARE", 50), ("_LONG", 8)):
            monkeypatch.setattr(appended_bytes, name, value)


def text(random: np.random.Generator) -> str | None:
    kind = int(random.integers(6))
    if kind == 0:
        return None
    return "ß" * int(random.integers(8)) if kind < 3 else f"a text of some length {int(random.integers(1000))}" * kind


def append(column: AppendedColumn, model: list[object], values: pa.Array) -> None:
    column.append(len(model), values)
    model += values.to_pylist()


@pytest.mark.usefixtures("limits")
@pytest.mark.parametrize("type_", [pa.string(), pa.binary()])
@pytest.mark.parametrize("nullable", [True, False])
def test_random_texts(type_: pa.DataType, nullable: bool) -> None:
    random = np.random.default_rng(5)
    column, model = AppendedBytes(type_), list[object]()
    for _ in range(150):
        parent = pa.array([text(random) for _ in range(int(random.integers(0, 37)))]).cast(type_)
        if not nullable:
            parent = parent.drop_null()
        first = int(random.integers(7))
        for length in random.integers(0, 15, int(random.integers(4))).tolist():
            append(column, model, parent.slice(first, length))
            first += length + int(random.integers(2))
        asked = random.integers(0 if random.integers(2) else len(model) // 2, len(model), 20) if model else np.arange(0)
        assert column.take(asked).type == type_
        assert column.take(asked).to_pylist() == [model[each] for each in asked.tolist()]
        last = np.arange(len(model))[-3:]
        assert column.take(last).to_pylist() == model[len(model) - len(last) :]


def test_large_texts_are_not_copied() -> None:
    values = pa.array([f"a text that is long enough {number}" for number in range(10_000)])
    column = AppendedBytes(pa.string())
    column.append(0, values.slice(0, 4_000))
    column.append(4_000, values.slice(4_000))
    assert held_bytes([column, values]) < held_bytes([values]) + 200_000
    assert column.take(np.array([3_999, 4_000])).to_pylist() == [
        "a text that is long enough 3999",
        "a text that is long enough 4000",
    ]


def test_small_parts_of_a_large_buffer_are_not_copied() -> None:
    values = pa.array([f"a text that is long enough {number}" for number in range(10_000)])
    column = AppendedBytes(pa.string())
    for first in range(0, 10_000, 10):
        column.append(first, values.slice(first, 10))
    assert held_bytes([column, values]) < held_bytes([values]) + 200_000
    assert column.take(np.array([9_999])).to_pylist() == ["a text that is long enough 9999"]


def test_parts_of_many_large_buffers_do_not_keep_them() -> None:
    parents = [pa.array([f"a text that is long enough {each}"] * 10_000) for each in "abcdefgh"]
    column, model = AppendedBytes(pa.string()), list[object]()
    for first in range(100):
        for parent in parents:
            append(column, model, parent.slice(first, 1))
    del parents
    assert held_bytes([column]) < 200_000
    assert column.take(np.arange(800)).to_pylist() == model


def test_what_is_not_needed_of_a_large_buffer_is_let_go() -> None:
    values = pa.array([f"a text that is long enough {number}" for number in range(100_000)])
    column = AppendedBytes(pa.string())
    column.append(0, values.slice(50_000, 5_000))
    column.append(5_000, pa.array(["another"]))
    assert held_bytes([column]) < 800_000 < held_bytes([values]) // 3
    assert column.take(np.array([5_000, 4_999])).to_pylist() == ["another", "a text that is long enough 54999"]


@pytest.mark.parametrize("type_", [pa.int64(), pa.timestamp("us"), pa.duration("us"), pa.int32(), pa.decimal128(21, 2)])
def test_numbers_near_and_far(type_: pa.DataType) -> None:
    column, model = appended_column(type_), list[object]()
    ranges = [(7, 9), (-(2**31) + 7, 2**31 - 1), (-(2**31), 2**31)]
    if type_ == pa.int64():
        ranges.append((-(2**63), 2**63 - 1))
    for low, high in ranges:
        if type_ in (pa.int32(), pa.decimal128(21, 2)):
            low, high = max(low, -9_999_999), min(high, 9_999_999)
        append(column, model, pa.array([None, None], type_))
        numbers = pa.array([low, None, high, 8], pa.int64())
        append(column, model, numbers.cast(type_))
        assert column.take(np.arange(len(model))).to_pylist() == model
        assert column.take(np.arange(len(model))).type == type_


def test_whole_numbers_near_each_other_take_half() -> None:
    column = appended_column(pa.int64())
    column.append(0, pa.array(np.arange(1 << 20) + 2**60))
    assert held_bytes([column]) <= 5 << 20
    assert column.take(np.array([3])).to_pylist() == [2**60 + 3]


def test_nested_values() -> None:
    type_ = pa.list_(pa.string())
    column, model = appended_column(type_), list[object]()
    for length in (1, 2, 0, 5, 1):
        append(column, model, pa.array([[f"{each}"] * each for each in range(length)], type_))
    assert column.take(np.array([8, 0, 3])).to_pylist() == [[], [], ["0"] * 0]
    assert column.take(np.arange(len(model))).to_pylist() == model
