"""streamsql.testing: a streaming query tested step by step."""

from __future__ import annotations

from datetime import datetime

import pytest

import streamsql
from streamsql.testing import StreamTest

SCRIPT = """
CREATE TABLE clicks (page STRING, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '1' SECOND);
SELECT page, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(at), INTERVAL '10' SECOND))
GROUP BY page, window_start, window_end
"""


def at(second: int) -> datetime:
    return datetime(2025, 1, 1, 0, second // 60, second % 60)


def test_a_window_closes_when_time_says_so() -> None:
    with StreamTest(SCRIPT) as test:
        test.push("clicks", ("home", at(1)), ("home", at(9)), ("home", at(10)))
        assert test.changes() == []
        test.push("clicks", {"page": "help", "at": at(11)})
        assert test.changes() == [("+I", ("home", 2))]
        test.advance("clicks", at(60))
        assert sorted(test.changes()) == [("+I", ("help", 1)), ("+I", ("home", 1))]
        test.push("clicks", ("late", at(2)), ("home", at(61)))
        test.end()
        assert test.changes() == [("+I", ("home", 1))]
        assert test.table() == [("home", 2), ("help", 1), ("home", 1), ("home", 1)]


def test_what_it_refuses() -> None:
    with StreamTest(SCRIPT) as test, pytest.raises(streamsql.UsageError, match='did you mean "clicks"'):
        test.push("click", ("home", at(1)))
