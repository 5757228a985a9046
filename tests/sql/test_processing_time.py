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
