"""Arrival order of several sources: what row-by-row reading gives, however the rows are cut into steps."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from streamsql.runtime.arrival import ArrivalOrder, Inlet
from streamsql.runtime.read_ahead import DirectFeed, Doorbell
from streamsql.runtime.source_reader import SourceReader
from streamsql.time import BEGIN_OF_TIME

Rows = Sequence[int | None]


def arrivals(parts: SimpleNamespace, sources: Sequence[tuple[Rows, int | None]], cut: int) -> list[list[list[int]]]:
    """The ids of each step, by source; a source is its times and its watermark delay (None: no watermark)."""
    inlets = []
    for index, (times, delay) in enumerate(sources):
        ids = [100 * index + row for row in range(len(times))]
        scan = parts.scan_node(f"t{index}", 10 * index, delay=delay).plan
        source = parts.ListSource(parts.events(times, ids))
        context = parts.context()
        reader = SourceReader(scan, source, context, needs_watermarks=True, batch_rows=cut)
        inlet = Inlet(index, f"t{index}", reader, None, context.clock)
        inlet.start(DirectFeed(inlet.open))
        inlets.append(inlet)
    order = ArrivalOrder(inlets, Doorbell())
    steps = []
    while taken := order.next_step():
        steps.append([batch.rows.column(1).to_pylist() for _, batch in taken])
    assert all(each.ended for each in inlets)
    return steps


def by_definition(sources: Sequence[tuple[Rows, int | None]]) -> list[int]:
    """Ids in the order of (watermark before the row, source, row); without watermark before all."""
    keyed = []
    for index, (times, delay) in enumerate(sources):
        mark = BEGIN_OF_TIME - 1 if delay is None else BEGIN_OF_TIME
        for row, time in enumerate(times):
            if delay is not None and time is None:
                continue
            keyed.append((mark, index, row, 100 * index + row))
            if delay is not None and time is not None:
                mark = max(mark, time - delay)
    return [each[3] for each in sorted(keyed)]


def test_the_source_furthest_behind_comes_first(parts: SimpleNamespace) -> None:
    assert by_definition([([10, 20, 30], 0), ([11, 12, 25], 0)]) == [0, 100, 1, 101, 102, 2]
    assert arrivals(parts, [([10, 20, 30], 0), ([40], 0)], 1) == [[[0], [100]], [[1]], [[2]]]


def test_a_step_takes_what_lies_before_the_smallest_frontier(parts: SimpleNamespace) -> None:
    assert arrivals(parts, [([10, 20, 30], 0), ([15], 0)], 3) == [[[0, 1], [100]], [[2]]]
    assert arrivals(parts, [([10, 20, 30], 0), ([11, 12, 25], 0)], 2) == [[[0, 1], [100, 101]], [[2], [102]]]


def test_a_source_without_watermark_is_read_to_its_end_first(parts: SimpleNamespace) -> None:
    assert arrivals(parts, [([1, 2], 0), ([9, 9, 9], None)], 2) == [[[100, 101]], [[102]], [[0, 1]]]


def test_sources_without_watermark_follow_each_other(parts: SimpleNamespace) -> None:
    assert arrivals(parts, [([1, 2, 3], None), ([1], None)], 2) == [[[0, 1]], [[2]], [[100]]]


def test_one_source_is_cut_by_the_batch_size_only(parts: SimpleNamespace) -> None:
    assert arrivals(parts, [([3, 1, 2, None, 5], 0)], 2) == [[[0, 1]], [[2]], [[4]]]


def test_no_rows_at_all(parts: SimpleNamespace) -> None:
    assert arrivals(parts, [([], 0), ([None], 0), ([], None)], 3) == []


TIMES = st.lists(st.one_of(st.none(), st.integers(0, 15)), max_size=14)
SOURCE = st.tuples(TIMES, st.sampled_from([0, 0, 4, None]))


@settings(derandomize=True, deadline=None, max_examples=150)
@given(st.lists(SOURCE, min_size=1, max_size=3), st.integers(1, 6))
def test_steps_are_prefixes_of_the_order_of_reading_row_by_row(
    parts: SimpleNamespace, sources: list[tuple[list[int | None], int | None]], cut: int
) -> None:
    expected = by_definition(sources)
    begin = 0
    for step in arrivals(parts, sources, cut):
        taken = sorted(id_ for ids in step for id_ in ids)
        assert taken == sorted(expected[begin : begin + len(taken)])
        assert all(ids == sorted(ids) and len(ids) <= cut for ids in step)
        begin += len(taken)
    assert begin == len(expected)
