"""Watermarks worked out late, and lateness judged by blocks of rows: as by the plain running maximum, row by row."""

from __future__ import annotations

from itertools import accumulate

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsql.operators.lateness import judge
from streamsql.row_watermarks import (
    BLOCK,
    GivenWatermarks,
    PickedWatermarks,
    RowWatermarks,
    RunningWatermarks,
    concat_watermarks,
)
from streamsql.state.window_grid import AttachedGrid, CumulateGrid, HopGrid, WindowGrid
from streamsql.time import BEGIN_OF_TIME, END_OF_TIME

SETTINGS = settings(derandomize=True, deadline=None, max_examples=40)
LENGTHS = st.sampled_from((0, 1, 2, 7, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 3 * BLOCK + 5))


def plain(brought: list[int], held: int) -> list[int]:
    """The largest of what came before each row."""
    return list(accumulate(brought, max, initial=held))[:-1]


def random_times(seed: int, length: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    times = np.arange(length) * 10 - random.integers(0, 3_000, length)
    times[random.random(length) < 0.01] = BEGIN_OF_TIME
    return times


def check(marks: RowWatermarks, expected: list[int]) -> None:
    assert len(marks) == len(expected)
    limits = marks.limits.tolist()
    assert marks.values.tolist() == expected
    assert len(limits) == -(-len(expected) // BLOCK)
    for block, limit in enumerate(limits):
        assert limit >= max(expected[: (block + 1) * BLOCK])


@SETTINGS
@given(LENGTHS, st.integers(0, 1 << 30), st.sampled_from((BEGIN_OF_TIME, -2_000, 500, 40_000)), st.data())
def test_a_running_maximum_stays_one_whatever_is_cut_out_of_it(
    length: int, seed: int, held: int, data: st.DataObject
) -> None:
    brought = random_times(seed, length)
    delay = data.draw(st.sampled_from((0, 700)))
    times = np.where(brought == BEGIN_OF_TIME, 0, brought + delay) if delay else brought
    running = RunningWatermarks(times, held, delay)
    brought = times - delay
    marks: RowWatermarks = running
    expected = plain(brought.tolist(), held)
    check(marks, expected)
    assert running.after == max([held, *brought.tolist()])
    for step in data.draw(st.lists(st.sampled_from(("slice", "at least", "pick", "take", "twice")), max_size=4)):
        match step:
            case "slice":
                start = data.draw(st.integers(0, len(expected)))
                count = data.draw(st.integers(0, len(expected) - start))
                marks, expected = marks.slice(start, count), expected[start : start + count]
            case "at least":
                time = data.draw(st.integers(-3_000, 40_000))
                marks, expected = marks.at_least(time), [max(each, time) for each in expected]
            case "twice":
                marks, expected = concat_watermarks([marks, marks]), expected * 2
            case _:
                random = np.random.default_rng(data.draw(st.integers(0, 1 << 30)))
                places = random.integers(0, len(expected), len(expected) // 2)
                if step == "pick":
                    places.sort()
                marks = marks.pick(places) if step == "pick" else marks.take(places)
                expected = [expected[each] for each in places.tolist()]
        check(marks, expected)


def test_what_is_picked_is_worked_out_over_its_own_stretch_only() -> None:
    marks = RunningWatermarks(np.arange(10 * BLOCK), 0)
    picked = marks.pick(np.array([3 * BLOCK + 7, 3 * BLOCK + 9]))
    assert picked.values.tolist() == [3 * BLOCK + 6, 3 * BLOCK + 8]
    assert isinstance(picked, PickedWatermarks) and "values" not in marks.__dict__


GRIDS = (
    HopGrid(1_000, 1_000, 0, 1),
    HopGrid(700, 1_000, 300, 1),
    HopGrid(200, 1_000, 0, 10),
    HopGrid(1_000, 400, 0, 1),
    CumulateGrid(300, 1_000, 0, 1),
    AttachedGrid(1),
)


def windows_of(grid: WindowGrid, pane: int) -> set[int]:
    panes = np.array([pane])
    return set(range(int(grid.first(panes)[0]), int(grid.last(panes)[0]) + 1))


@SETTINGS
@given(st.sampled_from(GRIDS), st.sampled_from((1, 40, 3 * BLOCK + 5)), st.integers(0, 1 << 30), st.booleans())
def test_blocks_judge_as_rows_do(grid: WindowGrid, length: int, seed: int, running: bool) -> None:
    random = np.random.default_rng(seed)
    times = np.arange(length) * 10 - (random.exponential(random.choice([30, 300, 900]), length)).astype(np.int64)
    brought = times - int(random.choice([0, 500, 2_000]))
    held = int(random.choice([BEGIN_OF_TIME, -5_000, 5_000, END_OF_TIME]))
    expected = plain(brought.tolist(), held)
    marks: RowWatermarks = RunningWatermarks(brought, held) if running else GivenWatermarks(np.array(expected))
    judged = judge(grid, times, marks)

    panes, outside = grid.panes(times)
    gone = set() if outside is None else set(outside.tolist())
    late, dropped = {}, set(gone)
    for row, (pane, held_then) in enumerate(zip(panes.tolist(), expected, strict=True)):
        windows = windows_of(grid, pane)
        closed = {each for each in windows if each <= grid.closed(held_then)} if row not in gone else set()
        if closed:
            late[row] = (held_then, closed)
        if windows == closed:
            dropped.add(row)
        elif row not in gone:
            assert windows_of(grid, int(judged.panes[row])) == windows - closed
    assert sorted(dropped) == ([] if judged.dropped is None else judged.dropped.tolist())
    found = judged.late
    if found is None:
        assert not late
        return
    lasts = np.minimum(found.last, found.closed).tolist()
    missed = [set(range(first, last + 1)) for first, last in zip(found.first.tolist(), lasts, strict=True)]
    assert dict(zip(found.rows.tolist(), zip(found.held.tolist(), missed, strict=True), strict=True)) == late
