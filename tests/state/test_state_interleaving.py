"""Rows put between others, of few and of many, in columns of any width."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from streamsql.state.interleaving import interleaved


@pytest.mark.parametrize("type_", [pa.int64(), pa.string(), pa.bool_(), pa.list_(pa.int64())])
@pytest.mark.parametrize("at", [[0], [3, 4, 999], [0, 500], list(range(0, 1_000, 2))])
def test_each_comes_directly_before_its_value(type_: pa.DataType, at: list[int]) -> None:
    def column(numbers: list[int]) -> pa.Array:
        whole = pa.array(numbers)
        if pa.types.is_list(type_):
            return pa.array([[each] for each in numbers], type_)
        return whole.cast(type_)

    expected: list[int] = []
    for place in range(1_000):
        expected += [5_000 + place] * (place in at) + [place]
    others = column([5_000 + place for place in at])
    assert interleaved(column(list(range(1_000))), np.array(at), others).equals(column(expected))
