"""Window Top-N and window deduplication."""

from __future__ import annotations

import numpy as np

from streamsql.batch import Batch
from streamsql.expr.types import BIGINT, schema
from streamsql.expr.windows import Attached, Hop, SortKey, Tumble
from streamsql.operators.window_assign import WindowAssign
from streamsql.operators.window_rank import WindowRank
from tests.operators.window_rows import BOUNDS, INPUT, SECOND, Late, Row, at, batch, finish, restored

ASSIGNED = schema(*((each.name, each.type) for each in INPUT), *BOUNDS)
RANKED = schema(*((each.name, each.type) for each in ASSIGNED), ("rn", BIGINT))
BY_VALUE = SortKey(1, ascending=False, nulls_first=False)
TEN = Tumble(10 * SECOND)
BY_TIME = SortKey(2)
LATEST = SortKey(2, ascending=False, nulls_first=False)


def rank(
    order: SortKey, last: int, *, first: int = 1, later_first: bool = False, append_only: bool = True
) -> WindowRank:
    window = Attached(3, 4)
    options = {"time": 2, "later_first": later_first, "append_only": append_only}
    return WindowRank(ASSIGNED, window, 3, [0], [order], first, last, True, RANKED, **options)  # type: ignore[arg-type]


def feed(operator: WindowRank, rows: Batch, window: Tumble | Hop = TEN) -> None:
    for each in WindowAssign(INPUT, window, 2, 3, ASSIGNED).on_batch(rows):
        list(operator.on_batch(each))


def brief(rows: list[Row]) -> list[Row]:
    """(key, value, end, rank)."""
    return [(row[0], row[1], row[4], row[6]) for row in rows]


def test_top_two_by_value_with_ties_in_order_of_arrival() -> None:
    operator = rank(BY_VALUE, 2)
    rows = [("a", 5, 1), ("b", 1, 2), ("a", 7, 3), ("a", 5, 0), (None, None, 4), ("a", 9, 12)]
    feed(operator, batch(*rows, delay=60))
    assert at(operator, 9.998) == []
    assert brief(at(operator, 9.999)) == [
        (None, None, 10.0, 1),
        ("a", 7, 10.0, 1),
        ("a", 5, 10.0, 2),
        ("b", 1, 10.0, 1),
    ]
    result = finish(operator)
    assert result == [("a", 9, 12.0, 10.0, 20.0, 19.999, 1)]
    assert sum(each.rows for each in operator.states().values()) == 0


def test_ranks_from_two_on() -> None:
    operator = rank(BY_VALUE, 3, first=2)
    feed(operator, batch(*(("a", value, 1) for value in (4, 8, 1, 6)), delay=60))
    assert brief(finish(operator)) == [("a", 6, 10.0, 2), ("a", 4, 10.0, 3)]


def test_the_first_row_by_time_is_the_earlier_arrival() -> None:
    operator = rank(BY_TIME, 1)
    feed(operator, batch(("a", 1, 5), ("a", 2, 3), ("a", 3, 3), delay=60))
    assert brief(finish(operator)) == [("a", 2, 10.0, 1)]


def test_the_last_row_by_time_is_the_later_arrival_where_asked_for() -> None:
    for later_first, value in ((True, 3), (False, 1)):
        operator = rank(LATEST, 1, later_first=later_first)
        feed(operator, batch(("a", 1, 5), ("a", 2, 3), ("a", 3, 5), delay=60))
        assert brief(finish(operator)) == [("a", value, 10.0, 1)]


def test_late_rows_are_dropped_from_closed_windows_only() -> None:
    operator = rank(BY_VALUE, 1)
    late = Late(operator)
    feed(operator, batch(("a", 1, 3), ("a", 2, 12), ("a", 9, 8)), Hop(5 * SECOND, 10 * SECOND))
    assert brief(finish(operator)) == [("a", 1, 5.0, 1), ("a", 1, 10.0, 1), ("a", 9, 15.0, 1), ("a", 2, 20.0, 1)]
    assert late.rows == [("a", 9, 4.0, [(0.0, 10.0)])]


def test_only_the_best_rows_are_kept_while_a_window_is_open() -> None:
    operator = rank(BY_VALUE, 2)
    for value in range(64):
        feed(operator, batch(("a", value, 1)))
    assert operator.kept.rows <= 16
    again = restored(operator, rank(BY_VALUE, 2))
    assert brief(finish(again)) == [("a", 63, 10.0, 1), ("a", 62, 10.0, 2)]


def test_a_row_taken_back_makes_place_for_the_next() -> None:
    operator = rank(BY_VALUE, 1, append_only=False)
    rows = batch(("a", 9, 1), ("a", 5, 2), ("a", 9, 1), delay=60)
    feed(operator, Batch(rows.rows, np.array([1, 1, -1], np.int8), rows.watermarks))
    assert brief(finish(operator)) == [("a", 5, 10.0, 1)]
