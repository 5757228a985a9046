"""Stream against batch: the difference of two tables, and what the stream's decisions explain of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from batch_plans import CONTEXT, Input, aggregate, call, query, run, seconds, select, window_aggregate, window_assign

from streamsql.batch_mode.compare import Comparison, StreamRun, compare
from streamsql.batch_mode.difference import difference, first_disorder
from streamsql.batch_mode.report import render_comparison
from streamsql.batch_mode.shake import shake
from streamsql.expr.types import BIGINT, DOUBLE, STRING, timestamp
from streamsql.operators.base import LateRows, SessionCut
from streamsql.plan.logical import Attached, Hop, Plan, Project, Session, SortKey, Tumble, WindowRank
from streamsql.runtime.decisions import Decision
from streamsql.time import SECOND

TS = timestamp(3)
NAN = float("nan")


def table(**columns: Sequence[Any]) -> pa.Table:
    return pa.table({name: pa.array(values) for name, values in columns.items()})


def left_over(stream: pa.Table, batch: pa.Table) -> tuple[list[Any], list[Any]]:
    found = difference(stream, batch)
    return found.stream_only.to_pylist(), found.batch_only.to_pylist()


def test_order_does_not_count_but_copies_do():
    assert left_over(table(a=[1, None, 2]), table(a=[2, 1, None])) == ([], [])
    assert left_over(table(a=[1, 1, 1, 2]), table(a=[2, 1, 3])) == ([{"a": 1}, {"a": 1}], [{"a": 3}])


def test_floats_agree_to_nine_digits():
    exact = table(a=[1.0, 1e300, NAN, -0.0, 5e-324, float("inf"), None])
    near = table(a=[1.0 + 1e-10, 1e300 * (1 + 1e-11), NAN, 0.0, 5e-324, float("inf"), None])
    assert left_over(exact, near) == ([], [])
    assert left_over(table(a=[1.0]), table(a=[1.0000001])) == ([{"a": 1.0}], [{"a": 1.0000001}])


def test_floats_that_rounding_tears_apart_still_agree():
    low, high = 1.2345678849999999, 1.2345678850000001
    stream = table(k=["a", "b", "c"], x=[low, low, 1.0])
    batch = table(k=["b", "a", "c"], x=[high, high, 2.0])
    assert left_over(stream, batch) == ([{"k": "c", "x": 1.0}], [{"k": "c", "x": 2.0}])


def test_nested_values_count_floats_inside_them_too():
    near = table(a=[[1.0, None], []], b=[{"x": 1.0 + 1e-12, "y": "z"}, None])
    exact = table(a=[[], [1.0 + 1e-12, None]], b=[None, {"x": 1.0, "y": "z"}])
    assert left_over(near, exact) == ([], [])
    other = table(a=[[], [1.0, None]], b=[None, {"x": 1.0, "y": "y"}])
    assert len(left_over(near, other)[0]) == 1


def test_nested_slices_are_compared_by_what_they_show():
    whole = table(a=[[9.0], [1.0], [2.0, 3.0]]).slice(1)
    assert left_over(whole, table(a=[[2.0, 3.0], [1.0 + 1e-12]])) == ([], [])


def test_the_first_row_out_of_order():
    assert first_disorder(table(a=[1, 2, 3]), table(a=[1, 3, 2])) == 1
    assert first_disorder(table(a=[1.0, NAN]), table(a=[1.0 + 1e-12, NAN])) is None


def test_shaking_reports_the_batch_sizes_that_differ():
    answers = {1: table(a=[1, 2]), 7: table(a=[2, 1]), 4096: table(a=[1])}
    found = shake(answers.__getitem__, table(a=[1, 2]))
    assert [each.text for each in found] == [
        "batch size 7: the same rows in another order, from row 1 on",
        "batch size 4,096: 1 rows differ",
    ]
    assert [each.batch_rows for each in shake(answers.__getitem__, table(a=[1, 2]), ordered=False)] == [4096]


def clicks(*rows: tuple[float, Any, Any]) -> Input:
    times, keys, values = zip(*rows, strict=True)
    columns = {"ts": (TS, seconds(*times)), "k": (STRING, list(keys)), "v": (DOUBLE, list(values))}
    return Input("clicks", columns, time="ts")


def rows_at(source: Input, *indices: int) -> pa.RecordBatch:
    (batch, *_) = (
        pa.Table.from_batches([each.rows for each in source.source.read(_all(source))]).combine_chunks().to_batches()
    )
    return batch.take(pa.array(indices, pa.int64()))


def _all(source: Input):  # type: ignore[no-untyped-def]
    from streamsql.ports import ReadRequest

    return ReadRequest(tuple(source.fields))


def late(plan: Plan, source: Input, missed: dict[int, list[tuple[int, int]]]) -> Decision:
    """A decision: rows (by number) and the windows (s) they were dropped from."""
    rows = rows_at(source, *missed)
    triples = [
        (index, start * SECOND, end * SECOND) for index, windows in enumerate(missed.values()) for start, end in windows
    ]
    counts = np.array([len(windows) for windows in missed.values()], np.int32)
    zeros = np.zeros(len(missed), np.int64)
    what = LateRows(rows, None, zeros, zeros, counts, np.array(triples, np.int64).reshape(-1, 3))
    return Decision("WindowAggregate", plan, what)


def counted(source: Input, window: Any) -> tuple[Plan, Project]:
    k, v = source.fields["k"], source.fields["v"]
    plan = window_aggregate(
        source.scan(), window, source.fields["ts"], [k], call("COUNT"), call("MAX", v, type_=DOUBLE)
    )
    return plan, select(plan, *plan.fields[:5])


def test_late_rows_are_taken_out_of_the_windows_they_missed():
    source = clicks((1, "a", 5.0), (2, "a", 9.0), (3, None, NAN), (3, None, NAN))
    plan, shown = counted(source, Hop(5 * SECOND, 10 * SECOND))
    decisions = [late(plan, source, {1: [(-5, 5)], 3: [(-5, 5), (0, 10)]})]
    rows = run(shown, source, decisions=decisions)
    assert [(key, n, start, end) for key, n, _, start, end in rows] == [
        (None, 1, -5, 5),
        ("a", 1, -5, 5),
        (None, 1, 0, 10),
        ("a", 2, 0, 10),
    ]
    assert [row[2] for row in rows if row[0]] == [5.0, 9.0]


def test_the_last_of_equal_rows_was_the_late_one():
    source = clicks((1, "x", 1.0), (1, "y", 1.0), (1, "x", 1.0))
    plan = window_aggregate(
        source.scan(),
        Tumble(10 * SECOND),
        source.fields["ts"],
        [],
        call("LISTAGG", source.fields["k"], type_=STRING, options=(",",)),
    )
    assert run(select(plan, plan.fields[0]), source) == [("x,y,x",)]
    assert run(select(plan, plan.fields[0]), source, decisions=[late(plan, source, {2: [(0, 10)]})]) == [("x,y",)]


def test_a_row_whose_retraction_came_too_late_is_still_there():
    columns = {"ts": (TS, seconds(1, 2, 1)), "k": (STRING, ["x", "y", "x"])}
    source = Input("t", columns, time="ts", connector=None, weights=[1, 1, -1])
    plan = window_aggregate(
        source.scan(), Tumble(10 * SECOND), source.fields["ts"], [source.fields["k"]], call("COUNT")
    )
    shown = select(plan, *plan.fields[:2])
    assert run(shown, source) == [("y", 1)]
    decision = late(plan, source, {2: [(0, 10)]})
    assert isinstance(decision.what, LateRows)
    retraction = replace(decision.what, weights=np.array([-1], np.int8))
    assert run(shown, source, decisions=[replace(decision, what=retraction)]) == [("x", 1), ("y", 1)]


def test_decisions_of_a_rank_are_replayed():
    source = clicks((1, "a", 5.0), (2, "a", 9.0))
    assigned = window_assign(source.scan(), Tumble(10 * SECOND), source.fields["ts"])
    start, end, time = assigned.bounds
    plan = WindowRank(
        input=assigned,
        window=Attached(start.id, end.id),
        time=time,
        partition=(),
        order=(SortKey(source.id("v"), ascending=False),),
        first=1,
        last=1,
        fields=assigned.fields,
    )
    assigned_rows = query(assigned, source).run().combine_chunks().to_batches()[0]
    zero = np.zeros(1, np.int64)
    missed = np.array([[0, 0, 10 * SECOND]])
    what = LateRows(assigned_rows.slice(1), None, zero, zero, np.ones(1, np.int32), missed)
    shown = select(plan, source.fields["v"])
    assert run(shown, source) == [(9.0,)]
    assert run(shown, source, decisions=[Decision("WindowRank", plan, what)]) == [(5.0,)]


def test_sessions_are_cut_where_the_stream_cut_them():
    source = clicks((0, "a", 1.0), (8, "a", 2.0), (16, "a", 3.0), (8, "a", 2.0), (40, "a", 4.0), (1, "a", 7.0))
    plan, shown = counted(source, Session(10 * SECOND))
    assert run(shown, source) == [("a", 5, 7.0, 0, 26), ("a", 1, 4.0, 40, 50)]
    decisions = [
        Decision("SessionAggregate", plan, SessionCut(rows_at(source, 3, 2), np.array([1, 2]))),
        late(plan, source, {5: [(0, 11)]}),
    ]
    assert run(shown, source, decisions=decisions) == [
        ("a", 2, 2.0, 0, 18),
        ("a", 1, 2.0, 8, 18),
        ("a", 1, 3.0, 16, 26),
        ("a", 1, 4.0, 40, 50),
    ]


def compared(source: Input, shown: Plan, stream: pa.Table, decisions: Sequence[Decision] = ()) -> Comparison:
    return compare(shown, StreamRun(stream, 2.0, decisions), lambda _: source.source, CONTEXT)


def test_an_equal_comparison():
    source = clicks((1, "a", 5.0))
    _, shown = counted(source, Tumble(10 * SECOND))
    comparison = compared(source, shown, query(shown, source).run())
    assert comparison.exit_code == 0
    lines = render_comparison(comparison).splitlines()
    assert lines[0] == "stream  1 row in 2.000 s"
    assert lines[1].startswith("batch   1 row in ") and lines[1].endswith(" times as long)")
    assert lines[2:] == ["equal"]


def test_a_difference_that_late_rows_explain():
    source = clicks((1, "a", 5.0), (12, "a", 1.0), (2, "a", 9.0))
    plan, shown = counted(source, Tumble(10 * SECOND))
    decisions = [late(plan, source, {2: [(0, 10)]})]
    stream = query(shown, source, decisions=decisions).run()
    comparison = compared(source, shown, stream, decisions)
    assert comparison.exit_code == 0
    assert render_comparison(comparison).splitlines()[2:] == [
        "2 rows differ: 1 only in stream, 1 only in batch",
        "all explained by",
        "  1 late row dropped by WindowAggregate (TUMBLE 10 s)",
        "  k | r0 | r1 | start | end",
        "+ a | 1 | 5.0 | 1970-01-01 00:00:00 | 1970-01-01 00:00:10",
        "- a | 2 | 9.0 | 1970-01-01 00:00:00 | 1970-01-01 00:00:10",
    ]


def test_what_nothing_explains_is_an_error():
    source = clicks((1, "a", 5.0), (2, "a", 9.0))
    plan, shown = counted(source, Tumble(10 * SECOND))
    stream = query(shown, source).run().slice(1)
    comparison = compared(source, shown, stream, [late(plan, source, {1: [(0, 10)]})])
    assert comparison.exit_code == 1
    text = render_comparison(comparison)
    assert "UNEXPLAINED: 1 row: 0 only in stream, 1 only in batch" in text
    assert "- a | 1 | 5.0 | " in text


def test_a_list_of_updated_rows_goes_by_text():
    source = Input("t", {"k": (STRING, ["a", "b", "c", "b"]), "v": (STRING, ["x", "y", "z", "y"])})
    latest = aggregate(source.scan(), [source.fields["k"]], call("MAX", source.fields["v"], type_=STRING))
    joined = aggregate(latest, [], call("LISTAGG", latest.fields[1], type_=STRING, options=(", ",)))
    plan = select(joined, *joined.fields)
    schema = query(plan, source).schema.to_arrow()
    assert compared(source, plan, pa.table({"r0": ["x, y, z"]}, schema)).exit_code == 0
    assert compared(source, plan, pa.table({"r0": ["z, x, y"]}, schema)).exit_code == 1
    arriving = aggregate(source.scan(), [], call("LISTAGG", source.fields["v"], type_=STRING, options=(",",)))
    assert compared(source, arriving, pa.table({"r0": ["y,x,y,z"]}, schema)).exit_code == 1


def test_ten_examples_from_both_sides():
    source = clicks(*((n * 10, "a", float(n)) for n in range(20)))
    _, shown = counted(source, Tumble(10 * SECOND))
    batch = query(shown, source).run()
    comparison = compared(source, shown, batch.slice(0, 3))
    lines = render_comparison(comparison).splitlines()
    assert sum(line.startswith("- ") for line in lines) == 10
    assert lines[-1] == "  … and 7 more rows"


@pytest.mark.parametrize("kind", [BIGINT, DOUBLE])
def test_two_nodes_of_one_structure_share_their_decisions(kind: Any) -> None:
    source = Input("t", {"ts": (TS, seconds(1, 2)), "v": (kind, [1, 2])}, time="ts")
    first = window_aggregate(source.scan(), Tumble(10 * SECOND), source.fields["ts"], [], call("COUNT"))
    second = window_aggregate(source.scan(), Tumble(10 * SECOND), source.fields["ts"], [], call("COUNT"))
    decisions = [late(first, source, {1: [(0, 10)]})]
    assert run(select(second, second.fields[0]), source, decisions=decisions) == [(1,)]
