"""One query measured in a process of its own: `python -m benchmarks.nexmark.child REQUEST` prints JSON."""

from __future__ import annotations

import gc
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import pyarrow as pa
from streamsql_connectors.nexmark_events import NexmarkSettings

from benchmarks.nexmark import memory
from benchmarks.nexmark.data import generate, only, rows_of, session_over
from benchmarks.nexmark.queries import QUERIES
from benchmarks.nexmark.stream import columns_read, run
from streamsql.runtime.job import Job

_LOOKS = 20
"""How often a run is interrupted to look at its state and memory."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to measure: `runs` timed runs of a query over so many events, in steps of `step_rows`."""

    query: str
    events: int
    step_rows: int = 65_536
    runs: int = 3
    seed: int = 0
    disorder_share: float = 0.0
    late_share: float = 0.0
    duckdb: bool = True

    @property
    def settings(self) -> NexmarkSettings:
        return NexmarkSettings(
            seed=self.seed, events=self.events, disorder_share=self.disorder_share, late_share=self.late_share
        )


@dataclass(frozen=True, slots=True)
class Look:
    """A moment of a run: rows read so far, state, and bytes in memory besides the input."""

    rows: int
    state_rows: int
    state_bytes: int
    memory: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What came out: rows of the tables read, changes given out, seconds and processor seconds of the runs."""

    query: str
    rows: int
    changes: int
    input_bytes: int
    peak_bytes: int
    looks: list[Look]
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    duckdb_seconds: list[float] = field(default_factory=list)
    duckdb_cpu_seconds: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Rows a second of the median run."""
        return self.rows / statistics.median(self.seconds)

    @property
    def cpu_rate(self) -> float:
        """Rows a processor second of the median run."""
        return self.rows / statistics.median(self.cpu_seconds)

    @property
    def times_duckdb(self) -> float | None:
        """How many times as fast as DuckDB: the median over the pairs of runs."""
        if not self.duckdb_seconds:
            return None
        return statistics.median(theirs / ours for ours, theirs in zip(self.seconds, self.duckdb_seconds, strict=True))

    @property
    def state(self) -> Look:
        """The moment at which most was kept."""
        return max(self.looks, key=lambda each: each.state_bytes, default=Look(0, 0, 0, 0))


def measure(request: Request) -> Measured:
    """Data first, those columns that the query reads; then a run that is looked at, then timed ones in turn with
    DuckDB."""
    query = QUERIES[request.query]
    columns = columns_read(session_over({}), query.sql)
    tables = only(generate(request.settings, query.reads), columns)
    rows = rows_of(tables)
    session = session_over(tables, step_rows=request.step_rows)
    gc.collect()
    pa.default_memory_pool().release_unused()  # what making the data has freed is no part of it
    memory.forget_peak()
    input_bytes = memory.resident()
    looks = _Looks(rows, input_bytes)
    changes = run(session, query.sql, looks)
    measured = Measured(query.name, rows, changes, input_bytes, memory.peak(), looks.taken)
    if request.duckdb:
        from benchmarks.nexmark.duck import batch  # not before: it takes memory
    for _ in range(request.runs):
        elapsed, cpu = _timed(lambda: run(session, query.sql))
        measured.seconds.append(elapsed)
        measured.cpu_seconds.append(cpu)
        if request.duckdb:
            elapsed, cpu = _timed(lambda: batch(tables, query.duckdb))
            measured.duckdb_seconds.append(elapsed)
            measured.duckdb_cpu_seconds.append(cpu)
    return measured


@dataclass(slots=True)
class _Looks:
    """Looks at a job now and then."""

    rows: int
    input_bytes: int
    taken: list[Look] = field(default_factory=list)

    def __call__(self, job: Job) -> None:
        done = job.progress.rows
        if done * _LOOKS >= self.rows * (len(self.taken) + 1):
            held = memory.resident() - self.input_bytes
            sizes = job.state_sizes().values()
            self.taken.append(Look(done, sum(each.rows for each in sizes), sum(each.bytes for each in sizes), held))


def _timed(call: Callable[[], object]) -> tuple[float, float]:
    begin, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - begin, time.process_time() - cpu


def main(argument: str) -> None:
    """Files that a query writes go to a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        print(json.dumps(asdict(measure(Request(**json.loads(argument))))))


if __name__ == "__main__":
    main(sys.argv[1])
