"""Times written once for each unit in which they lie: the same texts as one by one."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from streamsql.expr.java_patterns import formatter, is_fine

HOUR = 3_600_000_000
PATTERNS = ("yyyy-MM-dd", "HH:mm", "EEE d MMM yy G", "hh a", "mm:ss", "HH:mm:ss.SSS", "Q D", "'day'")


def one_by_one(pattern: str, times: pa.Array) -> list[str | None]:
    write = formatter(pattern)
    return [write(times[place : place + 1])[0].as_py() for place in range(len(times))]


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize(("start", "step"), [(0, 1), (-3 * HOUR, HOUR // 100), (-(10**15), 977), (10**15, 40 * HOUR)])
def test_texts_are_those_of_each_time(pattern: str, start: int, step: int) -> None:
    numbers = start + step * np.arange(300)[::-1]
    mask = np.arange(300) % 7 == 3
    for times in (pa.array(numbers, pa.timestamp("us")), pa.array(numbers, pa.timestamp("us"), mask=mask)):
        assert formatter(pattern)(times).to_pylist() == one_by_one(pattern, times)
        assert formatter(pattern)(times[5:200]).to_pylist() == one_by_one(pattern, times[5:200])


def test_literal_texts_around_midnight_before_1970() -> None:
    times = pa.array([-1, 0, None] * 50, pa.timestamp("us"))
    assert formatter("yyyy-MM-dd HH")(times).to_pylist() == ["1969-12-31 23", "1970-01-01 00", None] * 50
    assert formatter("yyyy")(pa.array([-(1 << 63)] * 100, pa.timestamp("us"))[:0]).to_pylist() == []


def test_what_changes_within_a_minute() -> None:
    assert [is_fine(each) for each in PATTERNS] == [False, False, False, False, True, True, False, False]
