"""ValueCounts and TextSequences: collections of groups that live across steps."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from streamsql.state.multiset import TakenBack, ValueCounts
from streamsql.state.partial import Collection
from streamsql.state.row_sequences import RowSequences
from streamsql.state.value_lists import ValueList


def rows(groups: list[int], values: pa.Array, weights: list[int]) -> Collection:
    return Collection(np.array(groups), (values,), np.array(weights))


def test_values_appear_and_vanish() -> None:
    counts = ValueCounts([pa.string()])
    (first,) = counts.apply(rows([0, 0, 1], pa.array(["a", "b", "a"]), [2, 1, 1]))
    assert (first.rows.tolist(), first.weights.tolist()) == ([0, 1, 2], [1, 1, 1])
    (second,) = counts.apply(rows([0, 1], pa.array(["a", "a"]), [-1, -1]))
    assert (second.rows.tolist(), second.weights.tolist(), counts.rows) == ([1], [-1], 2)
    with pytest.raises(TakenBack) as error:
        counts.apply(rows([0, 1], pa.array(["a", "a"]), [-1, -1]))
    assert error.value.row == 1


def under_two_filters(groups: list[int], values: list[str], weights: list[list[int]]) -> Collection:
    return Collection(np.array(groups), (pa.array(values),), np.array(weights).reshape(-1, 2))


def test_values_are_counted_under_several_filters() -> None:
    counts = ValueCounts([pa.string()], filters=2)
    changes = counts.apply(under_two_filters([0, 0, 1], ["a", "b", "a"], [[2, 0], [1, 1], [0, 1]]))
    assert [(each.rows.tolist(), each.weights.tolist()) for each in changes] == [([0, 1], [1, 1]), ([1, 2], [1, 1])]
    changes = counts.apply(under_two_filters([0, 1], ["b", "a"], [[0, -1], [0, -1]]))
    assert [(each.rows.tolist(), each.weights.tolist()) for each in changes] == [([], []), ([0, 1], [-1, -1])]
    assert counts.rows == 2
    again = ValueCounts([pa.string()], filters=2)
    again.load(counts.save())
    assert again.rows == 2
    for each in (counts, again):
        with pytest.raises(TakenBack) as error:
            each.apply(under_two_filters([0, 0], ["a", "b"], [[-1, 0], [0, -1]]))
        assert error.value.row == 1
        gone = each.apply(under_two_filters([0, 0], ["a", "b"], [[-2, 0], [-1, 0]]))
        assert gone[0].rows.tolist() == [0, 1]
        assert each.rows == 0


def test_flags_say_under_which_filters_values_have_come() -> None:
    def rows_with(groups: list[int], values: list[str], flags: list[int]) -> Collection:
        return Collection(np.array(groups), (pa.array(values),), np.array(flags), flags=True)

    twice = rows_with([0, 0, 1, 0], ["a", "b", "a", "a"], [1, 0, 2, 4]).consolidated()
    assert (twice.ids.tolist(), twice.values[0].to_pylist(), twice.weights.tolist()) == ([0, 1], ["a", "a"], [5, 2])
    counts = ValueCounts([pa.string()], filters=3, flags=True)
    changes = counts.apply(twice)
    assert [each.rows.tolist() for each in changes] == [[0], [1], [0]]
    again = ValueCounts([pa.string()], filters=3, flags=True)
    again.load(counts.save())
    for each in (counts, again):
        changes = each.apply(rows_with([1, 0, 0], ["a", "a", "c"], [3, 5, 2]))
        assert [each.rows.tolist() for each in changes] == [[0], [2], []]
        assert [each.weights for each in changes] == [None] * 3
        assert each.rows == 3


@pytest.mark.parametrize("make", [lambda n: pa.array(n), lambda n: pa.array([f"{each:03}" for each in n])])
def test_extremes_match_a_search_through_everything(make: object) -> None:
    random = np.random.default_rng(11)
    counts, model = ValueCounts([make(range(1)).type], ordered=True), Counter[tuple[int, int]]()  # type: ignore[operator]
    for turn in range(60):
        pairs = {(int(random.integers(3)), int(random.integers(200))): 1 for _ in range(30)}
        gone = [each for each in sorted(model, key=lambda each: -each[1])[:25] if each not in pairs]
        changes = list(pairs) + gone
        weights = [1] * len(pairs) + [-1] * len(gone)
        model.update(list(pairs))
        model.subtract(gone)
        model = +model
        counts.apply(rows([group for group, _ in changes], make([value for _, value in changes]), weights))  # type: ignore[operator]
        assert counts.rows == len(model)
        if turn % 7 == 0:
            fresh = ValueCounts([make(range(1)).type], ordered=True)  # type: ignore[operator]
            fresh.load(counts.save())
            counts = fresh
        for largest, choose in ((True, max), (False, min)):
            owners, values = counts.extremes(np.arange(3), largest=largest)
            for group in range(3):
                mine = [int(value) for owner, value in zip(owners, values.to_pylist(), strict=True) if owner == group]
                wanted = [value for each, value in model if each == group]
                assert choose(mine, default=None) == choose(wanted, default=None)


def test_values_come_in_order_with_their_counts() -> None:
    counts = ValueCounts([pa.string()], ordered=True)
    counts.apply(rows([7, 3, 7], pa.array(["b", "q", "a"]), [1, 1, 3]))
    counts.apply(rows([7, 7, 7], pa.array(["Z", "b", "a"]), [1, -1, -1]))
    for each in (counts, restored(counts)):
        found = each.listed(np.array([3, 7, 9]))
        assert (found.ids.tolist(), found.values[0].to_pylist()) == ([0, 1, 1], ["q", "Z", "a"])
        assert found.weights().tolist() == [1, 1, 2]


def restored(counts: ValueCounts) -> ValueCounts:
    fresh = ValueCounts([pa.string()], ordered=True)
    fresh.load(counts.save())
    return fresh


def arrived(ids: list[int], values: list[str], weights: list[int]) -> Collection:
    return Collection(np.array(ids), (pa.array(values),), np.array(weights), np.arange(len(ids)))


def shown(rows: ValueList) -> tuple[list[int], list[str]]:
    return rows.ids.tolist(), rows.values[0].to_pylist()


def test_a_sequence_keeps_the_order_of_arrival() -> None:
    sequences = RowSequences([pa.string()])
    sequences.apply(np.array([7, 3]), arrived([0, 1, 0, 0], ["x", "q", "y", "x"], [1, 1, 1, 1]))
    change = sequences.apply(np.array([3, 7]), arrived([1, 1], ["z", "x"], [1, 1]))
    assert shown(change.before) == ([0, 1, 1, 1], ["q", "x", "y", "x"])
    assert shown(change.after) == ([0, 1, 1, 1, 1, 1], ["q", "x", "y", "x", "z", "x"])
    fresh = RowSequences([pa.string()])
    fresh.load(sequences.save())
    assert fresh.rows == 6
    assert shown(fresh.apply(np.array([7]), arrived([0], ["q"], [1])).after)[1] == ["x", "y", "x", "z", "x", "q"]


def test_a_row_taken_back_cancels_the_oldest_equal_one() -> None:
    sequences = RowSequences([pa.string()])
    sequences.apply(np.array([7]), arrived([0, 0, 0], ["x", "y", "x"], [1, 1, 1]))
    assert shown(sequences.apply(np.array([7]), arrived([0], ["x"], [-1])).after)[1] == ["y", "x"]
    emptied = sequences.apply(np.array([7]), arrived([0, 0], ["x", "y"], [-1, -1]))
    assert (shown(emptied.after), sequences.rows) == (([], []), 0)
    assert sequences.apply(np.array([3, 7]), arrived([1], ["y"], [-1])).invalid == 1
