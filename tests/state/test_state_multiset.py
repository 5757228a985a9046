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


def texts(ids: list[int], values: list[str], weights: list[int]) -> Collection:
    return Collection(np.array(ids), (pa.array(values),), np.array(weights), np.arange(len(ids)))


def test_a_sequence_gives_up_the_oldest_equal_text() -> None:
    sequences = TextSequences()
    groups = np.array([7, 3])
    sequences.apply(groups, texts([0, 1, 0, 0], ["x", "q", "y", "x"], [1, 1, 1, 1]))
    change = sequences.apply(np.array([3, 7]), texts([1, 1], ["x", "z"], [-1, 1]))
    assert (change.before.ids.tolist(), change.before.texts.to_pylist()) == ([0, 1, 1, 1], ["q", "x", "y", "x"])
    assert (change.after.ids.tolist(), change.after.texts.to_pylist()) == ([0, 1, 1, 1], ["q", "y", "x", "z"])
    restored = TextSequences()
    restored.load(sequences.save())
    assert restored.rows == 4
    assert restored.apply(np.array([7]), texts([0], ["q"], [-1])).invalid == 0
    assert restored.apply(np.array([7]), texts([0], ["y"], [-1])).after.texts.to_pylist() == ["x", "z"]
