"""ValueCounts and TextSequences: collections of groups that live across steps."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from streamsql.state.multiset import ValueCounts
from streamsql.state.partial import Collection
from streamsql.state.text_sequences import TextSequences


def rows(groups: list[int], values: pa.Array, weights: list[int]) -> Collection:
    return Collection(np.array(groups), (values,), np.array(weights))


def test_values_appear_and_vanish() -> None:
    counts = ValueCounts([pa.string()])
    first = counts.apply(rows([0, 0, 1], pa.array(["a", "b", "a"]), [2, 1, 1]))
    assert (first.rows.tolist(), first.weights.tolist(), first.invalid) == ([0, 1, 2], [1, 1, 1], None)
    second = counts.apply(rows([0, 1], pa.array(["a", "a"]), [-1, -1]))
    assert (second.rows.tolist(), second.weights.tolist(), counts.rows) == ([1], [-1], 2)
    assert counts.apply(rows([0, 1], pa.array(["a", "a"]), [-1, -1])).invalid == 1


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


def test_texts_come_in_order_as_often_as_they_are_there() -> None:
    counts = ValueCounts([pa.string()], ordered=True)
    counts.apply(rows([7, 3, 7], pa.array(["b", "q", "a"]), [1, 1, 3]))
    counts.apply(rows([7, 7, 7], pa.array(["Z", "b", "a"]), [1, -1, -1]))
    for each in (counts, restored(counts)):
        found = each.texts(np.array([3, 7, 9]))
        assert (found.ids.tolist(), found.texts.to_pylist()) == ([0, 1, 1, 1], ["q", "Z", "a", "a"])


def restored(counts: ValueCounts) -> ValueCounts:
    fresh = ValueCounts([pa.string()], ordered=True)
    fresh.load(counts.save())
    return fresh


def texts(ids: list[int], values: list[str]) -> Collection:
    return Collection(np.array(ids), (pa.array(values),), np.ones(len(ids), np.int64), np.arange(len(ids)))


def test_a_sequence_keeps_the_order_of_arrival() -> None:
    sequences = TextSequences()
    sequences.append(np.array([7, 3]), texts([0, 1, 0, 0], ["x", "q", "y", "x"]))
    before, after = sequences.append(np.array([3, 7]), texts([1, 1], ["z", "x"]))
    assert (before.ids.tolist(), before.texts.to_pylist()) == ([0, 1, 1, 1], ["q", "x", "y", "x"])
    assert (after.ids.tolist(), after.texts.to_pylist()) == ([0, 1, 1, 1, 1, 1], ["q", "x", "y", "x", "z", "x"])
    fresh = TextSequences()
    fresh.load(sequences.save())
    assert fresh.rows == 6
    assert fresh.append(np.array([7]), texts([0], ["q"]))[1].texts.to_pylist() == ["x", "y", "x", "z", "x", "q"]
