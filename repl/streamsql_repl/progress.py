"""Progress on stderr while a job runs, where that is a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from streamsql.runtime.metrics import Progress
from streamsql.time import format_time

_ERASE = "\r\x1b[K"


def progress_line() -> Callable[[Progress], None] | None:
    """What writes one line on stderr, again and again over itself; None where stderr is no terminal."""
    if not sys.stderr.isatty():
        return None
    begin = time.perf_counter()

    def show(now: Progress) -> None:
        rate = now.rows / max(time.perf_counter() - begin, 1e-9)
        line = f"{now.rows:,} rows  {rate:,.0f} rows/s  watermark {format_time(now.watermark)}  late {now.late:,}"
        sys.stderr.write(_ERASE + line)
        sys.stderr.flush()

    return show


def erase_line() -> None:
    """Take the progress line away, so that what comes next starts on a clean one."""
    if sys.stderr.isatty():
        sys.stderr.write(_ERASE)
        sys.stderr.flush()
