"""Sums that count rows along the way: in one number where both fit, not at all where they might not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from streamsql.state.integer_sums import IntegerSum
from streamsql.state.moments import SquareSum

IDS = np.array([0, 1, 0, 1, 1, 0, 0, 0])


@pytest.mark.parametrize("type_", [pa.int8(), pa.int32(), pa.int64()])
def test_counts_and_sums_come_apart_again(type_: pa.DataType) -> None:
    rows = pa.array([5, -1, -7, 0, -100, 1, 1, 0], type_)
    found = IntegerSum(type_).with_counts(IDS, 3, rows)
    assert found is not None
    counts, columns = found
    assert counts.tolist() == [5, 3, 0]
    assert columns[""].tolist() == [0, -101, 0]


@pytest.mark.parametrize("sign", [1, -1])
def test_they_share_a_number_up_to_the_last_bit_that_both_need(sign: int) -> None:
    # Eight rows take 4 bits, and the sum of eight values less than 1 << 58.
    fits = IntegerSum(pa.int64()).with_counts(np.zeros(8, np.int64), 1, pa.array([sign * ((1 << 55) - 1)] * 8))
    assert fits is not None
    assert [fits[0].tolist(), fits[1][""].tolist()] == [[8], [sign * ((1 << 58) - 8)]]
    assert IntegerSum(pa.int64()).with_counts(IDS, 1, pa.array([sign * (1 << 55)] * 8)) is None


def test_others_do_not_count() -> None:
    assert IntegerSum(pa.int64()).with_counts(IDS[:0], 0, pa.array([], pa.int64())) is None
    assert IntegerSum(pa.int64()).with_counts(IDS, 5, pa.array([1] * 8)) is None
    assert IntegerSum(pa.decimal128(9, 2)).with_counts(IDS, 2, pa.array([1] * 8, pa.decimal128(9, 2))) is None
    assert SquareSum(pa.int64()).with_counts(IDS, 2, pa.array([1] * 8)) is None
