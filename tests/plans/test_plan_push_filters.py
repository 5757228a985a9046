"""Filters move towards the source, and never change what they let through."""

from __future__ import annotations

import pytest

from streamsql.expr.text import expr_text
from streamsql.plan.logical import Cumulate, Filter, Hop, Plan, Session, Tumble
from streamsql.plan.rules.push_filters import push_filters
from streamsql.plan.tree import walk_plan
from tests.plans.builder import HOUR, MINUTE, Builder, at, call, filtered, number, ref, text


def shape(plan: Plan) -> list[str]:
    """Nodes from the source up; filters with their predicate."""
    return [
        f"Filter {expr_text(node.predicate)}" if isinstance(node, Filter) else type(node).__name__
        for node in walk_plan(plan)
    ]


def test_through_a_projection_by_what_it_computes() -> None:
    b = Builder()
    scan = b.scan()
    project = b.project(scan, k="k", d=call("*", ref(scan, "v"), number(2)))
    plan = filtered(project, call(">", ref(project, "d"), number(6)))
    assert shape(push_filters(plan)) == ["Scan", "Filter v * 2 > 6", "Project"]


def test_volatile_expressions_stay() -> None:
    b = Builder()
    scan = b.scan()
    project = b.project(scan, k="k", r=call("PROCTIME"))
    plan = filtered(project, call(">", ref(project, "r"), ref(project, "r")))
    assert shape(push_filters(plan)) == ["Scan", "Project", "Filter r > r"]


def test_below_a_window_function_unless_it_reads_the_window() -> None:
    b = Builder()
    assign = b.assign(b.scan(), Hop(MINUTE, HOUR))
    on_row = call("=", ref(assign, "k"), text("a"))
    on_window = call("=", ref(assign, "window_start"), ref(assign, "ts"))
    plan = filtered(assign, call("AND", on_row, on_window))
    assert shape(push_filters(plan)) == ["Scan", "Filter k = 'a'", "WindowAssign", "Filter window_start = ts"]


def test_a_condition_that_can_fail_stays_behind_its_guard() -> None:
    b = Builder()
    assign = b.assign(b.scan(), Tumble(HOUR))
    guard = call("<>", ref(assign, "window_start"), ref(assign, "ts"))
    division = call(">", call("/", number(10), ref(assign, "v")), number(1))
    harmless = call("=", ref(assign, "k"), text("a"))
    plan = filtered(assign, call("AND", call("AND", guard, division), harmless))
    expected = ["Scan", "Filter k = 'a'", "WindowAssign", "Filter window_start <> ts AND 10 / v > 1"]
    assert shape(push_filters(plan)) == expected


def test_a_condition_that_can_fail_passes_where_every_row_meets_it() -> None:
    b = Builder()
    tumble, sampling = (b.assign(b.scan(), window) for window in (Tumble(HOUR), Hop(HOUR, MINUTE)))

    def divided(plan: Plan) -> Plan:
        return filtered(plan, call(">", call("/", number(10), ref(plan, "v")), number(1)))

    assert shape(push_filters(divided(tumble))) == ["Scan", "Filter 10 / v > 1", "WindowAssign"]
    # Between windows of a minute each hour there are rows that reach no filter above.
    assert shape(push_filters(divided(sampling))) == ["Scan", "WindowAssign", "Filter 10 / v > 1"]


def test_below_a_session_only_conditions_on_its_partition() -> None:
    b = Builder()
    assign = b.assign(b.scan(), Session(HOUR), partition=["k"])
    key, value = call("=", ref(assign, "k"), text("a")), call(">", ref(assign, "v"), number(1))
    plan = push_filters(filtered(assign, call("AND", key, value)))
    assert shape(plan) == ["Scan", "Filter k = 'a'", "WindowAssign", "Filter v > 1"]


def test_having_on_keys_goes_below_the_aggregate() -> None:
    b = Builder()
    group = b.aggregate(b.scan(), ["k"], n=("COUNT", None))
    key, count = call("=", ref(group, "k"), text("a")), call(">", ref(group, "n"), number(1))
    plan = push_filters(filtered(group, call("AND", key, count)))
    assert shape(plan) == ["Scan", "Filter k = 'a'", "Aggregate", "Filter n > 1"]


def test_a_condition_without_columns_stays_above_an_aggregate() -> None:
    b = Builder()
    group = b.aggregate(b.scan(), [], n=("COUNT", None))
    plan = filtered(group, call("=", number(1), number(2)))
    assert shape(push_filters(plan)) == ["Scan", "Aggregate", "Filter 1 = 2"]


def test_into_every_branch_of_a_union() -> None:
    b = Builder()
    union = b.union(b.scan("t"), b.scan("u"))
    plan = push_filters(filtered(union, call(">", ref(union, "v"), number(1))))
    assert shape(plan) == ["Scan", "Filter v > 1", "Scan", "Filter v > 1", "Union"]
    first, second = (each for each in walk_plan(plan) if isinstance(each, Filter))
    assert first.predicate != second.predicate  # each over the columns of its own branch


