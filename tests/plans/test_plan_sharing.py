"""What plans have in common is found, whatever their column ids."""

from __future__ import annotations

from streamsql.plan.identity import Identities
from streamsql.plan.logical import Aggregate, Filter, Plan, Project, Scan, Tumble, WindowAggregate
from streamsql.plan.sharing import share
from streamsql.plan.tree import walk_plan
from tests.plans.builder import HOUR, Builder, call, filtered, number, ref


def distinct(plans: tuple[Plan, ...], kind: type) -> list:  # type: ignore[type-arg]
    return list(dict.fromkeys(each for plan in plans for each in walk_plan(plan) if isinstance(each, kind)))


def windows(b: Builder, least: int) -> Plan:
    scan = b.scan()
    return b.window_aggregate(filtered(scan, call(">", ref(scan, "v"), number(least))), Tumble(HOUR), ["k"])


def test_equal_structure_has_one_key_and_one_name() -> None:
    b = Builder()
    first, same, other = windows(b, 1), windows(b, 1), windows(b, 2)
    identities = Identities((first, same, other))
    assert identities.key(first) == identities.key(same) != identities.key(other)
    assert [identities.name(each) for each in (first, same, other)] == [
        "WindowAggregate",
        "WindowAggregate",
        "WindowAggregate[2]",
    ]


def test_zero_and_minus_zero_differ() -> None:
    b = Builder()
    scan = b.scan(columns=(("d", number(0).type),), watermark=None)
    from streamsql.expr import types as t
    from streamsql.expr.nodes import Literal

    plans = tuple(b.project(scan, x=Literal(type=t.DOUBLE, value=value)) for value in (0.0, -0.0))
    identities = Identities(plans)
    assert identities.key(plans[0]) != identities.key(plans[1])


def test_equal_sub_plans_become_one() -> None:
    b = Builder()
    plans = share((b.union(windows(b, 1), windows(b, 1)), windows(b, 1)))
    assert len(distinct(plans, WindowAggregate)) == 1
    assert len(distinct(plans, Scan)) == 1
    assert share(plans) == plans


def test_one_scan_for_a_table() -> None:
    b = Builder()
    first, second = b.scan(watermark=None), b.scan(watermark=None)
    narrow = b.project(Scan(table=second.table, physical=second.physical[1:2], fields=second.fields[1:2]), v="v")
    plans = share((b.project(first, k="k"), narrow))
    (scan,) = distinct(plans, Scan)
    assert [each.name for each in scan.physical] == ["k", "v", "ts"]
    assert [each.fields for each in plans] == [plans[0].fields, narrow.fields]
    assert share(plans) == plans


def test_scans_that_treat_time_differently_stay_apart() -> None:
    b = Builder()
    plans = share((b.scan(), b.scan(watermark=None)))
    assert len(distinct(plans, Scan)) == 2


def test_conditions_of_one_reader_do_not_hide_rows_from_another() -> None:
    b = Builder()
    first, second = b.scan(watermark=None), b.scan(watermark=None)
    from dataclasses import replace

    condition = call(">", ref(first, "v"), number(1))
    plans = share((filtered(replace(first, predicate=condition), condition), second))
    (scan,) = distinct(plans, Scan)
    assert scan.predicate is None
    assert isinstance(plans[0], Filter)
    assert isinstance(plans[1], Project)


def test_one_computation_under_two_names() -> None:
    b = Builder()
    first = b.aggregate(b.scan(), ["k"], n=("COUNT", None))
    second = b.aggregate(b.scan(), ["k"], many=("COUNT", None))
    plans = share((first, second))
    assert len(distinct(plans, Aggregate)) == 1
    assert [each.name for each in plans[1].fields] == ["k", "many"]
