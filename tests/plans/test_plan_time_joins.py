"""Joins by time: which conditions make them, what they keep, and what stays event time."""

from __future__ import annotations

import re

import pytest

from streamsql.query import Query
from streamsql.session import connect

DDL = """
CREATE TABLE a (k INT, x INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts);
CREATE TABLE b (k INT, y INT, ts TIMESTAMP(6), WATERMARK FOR ts AS ts);
CREATE TABLE c (k INT, y INT, ts TIMESTAMP(3));
CREATE TABLE d (k INT, y INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts, PRIMARY KEY (k) NOT ENFORCED);
CREATE VIEW highest AS SELECT k, MAX(x) AS x FROM a GROUP BY k;
CREATE VIEW latest AS SELECT k, y, ts FROM
(SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts DESC) AS n FROM b) WHERE n = 1;
"""
WINDOW = "TABLE(TUMBLE(TABLE {}, DESCRIPTOR(ts), INTERVAL '10' SECOND))"
KNOWN = {
    "equal windows": (
        f"SELECT l.k FROM {WINDOW.format('a')} AS l JOIN {WINDOW.format('a')} AS r "
        "ON l.window_end = r.window_end AND r.window_start = l.window_start AND l.x < r.x",
        "WindowJoin(INNER, on=[window_end = window_end, window_start = window_start], where x < x)",
        "changelog: append-only · state: watermark + 10 s",
    ),
    "as of a time: what is asked beyond the key is asked of the valid version": (
        "SELECT a.ts, r.y FROM a JOIN latest FOR SYSTEM_TIME AS OF a.ts AS r ON a.k = r.k AND r.y > 1",
        "TemporalJoin(INNER, on=[k = k], where y > 1, as of ts)",
        "changelog: append-only · time: ts · state: watermark + number of keys (k)",
    ),
    "as of a time, with the versions of a table in memory": (
        "SELECT a.ts, d.y FROM a LEFT JOIN d FOR SYSTEM_TIME AS OF a.ts ON a.k = d.k",
        "TemporalJoin(LEFT, on=[k = k], as of ts)",
        "changelog: append-only · time: ts · state: watermark + number of keys (k)",
    ),
    "as of arrival: what reads the right side alone goes below, and the left time stays": (
        "SELECT a.ts, c.y FROM a LEFT JOIN c FOR SYSTEM_TIME AS OF PROCTIME() AS c ON a.k = c.k AND c.y > 1 "
        "AND a.x < c.y",
        "ProcessingTimeJoin(LEFT, on=[k = k], where x < y, as of arrival)",
        "changelog: append-only · time: ts · state: UNBOUNDED (rows of the right input)",
    ),
    "as of arrival: keys on the right bound what is kept, and leave left rows single": (
        "SELECT t.k, t.n, u.x FROM (SELECT k, COUNT(*) AS n FROM a GROUP BY k) AS t "
        "JOIN highest FOR SYSTEM_TIME AS OF PROCTIME() AS u ON t.k = u.k",
        "ProcessingTimeJoin(INNER, on=[k = k], as of arrival)",
        "changelog: updating by GROUP BY · key: (k) · state: UNBOUNDED (rows of the right input, left rows with what "
        "they met)",
    ),
    "the last row before, of two event times": (
        "SELECT a.ts, b.y FROM a ASOF LEFT JOIN b ON a.k = b.k AND a.ts > b.ts AND a.x = 1 AND b.y = 2",
        "TimedAsofJoin(LEFT, on=[k = k], where x = 1, nearest ts > ts)",
        "changelog: append-only · time: ts · state: watermark + number of keys (k)",
    ),
    "the first row after, which may still come": (
        "SELECT a.ts, b.y FROM a ASOF JOIN b ON a.k = b.k AND a.ts <= b.ts",
        "AsofJoin(INNER, on=[k = k], nearest $nearest <= ts)",
        "changelog: updating by ASOF INNER JOIN · state: UNBOUNDED (rows of both inputs)",
    ),
    "windows of equal end alone are rows like others": (
        f"SELECT l.k FROM {WINDOW.format('a')} AS l JOIN {WINDOW.format('a')} AS r ON l.window_end = r.window_end",
        "Join(INNER, on=[window_end = window_end])",
        "changelog: append-only · state: UNBOUNDED (rows of both inputs)",
    ),
    "a bound on both sides, one of them on the clock of the other": (
        "SELECT a.x FROM a JOIN b ON a.ts <= b.ts AND b.ts - INTERVAL '10' MINUTE < a.ts",
        "IntervalJoin(INNER, where CAST(ts AS TIMESTAMP(6)) <= ts AND ts - INTERVAL '10' MINUTE < CAST(ts AS "
        "TIMESTAMP(6)), ts - ts from 0 to 9 min 59 s 999 ms 999 µs)",
        "changelog: append-only · state: watermark + 9 min 59 s 999 ms 999 µs",
    ),
    "equal times, and what one side may pad is no event time": (
        "SELECT a.ts, b.ts AS other FROM a LEFT JOIN b ON a.ts = b.ts",
        "IntervalJoin(LEFT, on=[$key0 = ts], ts - ts from 0 to 0)",
        "changelog: append-only · time: ts · state: watermark",
    ),
    "a bound on one side alone bounds nothing": (
        "SELECT a.x FROM a JOIN b ON a.k = b.k AND a.ts <= b.ts",
        "Join(INNER, on=[k = k], where CAST(ts AS TIMESTAMP(6)) <= ts)",
        "changelog: append-only · state: UNBOUNDED (rows of both inputs)",
    ),
    "a time without watermark bounds nothing": (
        "SELECT a.x FROM a JOIN c ON a.ts BETWEEN c.ts AND c.ts + INTERVAL '1' HOUR",
        "Join(INNER, where ts >= ts AND ts <= ts + INTERVAL '1' HOUR)",
        "changelog: append-only · state: UNBOUNDED (rows of both inputs)",
    ),
}


def topmost_join(sql: str) -> tuple[str, str]:
    """What EXPLAIN says of the topmost join, and what is known of it."""
    session = connect()
    for statement in session.statements(DDL):
        session.apply(statement)
    query = session.sql(sql)
    assert isinstance(query, Query)
    line = next(each for each in query.explain().splitlines() if "Join" in each).strip()
    found = re.fullmatch(r"(.*)  (changelog.*)", line)
    assert found is not None
    return found[1], found[2]


@pytest.mark.parametrize("name", KNOWN)
def test_what_is_known_of_a_join(name: str) -> None:
    sql, *expected = KNOWN[name]
    assert topmost_join(sql) == tuple(expected)
