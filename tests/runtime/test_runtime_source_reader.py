"""Reading a table: precision, computed columns, watermarks, rejects."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsql.errors import DataError
from streamsql.expr.nodes import ColumnRef, Literal
from streamsql.expr.resolve import resolve_call
from streamsql.expr.types import (
    BIGINT,
    STRING,
    Kind,
    SqlType,
    array,
    char,
    map_,
    row,
    schema,
    time,
    timestamp,
    timestamp_ltz,
)
from streamsql.plan.logical import Field, Scan, Table, Values
from streamsql.plan.logical import Literal as PlanLiteral
from streamsql.precision import cutter
from streamsql.row_watermarks import RunningWatermarks
from streamsql.runtime.pushdown import comparisons
from streamsql.runtime.rejects import RejectLog
from streamsql.runtime.source_reader import SourceReader
from streamsql.runtime.values_source import ValuesSource, values_scan
from streamsql.time import BEGIN_OF_TIME


def micros(values: list[int | None]) -> pa.Array:
    return pa.array(values, pa.int64()).cast(pa.timestamp("us"))


def test_times_are_cut_downwards_also_before_1970() -> None:
    cut = cutter(timestamp(3))
    assert cut is not None
    assert cut(micros([1_999, -1, None, 2_000])).cast(pa.int64()).to_pylist() == [1_000, -1_000, None, 2_000]
    exact = micros([1_000, None])
    assert cut(exact) is exact


@pytest.mark.parametrize("precision", range(6))
def test_multiples_are_told_from_all_their_neighbours(precision: int) -> None:
    cut = cutter(timestamp(precision))
    assert cut is not None
    unit = 10 ** (6 - precision)
    for factor in (-9_000_000_000_000 // unit, -1, 0, 1, 7_777, 250_000_000_000_000_000 // unit):
        whole = micros([factor * unit])
        assert cut(whole) is whole
        for away in (1, 2, unit // 2, unit - 1):
            assert cut(micros([factor * unit + away])).cast(pa.int64()).to_pylist() == [factor * unit]


@pytest.mark.parametrize("type_", [timestamp(6), timestamp_ltz(6), STRING, BIGINT, array(STRING), SqlType(Kind.DOUBLE)])
def test_types_that_fit_everything_need_no_cutting(type_: SqlType) -> None:
    assert cutter(type_) is None


def test_text_and_bytes_are_cut_to_their_length() -> None:
    text, short = cutter(SqlType(Kind.VARCHAR, 2)), cutter(SqlType(Kind.VARBINARY, 1))
    assert text is not None and short is not None
    assert text(pa.array(["äöü", "é", None])).to_pylist() == ["äö", "é", None]
    assert short(pa.array([b"xyz", None])).to_pylist() == [b"x", None]


def test_values_inside_nested_ones_are_cut_too_also_in_a_slice() -> None:
    times = pa.array([[9_999], None, [-1, None]], pa.list_(pa.int64())).cast(pa.list_(pa.timestamp("us")))
    cut = cutter(array(timestamp(3)))
    assert cut is not None
    whole = cut(times).cast(pa.list_(pa.int64()))
    assert whole.to_pylist() == [[9_000], None, [-1_000, None]]
    assert cut(times[1:]).cast(pa.list_(pa.int64())).to_pylist() == [None, [-1_000, None]]
    pairs = pa.array([[("abc", 1)], None], pa.map_(pa.string(), pa.int64()))
    cut_map = cutter(map_(char(2), BIGINT))
    assert cut_map is not None and cut_map(pairs).to_pylist() == [[("ab", 1)], None]
    rows = pa.array([{"t": 61_000_000}, None, {"t": None}], pa.struct([("t", pa.int64())])).cast(
        pa.struct([("t", pa.time64("us"))])
    )
    cut_row = cutter(row(("t",), (time(0),)))
    assert cut_row is not None and cut_row(rows).is_null().to_pylist() == [False, True, False]


def test_the_watermark_before_a_row_is_that_of_the_rows_before_it() -> None:
    marks = RunningWatermarks(np.array([BEGIN_OF_TIME, 5, 3, BEGIN_OF_TIME, 9]), BEGIN_OF_TIME)
    assert marks.values.tolist() == [BEGIN_OF_TIME, BEGIN_OF_TIME, 5, 5, 5]
    assert marks.after == 9


def test_watermarks_go_on_over_batches(parts: SimpleNamespace) -> None:
    node = parts.scan_node("t", delay=2, needs_watermarks=True)
    source = parts.ListSource(parts.events([10, 8, 13, 12, 20], [1, 2, 3, 4, 5]))
    reader = SourceReader(node.plan, source, parts.context(), needs_watermarks=True, batch_rows=2)
    steps = list(reader)
    marks = [each.batch.watermarks.values.tolist() for each in steps if each.batch.watermarks is not None]
    assert marks == [[BEGIN_OF_TIME, 8], [8, 11], [11]]
    assert [each.watermark_after for each in steps] == [8, 11, 18]
    assert [each.position for each in steps] == [{"rows": 2}, {"rows": 4}, {"rows": 5}]


def test_a_fixed_delay_is_taken_off_the_column_without_computing_it_by_row(parts: SimpleNamespace) -> None:
    scan = parts.scan_node("bids", delay=2).plan
    (step,) = SourceReader(
        scan, parts.ListSource(parts.events([10, 8], [1, 2])), parts.context(), needs_watermarks=True
    )
    marks = step.batch.watermarks
    assert isinstance(marks, RunningWatermarks)
    assert (marks.times.tolist(), marks.delay) == ([10, 8], 2)


def test_without_asking_there_are_no_watermarks_beside_the_rows(parts: SimpleNamespace) -> None:
    reader = SourceReader(parts.scan_node("t").plan, parts.ListSource(parts.events([10, 8], [1, 2])), parts.context())
    (step,) = reader
    assert step.batch.watermarks is None and step.watermark_after == 10


def test_a_source_without_watermark_stands_at_the_beginning_of_time(parts: SimpleNamespace) -> None:
    scan = parts.scan_node("t", delay=None).plan
    (step,) = SourceReader(scan, parts.ListSource(parts.events([10], [1])), parts.context(), needs_watermarks=True)
    assert step.batch.watermarks is not None and step.batch.watermarks.values.tolist() == [BEGIN_OF_TIME]
    assert step.watermark_after == BEGIN_OF_TIME


def test_rows_without_event_time_are_rejected_once_and_readable(parts: SimpleNamespace) -> None:
    rejects = RejectLog()
    source = parts.ListSource(parts.events([None, 5, None, 7], [1, 2, 3, 4]))
    reader = SourceReader(parts.scan_node("bids").plan, source, parts.context(), batch_rows=3, rejects=rejects)
    assert [each.batch.rows.column(1).to_pylist() for each in reader] == [[2], [4]]
    assert rejects.counts() == {"bids": 2}
    assert rejects.to_table("bids").to_pylist() == [
        {"reason": "event time ts is NULL", "where": "row 1", "text": "ts=NULL, id=1"},
        {"reason": "event time ts is NULL", "where": "row 3", "text": "ts=NULL, id=3"},
    ]


def test_rows_without_event_time_stay_where_no_one_uses_it(parts: SimpleNamespace) -> None:
    source = parts.ListSource(parts.events([None, 5], [1, 2]))
    reader = SourceReader(parts.scan_node("bids", delay=None).plan, source, parts.context())
    assert [each.batch.rows.num_rows for each in reader] == [2]
    assert reader.rejects.total == 0


def test_computed_columns_see_those_before_them(parts: SimpleNamespace) -> None:
    a, b, c = (Field(id_, name, BIGINT) for id_, name in ((1, "a"), (2, "b"), (3, "c")))
    columns = schema(("a", BIGINT), ("b", BIGINT), ("c", BIGINT))
    plus = resolve_call("+", (reference(a), Literal(type=BIGINT, value=1)), None)
    times = resolve_call("*", (reference(b), reference(a)), None)
    scan = Scan(fields=(c, a), table=Table("t", columns.columns), physical=(a,), computed=((b, plus), (c, times)))
    source = parts.ListSource(pa.record_batch([pa.array([2, 3])], ["a"]), schema(("a", BIGINT)))
    (step,) = SourceReader(scan, source, parts.context())
    assert step.batch.rows.to_pydict() == {"c": [6, 12], "a": [2, 3]}


def test_no_columns_still_count_rows(parts: SimpleNamespace) -> None:
    scan = Scan(fields=(), table=Table("t", parts.EVENTS.columns), physical=())
    (step,) = SourceReader(scan, parts.ListSource(parts.events([1, 2], [1, 2])), parts.context())
    assert len(step.batch) == 2


def test_the_source_is_told_which_rows_will_be_filtered_out(parts: SimpleNamespace) -> None:
    scan = filtered_scan(">", 2, parts)
    assert [(each.column, each.operator, each.value.as_py()) for each in comparisons(scan)] == [("id", ">", 2)]
    (step,) = SourceReader(scan, parts.ListSource(parts.events([1, 2, 3], [1, 2, 3])), parts.context())
    assert step.batch.rows.column(1).to_pylist() == [1, 2, 3]


def test_a_column_that_is_cut_is_not_compared_by_the_source(parts: SimpleNamespace) -> None:
    name = Field(1, "name", SqlType(Kind.VARCHAR, 2))
    equal = resolve_call("=", (reference(name), Literal(type=STRING, value="ab")), None)
    scan = Scan(fields=(name,), table=Table("t", ()), physical=(name,), predicate=equal)
    assert comparisons(scan) == ()


def test_another_layout_is_cast_or_refused_by_column(parts: SimpleNamespace) -> None:
    n = Field(1, "n", BIGINT)
    scan = Scan(fields=(n,), table=Table("t", ()), physical=(n,))
    source = parts.ListSource(pa.record_batch([pa.array([7], pa.int32())], ["n"]), schema(("n", BIGINT)))
    (step,) = SourceReader(scan, source, parts.context())
    assert step.batch.rows.schema.field(0).type == pa.int64()
    source.rows = pa.record_batch([pa.array(["x"])], ["n"])
    with pytest.raises(DataError, match="table t, column n: cannot read string as int64"):
        list(SourceReader(scan, source, parts.context()))


def test_values_are_a_source(parts: SimpleNamespace) -> None:
    fields = (Field(1, "a", BIGINT), Field(2, "t", timestamp(3)))
    rows = tuple(
        (PlanLiteral(type=BIGINT, value=n), PlanLiteral(type=timestamp(3), value=t)) for n, t in ((1, 1_000), (2, None))
    )
    plan = Values(fields=fields, rows=rows)
    steps = list(SourceReader(values_scan(plan), ValuesSource(plan), parts.context(), batch_rows=1))
    assert [each.batch.rows.column(0).to_pylist() for each in steps] == [[1], [2]]
    assert steps[1].batch.rows.column(1).to_pylist() == [None]


TIMES = st.lists(st.one_of(st.none(), st.integers(-50, 50)), min_size=1, max_size=40)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(TIMES, st.integers(1, 9))
def test_any_cut_gives_each_row_the_same_watermark(parts: SimpleNamespace, times: list[int | None], cut: int) -> None:
    source = parts.ListSource(parts.events(times, range(len(times))))
    scan = parts.scan_node("t", delay=3).plan
    marks: list[int] = []
    for step in SourceReader(scan, source, parts.context(), needs_watermarks=True, batch_rows=cut):
        assert step.batch.watermarks is not None
        marks.extend(step.batch.watermarks.values.tolist())
    known = [each for each in times if each is not None]
    expected = [max([BEGIN_OF_TIME] + [each - 3 for each in known[:index]]) for index in range(len(known))]
    assert marks == expected


def reference(field: Field) -> ColumnRef:
    return ColumnRef(type=field.type, id=field.id, name=field.name)


def filtered_scan(operator: str, value: int, parts: SimpleNamespace) -> Scan:
    plain = parts.scan_node("t", delay=None).plan
    condition = resolve_call(operator, (reference(plain.fields[1]), Literal(type=BIGINT, value=value)), None)
    return Scan(fields=plain.fields, table=plain.table, physical=plain.physical, predicate=condition)
