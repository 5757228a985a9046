"""Exact integer sums and compensated float sums."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pyarrow as pa

from streamsql.state.float_sums import CompensatedSum, float_total
from streamsql.state.integer_sums import IntegerSum, is_narrow, python_ints, words_of

IDS = np.array([0, 1, 0, 0])


def test_small_integers_need_one_column() -> None:
    sums = IntegerSum(pa.int64()).over_rows(IDS, 2, pa.array([1, 2, 3, -10]), None)
    assert {name: np.asarray(values).tolist() for name, values in sums.items()} == {"": [-6, 2]}


def test_sums_beyond_64_bits_are_exact() -> None:
    kind, big = IntegerSum(pa.int64()), 2**63 - 1
    rows = kind.over_rows(IDS, 2, pa.array([big, -big - 1, big, big]), None)
    assert python_ints(rows).tolist() == [3 * big, -big - 1]
    merged = kind.over_partials(np.array([0, 0]), 1, rows)
    assert python_ints(merged).tolist() == [2 * big - 1]
    taken_back = kind.over_rows(IDS, 2, pa.array([big, 0, big, big]), np.full(4, -1, np.int8))
    assert is_narrow(kind.combine(rows, taken_back)) is False
    assert python_ints(kind.combine(rows, taken_back)).tolist() == [0, -big - 1]


def test_two_narrow_sums_that_do_not_fit_together_are_widened() -> None:
    kind = IntegerSum(pa.int64())
    one = {"": np.array([2**62, 5])}
    assert python_ints(kind.combine(kind.combine(one, one), one)).tolist() == [3 * 2**62, 15]


def test_long_decimals_add_up_in_128_bits() -> None:
    kind = IntegerSum(pa.decimal128(38, 0))
    rows = kind.over_rows(
        IDS, 2, pa.array([Decimal(10**37), Decimal(-1), Decimal(10**37), Decimal(-3)], kind.type), None
    )
    low, high, fits = words_of(rows)
    assert [(int(h) << 64) + int(w) % 2**64 for w, h in zip(low, high, strict=True)] == [2 * 10**37 - 3, -1]
    assert fits.all()


def test_random_floats_taken_back_leave_nothing_of_themselves() -> None:
    random, kind = np.random.default_rng(5), CompensatedSum()
    kept = random.normal(size=100)
    noise = random.normal(size=1_000) * 10.0 ** random.integers(-5, 12, 1_000)
    zeros = np.zeros(2_000, np.int64)
    state = kind.over_rows(zeros[:1_100], 1, pa.array(np.concatenate([noise, kept])), None)
    for some in np.split(random.permutation(noise), 10):
        state = kind.combine(state, kind.over_rows(zeros[:100], 1, pa.array(some), np.full(100, -1, np.int8)))
    exact = float(sum(map(Fraction, kept.tolist())))
    assert abs(float(float_total(state)[0]) - exact) < 1e-13


def test_infinities_and_nan_can_be_taken_back() -> None:
    kind = CompensatedSum()
    rows = pa.array([1.0, float("inf"), float("-inf"), float("nan")])
    zeros = np.zeros(4, np.int64)
    state = kind.over_rows(zeros, 1, rows, None)
    assert np.isnan(float_total(state)[0])
    state = kind.combine(state, kind.over_rows(zeros, 1, rows, np.array([0, -1, 0, -1], np.int8)))
    assert float_total(state).tolist() == [-np.inf]
    state = kind.combine(state, kind.over_rows(zeros, 1, rows, np.array([0, 0, -1, 0], np.int8)))
    assert float_total(state).tolist() == [1.0]
