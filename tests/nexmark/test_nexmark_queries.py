"""Every query of Nexmark, on streams in order, disordered and late, in steps of many rows and of one."""

from __future__ import annotations

import pytest
from streamsql_connectors.nexmark_events import NexmarkSettings

from benchmarks.nexmark.check import STREAMS, check
from benchmarks.nexmark.queries import QUERIES, Query


@pytest.mark.parametrize("query", QUERIES.values(), ids=list(QUERIES))
def test_a_query_gives_the_answer_of_batch_whatever_the_order(query: Query) -> None:
    for stream, disorder in STREAMS.items():
        settings = NexmarkSettings(events=12_000, rate=300, seed=11, **disorder)  # type: ignore[arg-type]
        wrong = [each for each in check(query, stream, settings, (65_536, 1_000)) if each.problem is not None]
        assert wrong == []


@pytest.mark.parametrize("query", QUERIES.values(), ids=list(QUERIES))
def test_a_query_gives_the_same_answer_row_by_row(query: Query) -> None:
    settings = NexmarkSettings(events=600, rate=15, seed=12, disorder_share=0.3, late_share=0.05)
    assert [each for each in check(query, "late", settings, (65_536, 1)) if each.problem is not None] == []
