"""Windows over processing time close by the clock: rows come one by one while it is moved."""

from __future__ import annotations

import pyarrow as pa
import pytest

from streamsql.query import Query
from streamsql.runtime.output import CollectOutput
from streamsql.runtime.settings import JobSettings
from streamsql.session import Session
from streamsql.time import SECOND, ManualClock
from tests.sql.harness import text_rows

TUMBLE = """SELECT SUM(v) AS s, window_start, window_end
FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(p), INTERVAL '10' SECOND)) GROUP BY window_start, window_end"""
HOP = """SELECT SUM(v) AS s, HOP_START(p, INTERVAL '5' SECOND, INTERVAL '10' SECOND) AS ws,
  HOP_END(p, INTERVAL '5' SECOND, INTERVAL '10' SECOND) AS we
FROM t GROUP BY HOP(p, INTERVAL '5' SECOND, INTERVAL '10' SECOND)"""
SESSION = """SELECT SUM(v) AS s, window_start, window_end
FROM TABLE(SESSION(TABLE t, DESCRIPTOR(p), INTERVAL '5' SECOND)) GROUP BY window_start, window_end"""

AT = (1, 4, 12, 19, 19)
"""When, in seconds of 1970, the rows 1, 2, 4 and 8 come, and the end of the input."""


@pytest.mark.parametrize(
    ("query", "steps"),
    [
        (TUMBLE, [[], [], [(3, 0, 10)], [], [(12, 10, 20)]]),
        (HOP, [[], [], [(3, -5, 5), (3, 0, 10)], [(4, 5, 15)], [(12, 10, 20), (8, 15, 25)]]),
        (SESSION, [[], [], [(3, 1, 9)], [(4, 12, 17)], [(8, 19, 24)]]),
    ],
)
def test_windows_close_by_the_clock(query: str, steps: list[list[tuple[int, int, int]]]) -> None:
    """Each step reads one row; the last finds the end of the input, which closes what is open."""
    clock = ManualClock(0)
    session = Session(clock=clock)
    session.sql("CREATE TABLE t (v INT, p AS PROCTIME())")
    session.tables.memory("t").append(pa.record_batch({"v": pa.array([1, 2, 4, 8], pa.int32())}))
    found = session.sql(query)
    assert isinstance(found, Query)
    output = CollectOutput()
    engine = session.engine(job_settings=JobSettings(batch_rows=1, read_ahead=0))
    job = engine.job([found._plan], [output])
    for seconds, expected in zip(AT, steps, strict=True):
        clock.advance_to(seconds * SECOND)
        job.step()
        rows = [row for changes, _ in output.drain() for row in text_rows(pa.Table.from_batches([changes]))]
        assert rows == [f"{s} | {moment(start)} | {moment(end)}" for s, start, end in expected]
    assert job.finished


def moment(seconds: int) -> str:
    return f"1970-01-01 00:00:{seconds:02}" if seconds >= 0 else f"1969-12-31 23:59:{60 + seconds}"


PAIRS = """SELECT l.v AS l, r.w AS r FROM t AS l {kind} JOIN u AS r
ON l.k = r.k AND r.p BETWEEN l.p - INTERVAL '2' SECOND AND l.p + INTERVAL '5' SECOND"""
PAIRS_AT = (1, 3, 6, 7, 9, 10)
"""When the rows 1 and 2 of t and 10, 20 and 30 of u come, and the end."""


@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        ("", [[], [], ["1 | 10"], [], [], []]),
        ("LEFT", [[], [], ["1 | 10"], [], ["2 | NULL"], []]),
        ("FULL", [[], [], ["1 | 10"], [], ["2 | NULL"], ["NULL | 20", "NULL | 30"]]),
    ],
)
def test_joins_of_processing_times_forget_by_the_clock(kind: str, steps: list[list[str]]) -> None:
    """Left rows wait 5 s for right ones, right rows 2 s for left ones. The row of key 8 comes 6 s after its partner."""
    clock = ManualClock(0)
    session = Session(clock=clock)
    session.sql("CREATE TABLE t (v INT, k INT, p AS PROCTIME())")
    session.sql("CREATE TABLE u (w INT, k INT, p AS PROCTIME())")
    fill(session, "t", v=[1, 2], k=[7, 8])
    fill(session, "u", w=[10, 20, 30], k=[7, 9, 8])
    found = session.sql(PAIRS.format(kind=kind))
    assert isinstance(found, Query)
    assert "state: clock + 5 s" in found.explain()
    output = CollectOutput()
    engine = session.engine(job_settings=JobSettings(batch_rows=1, read_ahead=0))
    job = engine.job([engine.optimized(found._plan)], [output])
    for seconds, expected in zip(PAIRS_AT, steps, strict=True):
        clock.advance_to(seconds * SECOND)
        job.step()
        assert [row for rows, _ in output.drain() for row in text_rows(pa.Table.from_batches([rows]))] == expected
    assert job.finished
    assert not any(node.state_rows for node in job.metrics.nodes.values())


def fill(session: Session, table: str, **columns: list[int]) -> None:
    rows = {name: pa.array(values, pa.int32()) for name, values in columns.items()}
    session.tables.memory(table).append(pa.record_batch(rows))
