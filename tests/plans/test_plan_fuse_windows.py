"""Which GROUP BY becomes a window aggregate."""

from __future__ import annotations

import pytest

from streamsql.expr.text import expr_text
from streamsql.plan.logical import (
    Aggregate,
    Attached,
    Filter,
    Hop,
    Plan,
    Project,
    Session,
    Tumble,
    WindowAggregate,
    WindowAssign,
)
from streamsql.plan.rules.fuse_windows import fuse_windows
from streamsql.plan.tree import walk_plan
from tests.plans.builder import HOUR, MINUTE, Builder, at, call, filtered, number, ref


def found(plan: Plan, kind: type) -> list:  # type: ignore[type-arg]
    return [each for each in walk_plan(plan) if isinstance(each, kind)]


def names(plan: Plan) -> list[str]:
    return [each.name for each in plan.fields]


def test_both_window_columns_as_keys() -> None:
    b = Builder()
    assign = b.assign(b.scan(), Tumble(HOUR))
    plan = fuse_windows(b.aggregate(assign, ["window_start", "k", "window_end"], n=("COUNT", None)))
    (window,) = found(plan, WindowAggregate)
    assert window.window == Tumble(HOUR)
    assert [window.input.fields[2].name, window.time.name] == ["ts", "ts"]
    assert window.keys == (assign.fields[0].id,)
    assert names(window) == ["k", "n", "window_start", "window_end", "window_time"]
    assert names(plan) == ["window_start", "k", "window_end", "n"]  # as the aggregate had them
    assert not found(plan, WindowAssign)


def test_window_time_as_a_key_is_a_bound_too() -> None:
    b = Builder()
    assign = b.assign(b.scan(), Tumble(HOUR))
    plan = fuse_windows(b.aggregate(assign, ["k", "window_start", "window_end", "window_time"]))
    (window,) = found(plan, WindowAggregate)
    assert [each.name for each in window.input.fields if each.id in window.keys] == ["k"]
    assert plan.fields[-1].time is not None


@pytest.mark.parametrize("keys", [["window_end"], ["window_start", "k"], ["k"]])
def test_one_window_column_is_not_enough(keys: list[str]) -> None:
    b = Builder()
    plan = b.aggregate(b.assign(b.scan(), Tumble(HOUR)), keys, n=("COUNT", None))
    assert fuse_windows(plan) == plan


def test_what_lies_between_moves_below_the_window() -> None:
    b = Builder()
    assign = b.assign(b.scan(), Hop(MINUTE, HOUR))
    where = filtered(assign, call(">", ref(assign, "v"), number(1)))
    items = b.project(
        where, window_start="window_start", window_end="window_end", d=call("*", ref(where, "v"), number(2))
    )
    plan = fuse_windows(b.aggregate(items, ["window_start", "window_end"], s=("SUM", "d")))
    (window,) = found(plan, WindowAggregate)
    assert names(window.input) == ["d", "ts"]  # the time column is passed on where it was not
    assert isinstance(window.input, Project)
    assert isinstance(window.input.input, Filter)


def test_conditions_on_the_window_move_above() -> None:
    b = Builder()
    assign = b.assign(b.scan(), Hop(MINUTE, HOUR))
    where = filtered(assign, call(">", ref(assign, "window_end"), at(7200)))
    plan = fuse_windows(b.aggregate(where, ["window_start", "window_end"], n=("COUNT", None)))
    (condition,) = found(plan, Filter)
    assert expr_text(condition.predicate) == "window_end > TIMESTAMP '1970-01-01 02:00:00.000'"
    assert isinstance(condition.input, WindowAggregate)


def test_what_may_fail_does_not_get_rows_that_a_lifted_condition_kept_away() -> None:
    b = Builder()
    assign = b.assign(b.scan(), Hop(MINUTE, HOUR))
    where = filtered(assign, call(">", ref(assign, "window_end"), at(7200)))
    items = b.project(
        where, window_start="window_start", window_end="window_end", q=call("/", number(1), ref(where, "v"))
    )
    plan = fuse_windows(b.aggregate(items, ["window_start", "window_end"], s=("SUM", "q")))
    (window,) = found(plan, WindowAggregate)
    assert isinstance(window.window, Attached)


