"""Stream and batch over the same random input: whatever differs, the stream's decisions explain."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streamsql import connect
from streamsql.batch_mode.difference import first_disorder
from streamsql.batch_mode.report import render_comparison

TUMBLE = "TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND))"
HOP = "TABLE(HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '3' SECOND, INTERVAL '7' SECOND))"
CUMULATE = "TABLE(CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '2' SECOND, INTERVAL '5' SECOND, INTERVAL '1' SECOND))"
SESSIONS = "TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '2' SECOND))"
AGGREGATE = """
    SELECT window_start, window_end, k, COUNT(*) AS n, SUM(v) AS s, AVG(v) AS a, MAX(v) FILTER (WHERE v < 3) AS m,
           LISTAGG(CAST(v AS STRING)) AS l, LISTAGG(DISTINCT CAST(v AS STRING), ';') AS d
    FROM {window} GROUP BY window_start, window_end, k"""
OVER_WINDOWS = """
    SELECT window_start, window_end, COUNT(*) AS keys, SUM(n) AS n FROM (
      SELECT window_start, window_end, k, COUNT(*) AS n FROM {window} GROUP BY window_start, window_end, k)
    GROUP BY window_start, window_end"""
TOP = """
    SELECT window_start, window_end, k, v, r FROM (
      SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY v DESC) AS r FROM {window})
    WHERE r <= 2"""
LATEST = """
    SELECT window_start, window_end, k, v FROM (
      SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY ts DESC) AS r FROM {window})
    WHERE r = 1"""
PLAIN = "SELECT window_start, window_end, k, v FROM {window} WHERE v > 1"
GROUPS = "SELECT n, COUNT(*) AS keys FROM (SELECT k, COUNT(*) AS n FROM t GROUP BY k) GROUP BY n"
QUERIES = [
    *(each.format(window=window) for each in (AGGREGATE, OVER_WINDOWS) for window in (TUMBLE, HOP, CUMULATE, SESSIONS)),
    *(each.format(window=window) for each in (TOP, LATEST, PLAIN) for window in (TUMBLE, HOP, CUMULATE)),
    GROUPS,
]

ROWS = st.lists(
    st.tuples(st.integers(-12, 25), st.sampled_from(["a", "b", None]), st.sampled_from([None, 1, 2, 3])), max_size=25
)


def shown(value: Any) -> str:
    return "NULL" if value is None else repr(value)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(st.sampled_from(QUERIES), ROWS, st.integers(0, 6), st.sampled_from([1, 7, 1000]))
def test_every_difference_is_explained(query: str, rows: list[Any], delay: int, batch_rows: int) -> None:
    session = connect(settings={"streamsql.batch-size": str(batch_rows)})
    watermark = f"WATERMARK FOR ts AS ts - INTERVAL '{delay}' SECOND"
    session.sql(f"CREATE TABLE t (ts TIMESTAMP(3), k STRING, v INT, {watermark})")
    if rows:
        values = ", ".join(f"({at}, CAST({shown(k)} AS STRING), CAST({shown(v)} AS INT))" for at, k, v in rows)
        epoch = "TIMESTAMP '1970-01-01 00:00:00'"
        session.sql(
            f"INSERT INTO t SELECT TIMESTAMPADD(SECOND, at, {epoch}), k, v FROM (VALUES {values}) AS r(at, k, v)"
        )
    found = session.sql(query)
    assert found is not None
    comparison = found.compare()
    assert comparison.exit_code == 0, render_comparison(comparison)
    if not comparison.found.rows:
        assert first_disorder(found.to_arrow(), found.batch()) is None
