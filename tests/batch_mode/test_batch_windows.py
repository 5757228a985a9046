"""Windows in DuckDB: bounds, sessions and ranks, against literals and a model in plain Python."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from batch_plans import (
    Input,
    aggregate,
    call,
    field,
    run,
    seconds,
    select,
    window_aggregate,
    window_assign,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsql.batch_mode.errors import NoBatchForm
from streamsql.expr.types import BIGINT, DOUBLE, STRING, timestamp, timestamp_ltz
from streamsql.plan.logical import (
    Attached,
    Cumulate,
    Field,
    Hop,
    Session,
    SortKey,
    TimeAttribute,
    Tumble,
    Window,
    WindowRank,
)
from streamsql.time import SECOND

TS = timestamp(3)


def clicks(times: list[float], keys: list[Any] | None = None) -> Input:
    keys = keys if keys is not None else ["a"] * len(times)
    values = list(range(len(times)))
    columns = {"ts": (TS, seconds(*times)), "k": (STRING, keys), "v": (BIGINT, values)}
    return Input("clicks", columns, time="ts")


def counted(window: Window, table: Input) -> list[tuple[Any, ...]]:
    plan = window_aggregate(table.scan(), window, table.fields["ts"], [table.fields["k"]], call("COUNT"))
    return run(select(plan, *plan.fields[:4]), table)


def test_tumble_floors_before_1970_and_obeys_the_offset():
    table = clicks([-0.001, 0, 9.999, 13])
    assert counted(Tumble(10 * SECOND), table) == [("a", 1, -10, 0), ("a", 2, 0, 10), ("a", 1, 10, 20)]
    assert counted(Tumble(10 * SECOND, 3 * SECOND), table) == [("a", 2, -7, 3), ("a", 1, 3, 13), ("a", 1, 13, 23)]
    assert counted(Tumble(10 * SECOND, -7 * SECOND), table) == [("a", 2, -7, 3), ("a", 1, 3, 13), ("a", 1, 13, 23)]


def test_window_time_is_one_tick_before_the_end():
    table = clicks([1])
    plan = window_aggregate(table.scan(), Tumble(10 * SECOND), table.fields["ts"], [], call("COUNT"))
    assert run(plan, table) == [(1, 0, 10, 9.999)]
    precise = Input("p", {"ts": (timestamp(6), seconds(1))}, time="ts")
    plan = window_aggregate(precise.scan(), Tumble(10 * SECOND), precise.fields["ts"], [], call("COUNT"))
    assert run(plan, precise) == [(1, 0, 10, 9.999999)]


def test_windows_over_ltz_deliver_ltz():
    table = Input("t", {"ts": (timestamp_ltz(3), seconds(-1))}, time="ts")
    plan = window_aggregate(table.scan(), Tumble(10 * SECOND), table.fields["ts"], [], call("COUNT"))
    assert run(plan, table) == [(1, -10, 0, -0.001)]


def test_hop_with_a_remainder_and_with_holes():
    table = clicks([4])
    assert counted(Hop(2 * SECOND, 5 * SECOND), table) == [("a", 1, 0, 5), ("a", 1, 2, 7), ("a", 1, 4, 9)]
    assert counted(Hop(10 * SECOND, 3 * SECOND), clicks([2, 4, 12.5])) == [("a", 1, 0, 3), ("a", 1, 10, 13)]


def test_cumulate_gives_every_later_step_and_a_short_last_one():
    assert counted(Cumulate(4 * SECOND, 10 * SECOND), clicks([5, 9])) == [("a", 1, 0, 8), ("a", 2, 0, 10)]


def test_a_distance_of_exactly_the_gap_belongs_to_the_session():
    table = clicks([0, 10, 20.001, 5], ["a", "a", "a", None])
    expected = [(None, 1, 5, 15), ("a", 2, 0, 20), ("a", 1, 20.001, 30.001)]
    assert counted(Session(10 * SECOND), table) == expected


def test_windows_come_by_end_then_key_with_null_first():
    table = clicks([15, 5, 5, 5], ["b", "b", None, "a"])
    assert counted(Tumble(10 * SECOND), table) == [
        (None, 1, 0, 10),
        ("a", 1, 0, 10),
        ("b", 1, 0, 10),
        ("b", 1, 10, 20),
    ]


def test_keys_of_minus_zero_and_nan_are_one_key_each():
    nan = float("nan")
    table = Input("t", {"ts": (TS, seconds(1, 1, 1, 1)), "x": (DOUBLE, [-0.0, 0.0, nan, -nan])}, time="ts")
    plan = window_aggregate(table.scan(), Tumble(10 * SECOND), table.fields["ts"], [table.fields["x"]], call("COUNT"))
    rows = run(plan, table)
    assert [str(row[0]) for row in rows] == ["0.0", "nan"]
    assert [row[1] for row in rows] == [2, 2]


def test_a_window_function_alone_keeps_arrival_order():
    table = clicks([4, 1])
    plan = window_assign(table.scan(), Hop(2 * SECOND, 4 * SECOND), table.fields["ts"])
    shown = select(plan, table.fields["v"], *plan.bounds[:2])
    assert run(shown, table) == [(0, 2, 6), (0, 4, 8), (1, -2, 2), (1, 0, 4)]


def test_sessions_as_a_window_function_are_by_partition():
    table = clicks([0, 1, 2], ["a", "b", "a"])
    by_key = window_assign(table.scan(), Session(SECOND), table.fields["ts"], [table.fields["k"]])
    everyone = window_assign(table.scan(), Session(SECOND), table.fields["ts"])
    shown = (table.fields["v"],)
    assert sorted(run(select(by_key, *shown, *by_key.bounds[:2]), table)) == [(0, 0, 1), (1, 1, 2), (2, 2, 3)]
    assert sorted(run(select(everyone, *shown, *everyone.bounds[:2]), table)) == [(0, 0, 3), (1, 0, 3), (2, 0, 3)]


def test_an_aggregate_over_attached_windows():
    table = clicks([1, 2, 11], ["a", "b", "a"])
    first = window_aggregate(table.scan(), Tumble(10 * SECOND), table.fields["ts"], [table.fields["k"]], call("COUNT"))
    start, end, time = first.bounds
    second = window_aggregate(first, Attached(start.id, end.id), time, [], call("COUNT"))
    assert run(second, table) == [(2, 0, 10, 9.999), (1, 10, 20, 19.999)]


def rank(table: Input, *order: SortKey, last: int = 1, with_rank: Field | None = None) -> WindowRank:
    assigned = window_assign(table.scan(), Tumble(10 * SECOND), table.fields["ts"])
    fields = assigned.fields if with_rank is None else (*assigned.fields, with_rank)
    start, end, time = assigned.bounds
    return WindowRank(
        input=assigned,
        window=Attached(start.id, end.id),
        time=time,
        partition=(table.id("k"),),
        order=order,
        first=1,
        last=last,
        rank=with_rank,
        fields=fields,
    )


def test_window_top_n_keeps_the_earlier_of_equal_rows():
    table = Input(
        "t", {"ts": (TS, seconds(1, 2, 3, 11)), "k": (STRING, ["a"] * 4), "v": (BIGINT, [7, 9, 9, None])}, time="ts"
    )
    number = field("rank")
    plan = rank(table, SortKey(table.id("v"), ascending=False, nulls_first=False), last=2, with_rank=number)
    assert run(select(plan, table.fields["ts"], table.fields["v"], number), table) == [
        (2, 9, 1),
        (3, 9, 2),
        (11, None, 1),
    ]


def test_deduplication_by_descending_time_keeps_the_later_of_equal_times():
    table = clicks([5, 5, 4])
    time = table.id("ts")
    assert run(select(rank(table, SortKey(time)), table.fields["v"]), table) == [(2,)]
    assert run(select(rank(table, SortKey(time, ascending=False)), table.fields["v"]), table) == [(1,)]


def test_processing_time_windows_have_no_batch_form():
    table = clicks([1])
    clock = Field(table.id("ts"), "p", TS, TimeAttribute.PROCESSING)
    plan = window_aggregate(table.scan(), Tumble(SECOND), clock, [], call("COUNT"))
    with pytest.raises(NoBatchForm, match="no batch form: windows over processing time") as caught:
        run(plan, table)
    assert caught.value.exit_code == 1


def windows_of(window: Window, at: int) -> list[tuple[int, int]]:
    """The windows (s) that hold a time, by trying all of them."""
    match window:
        case Tumble(size, offset):
            slide = size
        case Hop(slide, size, offset):
            pass
        case Cumulate(step, size, offset):
            starts = [n * size + offset for n in range(-60, 60) if n * size + offset <= at < n * size + offset + size]
            ends = [*range(step, size, step), size]
            return [(start, start + end) for start in starts for end in ends if at < start + end]
    starts = [n * slide + offset for n in range(-60, 60)]
    return [(start, start + size) for start in starts if start <= at < start + size]


def scaled(window: Window) -> Window:
    match window:
        case Tumble(size, offset):
            return Tumble(size * SECOND, offset * SECOND)
        case Hop(slide, size, offset):
            return Hop(slide * SECOND, size * SECOND, offset * SECOND)
        case Cumulate(step, size, offset):
            return Cumulate(step * SECOND, size * SECOND, offset * SECOND)
    raise AssertionError(window)


SIZES, OFFSETS = st.integers(1, 12), st.integers(-9, 9)
WINDOWS = st.one_of(
    st.builds(Tumble, SIZES, OFFSETS),
    st.builds(Hop, SIZES, SIZES, OFFSETS),
    st.builds(Cumulate, SIZES, SIZES, OFFSETS).filter(lambda each: each.step <= each.size),
)
EVENTS = st.lists(st.tuples(st.integers(-25, 25), st.sampled_from(["a", "b", None])), max_size=12)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(WINDOWS, EVENTS)
def test_aligned_windows_agree_with_a_model(window: Window, events: list[tuple[int, Any]]) -> None:
    table = clicks([at for at, _ in events], [key for _, key in events])
    expected = Counter((key, *bound) for at, key in events for bound in windows_of(window, at))
    found = counted(scaled(window), table)
    assert {(key, start, end): n for key, n, start, end in found} == dict(expected)
    assert len(found) == len(expected)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(st.integers(1, 6), EVENTS)
def test_sessions_agree_with_a_model(gap: int, events: list[tuple[int, Any]]) -> None:
    expected: list[tuple[Any, int, int, int]] = []
    for key in {key for _, key in events}:
        session: list[int] = []
        for at in sorted(at for at, each in events if each == key):
            if session and at - session[-1] > gap:
                expected.append((key, len(session), session[0], session[-1] + gap))
                session = []
            session.append(at)
        expected.append((key, len(session), session[0], session[-1] + gap))
    found = counted(Session(gap * SECOND), clicks([at for at, _ in events], [key for _, key in events]))
    assert Counter(found) == Counter(expected)


def test_a_global_aggregate_over_windows_uses_an_updating_group():
    table = clicks([1, 11])
    inner = window_aggregate(table.scan(), Tumble(10 * SECOND), table.fields["ts"], [], call("COUNT"))
    count = inner.fields[0]
    assert run(aggregate(inner, [], call("SUM", count)), table) == [(2,)]
