"""SESSION windows: what belongs together, what is late, what is taken back, and what was cut."""

from __future__ import annotations

import numpy as np
import pytest

from streamsql.batch import Batch
from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.types import BIGINT, STRING, schema
from streamsql.expr.windows import Session
from streamsql.operators.base import SessionCut
from streamsql.operators.session_aggregate import SessionAggregate
from streamsql.operators.session_assign import SessionAssign
from tests.operators.window_rows import (
    BOUNDS,
    COUNT,
    INPUT,
    SECOND,
    TOTALS,
    Late,
    Row,
    at,
    batch,
    finish,
    micros,
    restored,
    rows_of,
)

SOURCE = schema(*((each.name, each.type) for each in INPUT), ("s", STRING))
LIST = AggregateCall("LISTAGG", (0,), STRING, (STRING,), options=(",",))
DISTINCT = AggregateCall("COUNT", (1,), BIGINT, (BIGINT,), distinct=True)
GAP = Session(10 * SECOND)


def sessions(*, keys: tuple[int, ...] = (0,), append_only: bool = True, event_time: bool = True) -> SessionAggregate:
    columns = [("k", STRING)] if keys else []
    output = schema(*columns, ("n", BIGINT), ("d", BIGINT), *BOUNDS)
    return SessionAggregate(INPUT, GAP, 2, 3, keys, [COUNT, DISTINCT], output, append_only, event_time)


def spans(rows: list[Row]) -> list[Row]:
    """(key, count, start, end)."""
    return [(*row[:-4], row[-3], row[-2]) for row in rows]


def test_a_distance_of_exactly_the_gap_belongs_together_and_a_tick_more_splits() -> None:
    operator = sessions()
    list(operator.on_batch(batch(("a", 1, 0), ("a", 2, 10), ("a", 3, 20.001), ("b", 4, 5), delay=60)))
    assert finish(operator) == [
        ("b", 1, 1, 5.0, 15.0, 14.999),
        ("a", 2, 2, 0.0, 20.0, 19.999),
        ("a", 1, 1, 20.001, 30.001, 30.0),
    ]
    assert sum(each.rows for each in operator.states().values()) == 0


def test_null_is_a_key_and_sorts_first() -> None:
    operator = sessions()
    list(operator.on_batch(batch(("a", 1, 0), (None, 2, 0), (None, 2, 3), ("b", 3, 3), delay=60)))
    assert spans(finish(operator)) == [("a", 1, 0.0, 10.0), (None, 2, 0.0, 13.0), ("b", 1, 3.0, 13.0)]


def test_an_out_of_order_row_joins_two_sessions() -> None:
    operator = sessions()
    for row in (("a", 1, 0), ("a", 1, 18), ("a", 2, 9)):
        list(operator.on_batch(batch(row)))
    assert at(operator, 27.998) == []
    assert finish(operator) == [("a", 3, 2, 0.0, 28.0, 27.999)]


def test_three_sessions_become_one_in_two_steps() -> None:
    operator = sessions()
    for second in (0, 15, 30, 8, 22):
        list(operator.on_batch(batch(("a", second, second))))
    assert finish(operator) == [("a", 5, 5, 0.0, 40.0, 39.999)]


@pytest.mark.parametrize("lengths", [[5], [1, 1, 1, 1, 1], [2, 3]])
def test_a_late_row_is_kept_where_its_session_is_open(lengths: list[int]) -> None:
    whole = batch(("a", 1, 0), ("a", 2, 9), ("b", 3, 18), ("a", 4, 1), ("b", 5, 2))
    watermarks = [0, 9, 18, 18, 18]
    operator = sessions()
    late = Late(operator)
    emitted, done = [], 0
    for length in lengths:
        list(operator.on_batch(whole.slice(done, length)))
        done += length
        emitted += at(operator, watermarks[done - 1])
    assert spans(emitted + finish(operator)) == [("a", 3, 0.0, 19.0), ("b", 1, 18.0, 28.0)]
    assert late.rows == [("b", 5, 16.0, [(2.0, 12.0)])]


def test_the_watermark_cuts_a_session_within_a_batch() -> None:
    operator = sessions()
    late = Late(operator)
    rows = [("a", 1, 0), ("b", 2, 9.999), ("a", 3, 5), ("a", 4, 3), ("a", 5, -1)]
    list(operator.on_batch(batch(*rows, watermarks=[-9, 0, 9.999, 9.999, 14.999])))
    assert spans(finish(operator)) == [("a", 1, 0.0, 10.0), ("a", 2, 3.0, 15.0), ("b", 1, 9.999, 19.999)]
    assert late.rows == [("a", 5, 15.999, [(-1.0, 9.0)])]


def test_sessions_without_keys_are_global() -> None:
    operator = sessions(keys=())
    list(operator.on_batch(batch(("a", 1, 0), ("b", 1, 8), ("a", 2, 30), delay=60)))
    assert finish(operator) == [(2, 1, 0.0, 18.0, 17.999), (1, 1, 30.0, 40.0, 39.999)]


