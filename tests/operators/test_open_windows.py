"""Which windows wait for time, seen while a job runs."""

from __future__ import annotations

import pytest

from streamsql.runtime.job import Job
from streamsql.runtime.output import CollectOutput
from streamsql.runtime.settings import JobSettings
from streamsql.session import connect
from streamsql.sql import statements as s
from streamsql.time import format_time

T = "CREATE TABLE t (k STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)"
ROWS = "INSERT INTO t VALUES ('a', TIMESTAMP '2025-01-01 00:00:01'), ('b', TIMESTAMP '2025-01-01 00:00:12')"


def job_of(windows: str, keys: str = "") -> Job:
    session = connect()
    session.sql(f"{T}; {ROWS}")
    (query,) = session.statements(f"SELECT COUNT(*) AS n FROM TABLE({windows}) GROUP BY window_start, window_end{keys}")
    assert isinstance(query, s.Query)
    engine = session.engine(job_settings=JobSettings(batch_rows=1))
    return engine.job([engine.optimized(query.plan)], [CollectOutput()])


def waiting(job: Job) -> list[tuple[str, str]]:
    found = [each.operator.open_windows() for each in job.tasks.values()]
    (windows,) = [each for each in found if each is not None]
    assert windows.tick == 1_000
    ends = zip(windows.starts.tolist(), windows.ends.tolist(), strict=True)
    return [(format_time(start)[17:-4], format_time(end)[17:-4]) for start, end in ends]


@pytest.mark.parametrize(
    ("windows", "keys", "first", "second"),
    [
        ("TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND)", ", k", [("00", "05")], [("10", "15")]),
        (
            "HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '4' SECOND, INTERVAL '8' SECOND)",
            "",
            [("56", "04"), ("00", "08")],
            [("00", "08"), ("08", "16"), ("12", "20")],
        ),
        (
            "SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '7' SECOND)",
            ", k",
            [("01", "08")],
            [("01", "08"), ("12", "19")],
        ),
    ],
)
def test_windows_wait_for_the_watermark(
    windows: str, keys: str, first: list[tuple[str, str]], second: list[tuple[str, str]]
) -> None:
    job = job_of(windows, keys)
    job.step()
    assert waiting(job) == first
    job.step()
    assert waiting(job) == second
    job.run()
    assert waiting(job) == []
