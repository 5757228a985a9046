"""ROW_NUMBER within windows."""

from __future__ import annotations

import pytest

from streamsql.expr import types as t
from streamsql.expr.text import expr_text
from streamsql.plan.logical import Attached, Filter, OverAggregate, Plan, Rank, RankOver, SortKey, Tumble, WindowRank
from streamsql.plan.optimize import optimize
from streamsql.plan.rules.bound_ranks import bound_ranks
from streamsql.plan.rules.push_filters import push_filters
from streamsql.plan.tree import walk_plan
from tests.plans.builder import CONTEXT, HOUR, Builder, call, filtered, number, one, ref


def ranked(b: Builder, plan: Plan, partition: list[str], order: str = "v") -> RankOver:
    rank = b.field("rn", t.BIGINT.with_nullable(False))
    return RankOver(
        input=plan,
        function="ROW_NUMBER",
        partition=tuple(one(plan.fields, each).id for each in partition),
        order=(SortKey(one(plan.fields, order).id, False, False),),
        rank=rank,
        fields=(*plan.fields, rank),
    )


def rank_of(plan: Plan) -> WindowRank:
    return next(each for each in walk_plan(plan) if isinstance(each, WindowRank))


@pytest.mark.parametrize(
    ("condition", "first", "last"),
    [
        (lambda rank: call("<=", rank, number(3)), 1, 3),
        (lambda rank: call("<", rank, number(3)), 1, 2),
        (lambda rank: call("=", rank, number(1)), 1, 1),
        (lambda rank: call(">=", number(5), rank), 1, 5),
        (lambda rank: call("BETWEEN", rank, number(2), number(4)), 2, 4),
        (lambda rank: call("AND", call(">", rank, number(1)), call("<=", rank, number(3))), 2, 3),
    ],
)
def test_bounds_of_the_rank(condition, first: int, last: int) -> None:  # type: ignore[no-untyped-def]
    b = Builder()
    assign = b.assign(b.scan(), Tumble(HOUR))
    plan = ranked(b, assign, ["window_start", "k", "window_end"])
    found = rank_of(bound_ranks(filtered(plan, condition(ref(plan, "rn")))))
    assert (found.first, found.last) == (first, last)
    assert found.window == Attached(assign.bounds[0].id, assign.bounds[1].id)
    assert found.time == assign.bounds[2]
    assert found.partition == (assign.fields[0].id,)


def test_other_conditions_stay_above() -> None:
    b = Builder()
    plan = ranked(b, b.assign(b.scan(), Tumble(HOUR)), ["window_start", "window_end"])
    both = call("AND", call("<=", ref(plan, "rn"), number(3)), call(">", ref(plan, "v"), number(5)))
    found = bound_ranks(filtered(plan, both))
    assert isinstance(found, Filter)
    assert expr_text(found.predicate) == "v > 5"


def test_a_rank_that_no_one_reads_is_not_computed() -> None:
    b = Builder()
    plan = ranked(b, b.assign(b.scan(), Tumble(HOUR)), ["window_start", "window_end", "k"])
    below = b.project(plan, v="v", rn="rn")
    top = b.project(filtered(below, call("<=", ref(below, "rn"), number(1))), v="v")
    found = rank_of(optimize(top, CONTEXT))
    assert found.rank is None
    assert (found.first, found.last) == (1, 1)


def test_ranks_over_a_window_aggregate() -> None:
    b = Builder()
    group = b.aggregate(b.assign(b.scan(), Tumble(HOUR)), ["window_start", "window_end", "k"], v=("SUM", "v"))
    plan = ranked(b, group, ["window_start", "window_end"])
    found = rank_of(optimize(filtered(plan, call("<=", ref(plan, "rn"), number(2))), CONTEXT))
    assert [each.name for each in found.input.fields][:1] == ["window_start"]


def test_conditions_on_the_partition_go_below() -> None:
    b = Builder()
    plan = ranked(b, b.scan(), ["k"])
    pushed = push_filters(
        filtered(plan, call("AND", call("IS NULL", ref(plan, "k")), call("<", ref(plan, "rn"), number(2))))
    )
    assert [type(each).__name__ for each in walk_plan(pushed)] == ["Scan", "Filter", "RankOver", "Filter"]


def test_a_ranking_without_windows_is_a_rank() -> None:
    b = Builder()
    outside = ranked(b, b.scan(), ["k"])
    found = bound_ranks(filtered(outside, call("<=", ref(outside, "rn"), number(3))))
    assert isinstance(found, Rank)
    assert (found.function, found.first, found.last, found.rank) == ("ROW_NUMBER", 1, 3, outside.fields[-1])


def test_a_ranking_without_bound_is_a_call_of_over() -> None:
    b = Builder()
    plan = ranked(b, b.assign(b.scan(), Tumble(HOUR)), ["window_start", "window_end"])
    found = bound_ranks(filtered(plan, call(">", ref(plan, "rn"), number(3))))
    assert isinstance(found, Filter) and isinstance(found.input, OverAggregate)
    assert [each.function for each in found.input.calls] == ["ROW_NUMBER"]
