"""Trace, KeyCodes and SortedRuns: rows by key, that can be taken back, freed and saved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from streamsql.errors import DataError
from streamsql.expr.types import DOUBLE, INT, STRING, Schema, SqlType, schema
from streamsql.expr.types import Kind as K
from streamsql.state.code_rows import CodeRows
from streamsql.state.fixed_width import BoolArray, Int64Array
from streamsql.state.key_codes import KeyCodes
from streamsql.state.sorted_runs import SortedRuns
from streamsql.state.trace import NEVER, Trace

ROWS = schema(("k", INT), ("v", STRING))
TAGGED = schema(("k", INT), ("tags", SqlType(K.ARRAY, children=(INT,))))


def same_hash(columns: Sequence[pa.Array]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    return np.full(len(columns[0]), 7, np.uint64)


def rows(columns: Schema, *values: tuple[Any, ...]) -> pa.RecordBatch:
    arrow = columns.to_arrow()
    lists = zip(*values, strict=True) if values else [[] for _ in arrow]
    arrays = [pa.array(list(each), field.type) for each, field in zip(lists, arrow, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=arrow)


def codes_of(batch: pa.RecordBatch) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.asarray(batch.column(0).to_numpy(zero_copy_only=False)).astype(np.int64)


def add(trace: Trace, *values: tuple[Any, ...]) -> list[int]:
    batch = rows(trace.schema, *values)
    return [int(each) for each in trace.add(codes_of(batch), batch)]


def remove(trace: Trace, *values: tuple[Any, ...]) -> list[int]:
    return [int(each) for each in trace.remove(rows(trace.schema, *values))]


def found(trace: Trace, *codes: int, limit: int = 1 << 18) -> list[tuple[int, Any]]:
    """Each pair found: position among the codes, and the row's second column."""
    pairs: list[tuple[int, Any]] = []
    for at, numbers in trace.probe(np.array(codes, np.int64), limit):
        pairs += zip(at.tolist(), trace.take(numbers, [1])[0].to_pylist(), strict=True)
    return pairs


def test_finds_rows_by_code_in_order_of_arrival_within_each_asked_code() -> None:
    trace = Trace(ROWS, updating=False)
    assert add(trace, (2, "a"), (1, "b"), (2, "c")) == [0, 1, 2]
    assert add(trace, (2, "d"), (3, "e")) == [3, 4]
    assert found(trace, 2, 9, 1, 2) == [(0, "a"), (0, "c"), (0, "d"), (2, "b"), (3, "a"), (3, "c"), (3, "d")]
    assert trace.rows == 5


def test_equal_rows_of_an_updating_input_share_a_number_and_a_count() -> None:
    trace = Trace(ROWS, updating=True)
    assert add(trace, (1, "a"), (1, None), (1, "a")) == [0, 1, 0]
    assert add(trace, (1, None)) == [1]
    counts = trace.counts(np.array([0, 1]))
    assert counts is not None and counts.tolist() == [2, 2]
    assert remove(trace, (1, "a"), (1, None), (1, "a")) == [0, 1, 0]
    assert found(trace, 1) == [(0, None)]
    assert trace.rows == 1
    assert remove(trace, (1, None)) == [1]
    assert trace.rows == 0


def test_a_row_that_came_back_is_a_new_arrival() -> None:
    trace = Trace(ROWS, updating=True)
    add(trace, (1, "a"), (1, "b"))
    remove(trace, (1, "a"))
    assert add(trace, (1, "a")) == [2]
    assert found(trace, 1) == [(0, "b"), (0, "a")]


def test_taking_back_what_is_not_there_names_source_and_row() -> None:
    trace = Trace(ROWS, updating=True, source="bids")
    add(trace, (1, "a"))
    with pytest.raises(DataError, match=r"a row of bids was taken back that was never added: k = 1, v = 'b'"):
        remove(trace, (1, "b"))
    with pytest.raises(DataError, match=r"never added: k = 1, v = 'a'"):
        remove(trace, (1, "a"), (1, "a"))


def test_taking_back_from_an_empty_trace_is_an_error() -> None:
    with pytest.raises(DataError, match=r"never added: k = 1, v = NULL"):
        remove(Trace(ROWS, updating=True), (1, None))


def test_equal_hashes_are_told_apart_by_the_rows() -> None:
    trace = Trace(ROWS, updating=True, hash_rows=same_hash)
    assert add(trace, (1, "a"), (1, "b"), (2, "a"), (1, "b")) == [0, 1, 2, 1]
    assert remove(trace, (1, "b"), (2, "a")) == [1, 2]
    assert found(trace, 1, 2) == [(0, "a"), (0, "b")]