@pytest.mark.parametrize(
    ("condition", "below", "above"),
    [
        # Hours from 01:00 on (3600 s); the first window that starts at or after 01:10 starts at 02:00.
        (lambda p: call(">=", ref(p, "window_start"), at(3600)), "ts >= TIMESTAMP '1970-01-01 01:00:00.000'", False),
        (lambda p: call(">=", ref(p, "window_start"), at(4200)), "ts >= TIMESTAMP '1970-01-01 02:00:00.000'", False),
        (lambda p: call(">", ref(p, "window_start"), at(3600)), "ts >= TIMESTAMP '1970-01-01 02:00:00.000'", False),
        (lambda p: call("<", ref(p, "window_start"), at(3600)), "ts < TIMESTAMP '1970-01-01 01:00:00.000'", False),
        (lambda p: call("<=", ref(p, "window_start"), at(3600)), "ts < TIMESTAMP '1970-01-01 02:00:00.000'", False),
        (lambda p: call(">=", at(3600), ref(p, "window_end")), "ts < TIMESTAMP '1970-01-01 01:00:00.000'", False),
        (lambda p: call(">", ref(p, "window_end"), at(3600)), "ts >= TIMESTAMP '1970-01-01 01:00:00.000'", False),
        # window_time is window_end - 1 ms.
        (lambda p: call(">=", ref(p, "window_time"), at(3599.999)), "ts >= TIMESTAMP '1970-01-01 00:00:00.000'", False),
        (lambda p: call(">=", ref(p, "window_time"), at(3600)), "ts >= TIMESTAMP '1970-01-01 01:00:00.000'", False),
        (
            lambda p: call("=", ref(p, "window_start"), at(3600)),
            "ts >= TIMESTAMP '1970-01-01 01:00:00.000' AND ts < TIMESTAMP '1970-01-01 02:00:00.000'",
            False,
        ),
    ],
)
def test_window_bounds_of_tumble_become_a_time_range(condition, below, above) -> None:  # type: ignore[no-untyped-def]
    b = Builder()
    windows = b.window_aggregate(b.scan(), Tumble(HOUR), ["k"], n=("COUNT", None))
    plan = filtered(windows, condition(windows))
    assert shape(push_filters(plan)) == ["Scan", f"Filter {below}", "WindowAggregate"]


@pytest.mark.parametrize(
    ("window", "condition", "below"),
    [
        # Half-hourly windows of an hour: the first start at or after 01:10 is 01:30.
        (Hop(30 * MINUTE, HOUR), (">=", "window_start", 4200), "ts >= TIMESTAMP '1970-01-01 01:30:00.000'"),
        (Hop(30 * MINUTE, HOUR), ("<=", "window_start", 4200), "ts < TIMESTAMP '1970-01-01 02:00:00.000'"),
        (Hop(30 * MINUTE, HOUR), ("<=", "window_end", 4200), "ts < TIMESTAMP '1970-01-01 01:00:00.000'"),
        (Cumulate(30 * MINUTE, HOUR), (">=", "window_end", 5400), "ts >= TIMESTAMP '1970-01-01 01:00:00.000'"),
        (Cumulate(30 * MINUTE, HOUR), ("<=", "window_end", 5400), "ts < TIMESTAMP '1970-01-01 02:00:00.000'"),
    ],
)
def test_other_windows_keep_the_condition_above(window, condition, below) -> None:  # type: ignore[no-untyped-def]
    b = Builder()
    windows = b.window_aggregate(b.scan(), window, ["k"], n=("COUNT", None))
    operator, bound, seconds = condition
    once = push_filters(filtered(windows, call(operator, ref(windows, bound), at(seconds))))
    kept = f"Filter {bound} {operator} {expr_text(at(seconds))}"
    assert shape(once) == ["Scan", f"Filter {below}", "WindowAggregate", kept]
    assert shape(push_filters(once)) == shape(once)


def test_windows_at_an_offset_and_before_1970() -> None:
    b = Builder()
    windows = b.window_aggregate(b.scan(), Tumble(HOUR, 15 * MINUTE), ["k"], n=("COUNT", None))
    plan = push_filters(filtered(windows, call(">=", ref(windows, "window_start"), at(-60))))
    assert shape(plan)[1] == "Filter ts >= TIMESTAMP '1970-01-01 00:15:00.000'"


def test_session_bounds_say_nothing_of_single_rows() -> None:
    b = Builder()
    windows = b.window_aggregate(b.scan(), Session(HOUR), ["k"], n=("COUNT", None))
    plan = filtered(windows, call(">=", ref(windows, "window_start"), at(0)))
    assert shape(push_filters(plan))[1] == "WindowAggregate"
