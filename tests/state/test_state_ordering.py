"""Sorting by packed numbers is a stable sort."""

from __future__ import annotations

import numpy as np
import pytest

from streamsql.state.ordering import best_of_groups, lexical_order, stable_order

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


@pytest.mark.parametrize("later_first", [False, True])
@pytest.mark.parametrize("width", [1, 4, 1 << 40, 1 << 61])
def test_the_best_row_of_each_group(width: int, later_first: bool) -> None:
    random = np.random.default_rng(width)
    groups = np.concatenate([np.arange(40), random.integers(0, 40, 900)])
    keys = [random.integers(-width, width, 940), random.integers(0, 2, 940)]
    place = -np.arange(940) if later_first else np.arange(940)
    expected = [
        min(np.flatnonzero(groups == each), key=lambda row: (*(k[row] for k in keys), place[row])) for each in range(40)
    ]
    assert best_of_groups(groups, 40, keys, later_first=later_first).tolist() == expected


def test_the_best_row_without_keys_is_the_first_or_the_last() -> None:
    groups = np.array([0, 1, 0, 1, 1])
    assert best_of_groups(groups, 2, [], later_first=False).tolist() == [0, 1]
    assert best_of_groups(groups, 2, [], later_first=True).tolist() == [2, 4]
    assert best_of_groups(groups[:1], 1, [], later_first=True).tolist() == [0]
