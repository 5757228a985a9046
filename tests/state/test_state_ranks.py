"""Lists of rows by owner, rows in slots, order codes and ranks."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from streamsql.state.fixed_width import Int64Array
from streamsql.state.order_codes import order_codes
from streamsql.state.ordering import lexical_order
from streamsql.state.ranking import RankBounds, Ranked, rank_changes
from streamsql.state.row_lists import RowLists
from streamsql.state.row_slots import RowSlots

NAN, INF = float("nan"), float("inf")


def numbers(*values: int) -> Int64Array:
    return np.array(values, np.int64)


@pytest.mark.parametrize(
    ("type_", "ordered"),
    [
        (pa.int32(), [-7, 0, 3]),
        (pa.float64(), [-INF, -1.5, -0.0, 2.0, INF, NAN]),
        (pa.float32(), [-2.5, 0.0, 7.0, NAN]),
        (pa.string(), ["", "10", "Z", "a", "ż"]),
        (pa.binary(), [b"\x00", b"\x01\x00", b"\xff"]),
        (pa.bool_(), [False, True]),
        (pa.date32(), [dt.date(1969, 12, 31), dt.date(2025, 6, 2)]),
        (pa.decimal128(10, 2), [Decimal("-1.00"), Decimal("0.50"), Decimal("7.25")]),
        (pa.decimal128(38, 0), [Decimal(-(10**30)), Decimal(-1), Decimal(2**64), Decimal(2**64 + 1), Decimal(10**37)]),
    ],
)
@pytest.mark.parametrize("ascending", [True, False])
@pytest.mark.parametrize("nulls_first", [True, False])
def test_codes_sort_as_values_do(type_: pa.DataType, ordered: list[Any], ascending: bool, nulls_first: bool) -> None:
    expected = ordered if ascending else ordered[::-1]
    expected = [None, *expected] if nulls_first else [*expected, None]
    shuffled = [expected[i] for i in np.random.default_rng(5).permutation(len(expected))]
    codes = order_codes(pa.array(shuffled, type_), ascending=ascending, nulls_first=nulls_first)
    assert repr([shuffled[i] for i in lexical_order(codes)]) == repr(expected)


def test_negative_zero_and_zero_are_equal_and_keep_their_order() -> None:
    codes = order_codes(pa.array([0.0, -0.0, 0.0]))
    assert lexical_order(codes).tolist() == [0, 1, 2]


def test_codes_too_wide_for_one_number_are_sorted_one_by_one() -> None:
    wide = numbers(1 << 62, -(1 << 62), 1 << 62)
    assert lexical_order([wide, numbers(2, 9, 1)]).tolist() == [1, 2, 0]


def test_lists_grow_shrink_and_survive_sweeping() -> None:
    random = np.random.default_rng(1)
    lists, expected = RowLists(), dict[int, list[int]]()
    for _ in range(200):
        owners = random.choice(50, 20, replace=False)
        lengths = random.integers(0, 200, 20)
        rows = random.integers(0, 1 << 40, int(lengths.sum()))
        positions = np.repeat(np.arange(20), lengths)
        lists.put(owners, positions, rows)
        expected |= {int(owner): rows[positions == at].tolist() for at, owner in enumerate(owners)}
    again = RowLists()
    again.load(lists.save())
    for owner, rows in expected.items():
        for each in (lists, again):
            found = each.take(numbers(owner))[1].tolist()
            assert found == list(rows)
    assert lists.rows == again.rows == sum(map(len, expected.values()))


def test_slots_are_given_out_again_and_survive_a_restart() -> None:
    schema = pa.schema([("a", pa.string()), ("b", pa.list_(pa.int64()))])
    slots = RowSlots(schema)
    rows = pa.RecordBatch.from_pylist([{"a": "x", "b": [1, None]}, {"a": None, "b": None}, {"a": "z", "b": []}], schema)
    assert slots.insert(rows).tolist() == [0, 1, 2]
    slots.remove(numbers(1))
    again = RowSlots(schema)
    again.load(slots.save())
    for each in (slots, again):
        assert each.insert(rows.slice(0, 2)).tolist() == [1, 3]
        assert each.take(numbers(2, 1, 3)).to_pylist() == rows.take(pa.array([2, 0, 1])).to_pylist()
        assert each.rows == 4


def test_changes_of_ranks_with_copies() -> None:
    # One owner, values 5 (two copies, one of them new), 7 (gone), 9: ranks before 5 7 9, after 5 5 9.
    ranked = Ranked.of(numbers(0, 0, 0), [numbers(5, 7, 9)], numbers(0, 1, 2))
    old, new = numbers(1, 1, 1), numbers(2, 0, 1)
    shown = rank_changes(ranked, RankBounds("ROW_NUMBER", 1, 3, True), old, new)
    assert list(zip(shown.rows.tolist(), shown.ranks.tolist(), shown.weights.tolist(), strict=True)) == [
        (1, 2, -1),
        (0, 2, 1),
    ]
    dense = rank_changes(ranked, RankBounds("DENSE_RANK", 2, 2, True), old, new)
    assert list(zip(dense.rows.tolist(), dense.ranks.tolist(), dense.weights.tolist(), strict=True)) == [
        (1, 2, -1),
        (2, 2, 1),
    ]
