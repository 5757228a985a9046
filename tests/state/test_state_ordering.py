"""Sorting by packed numbers is a stable sort."""

from __future__ import annotations

import numpy as np
import pytest

from streamsql.state.ordering import lexical_order, stable_order

WIDTHS = (1, 2, 100, 10**9, 1 << 62)


@pytest.mark.parametrize("rows", [1, 2, 63, 64, 65, 3_000])
@pytest.mark.parametrize("seed", range(12))
def test_any_columns_sort_as_numpy_sorts_them(rows: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    keys = []
    for _ in range(random.integers(1, 4)):
        width = int(random.choice(WIDTHS))
        key = random.integers(-width, width, rows)
        key = key * 2 if width == WIDTHS[-1] and random.random() < 0.5 else key
        key = np.sort(key) if random.random() < 0.3 else key
        keys.append(key > 0 if random.random() < 0.2 else key)
    assert lexical_order(keys).tolist() == np.lexsort(tuple(reversed(keys))).tolist()


def test_rows_in_order_need_no_positions() -> None:
    assert stable_order([np.arange(100)]) is None
    assert stable_order([np.zeros(100, np.int64), np.arange(100)]) is None
    assert stable_order([np.empty(0, np.int64)]) is None
    assert lexical_order([np.array([1, 1, 2])]).tolist() == [0, 1, 2]
