"""Windows whose integer keys lie close together: groups kept in cells give what groups kept by key give."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsql.batch import Batch
from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.types import BIGINT, DOUBLE, INT, schema, timestamp
from streamsql.expr.windows import Cumulate, Hop, Tumble
from streamsql.operators.window_aggregate import WindowAggregate
from streamsql.row_watermarks import RunningWatermarks
from streamsql.state import dense_groups, panes
from streamsql.time import BEGIN_OF_TIME, END_OF_TIME
from tests.compiled import compiled_kernels

INPUT = schema(("k", BIGINT), ("j", INT), ("v", BIGINT), ("f", DOUBLE), ("ts", timestamp(6)))
CALLS = (
    AggregateCall("COUNT", (), BIGINT),
    AggregateCall("COUNT", (2,), BIGINT, (BIGINT,)),
    AggregateCall("SUM", (2,), BIGINT, (BIGINT,)),
    AggregateCall("AVG", (3,), DOUBLE, (DOUBLE,)),
    AggregateCall("MIN", (3,), DOUBLE, (DOUBLE,)),
    AggregateCall("MAX", (2,), BIGINT, (BIGINT,)),
)
RESULTS = tuple((f"r{number}", call.type) for number, call in enumerate(CALLS))
BOUNDS = (("window_start", timestamp(6)), ("window_end", timestamp(6)), ("window_time", timestamp(6)))
WINDOWS = (Tumble(1_000), Hop(400, 1_000), Hop(250, 1_000), Hop(1_000, 400), Cumulate(300, 1_000))
SETTINGS = settings(derandomize=True, deadline=None, max_examples=40)


def operator(window: Tumble | Hop | Cumulate, keys: list[int]) -> WindowAggregate:
    columns = tuple((INPUT.columns[each].name, INPUT.columns[each].type) for each in keys)
    output = schema(*columns, *RESULTS, *BOUNDS)
    return WindowAggregate(INPUT, window, 4, 6, keys, CALLS, output, append_only=True, event_time=True)


def random_rows(seed: int, count: int, spread: int, large: bool) -> pa.RecordBatch:
    random = np.random.default_rng(seed)
    times = np.arange(count) * 5 - random.integers(0, 800, count)
    values = random.integers(-(1 << 62), 1 << 62, count) >> (0 if large else 40)
    columns = [
        pa.array(random.integers(0, spread, count) + np.arange(count) // 40 - 7),
        pa.array(random.integers(-1, 2, count).astype(np.int32)),
        pa.array(values, mask=random.random(count) < 0.1),
        pa.array(random.integers(-50, 50, count) / 4),
        pa.array(times).cast(pa.timestamp("us")),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=INPUT.to_arrow())


def run(
    rows: pa.RecordBatch, window: Tumble | Hop | Cumulate, keys: list[int], cuts: list[int], restored: bool
) -> list[Any]:
    """The output, row by row, with the rows cut into batches; `restored`: into a new operator after each of them."""
    found: list[Any] = []
    current = operator(window, keys)
    held = BEGIN_OF_TIME
    for start, stop in pairwise([0, *cuts, rows.num_rows]):
        part = rows.slice(start, stop - start)
        marks = RunningWatermarks(part.column(4).cast(pa.int64()).to_numpy(), held, 300)
        found += current.on_batch(Batch(part, None, marks))
        found += current.on_watermark(held := marks.after)
        if restored:
            saved = {name: state.save() for name, state in current.states().items()}
            current = operator(window, keys)
            for name, state in current.states().items():
                state.load(saved[name])
    found += current.on_watermark(END_OF_TIME)
    assert sum(state.rows for state in current.states().values()) == 0
    return [row for each in found for row in each.rows.to_pylist()]


@SETTINGS
@given(
    st.sampled_from(WINDOWS),
    st.sampled_from(([0], [0, 1], [1], [])),
    st.sampled_from((1, 6, 40)),
    st.integers(0, 1 << 30),
    st.sampled_from((0, 1, 5, 60)),
    st.booleans(),
)
def test_cells_give_what_keys_give(
    window: Tumble | Hop | Cumulate, keys: list[int], spread: int, seed: int, cuts: int, restored: bool
) -> None:
    count = 700
    rows = random_rows(seed, count, spread, large=False)
    at = sorted(np.random.default_rng(seed).integers(0, count, cuts).tolist())
    dense = run(rows, window, keys, at, restored)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dense_groups, "_CELLS_PER_GROUP", 0)
        patch.setattr(dense_groups, "_FEWEST_CELLS", 0)
        sparse = run(rows, window, keys, at, restored)
    assert dense == sparse
    with compiled_kernels("on"):
        assert dense == run(rows, window, keys, at, restored)
    assert dense == run(rows, window, keys, [], False)


def test_sums_beyond_64_bits_add_up_in_cells() -> None:
    columns = [
        pa.array([1, 1, 1, 2]),
        pa.array([0, 0, 0, 0], pa.int32()),
        pa.array([(1 << 63) - 1, (1 << 63) - 1, -(1 << 63), 5]),
        pa.array([0.5] * 4),
        pa.array([0, 1, 2, 3]).cast(pa.timestamp("us")),
    ]
    rows = pa.RecordBatch.from_arrays(columns, schema=INPUT.to_arrow())
    with pytest.raises(Exception, match="SUM overflows BIGINT"):
        run(rows.slice(0, 2), Tumble(1_000), [0], [1], False)
    rows = pa.concat_batches([rows.slice(0, 2), rows.slice(2), rows.slice(2, 1)])
    assert [(row["k"], row["r2"]) for row in run(rows, Tumble(1_000), [0], [1, 2, 4], False)] == [(1, -2), (2, 5)]


@pytest.mark.parametrize("cells", [256, 0])
def test_a_window_between_the_panes_of_a_run_has_no_groups(monkeypatch: pytest.MonkeyPatch, cells: int) -> None:
    """Windows closed one by one: that from 400 to 1,400 lies after the first row's windows and before the other's."""
    monkeypatch.setattr(panes, "SINGLY", 0)
    monkeypatch.setattr(dense_groups, "_FEWEST_CELLS", cells)
    columns = [
        pa.array([1, 2]),
        pa.array([0, 0], pa.int32()),
        pa.array([3, 4]),
        pa.array([0.5, 0.5]),
        pa.array([0, 1_500]).cast(pa.timestamp("us")),
    ]
    rows = pa.RecordBatch.from_arrays(columns, schema=INPUT.to_arrow())
    current = operator(Hop(400, 1_000), [0])
    list(current.on_batch(Batch(rows, None, RunningWatermarks(np.array([-1_000, -1_000]), -1_000))))
    found = [row for each in current.on_watermark(END_OF_TIME) for row in each.rows.to_pylist()]
    ends = [(row["k"], row["window_end"].microsecond) for row in found]
    assert ends == [(1, 200), (1, 600), (1, 1_000), (2, 1_800), (2, 2_200)]
