"""Rows into groups: by slots where integer keys lie close together, by first rows else."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from streamsql.state.row_groups import RowGroups, by_first_row, in_any_order

LOW, HIGH = -(1 << 63), (1 << 63) - 1


def members(groups: RowGroups) -> dict[tuple[object, ...], int]:
    """The count of each group by its keys."""
    ids = groups.dense_ids()
    keys = list(zip(*(each.to_pylist() for each in groups.keys), strict=True))
    counts = groups.counts if groups.used is None else groups.counts[groups.used]
    assert np.bincount(ids, minlength=len(keys)).tolist() == counts.tolist()
    return dict(zip(keys, counts.tolist(), strict=True))


def test_slots_come_in_the_order_of_the_keys() -> None:
    groups = in_any_order([pa.array([7, 7, 5, 7]), pa.array([2, 1, 9, 2], pa.int8())], 4)
    assert [each.to_pylist() for each in groups.keys] == [[5, 7, 7], [9, 1, 2]]
    assert groups.dense_ids().tolist() == [2, 1, 0, 2]


def test_first_rows_lead_where_keys_are_far_apart() -> None:
    groups = in_any_order([pa.array([1 << 40, 3, 1 << 40])], 3)
    assert [each.to_pylist() for each in groups.keys] == [[1 << 40, 3]]


@pytest.mark.parametrize("base", [0, -5, LOW, HIGH - 400])
def test_slots_agree_with_first_rows_at_both_ends_of_int64(base: int) -> None:
    random = np.random.default_rng(3)
    keys = [pa.array(random.integers(0, span, 500) + base) for span in (4, 1, 100)]
    groups = in_any_order(keys, 500)
    assert groups.size == 400
    assert members(groups) == members(by_first_row(keys, 500))


def test_null_keys_and_texts_have_no_slots() -> None:
    assert members(in_any_order([pa.array([1, None, 1])], 3)) == {(1,): 2, (None,): 1}
    assert members(in_any_order([pa.array(["a", "b", "a"])], 3)) == {("a",): 2, ("b",): 1}


def test_no_rows_and_no_keys() -> None:
    assert in_any_order([pa.array([], pa.int64())], 0).keys[0].to_pylist() == []
    assert in_any_order([], 3).counts.tolist() == [3]
