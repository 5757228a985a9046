"""Compiled kernels give the bits that numpy gives: random numbers, the ends of int64, NULLs, no rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsql import compiled
from streamsql.errors import UsageError
from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.types import BIGINT, BOOLEAN, INT, SMALLINT, schema, timestamp
from streamsql.session import connect
from streamsql.state import grouping
from streamsql.state.fixed_width import int64_array
from streamsql.state.hashing import hash_rows
from streamsql.state.islands import running_maximum
from streamsql.state.key_index import KeyIndex
from streamsql.state.partial_aggregates import PartialAggregates
from streamsql.state.row_groups import in_any_order
from streamsql.state.slot_groups import key_slots
from tests.compiled import both_ways, compiled_kernels

LOW, HIGH = -(1 << 63), (1 << 63) - 1
SETTINGS = settings(derandomize=True, deadline=None, max_examples=60)
NUMBERS = st.one_of(st.integers(-3, 3), st.sampled_from((LOW, LOW + 1, HIGH - 1, HIGH)), st.integers(LOW, HIGH))
LISTS = st.lists(NUMBERS, min_size=1, max_size=60)


def listed(found: Any) -> Any:
    """Arrays as lists, with their types, however deep they lie."""
    if isinstance(found, (tuple, list)):
        return [listed(each) for each in found]
    if isinstance(found, dict):
        return {name: listed(each) for name, each in found.items()}
    return (str(found.dtype), found.tolist()) if isinstance(found, np.ndarray) else found


def same(call: Any) -> None:
    without, with_kernels = both_ways(call)
    assert listed(without) == listed(with_kernels)


@SETTINGS
@given(LISTS)
def test_grouping_by_hash(values: list[int]) -> None:
    same(lambda: grouping._group_by_hash(np.array(values)))


@SETTINGS
@given(st.lists(st.integers(0, 30), max_size=60))
def test_grouping_by_position(slots: list[int]) -> None:
    same(lambda: grouping._group_by_position(np.array(slots, np.int64), 31))


@SETTINGS
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), min_size=1), st.sampled_from((LOW, -3, HIGH - 9)))
def test_slots_of_two_keys(rows: list[tuple[int, int]], base: int) -> None:
    keys = [pa.array([base + row[0] for row in rows]), pa.array([row[1] for row in rows], pa.int16())]
    same(lambda: key_slots(keys, 1_000))


@SETTINGS
@given(LISTS, st.data())
def test_running_maximum(values: list[int], data: st.DataObject) -> None:
    steps = data.draw(st.lists(st.integers(0, 1), min_size=len(values), max_size=len(values)))
    segment = np.cumsum(steps) - steps[0]
    same(lambda: running_maximum(np.array(values), segment))


@SETTINGS
@given(st.lists(st.one_of(st.none(), st.binary(max_size=20), st.integers(0, 300).map(lambda n: b"\xff" * n))))
def test_hashes_of_bytes(values: list[bytes | None]) -> None:
    column = pa.array([b"before", *values], pa.binary())
    same(lambda: hash_rows([column.slice(1)]))
    same(lambda: hash_rows([column, column]))


@SETTINGS
@given(st.integers(1, 20_000), st.integers(1, 4))
def test_keys_that_move_to_a_larger_table_are_found(count: int, batches: int) -> None:
    def ids() -> Any:
        index = KeyIndex([pa.int64(), pa.int64()])
        for part in np.array_split(np.arange(count), batches):
            index.lookup_or_insert([pa.array(part), pa.array(part * 7)])
        asked = np.arange(count + 100)
        return index.lookup([pa.array(asked), pa.array(asked * 7)])

    same(ids)

    same(ids)


INPUT = schema(
    ("k", BIGINT), ("v", BIGINT), ("w", INT), ("s", SMALLINT), ("t", timestamp(6)), ("b", BOOLEAN), ("f", BOOLEAN)
)
CALLS = (
    AggregateCall("COUNT", (), BIGINT),
    AggregateCall("COUNT", (1,), BIGINT, (BIGINT,)),
    AggregateCall("SUM", (1,), BIGINT, (BIGINT,)),
    AggregateCall("MAX", (1,), BIGINT, (BIGINT,)),
    AggregateCall("MIN", (1,), BIGINT, (BIGINT,)),
    AggregateCall("SUM", (1,), BIGINT, (BIGINT,), filter=6),
    AggregateCall("MIN", (2,), INT, (INT,)),
    AggregateCall("AVG", (2,), INT, (INT,)),
    AggregateCall("VAR_POP", (2,), INT, (INT,)),
    AggregateCall("MAX", (3,), SMALLINT, (SMALLINT,), filter=6),
    AggregateCall("MAX", (4,), timestamp(6), (timestamp(6),)),
    AggregateCall("BOOL_AND", (5,), BOOLEAN, (BOOLEAN,)),
)
ROWS = st.tuples(
    st.integers(5, 9),
    st.one_of(st.none(), NUMBERS),
    st.integers(-(1 << 31), (1 << 31) - 1),
    st.one_of(st.none(), st.integers(-(1 << 15), (1 << 15) - 1)),
    st.integers(0, 1 << 50),
    st.one_of(st.none(), st.booleans()),
    st.one_of(st.none(), st.booleans()),
)


@SETTINGS
@given(st.lists(ROWS, min_size=1, max_size=40), st.booleans())
def test_totals_of_groups(rows: list[tuple[Any, ...]], small: bool) -> None:
    columns = [list(each) for each in zip(*rows, strict=True)]
    if small:
        columns[1] = [value and value % 1_000 for value in columns[1]]
    arrays = [pa.array(each, column.type) for each, column in zip(columns, INPUT.to_arrow(), strict=True)]
    batch = pa.RecordBatch.from_arrays(arrays, schema=INPUT.to_arrow())
    algebra = PartialAggregates(INPUT, [0], CALLS, True, in_any_order)
    extra = [int64_array(np.full(len(rows), 3))]

    def accumulated() -> Any:
        partial = algebra.partial(batch, extra_keys=extra)
        return [each.to_pylist() for each in partial.keys], dict(sorted(partial.columns.items()))

    same(accumulated)


def test_a_sum_that_leaves_64_bits_is_exact() -> None:
    session = connect()
    session.sql("SET 'streamsql.compiled' = 'on'")
    session.sql("CREATE TABLE t (v BIGINT); INSERT INTO t VALUES (9223372036854775807), (9223372036854775807), (-9)")
    assert session.sql("SELECT AVG(v) AS a, MAX(v) AS m FROM t").to_arrow().to_pylist() == [
        {"a": 6148914691236517201, "m": HIGH}
    ]


def test_compiled_kernels_come_by_themselves_after_enough_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    library = compiled._Library()
    monkeypatch.setattr(compiled, "_library", library)
    with compiled_kernels("off"):
        assert compiled.kernels(compiled.ENOUGH) is None
    with compiled_kernels("auto"):
        assert compiled.kernels(compiled.ENOUGH - 1) is None
        assert library._loading is None
        compiled.kernels(1)
        assert library._loading is not None
        library._loading.join()
        assert compiled.kernels(0) is not None
    with compiled_kernels("off"):
        assert compiled.kernels(0) is None


def test_setting() -> None:
    session = connect()
    session.sql("SET 'streamsql.compiled' = 'OFF'")
    assert session.settings.values["streamsql.compiled"] == "off"
    with pytest.raises(UsageError, match="'fast': it is 'auto', 'on' or 'off'"):
        session.sql("SET 'streamsql.compiled' = 'fast'")


def test_without_numba_numpy_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="numba is not installed") as caught:
        connect().sql("SET 'streamsql.compiled' = 'on'")
    assert caught.value.hint == "pip install 'streamsql-engine[fast]'"
