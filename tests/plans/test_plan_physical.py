"""The physical graph: shared nodes, names, who asks for watermarks; and that rows keep their order."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from streamsql.expr import types as t
from streamsql.memory import MemoryTable
from streamsql.operators.session_aggregate import SessionAggregate
from streamsql.operators.sort import Sort
from streamsql.operators.window_aggregate import WindowAggregate
from streamsql.plan.logical import Plan, Scan, Session, SinkPlan, Table, Tumble
from streamsql.plan.optimize import optimize
from streamsql.plan.physical import PhysicalNode, lower
from streamsql.plan.tree import schema_of, walk_plan
from streamsql.runtime.job import Job
from streamsql.runtime.output import CollectOutput
from streamsql.runtime.settings import JobSettings
from streamsql.time import SECOND
from tests.plans.builder import CONTEXT, HOUR, Builder, call, filtered, limited, number, ref


def nodes(*roots: PhysicalNode) -> dict[str, PhysicalNode]:
    found: dict[str, PhysicalNode] = {}
    for root in roots:
        for each in root.inputs:
            found |= nodes(each)
        found[root.name] = root
    return found


def windows(b: Builder, least: int = 1) -> Plan:
    scan = b.scan()
    return b.window_aggregate(filtered(scan, call(">", ref(scan, "v"), number(least))), Tumble(HOUR), ["k"])


def test_equal_parts_of_several_plans_are_one_node() -> None:
    b = Builder()
    first, second = lower([windows(b), b.project(windows(b), k="k")], CONTEXT)
    assert sorted(nodes(first, second)) == ["Filter", "Project", "Project[2]", "Scan", "WindowAggregate"]
    assert nodes(second)["WindowAggregate"] is first
    assert isinstance(first.operator, WindowAggregate)


def test_two_equal_inserts_write_twice() -> None:
    b = Builder()
    plan = optimize(windows(b), CONTEXT)
    sink = SinkPlan(input=plan, table=Table("out", ()), fields=plan.fields)
    first, second = lower([sink, sink], CONTEXT)
    assert [first.name, second.name] == ["SinkPlan", "SinkPlan again 1"]
    assert first.inputs == second.inputs


def test_only_who_goes_by_time_asks_for_watermarks() -> None:
    b = Builder()
    (root,) = lower([windows(b)], CONTEXT)
    assert {name: node.needs_watermarks for name, node in nodes(root).items()} == {
        "Scan": True,
        "Filter": True,
        "WindowAggregate": False,
    }
    group = b.aggregate(b.scan(), ["k"], n=("COUNT", None))
    (root,) = lower([optimize(group, CONTEXT)], CONTEXT)
    assert not any(each.needs_watermarks for each in nodes(root).values())
    (root,) = lower([optimize(b.union(b.scan("t"), b.scan("u")), CONTEXT)], CONTEXT)
    assert [each.needs_watermarks for each in root.inputs] == [True, True]


def test_a_session_window_has_its_own_operator() -> None:
    b = Builder()
    (root,) = lower([b.window_aggregate(b.scan(), Session(HOUR), ["k"], n=("COUNT", None))], CONTEXT)
    assert isinstance(root.operator, SessionAggregate)


def test_limit_over_an_updating_input_waits_for_its_end() -> None:
    b = Builder()
    group = b.aggregate(b.scan(), ["k"], n=("COUNT", None))
    (root,) = lower([limited(group, 1)], CONTEXT)
    assert isinstance(root.inputs[0].operator, Sort)
    (root,) = lower([limited(b.scan(), 1)], CONTEXT)
    assert isinstance(root.inputs[0].plan, Scan)


def run(plan: Plan, rows: pa.RecordBatch, batch_rows: int) -> list[tuple[object, ...]]:
    """The rows of an append-only plan over one table, in the order in which they come."""
    scan = next(each for each in walk_plan(plan) if isinstance(each, Scan))
    table = MemoryTable(schema_of(scan.physical))
    table.append(rows)
    output = CollectOutput()
    roots = lower([optimize(plan, CONTEXT)], CONTEXT)
    Job(roots, [output], lambda _: table.source(), CONTEXT, JobSettings(batch_rows, read_ahead=0)).run()
    return [tuple(row.values()) for step, _ in output.steps for row in step.to_pylist()]


@pytest.mark.parametrize("batch_rows", [1, 2, 3, 100])
@pytest.mark.parametrize("watermark", ["ts", None])
def test_a_table_united_with_itself_comes_row_by_row(batch_rows: int, watermark: str | None) -> None:
    b = Builder()
    first, second = b.scan(watermark=watermark), b.scan(watermark=watermark)
    plan = b.union(
        b.project(first, x=call("+", ref(first, "v"), number(100))),
        b.project(filtered(second, call("<>", ref(second, "v"), number(2))), v="v"),
    )
    times = pa.array([9 * SECOND, 5 * SECOND, 30 * SECOND], pa.timestamp("us"))
    rows = pa.RecordBatch.from_arrays([pa.array(["a"] * 3), pa.array([1, 2, 3]), times], ["k", "v", "ts"])
    assert run(plan, rows, batch_rows) == [(101,), (1,), (102,), (103,), (3,)]


def test_an_unread_array_is_not_carried_along() -> None:
    from streamsql.plan.logical import Unnest

    b = Builder()
    scan = b.scan(columns=(("words", t.array(t.STRING)), ("n", t.BIGINT)), watermark=None)
    word = b.field("word", t.STRING)
    unnest = Unnest(input=scan, expr=ref(scan, "words"), elements=(word,), fields=(*scan.fields, word))
    plan = b.project(unnest, n="n", word="word")
    rows = pa.RecordBatch.from_arrays(
        [pa.array([["x", "y"], None, ["z"]], pa.list_(pa.string())), pa.array([1, 2, 3])], ["words", "n"]
    )
    assert run(plan, rows, 10) == [(1, "x"), (1, "y"), (3, "z")]


def test_plans_are_not_changed_by_lowering() -> None:
    b = Builder()
    plan = windows(b)
    before = replace(plan)
    lower([plan], CONTEXT)
    assert plan == before
