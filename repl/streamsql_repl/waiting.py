r"""What `\watermark` shows: how far each source's time has come, and which windows wait for it."""

from __future__ import annotations

from collections.abc import Iterator

from streamsql.batch_job import BatchJob
from streamsql.operators.base import OpenWindows
from streamsql.runtime.arrival import Inlet
from streamsql.runtime.job import Job
from streamsql.runtime.task import Task
from streamsql.time import BEGIN_OF_TIME, END_OF_TIME, Time, format_time
from streamsql_repl.left_out import counted

_SHOWN = 5


def waiting_text(job: Job | BatchJob | None) -> str:
    """Why windows have, or have not, fired in the last query."""
    if job is None:
        return "no query has run yet"
    if isinstance(job, BatchJob):
        return "the last query ran in batch mode, which has no watermarks"
    return "\n".join([*_sources(job), *_operators(job)])


def _sources(job: Job) -> Iterator[str]:
    for inlet in job.inlets:
        yield f"{inlet.reader.scan.table.name}: {counted(inlet.reader.rows_read)} read, {_standing(inlet)}"


def _standing(inlet: Inlet) -> str:
    if not inlet.timed:
        return "no watermark: the query does not use the table's time, or it declares no WATERMARK FOR"
    if inlet.ended:
        return f"ended; the last row left the watermark at {_shown(inlet.reader.watermark)}, the end closes everything"
    idle = ", idle: it holds nothing back" if inlet.idle else ""
    return f"watermark {_shown(inlet.watermark)}{idle}"


def _operators(job: Job) -> Iterator[str]:
    for task in job.tasks.values():
        waiting = task.operator.open_windows()
        if waiting is not None:
            yield from _windows(task, waiting)


def _windows(task: Task, waiting: OpenWindows) -> Iterator[str]:
    count = len(waiting.starts)
    yield f"{task.name}: watermark {_shown(task.current)}, {count:,} open window{'' if count == 1 else 's'}"
    for start, end in list(zip(waiting.starts.tolist(), waiting.ends.tolist(), strict=True))[:_SHOWN]:
        fires = end - waiting.tick
        behind = "" if task.current == BEGIN_OF_TIME else f", {_duration(fires - task.current)} ahead"
        window = f"[{format_time(start)}, {format_time(end)})"
        yield f"  {window} fires at watermark {format_time(fires)}{behind}"
    if count > _SHOWN:
        yield f"  and {count - _SHOWN:,} later ones"


def _shown(watermark: Time) -> str:
    if watermark == BEGIN_OF_TIME:
        return "not set: no row with a time has come"
    return "at the end of time" if watermark == END_OF_TIME else format_time(watermark)


def _duration(time: Time) -> str:
    """
    >>> _duration(3_200_000), _duration(90_000_000)
    ('3.200 s', '90.000 s')
    """
    return f"{time / 1_000_000:.3f} s"
