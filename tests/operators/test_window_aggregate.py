"""TUMBLE, HOP and CUMULATE aggregates, and the TVFs without an aggregate."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from streamsql.batch import Batch
from streamsql.errors import DataError
from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.types import BIGINT, DOUBLE, INT, STRING, Schema, schema, timestamp, timestamp_ltz
from streamsql.expr.windows import Attached, Cumulate, Hop, Tumble
from streamsql.operators.attached_aggregate import AttachedAggregate
from streamsql.operators.window_aggregate import WindowAggregate
from streamsql.operators.window_assign import WindowAssign
from streamsql.state import panes
from streamsql.time import BEGIN_OF_TIME, END_OF_TIME
from tests.operators.window_rows import (
    BOUNDS,
    COUNT,
    INPUT,
    SECOND,
    Late,
    Row,
    at,
    batch,
    finish,
    micros,
    restored,
    rows_of,
)

TOTALS = schema(("k", STRING), ("n", BIGINT), ("s", BIGINT), *BOUNDS)
TOTAL = AggregateCall("SUM", (1,), BIGINT, (INT,))
ASSIGNED = schema(*((each.name, each.type) for each in INPUT), *BOUNDS)
TEN = Tumble(10 * SECOND)


def totals(window: Tumble | Hop | Cumulate, *, precision: int = 3, event_time: bool = True) -> WindowAggregate:
    return WindowAggregate(INPUT, window, 2, precision, [0], [COUNT, TOTAL], TOTALS, True, event_time)


def brief(rows: list[Row]) -> list[Row]:
    """Without window_time."""
    return [row[:-1] for row in rows]


def test_tumble_emits_by_end_then_key_with_null_first() -> None:
    operator = totals(TEN)
    assert (
        list(operator.on_batch(batch(("b", 1, 12), ("a", 2, 3), (None, 4, 14), ("ż", 8, 15), ("z", 3, 11), delay=60)))
        == []
    )
    assert finish(operator) == [
        ("a", 1, 2, 0.0, 10.0, 9.999),
        (None, 1, 4, 10.0, 20.0, 19.999),
        ("b", 1, 1, 10.0, 20.0, 19.999),
        ("z", 1, 3, 10.0, 20.0, 19.999),
        ("ż", 1, 8, 10.0, 20.0, 19.999),
    ]
    assert sum(each.rows for each in operator.states().values()) == 0


def test_a_window_closes_one_tick_before_its_end() -> None:
    for precision, tick in ((3, 0.001), (6, 0.000001)):
        operator = totals(TEN, precision=precision)
        list(operator.on_batch(batch(("a", 1, 3))))
        assert at(operator, 10 - 2 * tick) == []
        assert brief(at(operator, 10 - tick)) == [("a", 1, 1, 0.0, 10.0)]


def test_tumble_drops_a_row_whose_window_has_closed_by_the_rows_own_watermark() -> None:
    operator = totals(TEN)
    late = Late(operator)
    rows = [("a", 1, 9), ("a", 2, 9.999), ("a", 4, 5), ("b", 8, 8)]
    assert list(operator.on_batch(batch(*rows, watermarks=[0, 9.998, 9.999, 20]))) == []
    assert brief(finish(operator)) == [("a", 2, 3, 0.0, 10.0)]
    assert late.rows == [("a", 4, 4.999, [(0.0, 10.0)]), ("b", 8, 12.0, [(0.0, 10.0)])]


def test_a_row_is_late_for_what_an_idle_input_let_close() -> None:
    operator = totals(TEN)
    late = Late(operator)
    list(operator.on_watermark(micros(30)))
    list(operator.on_batch(batch(("a", 1, 12), ("a", 2, 31), watermarks=[0, 0])))
    assert brief(finish(operator)) == [("a", 1, 2, 30.0, 40.0)]
    assert late.rows == [("a", 1, 18.0, [(10.0, 20.0)])]


@pytest.mark.parametrize("lengths", [[4], [1, 1, 1, 1], [3, 1]])
def test_hop_counts_a_late_row_in_its_later_windows(lengths: list[int]) -> None:
    operator = totals(Hop(5 * SECOND, 10 * SECOND))
    late = Late(operator)
    whole = batch(("a", 1, 3), ("a", 2, 12), ("a", 4, 8), ("a", 8, 1))
    emitted, start = [], 0
    for length in lengths:
        list(operator.on_batch(whole.slice(start, length)))
        start += length
        emitted += at(operator, 12 if start > 1 else 3)
    assert brief(emitted + finish(operator)) == [
        ("a", 1, 1, -5.0, 5.0),
        ("a", 1, 1, 0.0, 10.0),
        ("a", 2, 6, 5.0, 15.0),
        ("a", 1, 2, 10.0, 20.0),
    ]
    assert late.rows == [("a", 4, 4.0, [(0.0, 10.0)]), ("a", 8, 11.0, [(-5.0, 5.0), (0.0, 10.0)])]


def test_hop_whose_size_is_no_multiple_of_its_slide() -> None:
    operator = totals(Hop(4 * SECOND, 10 * SECOND))
    list(operator.on_batch(batch(("a", 1, 0), ("a", 2, 3))))
    assert brief(finish(operator)) == [
        ("a", 1, 1, -8.0, 2.0),
        ("a", 2, 3, -4.0, 6.0),
        ("a", 2, 3, 0.0, 10.0),
    ]


def test_rows_between_sampling_windows_are_in_none_and_not_late() -> None:
    operator = totals(Hop(10 * SECOND, 4 * SECOND))
    late = Late(operator)
    list(operator.on_batch(batch(("a", 1, 3), ("a", 2, 4), ("a", 4, 13.999), ("a", 8, 5))))
    assert brief(finish(operator)) == [("a", 1, 1, 0.0, 4.0), ("a", 1, 4, 10.0, 14.0)]
    assert late.rows == []


def test_cumulate_emits_every_later_step_and_no_earlier_one() -> None:
    operator = totals(Cumulate(5 * SECOND, 20 * SECOND))
    list(operator.on_batch(batch(("a", 1, 6), ("b", 2, 17), delay=60)))
    assert brief(finish(operator)) == [
        ("a", 1, 1, 0.0, 10.0),
        ("a", 1, 1, 0.0, 15.0),
        ("a", 1, 1, 0.0, 20.0),
        ("b", 1, 2, 0.0, 20.0),
    ]


def test_the_last_step_of_cumulate_may_be_shorter() -> None:
    operator = totals(Cumulate(4 * SECOND, 10 * SECOND))
    list(operator.on_batch(batch(("a", 1, 5), ("a", 2, 9), ("a", 4, 10), delay=60)))
    assert brief(finish(operator)) == [
        ("a", 1, 1, 0.0, 8.0),
        ("a", 2, 3, 0.0, 10.0),
        ("a", 1, 4, 10.0, 14.0),
        ("a", 1, 4, 10.0, 18.0),
        ("a", 1, 4, 10.0, 20.0),
    ]


def test_offsets_and_times_before_1970() -> None:
    operator = totals(Tumble(10 * SECOND, -3 * SECOND))
    list(operator.on_batch(batch(("a", 1, -0.001), ("a", 2, 7), ("a", 4, -3.001), delay=60)))
    assert brief(finish(operator)) == [("a", 1, 4, -13.0, -3.0), ("a", 1, 1, -3.0, 7.0), ("a", 1, 2, 7.0, 17.0)]


def test_the_clock_closes_processing_time_windows_and_nothing_is_late() -> None:
    operator = totals(TEN, event_time=False)
    late = Late(operator)
    list(operator.on_batch(batch(("a", 1, 3))))
    assert at(operator, 50) == []
    assert rows_of(operator.on_clock(micros(9.999))) == []
    assert brief(rows_of(operator.on_clock(micros(10)))) == [("a", 1, 1, 0.0, 10.0)]
    list(operator.on_batch(batch(("a", 2, 8))))
    assert brief(finish(operator)) == [("a", 1, 2, 10.0, 20.0)]
    assert late.rows == []


def test_many_windows_at_once_equal_windows_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(f"k{number % 3}", number, float(number)) for number in range(40)]
    results = []
    for singly in (panes.SINGLY, 0):
        monkeypatch.setattr(panes, "SINGLY", singly)
        operator = totals(Hop(3 * SECOND, 10 * SECOND))
        list(operator.on_batch(batch(*rows)))
        results.append(finish(operator))
    assert len(results[0]) == 47
    assert results[0] == results[1]


def test_a_jump_over_empty_windows_costs_nothing() -> None:
    operator = totals(Tumble(1000))
    list(operator.on_batch(batch(("a", 1, 0), ("a", 2, 3e9), delay=0)))
    assert brief(finish(operator)) == [("a", 1, 1, 0.0, 0.001), ("a", 1, 2, 3e9, 3e9 + 0.001)]


def test_emitted_rows_are_never_late_further_down() -> None:
    operator = totals(TEN)
    list(operator.on_batch(batch(("a", 1, 3), ("a", 2, 15))))
    (first,) = [each.watermarks for each in operator.on_watermark(END_OF_TIME)]
    assert first is not None
    assert first.values.tolist() == [9_998_999, 19_998_999]


def test_local_time_zone_timestamps_and_float_keys() -> None:
    source = schema(("k", DOUBLE), ("v", INT), ("ts", timestamp_ltz(3)))
    bounds = [(name, timestamp_ltz(3)) for name, _ in BOUNDS]
    output = schema(("k", DOUBLE), ("n", BIGINT), *bounds)
    operator = WindowAggregate(source, TEN, 2, 3, [0], [COUNT], output, True, True)
    keys = [float("nan"), 2.0, None, -0.0, 0.0, float("inf")]
    list(operator.on_batch(batch(*((key, 1, 1.0) for key in keys), source=source, delay=5)))
    (result,) = operator.on_watermark(END_OF_TIME)
    assert result.rows.schema.field("window_start").type == pa.timestamp("us", "UTC")
    assert [str(each) for each in result.rows.column(0).to_pylist()] == ["None", "0.0", "2.0", "inf", "nan"]
    assert result.rows.column(1).to_pylist() == [1, 2, 1, 1, 1]


def test_windows_without_keys_and_without_calls() -> None:
    operator = WindowAggregate(INPUT, TEN, 2, 3, [], [], schema(*BOUNDS), True, True)
    list(operator.on_batch(batch(("a", 1, 3), ("b", 1, 4), ("b", 1, 13))))
    assert finish(operator) == [(0.0, 10.0, 9.999), (10.0, 20.0, 19.999)]


def test_a_null_time_is_an_error_that_names_the_column() -> None:
    rows = pa.RecordBatch.from_arrays([pa.nulls(1, each.type) for each in INPUT.to_arrow()], schema=INPUT.to_arrow())
    with pytest.raises(DataError, match="column ts"):
        list(totals(TEN).on_batch(Batch(rows)))


def test_rows_taken_back_leave_no_group() -> None:
    operator = WindowAggregate(INPUT, TEN, 2, 3, [0], [COUNT, TOTAL], TOTALS, False, True)
    rows = batch(("a", 1, 3), ("b", 2, 4), ("a", 1, 3), delay=60)
    list(operator.on_batch(Batch(rows.rows, np.array([1, 1, -1], np.int8), rows.watermarks)))
    assert brief(finish(operator)) == [("b", 1, 2, 0.0, 10.0)]


def test_state_is_saved_and_restored_between_batches() -> None:
    window = Hop(5 * SECOND, 10 * SECOND)
    operator = totals(window)
    list(operator.on_batch(batch(("a", 1, 3), ("b", 2, 12), ("a", 4, 8))))
    emitted = at(operator, 12)
    again = restored(operator, totals(window))
    list(again.on_batch(batch(("a", 8, 13), ("a", 16, 1), watermarks=[12, 13])))
    assert brief(emitted + finish(again)) == [
        ("a", 1, 1, -5.0, 5.0),
        ("a", 1, 1, 0.0, 10.0),
        ("a", 2, 12, 5.0, 15.0),
        ("b", 1, 2, 5.0, 15.0),
        ("a", 1, 8, 10.0, 20.0),
        ("b", 1, 2, 10.0, 20.0),
    ]


def test_assigning_windows_repeats_rows_and_drops_none() -> None:
    operator = WindowAssign(INPUT, Hop(5 * SECOND, 10 * SECOND), 2, 3, ASSIGNED)
    whole = batch(("a", 1, 3), ("b", 2, 30), ("c", 3, 4))
    (result,) = operator.on_batch(Batch(whole.rows, np.array([1, 1, -1], np.int8), whole.watermarks))
    assert rows_of([Batch(result.rows)]) == [
        ("a", 1, 3.0, -5.0, 5.0, 4.999),
        ("a", 1, 3.0, 0.0, 10.0, 9.999),
        ("b", 2, 30.0, 25.0, 35.0, 34.999),
        ("b", 2, 30.0, 30.0, 40.0, 39.999),
        ("c", 3, 4.0, -5.0, 5.0, 4.999),
        ("c", 3, 4.0, 0.0, 10.0, 9.999),
    ]
    assert result.sign().tolist() == [1, 1, 1, 1, -1, -1]
    assert result.watermarks is not None
    assert result.watermarks.values.tolist() == [BEGIN_OF_TIME] * 2 + [3_000_000] * 2 + [30_000_000] * 2


def attached(source: Schema = ASSIGNED) -> AttachedAggregate:
    return AttachedAggregate(source, Attached(3, 4), 5, 3, [0], [COUNT, TOTAL], TOTALS, True, True)


def test_attached_windows_close_with_their_end_and_drop_late_rows() -> None:
    assign, operator = WindowAssign(INPUT, Hop(5 * SECOND, 10 * SECOND), 2, 3, ASSIGNED), attached()
    late = Late(operator)
    for each in assign.on_batch(batch(("a", 1, 3), ("a", 2, 12), ("b", 4, 8), delay=0)):
        list(operator.on_batch(each))
    assert brief(finish(operator)) == [
        ("a", 1, 1, -5.0, 5.0),
        ("a", 1, 1, 0.0, 10.0),
        ("a", 1, 2, 5.0, 15.0),
        ("b", 1, 4, 5.0, 15.0),
        ("a", 1, 2, 10.0, 20.0),
    ]
    assert late.rows == [("b", 4, 2.001, [(0.0, 10.0)])]


def test_attached_windows_of_one_end_are_told_apart_by_their_start() -> None:
    operator = attached()
    rows = [("a", 1, 3, 0, 10, 9.999), ("a", 2, 3, 5, 10, 9.999), ("a", 4, 3, 0, 10, 9.999)]
    list(operator.on_batch(batch(*rows, source=ASSIGNED, watermarks=[0, 0, 0])))
    assert brief(finish(operator)) == [("a", 2, 5, 0.0, 10.0), ("a", 1, 2, 5.0, 10.0)]


def test_a_window_over_the_output_of_a_window() -> None:
    inner = totals(TEN)
    source = TOTALS
    output = schema(("n", BIGINT), *((name, timestamp(3)) for name, _ in BOUNDS))
    outer = WindowAggregate(source, Tumble(20 * SECOND), 5, 3, [], [COUNT], output, True, True)
    list(inner.on_batch(batch(("a", 1, 3), ("b", 2, 13), ("a", 4, 25), delay=0)))
    for each in inner.on_watermark(END_OF_TIME):
        list(outer.on_batch(each))
    assert brief(finish(outer)) == [(2, 0.0, 20.0), (1, 20.0, 40.0)]
