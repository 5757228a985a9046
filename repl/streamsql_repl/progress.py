"""Progress on stderr while a job runs, where that is a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator

from streamsql.runtime.metrics import Progress
from streamsql.time import BEGIN_OF_TIME, END_OF_TIME, format_time

_ERASE = "\r\x1b[K"


def progress_line() -> Callable[[Progress], None] | None:
    """What writes one line on stderr, again and again over itself; None where stderr is no terminal."""
    if not _on_terminal():
        return None
    begin = time.perf_counter()

    def show(now: Progress) -> None:
        sys.stderr.write(_ERASE + progress_text(now, time.perf_counter() - begin))
        sys.stderr.flush()

    return show


def progress_text(now: Progress, seconds: float) -> str:
    """The line: what there is to say.

    >>> progress_text(Progress(rows=12_000, watermark=60_000_000, late=3), 2.0)
    '12,000 rows  6,000 rows/s  watermark 1970-01-01 00:01:00.000  late 3'
    """
    return "  ".join(_parts(now, seconds))


def _parts(now: Progress, seconds: float) -> Iterator[str]:
    yield f"{now.rows:,} rows"
    yield f"{now.rows / max(seconds, 1e-9):,.0f} rows/s"
    if now.watermark not in (BEGIN_OF_TIME, END_OF_TIME):
        yield f"watermark {format_time(now.watermark)}"
    if now.late:
        yield f"late {now.late:,}"
    if now.rejects:
        yield f"rejected {now.rejects:,}"


def erase_line() -> None:
    """Take the progress line away, so that what comes next starts on a clean one."""
    if _on_terminal():
        sys.stderr.write(_ERASE)
        sys.stderr.flush()


def _on_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()