def test_rows_that_need_their_window_are_aggregated_behind_it() -> None:
    b = Builder()
    assign = b.assign(b.scan(), Tumble(HOUR))
    where = filtered(assign, call("<>", ref(assign, "ts"), ref(assign, "window_start")))
    plan = fuse_windows(b.aggregate(where, ["window_start", "window_end", "k"], n=("COUNT", None)))
    (window,) = found(plan, WindowAggregate)
    start, end, time = assign.bounds
    assert window.window == Attached(start.id, end.id)
    assert window.time == time
    assert found(plan, WindowAssign) == [assign]


def test_an_aggregate_of_a_window_column_too() -> None:
    b = Builder()
    assign = b.assign(b.scan(), Tumble(HOUR))
    plan = fuse_windows(b.aggregate(assign, ["window_start", "window_end"], m=("MAX", "window_time")))
    (window,) = found(plan, WindowAggregate)
    assert isinstance(window.window, Attached)


def test_the_same_window_columns_again() -> None:
    b = Builder()
    first = b.aggregate(b.assign(b.scan(), Tumble(HOUR)), ["window_start", "window_end", "k"], s=("SUM", "v"))
    plan = fuse_windows(b.aggregate(first, ["window_start", "window_end"], m=("MAX", "s")))
    lower, upper = found(plan, WindowAggregate)
    assert lower.window == Tumble(HOUR)
    assert upper.window == Attached(lower.bounds[0].id, lower.bounds[1].id)
    # window_time was not kept in between: the upper one makes its own.
    assert upper.bounds[2].id not in [each.id for each in lower.fields]
    assert upper.time.id == lower.bounds[1].id


def test_session_by_its_partition() -> None:
    b = Builder()
    assign = b.assign(b.scan(), Session(HOUR), partition=["k"])
    plan = fuse_windows(b.aggregate(assign, ["k", "window_start", "window_end"], n=("COUNT", None)))
    (window,) = found(plan, WindowAggregate)
    assert window.window == Session(HOUR)


@pytest.mark.parametrize("partition, keys", [([], ["k"]), (["k"], []), (["k"], ["k", "v"])])
def test_session_by_other_keys_than_its_partition_updates(partition: list[str], keys: list[str]) -> None:
    b = Builder()
    assign = b.assign(b.scan(), Session(HOUR), partition=partition)
    plan = b.aggregate(assign, [*keys, "window_start", "window_end"], n=("COUNT", None))
    assert fuse_windows(plan) == plan


def test_sessions_are_made_of_the_rows_that_a_filter_chooses() -> None:
    b = Builder()
    assign = b.assign(b.scan(), Session(HOUR), partition=["k"])
    where = filtered(assign, call(">", ref(assign, "v"), number(1)))
    plan = fuse_windows(b.aggregate(where, ["k", "window_start", "window_end"], n=("COUNT", None)))
    (window,) = found(plan, WindowAggregate)
    assert window.window == Session(HOUR)
    assert isinstance(window.input, Filter)


def test_a_filter_that_asks_about_sessions_comes_after_them() -> None:
    b = Builder()
    assign = b.assign(b.scan(), Session(HOUR), partition=["k"])
    asked = filtered(assign, call("IS NOT NULL", ref(assign, "window_start")))
    where = filtered(asked, call(">", ref(asked, "v"), number(1)))
    plan = fuse_windows(b.aggregate(where, ["k", "window_start", "window_end"], n=("COUNT", None)))
    (window,) = found(plan, WindowAggregate)
    assert isinstance(window.window, Attached)


def test_an_updating_aggregate_in_between_ends_the_window() -> None:
    b = Builder()
    assign = b.assign(b.scan(), Tumble(HOUR))
    first = b.aggregate(assign, ["window_start", "k"], n=("COUNT", None))
    plan = b.aggregate(first, ["window_start"], n=("COUNT", None))
    assert found(fuse_windows(plan), Aggregate) == [first, plan]
