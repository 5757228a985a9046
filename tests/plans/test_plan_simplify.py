"""Nodes that do nothing go."""

from __future__ import annotations

from streamsql.expr import types as t
from streamsql.expr.nodes import Call, Literal
from streamsql.expr.text import expr_text
from streamsql.plan.logical import Filter, Project, Scan, Union
from streamsql.plan.rules.constant_folding import constant_folding
from streamsql.plan.rules.name_results import name_results
from streamsql.plan.rules.simplify import simplify
from tests.plans.builder import CONTEXT, Builder, call, filtered, number, ref

TRUE = Literal(type=t.BOOLEAN, value=True)


def test_filters_that_are_true_go() -> None:
    scan = Builder().scan()
    assert simplify(filtered(scan, TRUE)) == scan


def test_adjacent_filters_merge_the_lower_first() -> None:
    scan = Builder().scan()
    guard = call("<>", ref(scan, "v"), number(0))
    division = call(">", call("/", number(10), ref(scan, "v")), number(1))
    plan = simplify(filtered(filtered(scan, guard), Call(type=t.BOOLEAN, function="AND", args=(division, TRUE))))
    assert isinstance(plan, Filter)
    assert expr_text(plan.predicate) == "v <> 0 AND 10 / v > 1"
    assert plan.input == scan


def test_adjacent_projections_merge() -> None:
    b = Builder()
    scan = b.scan()
    lower = b.project(scan, k="k", d=call("*", ref(scan, "v"), number(2)))
    upper = b.project(lower, e=call("+", ref(lower, "d"), number(1)), key="k")
    plan = simplify(upper)
    assert isinstance(plan, Project)
    assert [expr_text(each) for each in plan.exprs] == ["v * 2 + 1", "k"]
    assert plan.input == scan
    assert plan.fields == upper.fields


def test_what_is_used_twice_is_computed_once() -> None:
    b = Builder()
    scan = b.scan()
    lower = b.project(scan, d=call("*", ref(scan, "v"), number(2)))
    upper = b.project(lower, e=call("+", ref(lower, "d"), ref(lower, "d")))
    assert simplify(upper) == upper


def test_a_projection_of_all_columns_goes_unless_it_renames() -> None:
    b = Builder()
    scan = b.scan()
    assert simplify(b.project(scan, k="k", v="v", ts="ts")) == scan
    renamed = b.project(scan, key="k", v="v", ts="ts")
    assert simplify(renamed) == renamed


def test_unions_of_unions_are_one() -> None:
    b = Builder()
    one, two, three = b.scan("a"), b.scan("b"), b.scan("c")
    plan = simplify(b.union(b.union(one, two), three))
    assert isinstance(plan, Union)
    assert plan.branches == (one, two, three)


def test_constants_are_folded_but_not_those_that_fail() -> None:
    scan = Builder().scan()
    folded = constant_folding(filtered(scan, call(">", ref(scan, "v"), call("*", number(2), number(3)))), CONTEXT)
    assert isinstance(folded, Filter)
    assert expr_text(folded.predicate) == "v > 6"
    fails = filtered(scan, call(">", ref(scan, "v"), call("/", number(2), number(0))))
    kept = constant_folding(fails, CONTEXT)
    assert isinstance(kept, Filter)
    assert expr_text(kept.predicate) == "v > 2 / 0"
    assert isinstance(kept.input, Scan)


def test_invented_names_are_those_of_the_query() -> None:
    b = Builder()
    group = b.aggregate(b.scan(), ["k"], **{"$agg0": ("COUNT", None), "$agg1": ("SUM", "v")})
    having = filtered(group, call(">", ref(group, "$agg0"), number(1)))
    plan = name_results(b.project(having, key="k", n="$agg0"))
    assert isinstance(plan, Project)
    where = plan.input
    assert isinstance(where, Filter)
    assert expr_text(where.predicate) == "n > 1"
    assert [each.name for each in where.input.fields] == ["k", "n", "$agg1"]
    assert [each.name for each in plan.fields] == ["key", "n"]
