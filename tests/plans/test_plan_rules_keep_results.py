"""Whatever the rules do to a plan, its result stays: random plans as they are, improved, and run as streams."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from streamsql.batch_mode.query import BatchQuery
from streamsql.errors import DataError
from streamsql.expr import types as t
from streamsql.expr.nodes import Literal
from streamsql.memory import MemoryTable
from streamsql.plan.logical import Cumulate, Hop, Plan, Scan, Session, Tumble, WatermarkSpec
from streamsql.plan.optimize import optimize
from streamsql.plan.physical import lower
from streamsql.plan.tree import schema_of, transform_up, walk_plan
from streamsql.runtime.job import Job
from streamsql.runtime.output import CollectOutput
from streamsql.runtime.settings import JobSettings
from streamsql.time import SECOND
from tests.plans.builder import CONTEXT, Builder, at, call, filtered, limited, number, ref, sorted_by, text

ROWS = st.lists(
    st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from([0, 1, 2, 3, None]), st.integers(-30, 60)),
    min_size=6,
    max_size=16,
)
WINDOWS = (
    Tumble(10 * SECOND),
    Tumble(10 * SECOND, 3 * SECOND),
    Hop(5 * SECOND, 10 * SECOND),
    Hop(4 * SECOND, 10 * SECOND),
    Hop(20 * SECOND, 10 * SECOND),
    Cumulate(5 * SECOND, 20 * SECOND),
    Session(4 * SECOND),
)
Draw = Callable[[st.SearchStrategy], object]  # type: ignore[type-arg]


def condition(draw: Draw, plan: Plan):  # type: ignore[no-untyped-def]
    """A condition over columns that the plan has; some can fail, some compare window bounds."""
    names = {each.name for each in plan.fields}
    choices = []
    if "k" in names:
        choices += [call("=", ref(plan, "k"), text("a")), call("IS NULL", ref(plan, "k"))]
    if "v" in names:
        choices += [call(">", ref(plan, "v"), number(1)), call("<>", ref(plan, "v"), number(0))]
        choices += [call("=", call("/", number(6), ref(plan, "v")), number(3))]
    if "n" in names:
        choices += [call(">", ref(plan, "n"), number(1))]
    seconds = st.sampled_from([-20, -10, 0, 3, 10, 12.5, 20])
    for bound in sorted(names & {"window_start", "window_end", "window_time"}):
        operator = draw(st.sampled_from(["=", "<", "<=", ">", ">="]))
        choices.append(call(str(operator), ref(plan, bound), at(draw(seconds))))  # type: ignore[arg-type]
    if "ts" in names and "window_start" in names:
        choices.append(call("<>", ref(plan, "ts"), ref(plan, "window_start")))
    picked = draw(st.lists(st.sampled_from(choices), min_size=1, max_size=2)) if choices else []
    assert isinstance(picked, list)
    result = None
    for each in picked:
        result = each if result is None else call("AND", result, each)
    return result


def step(draw: Draw, b: Builder, plan: Plan) -> Plan:
    """One more node."""
    names = [each.name for each in plan.fields]
    kind = draw(st.sampled_from(["filter", "project", "window", "group", "union"]))
    match kind:
        case "filter":
            found = condition(draw, plan)
            return plan if found is None else filtered(plan, found)
        case "project":
            kept = [each for each in names if draw(st.integers(0, 3))] or names[:1]
            items = {each: each for each in kept}
            if "v" in names and draw(st.booleans()):
                return b.project(plan, **{**items, "v": call("+", ref(plan, "v"), number(1))})
            return b.project(plan, **items)
        case "window" if "ts" in names and "window_start" not in names:
            window = draw(st.sampled_from(WINDOWS))
            keys = ["k"] if isinstance(window, Session) and "k" in names and draw(st.booleans()) else []
            return b.assign(plan, window, partition=keys)  # type: ignore[arg-type]
        case "group":
            windowed = [each for each in ("window_start", "window_end") if each in names]
            keys = windowed if draw(st.integers(0, 5)) else windowed[:1]
            keys = keys + (["k"] if "k" in names and draw(st.booleans()) else [])
            calls = {"n": ("COUNT", None), **({"v": ("MAX", "v")} if "v" in names else {})}
            return b.aggregate(plan, keys, **calls)  # type: ignore[arg-type]
        case "union" if len(set(names)) == len(names):
            return (
                b.union(plan, plan) if draw(st.booleans()) else b.union(plan, b.project(plan, **{x: x for x in names}))
            )
    return plan


@st.composite
def plans(draw: Draw) -> Plan:
    b = Builder()
    scan = b.scan()
    plan: Plan = replace(scan, table=replace(scan.table, connector=None))
    if draw(st.integers(0, 3)):  # type: ignore[call-overload]
        window = draw(st.sampled_from((*WINDOWS, WINDOWS[-1])))  # type: ignore[arg-type]
        keys = ["k"] if isinstance(window, Session) and draw(st.booleans()) else []  # type: ignore[arg-type]
        plan = b.assign(plan, window, partition=keys)
        if draw(st.booleans()) and (found := condition(draw, plan)) is not None:  # type: ignore[arg-type]
            plan = filtered(plan, found)
        plan = b.aggregate(plan, ["window_end", "k", "window_start"], n=("COUNT", None), v=("SUM", "v"))
    for _ in range(draw(st.integers(1, 4))):  # type: ignore[call-overload]
        plan = step(draw, b, plan)
    if draw(st.integers(0, 5)) == 0:
        plan = limited(sorted_by(plan, *[each.name for each in plan.fields]), 3)
    return plan


Row = tuple[str | None, int | None, int]


def table_of(plan: Plan, rows: list[Row]) -> MemoryTable:
    """The table that the plan reads, with these rows; times in seconds."""
    scan = next(each for each in walk_plan(plan) if isinstance(each, Scan))
    table = MemoryTable(schema_of(scan.physical))
    arrow = table.schema.to_arrow()
    times = [row[2] * SECOND for row in rows]
    columns = [[row[0] for row in rows], [row[1] for row in rows], times]
    arrays = [pa.array(column, type_) for column, type_ in zip(columns, arrow.types, strict=True)]
    table.append(pa.RecordBatch.from_arrays(arrays, schema=arrow))
    return table


def rows_of(found: pa.Table) -> list[tuple[object, ...]]:
    return list(zip(*(each.to_pylist() for each in found.columns), strict=True))


def in_duckdb(plan: Plan, table: MemoryTable) -> Counter[tuple[object, ...]]:
    return Counter(rows_of(BatchQuery(plan, lambda _: table.source(), CONTEXT).run()))


def as_stream(plan: Plan, table: MemoryTable, batch_rows: int) -> list[tuple[object, ...]]:
    output = CollectOutput()
    roots = lower([plan], CONTEXT)
    Job(roots, [output], lambda _: table.source(), CONTEXT, JobSettings(batch_rows, read_ahead=0)).run()
    return rows_of(output.to_table())


def without_late_rows(plan: Plan) -> Plan:
    """The plan over a table whose watermark lies a day behind."""

    def delay(node: Plan) -> Plan:
        if not isinstance(node, Scan) or node.watermark is None:
            return node
        day = Literal(type=t.INTERVAL_DAY.with_nullable(False), value=86_400 * SECOND)
        expr = call("-", ref(node, "ts"), day)
        return replace(node, watermark=WatermarkSpec(node.watermark.column, expr))

    return transform_up(plan, delay)


@settings(derandomize=True, deadline=None, max_examples=20)
@given(plans(), ROWS)
def test_an_improved_plan_gives_the_same_rows(plan: Plan, rows: list[Row]) -> None:
    table = table_of(plan, rows)
    try:
        expected = in_duckdb(plan, table)
    except DataError:
        assume(False)  # a division by zero that the improved plan may do without
    improved = optimize(plan, CONTEXT)
    assert [each.name for each in improved.fields] == [each.name for each in plan.fields]
    assert in_duckdb(improved, table) == expected


@settings(derandomize=True, deadline=None, max_examples=20)
@given(plans(), ROWS, st.integers(1, 5))
def test_the_physical_graph_gives_them_too_however_the_input_is_cut(plan: Plan, rows: list[Row], cut: int) -> None:
    plan = without_late_rows(plan)
    table = table_of(plan, rows)
    improved = optimize(plan, CONTEXT)
    try:
        expected = in_duckdb(plan, table)
        whole = as_stream(improved, table, 100)
    except DataError:
        assume(False)
    assert Counter(whole) == expected
    assert as_stream(improved, table, cut) == whole