def test_nan_equals_nan_and_both_zeros_are_one_but_a_row_stays_as_it_came() -> None:
    trace = Trace(schema(("k", INT), ("x", DOUBLE)), updating=True)
    add(trace, (1, float("nan")), (1, -0.0))
    assert [str(each) for _, each in found(trace, 1)] == ["nan", "-0.0"]
    assert remove(trace, (1, float("nan")), (1, 0.0)) == [0, 1]


def test_arrays_can_be_stored_and_taken_back() -> None:
    trace = Trace(TAGGED, updating=True)
    add(trace, (1, [1, 2]), (1, None))
    add(trace, (1, []), (2, [3]))
    assert found(trace, 1) == [(0, [1, 2]), (0, None), (0, [])]
    assert remove(trace, (1, [1, 2])) == [0]
    assert found(trace, 1, 2) == [(0, None), (0, []), (1, [3])]


def test_pairs_come_in_bounded_chunks_even_for_one_key() -> None:
    trace = Trace(ROWS, updating=False)
    for batch in range(5):
        add(trace, *((1, f"{batch}-{each}") for each in range(4)), (2, "x"))
    whole = found(trace, 2, 1, 1)
    assert len(whole) == 45
    assert found(trace, 2, 1, 1, limit=7) == whole
    sizes = [len(at) for at, _ in trace.probe(np.array([2, 1, 1]), 7)]
    assert sizes == [7, 7, 7, 7, 7, 7, 3]


def test_rows_expire_by_time() -> None:
    trace = Trace(ROWS, updating=False)
    batch = rows(ROWS, (1, "a"), (1, "b"), (2, "c"))
    trace.add(codes_of(batch), batch, np.array([30, 10, 20]))
    add(trace, (1, "forever"))
    assert trace.expire(10).tolist() == []
    gone = trace.expire(21)
    assert trace.take(gone, [1])[0].to_pylist() == ["b", "c"]
    assert found(trace, 1, 2) == [(0, "a"), (0, "forever")]
    assert trace.expire(NEVER).tolist() == [0]
    trace.settle()
    assert found(trace, 1) == [(0, "forever")]


def test_deleted_rows_are_forgotten_once_they_outnumber_the_live_ones() -> None:
    trace = Trace(ROWS, updating=False)
    add(trace, *((each, str(each)) for each in range(10_000)))
    trace.add_to_tallies(np.array([9_999, 9_999]), np.array([1, 4]))
    trace.delete(np.arange(9_990))
    trace.settle()
    assert trace.live_rows().tolist() == list(range(10))
    assert found(trace, 5, 9_999) == [(1, "9999")]
    assert trace.tallies(np.array([8, 9])).tolist() == [0, 5]


def test_saved_state_is_the_same_after_loading() -> None:
    trace = Trace(ROWS, updating=True)
    add(trace, (1, "a"), (1, "a"), (2, "b"), (1, None))
    remove(trace, (2, "b"))
    trace.add_to_tallies(np.array([2]), np.array([6]))
    loaded = Trace(ROWS, updating=True)
    loaded.load(trace.save())
    assert loaded.rows == 2
    assert found(loaded, 1, 2) == [(0, "a"), (0, None)]
    assert loaded.tallies(loaded.live_rows()).tolist() == [0, 6]
    assert remove(loaded, (1, "a"), (1, "a"), (1, None)) == [0, 0, 1]
    assert loaded.rows == 0


def test_random_changes_leave_what_a_multiset_has() -> None:
    random = np.random.default_rng(3)
    trace, model = Trace(ROWS, updating=True), Counter[tuple[int, str]]()
    for _ in range(60):
        taken = [each for each in model.elements() if random.random() < 0.45]
        if taken:
            remove(trace, *taken)
            model.subtract(taken)
            model = +model
        new = [(int(k), "xyz"[v]) for k, v in random.integers(0, 3, (random.integers(1, 40), 2))]
        add(trace, *new)
        model.update(new)
        trace.settle()
        live = trace.live_rows()
        keys, values = (each.to_pylist() for each in trace.take(live))
        stored = dict(zip(zip(keys, values, strict=True), trace.live(live).tolist(), strict=True))
        assert stored == dict(model)
        assert sorted(found(trace, 0, 1, 2)) == sorted(zip(keys, values, strict=True))