def test_the_clock_closes_processing_time_sessions() -> None:
    operator = sessions(event_time=False)
    list(operator.on_batch(batch(("a", 1, 0), ("a", 2, 4))))
    assert at(operator, 100) == []
    assert rows_of(operator.on_clock(micros(13.999))) == []
    assert spans(rows_of(operator.on_clock(micros(14)))) == [("a", 2, 0.0, 14.0)]
    list(operator.on_batch(batch(("a", 3, 14))))
    assert spans(finish(operator)) == [("a", 1, 14.0, 24.0)]


def test_listagg_keeps_the_order_of_arrival_over_joined_sessions() -> None:
    source = schema(("text", STRING), *((each.name, each.type) for each in INPUT))
    operator = SessionAggregate(source, GAP, 3, 3, [1], [COUNT, LIST], TOTALS, True, True)
    rows = [("x", "a", 1, 18), ("y", "a", 1, 0), ("z", "a", 1, 9)]
    for row in rows:
        list(operator.on_batch(batch(row, source=source, watermarks=[0])))
    assert finish(operator) == [("a", 3, "x,y,z", 0.0, 28.0, 27.999)]


def test_state_is_saved_and_restored_between_batches() -> None:
    operator = sessions()
    for row in (("a", 1, 0), ("a", 2, 18), ("b", 3, 1), ("a", 4, 9), ("c", 3, 40), ("c", 5, 60)):
        list(operator.on_batch(batch(row)))
    again = restored(operator, sessions())
    list(again.on_batch(batch(("c", 5, 50), ("b", 6, 11), watermarks=[0, 0])))
    assert finish(again) == [
        ("b", 2, 2, 1.0, 21.0, 20.999),
        ("a", 3, 3, 0.0, 28.0, 27.999),
        ("c", 3, 2, 40.0, 70.0, 69.999),
    ]


def change(weight: int, *row: object, watermark: float = -100) -> Batch:
    rows = batch(tuple(row), watermarks=[watermark])
    return Batch(rows.rows, np.array([weight], np.int8), rows.watermarks)


def test_taking_rows_back_shrinks_splits_and_ends_sessions() -> None:
    operator = sessions(append_only=False)
    for second in (0, 9, 18, 27):
        list(operator.on_batch(change(1, "a", 1, second)))
    list(operator.on_batch(change(-1, "a", 1, 27)))
    list(operator.on_batch(change(-1, "a", 1, 9)))
    list(operator.on_batch(change(1, "b", 1, 3)))
    list(operator.on_batch(change(-1, "b", 1, 3)))
    assert spans(finish(operator)) == [("a", 1, 0.0, 10.0), ("a", 1, 18.0, 28.0)]
    assert sum(each.rows for each in operator.states().values()) == 0


def test_a_row_taken_back_from_a_closed_session_is_late() -> None:
    operator = sessions(append_only=False)
    late = Late(operator)
    list(operator.on_batch(change(1, "a", 1, 0)))
    assert spans(at(operator, 9.999)) == [("a", 1, 0.0, 10.0)]
    list(operator.on_batch(change(-1, "a", 1, 0, watermark=9.999)))
    assert finish(operator) == []
    assert late.rows == [("a", 1, 9.999, [(0.0, 10.0)])]


def test_rows_of_a_session_that_batch_processing_would_have_merged_are_told() -> None:
    operator = sessions()
    cuts: list[tuple[object, int]] = []

    def note(cut: SessionCut) -> None:
        cuts.extend(zip(cut.rows.column(1).to_pylist(), cut.generation.tolist(), strict=True))

    operator.on_cut = note
    rows = [("a", 1, 0), ("a", 2, 5), ("a", 3, 12), ("b", 4, 12), ("a", 5, 40)]
    list(operator.on_batch(batch(*rows, watermarks=[-9, 9.999, 15, 15, 16])))
    assert spans(finish(operator)) == [
        ("a", 1, 0.0, 10.0),
        ("a", 1, 5.0, 15.0),
        ("a", 1, 12.0, 22.0),
        ("b", 1, 12.0, 22.0),
        ("a", 1, 40.0, 50.0),
    ]
    assert cuts == [(2, 1), (3, 2)]


def test_assigning_sessions_emits_rows_when_they_close() -> None:
    output = schema(*((each.name, each.type) for each in INPUT), *BOUNDS)
    operator = SessionAssign(INPUT, GAP, 2, 3, [0], output)
    late = Late(operator)
    rows = [("b", 1, 1), ("a", 2, 9), ("a", 3, 0), ("a", 4, -30), (None, 5, 1)]
    list(operator.on_batch(batch(*rows, watermarks=[-20, -20, -20, -9, -9])))
    assert at(operator, 10.999) == [(None, 5, 1.0, 1.0, 11.0, 10.999), ("b", 1, 1.0, 1.0, 11.0, 10.999)]
    assert finish(operator) == [("a", 2, 9.0, 0.0, 19.0, 18.999), ("a", 3, 0.0, 0.0, 19.0, 18.999)]
    assert late.rows == [("a", 4, 21.0, [(-30.0, -20.0)])]
    assert sum(each.rows for each in operator.states().values()) == 0
