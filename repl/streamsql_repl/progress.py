"""Progress on stderr while a job runs, where that is a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from streamsql.runtime.job import Job
from streamsql.runtime.metrics import Progress
from streamsql.time import format_time


@contextmanager
def progress(job: Job) -> Iterator[None]:
    """Within: one line on stderr, overwritten as the job goes on, and taken away at its end."""
    if not sys.stderr.isatty():
        yield
        return
    begin = time.perf_counter()

    def show(now: Progress) -> None:
        rate = now.rows / max(time.perf_counter() - begin, 1e-9)
        line = f"{now.rows:,} rows  {rate:,.0f} rows/s  watermark {format_time(now.watermark)}  late {now.late:,}"
        sys.stderr.write(f"\r\x1b[K{line}")
        sys.stderr.flush()

    job.on_progress = show
    try:
        yield
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
