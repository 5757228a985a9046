"""Columns and watermarks that no one reads are dropped."""

from __future__ import annotations

from dataclasses import replace

from streamsql.expr import types as t
from streamsql.plan.logical import Filter, Plan, Project, Scan, Tumble, Unnest, WindowAggregate
from streamsql.plan.rules.prune_columns import prune_columns
from streamsql.plan.tree import walk_plan
from tests.plans.builder import HOUR, Builder, call, filtered, number, one, ref, sorted_by


def scans(plan: Plan) -> list[Scan]:
    return [each for each in walk_plan(plan) if isinstance(each, Scan)]


def names(plan: Plan) -> list[str]:
    return [each.name for each in plan.fields]


def test_a_plain_group_by_reads_its_columns_and_no_time() -> None:
    b = Builder()
    plan = prune_columns(b.aggregate(b.scan(), ["k"], s=("SUM", "v")))
    (scan,) = scans(plan)
    assert [each.name for each in scan.physical] == ["k", "v"]
    assert scan.watermark is None


def test_windows_keep_the_watermark_and_its_column() -> None:
    b = Builder()
    plan = prune_columns(b.window_aggregate(b.scan(), Tumble(HOUR), ["k"], n=("COUNT", None)))
    (scan,) = scans(plan)
    assert names(scan) == ["k", "ts"]
    assert scan.watermark is not None
    assert scan.time_used


def test_calls_that_no_one_reads_go() -> None:
    b = Builder()
    windows = b.window_aggregate(b.scan(), Tumble(HOUR), ["k"], n=("COUNT", None), s=("SUM", "v"))
    plan = prune_columns(b.project(windows, k="k", n="n"))
    window = next(each for each in walk_plan(plan) if isinstance(each, WindowAggregate))
    assert names(window) == ["k", "n", "window_start", "window_end", "window_time"]
    assert names(scans(plan)[0]) == ["k", "ts"]


def test_counting_rows_reads_one_cheap_column() -> None:
    b = Builder()
    columns = (("text", t.STRING), ("big", t.BIGINT), ("small", t.INT))
    plan = prune_columns(b.aggregate(b.scan(columns=columns, watermark=None), [], n=("COUNT", None)))
    assert names(scans(plan)[0]) == ["small"]


def test_computed_columns_bring_what_they_are_made_of() -> None:
    b = Builder()
    base = b.scan(watermark=None)
    double = b.field("double")
    more = b.field("more")
    scan = replace(
        base,
        computed=(
            (double, call("*", ref(base, "v"), number(2))),
            (more, call("+", ref([double], "double"), number(1))),
        ),
        fields=(*base.fields, double, more),
    )
    (pruned,) = scans(prune_columns(b.project(scan, more="more")))
    assert [each.name for each in pruned.physical] == ["v"]
    assert [each.name for each, _ in pruned.computed] == ["double", "more"]
    assert names(pruned) == ["more"]
    (pruned,) = scans(prune_columns(b.project(scan, k="k")))
    assert pruned.computed == ()


def test_a_filter_drops_what_only_it_reads() -> None:
    b = Builder()
    scan = b.scan(watermark=None)
    plan = prune_columns(b.project(filtered(scan, call(">", ref(scan, "v"), number(1))), k="k"))
    where = next(each for each in walk_plan(plan) if isinstance(each, Filter))
    assert names(where) == ["k"]
    assert names(where.input) == ["k", "v"]


def test_a_filter_over_an_updating_input_keeps_its_columns() -> None:
    b = Builder()
    group = b.aggregate(b.scan(), ["k"], n=("COUNT", None))
    plan = prune_columns(b.project(filtered(group, call(">", ref(group, "n"), number(1))), k="k"))
    where = next(each for each in walk_plan(plan) if isinstance(each, Filter))
    assert names(where) == ["k", "n"]


def test_unnest_does_not_repeat_the_array_itself() -> None:
    b = Builder()
    scan = b.scan(columns=(("words", t.array(t.STRING)), ("k", t.STRING)), watermark=None)
    word = b.field("word", t.STRING)
    unnest = Unnest(input=scan, expr=ref(scan, "words"), elements=(word,), fields=(*scan.fields, word))
    plan = prune_columns(b.project(unnest, word="word"))
    assert names(next(each for each in walk_plan(plan) if isinstance(each, Unnest))) == ["word"]
    assert names(scans(plan)[0]) == ["words"]


def test_union_branches_keep_the_same_columns_in_order() -> None:
    b = Builder()
    one_, other = b.scan("a", watermark=None), b.scan("b", watermark=None)
    union = b.union(one_, b.project(other, ts="k", v="v", k="ts"))
    plan = prune_columns(b.project(union, ts="ts", k="k"))
    first, second = scans(plan)
    assert names(first) == ["k", "ts"]
    assert names(second) == ["k", "ts"]


def test_union_of_timed_sources_orders_rows_but_rejects_none() -> None:
    b = Builder()
    plan = prune_columns(b.project(b.union(b.scan("a"), b.scan("b")), k="k"))
    assert [(each.watermark is not None, each.time_used) for each in scans(plan)] == [(True, False), (True, False)]


def test_late_rows_keep_the_columns_of_their_table() -> None:
    b = Builder()
    scan = b.scan()
    items = b.project(scan, double=call("*", ref(scan, "v"), number(2)), ts="ts")
    windows = b.window_aggregate(items, Tumble(HOUR), [], s=("SUM", "double"))
    plan = prune_columns(windows, keep_late_columns=True)
    window = next(each for each in walk_plan(plan) if isinstance(each, WindowAggregate))
    assert names(window.input) == ["k", "v", "ts", "double"]
    assert names(prune_columns(windows).inputs[0]) == ["double", "ts"]


def test_the_plan_delivers_what_it_did() -> None:
    b = Builder()
    scan = b.scan(watermark=None)
    plan = prune_columns(sorted_by(b.project(scan, k="k", v="v"), "-v"))
    assert names(plan) == ["k", "v"]
    hidden = Project(input=plan, exprs=(ref(plan, "k"),), fields=(one(plan.fields, "k"),))
    assert names(prune_columns(hidden)) == ["k"]


def test_time_that_one_reader_of_a_table_uses_is_used_by_all() -> None:
    b = Builder()
    windows = b.window_aggregate(b.scan("t"), Tumble(HOUR), ["k"])
    union = b.union(b.project(b.scan("t"), k="k"), b.project(windows, k="k"))
    assert [(each.watermark is not None, each.time_used) for each in scans(prune_columns(union))] == [(True, True)] * 2


def test_a_table_united_with_itself_needs_no_watermark() -> None:
    b = Builder()
    union = b.union(b.project(b.scan("t"), k="k"), b.project(b.scan("t"), k="k"))
    assert [each.watermark for each in scans(prune_columns(union))] == [None, None]
