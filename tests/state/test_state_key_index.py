"""KeyIndex: dense ids for keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pytest

from streamsql.state.hashing import UInt64Array, hash_rows
from streamsql.state.key_index import KeyIndex
from tests.compiled import compiled_kernels


@pytest.fixture(autouse=True, params=["off", "on"])
def by_numpy_and_compiled(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test runs without compiled kernels and with them."""
    with compiled_kernels(request.param):
        yield


def same_hash(columns: Sequence[pa.Array]) -> UInt64Array:
    """Only four hashes for all keys."""
    return hash_rows(columns) & np.uint64(3 << 62)


@pytest.mark.parametrize("hashes", [hash_rows, same_hash])
@pytest.mark.parametrize(
    "keys",
    [
        [pa.array([7, None, -1, 0])],
        [pa.array(["a", None, "", "ab"])],
        [pa.array([0.5, None, float("nan"), 0.0])],
        [pa.array([1, 1, None, None], pa.int8()), pa.array(["x", None, "x", None])],
        [pa.array([[1], None, [], [1, None]], pa.list_(pa.int32()))],
    ],
)
def test_new_keys_get_ids_in_row_order_and_keep_them(hashes: object, keys: list[pa.Array]) -> None:
    index = KeyIndex([each.type for each in keys], hashes)  # type: ignore[arg-type]
    first = [each.slice(0, 2) for each in keys]
    assert index.lookup(first).tolist() == [-1, -1]
    assert index.lookup_or_insert(first).tolist() == [0, 1]
    backwards = [each.take(pa.array([3, 1, 2, 0])) for each in keys]
    assert index.lookup_or_insert(backwards).tolist() == [2, 1, 3, 0]
    found = index.keys(np.array([3, 2, 0]))
    wanted = [each.take(pa.array([2, 3, 0])) for each in keys]
    assert str([each.to_pylist() for each in found]) == str([each.to_pylist() for each in wanted])


def test_zero_and_nan_have_one_id_each() -> None:
    index = KeyIndex([pa.float64()])
    assert index.lookup_or_insert([pa.array([0.0, float("nan")])]).tolist() == [0, 1]
    assert index.lookup_or_insert([pa.array([-float("nan"), -0.0])]).tolist() == [1, 0]


@pytest.mark.parametrize("hashes", [hash_rows, same_hash])
def test_freed_ids_are_given_out_again_and_other_keys_stay_reachable(hashes: object) -> None:
    index = KeyIndex([pa.int64()], hashes)  # type: ignore[arg-type]
    index.lookup_or_insert([pa.array(range(6))])
    index.free(np.array([4, 1]))
    assert (index.rows, index.live_ids().tolist()) == (4, [0, 2, 3, 5])
    assert index.lookup([pa.array(range(6))]).tolist() == [0, -1, 2, 3, -1, 5]
    assert index.lookup_or_insert([pa.array([1, 10, 11])]).tolist() == [1, 4, 6]
    assert index.keys(np.array([4, 6]))[0].to_pylist() == [10, 11]


def test_nothing_is_left_when_all_keys_are_freed() -> None:
    index = KeyIndex([pa.string()])
    for _ in range(5):
        ids = index.lookup_or_insert([pa.array([f"key {i}" for i in range(3000)])])
        assert ids.max() == 2999
        index.free(ids)
        assert index.rows == 0


@pytest.mark.parametrize("hashes", [hash_rows, same_hash])
def test_random_inserts_and_frees_match_a_dictionary(hashes: object) -> None:
    random = np.random.default_rng(3)
    index = KeyIndex([pa.int32(), pa.string()], hashes)  # type: ignore[arg-type]
    known: dict[int, int] = {}
    for _ in range(40):
        keys = random.choice(400, 60, replace=False)
        ids = index.lookup_or_insert([pa.array(keys % 7, pa.int32()), pa.array([f"{key:>40}" for key in keys])])
        for key, id_ in zip(keys.tolist(), ids.tolist(), strict=True):
            assert known.setdefault(key, id_) == id_
        assert len(set(known.values())) == len(known) == index.rows
        gone = random.choice(sorted(known), 25, replace=False).tolist()
        index.free(np.array([known.pop(key) for key in gone]))


def test_a_restored_index_goes_on_as_the_old_one_would() -> None:
    old, new = KeyIndex([pa.int64()]), KeyIndex([pa.int64()])
    old.lookup_or_insert([pa.array([5, None, 7, 9])])
    old.free(np.array([2]))
    new.load(old.save())
    assert (new.rows, new.bound) == (3, 4)
    for index in (old, new):
        assert index.lookup_or_insert([pa.array([9, 100, 5, None])]).tolist() == [3, 2, 0, 1]


def test_long_texts_that_differ_late_have_different_hashes() -> None:
    texts = [prefix + tail for prefix in ("", "x" * 64, "x" * 500) for tail in ("a", "b", "ab", "a\0")]
    hashes = hash_rows([pa.array(texts)])
    assert len(set(hashes.tolist())) == len(texts)
    assert hash_rows([pa.array(["", *texts]).slice(1)]).tolist() == hashes.tolist()


def test_integers_that_move_on_spread_out_or_become_null_keep_their_ids() -> None:
    index, known = KeyIndex([pa.int32()]), dict[int | None, int]()
    steps = [range(5), range(90, 80, -1), range(-(2**31), -(2**31) + 3), [None, 7], range(2**31 - 9, 2**31 - 1)]
    for step in steps:
        keys = [*step, *list(known)[:2]]
        ids = index.ids_of([pa.array([*keys, *keys], pa.int32())]).tolist()
        assert ids[: len(keys)] == ids[len(keys) :]
        for key, id_ in zip(keys, ids, strict=False):
            assert known.setdefault(key, id_) == id_
    assert sorted(known.values()) == list(range(len(known)))
    assert index.lookup([pa.array(list(known), pa.int32())]).tolist() == list(known.values())
    assert index.lookup([pa.array([None, 6, 2_000], pa.int32())]).tolist() == [known[None], -1, -1]


def test_keys_that_grow_while_old_ones_are_freed_need_no_more_ids_than_there_are_at_once() -> None:
    index = KeyIndex([pa.int64()])
    held = np.empty(0, np.int64)
    for step in range(40):
        ids = index.lookup_or_insert([pa.array(np.arange(step * 50_000, step * 50_000 + 50_000))])
        assert len(set(ids.tolist()) | set(held.tolist())) == 50_000 + len(held)
        index.free(held)
        held = ids
    assert index.bound == 100_000
    assert index.lookup([pa.array([39 * 50_000, 38 * 50_000])]).tolist() == [int(held[0]), -1]
