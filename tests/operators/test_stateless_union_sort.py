"""The order of rows: UNION ALL by arrival, ORDER BY by keys."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsql.batch import Batch
from streamsql.errors import DataError
from streamsql.expr.types import BIGINT, BOOLEAN, DOUBLE, STRING, SqlType, schema
from streamsql.expr.windows import SortKey
from streamsql.operators.sort import Sort
from streamsql.operators.union import Union
from streamsql.row_watermarks import GivenWatermarks
from streamsql.time import END_OF_TIME

A = schema(("a", STRING))


def batch(values: list[str], watermarks: list[int] | None = None) -> Batch:
    marks = None if watermarks is None else GivenWatermarks(np.array(watermarks))
    return Batch(pa.record_batch({"name": values}), None, marks)


def values(batches: Any) -> list[Any]:
    return [value for each in batches for value in each.rows.column(0).to_pylist()]


def test_union_waits_for_the_end_of_the_step_and_goes_by_watermark() -> None:
    union = Union(A, [0, 1])
    assert list(union.on_batch(batch(["b1", "b2"], [10, 30]), 1)) == []
    assert list(union.on_batch(batch(["a1", "a2"], [10, 20]), 0)) == []
    (found,) = union.on_step_end()
    assert found.rows.schema.names == ["a"]
    assert values([found]) == ["a1", "b1", "a2", "b2"]
    assert found.watermarks is not None
    assert found.watermarks.values.tolist() == [10, 10, 20, 30]
    assert list(union.on_step_end()) == []


def test_union_without_watermarks_goes_by_source() -> None:
    union = Union(A, [0, 1])
    list(union.on_batch(batch(["b"]), 1))
    list(union.on_batch(batch(["a"]), 0))
    assert values(union.on_step_end()) == ["a", "b"]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_rows_of_one_source_on_two_ways_keep_together(size: int) -> None:
    union = Union(A, [0, 0], numbered=True)
    found = []
    for start in range(0, 3, size):
        numbers = list(range(start, min(start + size, 3)))
        for port, letter in ((0, "x"), (1, "y")):
            rows = pa.record_batch({"name": [f"{letter}{n}" for n in numbers], "$arrival": numbers})
            list(union.on_batch(Batch(rows), port))
        found += list(union.on_step_end())
    assert found[0].rows.schema.names == ["a"]
    assert values(found) == ["x0", "y0", "x1", "y1", "x2", "y2"]


def test_union_keeps_weights_of_one_port_beside_an_append_only_one() -> None:
    union = Union(A, [0, 1])
    list(union.on_batch(batch(["a"]), 0))
    list(union.on_batch(Batch(pa.record_batch({"x": ["b"]}), np.array([-1], np.int8)), 1))
    (found,) = union.on_step_end()
    assert found.sign().tolist() == [1, -1]


def ordered(column: list[Any], type_: SqlType, key: SortKey) -> list[Any]:
    operator = Sort(schema(("x", type_)), [key])
    arrow = schema(("x", type_)).to_arrow()
    for value in column:
        assert list(operator.on_batch(Batch(pa.RecordBatch.from_pylist([{"x": value}], arrow)))) == []
    assert list(operator.on_watermark(0)) == []
    return values(operator.on_watermark(END_OF_TIME))


NAN = math.nan


@pytest.mark.parametrize(
    ("column", "type_", "key", "expected"),
    [
        ([2.0, None, NAN, -1.0], DOUBLE, SortKey(0), [None, -1.0, 2.0, NAN]),
        ([2.0, None, NAN, -1.0], DOUBLE, SortKey(0, False, False), [NAN, 2.0, -1.0, None]),
        ([2.0, None, NAN, -1.0], DOUBLE, SortKey(0, True, False), [-1.0, 2.0, NAN, None]),
        ([2.0, None, NAN, -1.0], DOUBLE, SortKey(0, False, True), [None, NAN, 2.0, -1.0]),
        (["b", "Z", "ż", "a", "10"], STRING, SortKey(0), ["10", "Z", "a", "b", "ż"]),
        ([True, None, False], BOOLEAN, SortKey(0), [None, False, True]),
    ],
)
def test_order_of_values(column: list[Any], type_: SqlType, key: SortKey, expected: list[Any]) -> None:
    assert [str(each) for each in ordered(column, type_, key)] == [str(each) for each in expected]


def test_equal_keys_stay_in_order_of_arrival() -> None:
    operator = Sort(schema(("k", BIGINT), ("n", BIGINT)), [SortKey(0, ascending=False)])
    list(operator.on_batch(Batch(pa.record_batch({"k": [1, 2, 1, 2], "n": [0, 1, 2, 3]}))))
    assert [each.rows.column(1).to_pylist() for each in operator.on_watermark(END_OF_TIME)] == [[1, 3, 0, 2]]


CHANGES = st.lists(st.integers(0, 3), max_size=60)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(CHANGES, st.integers(1, 7), st.booleans())
def test_sort_leaves_what_was_not_taken_back(column: list[int], size: int, restart: bool) -> None:
    """Each value is added, or taken back where it is there already."""
    weights, present = [], set()
    for value in column:
        weights.append(-1 if value in present else 1)
        present ^= {value}
    operator = Sort(schema(("x", BIGINT)), [SortKey(0)])
    for start in range(0, len(column), size):
        piece = pa.record_batch({"x": pa.array(column[start : start + size], pa.int64())})
        list(operator.on_batch(Batch(piece, np.array(weights[start : start + size], np.int8))))
        if restart:
            loaded = Sort(schema(("x", BIGINT)), [SortKey(0)])
            loaded.kept.load(operator.kept.save())
            operator = loaded
    assert values(operator.on_watermark(END_OF_TIME)) == sorted(present)


def test_equal_rows_are_as_many_as_are_left() -> None:
    operator = Sort(schema(("x", BIGINT)), [])
    column, weights = [7, 5, 7, 5, 7, 5], [1, 1, 1, -1, 1, 1]
    list(operator.on_batch(Batch(pa.record_batch({"x": column}), np.array(weights, np.int8))))
    assert values(operator.on_watermark(END_OF_TIME)) == [7, 7, 7, 5]


def test_memory_follows_what_is_left() -> None:
    operator = Sort(schema(("x", BIGINT)), [])
    for _ in range(20):
        column = np.repeat(np.arange(500), 2)
        list(operator.on_batch(Batch(pa.record_batch({"x": column}), np.tile(np.array([1, -1], np.int8), 500))))
    assert operator.kept.rows <= 5_000


def test_a_row_taken_back_that_was_never_added_is_an_error() -> None:
    operator = Sort(schema(("x", BIGINT)), [])
    list(operator.on_batch(Batch(pa.record_batch({"x": [3]}), np.array([-1], np.int8))))
    with pytest.raises(DataError, match="x = 3"):
        list(operator.on_watermark(END_OF_TIME))
