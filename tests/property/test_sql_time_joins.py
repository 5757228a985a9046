"""Random joins by time over random disorder: no cut, restart or batch size changes an answer, and DuckDB agrees."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from streamsql.runtime.output import CollectOutput
from tests.property.random_tables import NEVER_LATE
from tests.property.random_time_joins import (
    asof_joins,
    interval_joins,
    nested_interval_joins,
    temporal_joins,
    window_joins,
)
from tests.property.test_sql_windows import (
    EXAMPLES,
    RANDOMLY,
    Script,
    bind,
    hold,
    hold_where_nothing_is_late,
    with_seed,
)

NEVER_LATE_JOINS = st.one_of(*(each(NEVER_LATE) for each in (interval_joins, window_joins, temporal_joins, asof_joins)))


@with_seed
@RANDOMLY
@given(st.one_of(interval_joins(), window_joins(), temporal_joins(), asof_joins()), st.integers(1, 12))
def test_joins_are_the_same_however_they_run(script: Script, some_rows: int) -> None:
    hold(script, some_rows)


@with_seed
@settings(RANDOMLY, max_examples=max(1, EXAMPLES // 3))
@given(NEVER_LATE_JOINS, st.integers(1, 12))
def test_they_are_batch_joins_where_nothing_is_late(script: Script, some_rows: int) -> None:
    hold_where_nothing_is_late(script, some_rows)


@with_seed
@settings(RANDOMLY, max_examples=max(1, EXAMPLES // 3))
@given(st.one_of(interval_joins(), window_joins(), temporal_joins(), asof_joins()), st.integers(1, 12))
def test_nothing_is_kept_when_time_has_passed(script: Script, some_rows: int) -> None:
    job = bind(script).job(some_rows, CollectOutput())
    job.run()
    assert [node.state_rows for node in job.metrics.nodes.values()] == [0] * len(job.metrics.nodes)


@with_seed
@settings(RANDOMLY, max_examples=max(1, EXAMPLES // 3))
@given(nested_interval_joins(), st.integers(1, 12))
def test_joins_of_joins_are_the_same_however_they_run(script: Script, some_rows: int) -> None:
    hold(script, some_rows)