def test_runs_merge_when_some_are_of_like_sizes_and_leave_dead_rows_behind() -> None:
    dead: set[int] = set()
    runs = SortedRuns(lambda numbers: np.array([each not in dead for each in numbers.tolist()]))
    for begin in range(0, 64, 4):
        runs.insert(np.full(4, 1), np.arange(begin, begin + 4))
        dead.update(range(begin, begin + 3))
    assert len(runs) == 28  # 16 of 64 rows are alive
    assert runs.probe(np.array([1])).total == 28


def test_null_is_no_key() -> None:
    codes, valid = KeyCodes([pa.int32()]).encode([pa.array([-5, None, 7, -5], pa.int32())], 4)
    assert codes.tolist() == [0, -1, 1, 0]
    assert valid is not None and valid.tolist() == [True, False, True, True]


def test_null_is_a_key_where_it_is_safe() -> None:
    keys = KeyCodes([pa.int64(), pa.string()], [True, False])
    columns = [pa.array([1, None, None, 1]), pa.array(["a", "b", "b", None])]
    codes, valid = keys.encode(columns, 4)
    assert codes.tolist() == [0, 1, 1, -1]
    assert valid is not None and valid.tolist() == [True, True, True, False]


def test_keys_of_equal_hash_have_different_codes() -> None:
    keys = KeyCodes([pa.string()], hash_rows=same_hash)
    assert keys.encode([pa.array(["a", "b", "a"])], 3)[0].tolist() == [0, 1, 0]
    assert keys.encode([pa.array(["c", "b"])], 2)[0].tolist() == [2, 1]


def test_unused_codes_are_freed() -> None:
    keys = KeyCodes([pa.string()])
    keys.encode([pa.array([str(each) for each in range(10_000)])], 10_000)
    keys.forget_unused(3, lambda: [np.array([3, 5]), np.array([5])])
    assert keys.rows == 2
    assert keys.encode([pa.array(["3", "5"])], 2)[0].tolist() == [3, 5]


def test_no_columns_are_one_key() -> None:
    assert KeyCodes([]).encode([], 3)[0].tolist() == [0, 0, 0]


def test_key_codes_survive_saving() -> None:
    keys = KeyCodes([pa.string()])
    keys.encode([pa.array(["a", "b"])], 2)
    loaded = KeyCodes([pa.string()])
    loaded.load(keys.save())
    assert loaded.encode([pa.array(["b", "c"])], 2)[0].tolist() == [1, 2]


def test_bigint_keys_over_their_whole_range() -> None:
    keys = KeyCodes([pa.int64()])
    assert keys.encode([pa.array([2**63 - 1, -(2**63), 0, 2**63 - 1])], 4)[0].tolist() == [0, 1, 2, 0]
    assert keys.encode([pa.array([-(2**63), 5])], 2)[0].tolist() == [1, 3]


def test_rows_without_key_are_stored_under_codes_of_their_own() -> None:
    trace = Trace(ROWS, updating=False)
    batch = rows(ROWS, (1, "a"), (2, "b"), (3, "c"))
    trace.add(np.array([-1, 0, -2]), batch)
    assert found(trace, 0, -2) == [(0, "b"), (1, "c")]
    assert trace.codes(np.array([2, 0])).tolist() == [-2, -1]


def test_rows_are_found_among_those_that_wait_for_room_and_those_that_have_it() -> None:
    random = np.random.default_rng(7)
    alive: dict[int, bool] = {}
    rows = CodeRows()
    by_code: dict[int, list[int]] = {}

    def living(numbers: Int64Array) -> BoolArray:
        return np.array([alive[each] for each in numbers.tolist()], np.bool_)

    for step in range(60):
        codes = np.where(random.random(40) < 0.4, 3, random.integers(0, 30, 40))[: random.integers(0, 40)]
        for code in codes.tolist():
            by_code.setdefault(code, []).append(len(alive))
            alive[len(alive)] = True
        rows.append(codes)
        asked = random.integers(0, 40, random.integers(0, 1 if step % 3 else 30) + 2)
        pairs = [(at.tolist(), numbers.tolist()) for at, numbers in rows.probe(asked, living).chunks(1 << 20)]
        found = [(at, number) for ats, numbers in pairs for at, number in zip(ats, numbers, strict=True)]
        wanted = [(at, number) for at, code in enumerate(asked.tolist()) for number in by_code.get(code, [])]
        assert [each for each in found if alive[each[1]]] == [each for each in wanted if alive[each[1]]]
        for number in random.integers(0, max(1, len(alive)), 10 if alive else 0).tolist():
            alive[number] = False
