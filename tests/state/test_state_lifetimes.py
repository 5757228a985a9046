"""When entries of a state expire, and which rows take back what is not there."""

from __future__ import annotations

import numpy as np

from streamsql.state.lifetimes import Lifetimes, unmatched


def ids(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(values, np.int64)


def test_an_entry_expires_its_time_after_its_last_write() -> None:
    lifetimes = Lifetimes(10)
    assert lifetimes.expired(0).tolist() == []
    lifetimes.touch(ids(0, 1, 2))
    assert lifetimes.expired(5).tolist() == []
    lifetimes.touch(ids(1))
    lifetimes.forget(ids(2))
    assert lifetimes.expired(9).tolist() == []
    assert lifetimes.expired(10).tolist() == [0]
    assert lifetimes.expired(14).tolist() == []
    assert lifetimes.expired(15).tolist() == [1]


def test_many_writes_of_one_entry_cost_no_memory() -> None:
    lifetimes = Lifetimes(1_000_000)
    for now in range(20_000):
        lifetimes.expired(now)
        lifetimes.touch(ids(7))
    assert lifetimes._queued <= 4_097
    assert lifetimes.expired(1_019_998).tolist() == []
    assert lifetimes.expired(1_019_999).tolist() == [7]


def test_lifetimes_survive_a_restore_and_new_numbers() -> None:
    lifetimes = Lifetimes(10)
    lifetimes.expired(3)
    lifetimes.touch(ids(4, 6))
    lifetimes.expired(5)
    lifetimes.touch(ids(9))
    restored = Lifetimes(10)
    restored.load(lifetimes.save())
    restored.renumber(ids(6, 9))
    assert restored.expired(13).tolist() == [0]
    assert restored.expired(15).tolist() == [1]


def test_rows_that_take_back_what_is_not_there() -> None:
    groups = ids(0, 1, 0, 0, 1, 0, 1)
    weights = ids(-1, -1, -1, 1, -1, -1, 1)
    missing, emptied = unmatched(groups, weights, ids(1, 1))
    assert np.flatnonzero(missing).tolist() == [2, 4]
    assert emptied.tolist() == [5, 4]
