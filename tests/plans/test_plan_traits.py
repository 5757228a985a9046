"""What is known of each node's output."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamsql.errors import Span, SqlError
from streamsql.plan.logical import Plan, Session, Tumble, Window
from streamsql.plan.traits import traits
from tests.plans.builder import HOUR, MINUTE, Builder, call, filtered, limited, number, ref, sorted_by


def keys(plan: Plan) -> list[set[str]]:
    """Unique keys by name."""
    names = {each.id: each.name for each in plan.fields}
    return [{names[id_] for id_ in key} for key in traits(plan).unique_keys]


def test_group_by_updates_and_has_its_keys() -> None:
    b = Builder()
    plan = replace(b.aggregate(b.scan(), ["k"], n=("COUNT", None)), span=Span(3, 9))
    found = traits(plan)
    assert not found.append_only
    assert found.updating_because is not None
    assert (found.updating_because.clause, found.updating_because.span) == ("GROUP BY", Span(3, 9))
    assert keys(plan) == [{"k"}]
    assert found.state_bound == "number of keys (k)"


def test_what_keeps_growing_is_named() -> None:
    b = Builder()
    scan = b.scan()
    assert traits(b.aggregate(scan, ["k"], l=("LISTAGG", "k"))).state_bound == "UNBOUNDED (values of LISTAGG)"
    assert traits(b.aggregate(scan, ["k"], m=("MAX", "v"))).state_bound == "number of keys (k)"
    updating = b.aggregate(scan, ["k"], s=("SUM", "v"))
    assert traits(b.aggregate(updating, [], m=("MAX", "s"))).state_bound == "number of keys (s)"
    assert traits(b.aggregate(scan, [], n=("COUNT", None))).state_bound == "one row"


def test_a_global_aggregate_has_one_row() -> None:
    b = Builder()
    assert keys(b.aggregate(b.scan(), [], n=("COUNT", None))) == [set()]


def test_distinct_is_named_as_such() -> None:
    b = Builder()
    because = traits(replace(b.aggregate(b.scan(), ["k"]), clause="DISTINCT")).updating_because
    assert because is not None
    assert because.clause == "DISTINCT"


@pytest.mark.parametrize(
    ("window", "bound"), [(Tumble(HOUR), "watermark + 1 h"), (Session(MINUTE), "watermark + 1 min")]
)
def test_window_aggregates_append_and_forget(window: Window, bound: str) -> None:
    b = Builder()
    plan = b.window_aggregate(b.scan(), window, ["k"], n=("COUNT", None))
    found = traits(plan)
    assert found.append_only
    assert found.state_bound == bound
    assert keys(plan)[0] == {"k", "window_start", "window_end"}
    assert keys(plan)[1:] == ([{"k", "window_start"}, {"k", "window_end"}] if isinstance(window, Tumble) else [])
    assert found.window is not None
    assert found.window.closed


def test_keys_and_windows_survive_a_projection_that_keeps_their_columns() -> None:
    b = Builder()
    windows = b.window_aggregate(b.scan(), Tumble(HOUR), ["k"], n=("COUNT", None))
    kept = b.project(windows, ws="window_start", we="window_end", k="k")
    assert keys(kept) == [{"ws", "we", "k"}, {"ws", "k"}, {"we", "k"}]
    assert traits(kept).window is not None
    assert traits(kept).window.time is None  # type: ignore[union-attr]
    lost = b.project(windows, ws="window_start", k="k")
    assert keys(lost) == [{"ws", "k"}]
    assert keys(b.project(windows, k="k")) == []
    assert traits(lost).window is None


def test_updating_goes_up_until_something_settles_it() -> None:
    b = Builder()
    group = b.aggregate(b.scan(), ["k"], n=("COUNT", None))
    having = filtered(group, call(">", ref(group, "n"), number(1)))
    assert not traits(having).append_only
    assert not traits(b.union(group, b.aggregate(b.scan(), ["k"], n=("COUNT", None)))).append_only
    assert traits(sorted_by(having, "n")).append_only
    assert traits(limited(having, 3)).append_only
    assert traits(limited(having, 3)).state_bound == "UNBOUNDED (all rows)"
    assert traits(limited(b.scan(), 3)).state_bound is None


def test_a_window_over_an_updating_input_names_the_clause() -> None:
    b = Builder()
    group = replace(b.aggregate(b.scan(), ["ts"], n=("COUNT", None)), span=Span(20, 28))
    with pytest.raises(SqlError) as caught:
        traits(b.assign(group, Tumble(HOUR)))
    assert "TUMBLE needs an append-only input, but GROUP BY makes this one updating" in caught.value.message
    assert caught.value.span == Span(20, 28)


def test_what_can_fail() -> None:
    b = Builder()
    scan = b.scan()
    assert traits(b.project(scan, q=call("/", number(2), ref(scan, "v")))).can_fail
    assert not traits(b.project(scan, k="k")).can_fail


def test_a_table_whose_rows_are_taken_back_as_they_came_may_have_windows() -> None:
    b = Builder()
    scan = b.scan()
    scan = replace(scan, table=replace(scan.table, updating=True))
    assert not traits(filtered(scan, call(">", ref(scan, "v"), number(1)))).append_only
    assert traits(b.window_aggregate(scan, Tumble(HOUR), ["k"])).append_only
