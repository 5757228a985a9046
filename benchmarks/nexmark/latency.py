"""From a row's arrival to its result: events pushed at a steady rate while the query runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from streamsql_connectors.nexmark_events import KINDS, NexmarkSettings

from benchmarks.nexmark.data import Tables, generate, session_over
from benchmarks.nexmark.queries import Query
from benchmarks.nexmark.stream import Consumer
from streamsql.engine import Engine
from streamsql.live_table import LiveTable
from streamsql.runtime.job import Job
from streamsql.session import Session
from streamsql.sql import statements as s

QUERIES = "q0,q5,q7,q11,q17"
RATES = (1_000, 10_000, 100_000)
_TICK = 0.001
_WARM_UP = 0.2
"""The share of the rows, from the beginning, that does not count."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds at percentiles of the rows; `rows` is how many were measured."""

    query: str
    rate: int
    rows: int
    p50: float
    p99: float
    p999: float


@dataclass(slots=True)
class _Marks:
    """When how many rows had come, or had been answered."""

    times: list[float] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)

    def add(self, rows: int) -> None:
        self.times.append(time.perf_counter())
        self.rows.append(rows)


def measure_latency(query: Query, rate: int, seconds: float, seed: int = 0) -> Latency:
    """Of each row: until the step that took it is done and its results have been consumed.

    Time in the events goes as fast as that on the wall, so that windows close at their pace.
    """
    settings = NexmarkSettings(seed=seed, events=int(rate * seconds), rate=rate)
    tables = generate(settings, query.reads)
    session = session_over({name: rows for name, rows in tables.items() if name not in KINDS})
    live = {name: session.table(name, keep_rows=False) for name in tables if name in KINDS}
    job = _job(session, query)
    answered = _Marks()
    engine_thread = threading.Thread(target=_step, args=(job, answered))
    engine_thread.start()
    arrived = _push(settings, tables, live)
    engine_thread.join()
    waited = _waited(arrived, answered, _rows_before(tables)) * 1_000
    counted = waited[int(len(waited) * _WARM_UP) :]
    p50, p99, p999 = (float(each) for each in np.percentile(counted, [50, 99, 99.9]))
    return Latency(query.name, rate, len(counted), p50, p99, p999)


def _job(session: Session, query: Query) -> Job:
    engine: Engine = session.engine()
    for statement in session.statements(query.sql):
        if isinstance(statement, s.Query):
            plan = engine.live_plan(statement.plan, engine.optimized(statement.plan))
            return engine.job([plan], [Consumer().select(plan, batch=False)], follow=True)
        session.apply(statement)
    raise AssertionError(f"{query.name} has no result of its own")


def _step(job: Job, answered: _Marks) -> None:
    going_on = True
    while going_on:
        going_on = job.step()
        answered.add(job.progress.rows)


def _push(settings: NexmarkSettings, tables: Tables, live: dict[str, LiveTable]) -> _Marks:
    """Every millisecond the events that are due, by kind; then the end of all tables."""
    arrived, pushed = _Marks(), dict.fromkeys(live, 0)
    whole = {name: _joined(tables, name) for name in live}
    assert settings.events is not None
    begin, events, never = time.perf_counter(), 0, threading.Event()
    while events < settings.events:
        events = min(settings.events, int((time.perf_counter() - begin) * settings.rate))
        for kind in (each for each in KINDS if each in live):
            rows = settings.rows(kind, events)
            if rows > pushed[kind]:
                live[kind].push(whole[kind].slice(pushed[kind], rows - pushed[kind]))
                pushed[kind] = rows
                arrived.add(sum(pushed.values()))
        never.wait(max(0.0, begin + events / settings.rate + _TICK - time.perf_counter()))
    for each in live.values():
        each.close()
    return arrived


def _joined(tables: Tables, name: str) -> pa.RecordBatch:
    (batch,) = pa.Table.from_batches(tables[name]).combine_chunks().to_batches()
    return batch


def _rows_before(tables: Tables) -> int:
    return sum(batch.num_rows for name, batches in tables.items() if name not in KINDS for batch in batches)


def _waited(arrived: _Marks, answered: _Marks, before: int) -> npt.NDArray[np.float64]:
    """Seconds of each pushed row, in the order in which they came; `before` rows were there at the start."""
    ends = np.array(arrived.rows)
    came = np.repeat(np.array(arrived.times), np.diff(ends, prepend=0))
    step = np.searchsorted(np.array(answered.rows), before + np.arange(1, ends[-1] + 1))
    return np.array(answered.times)[step] - came


def latency_table(measured: Sequence[Latency]) -> str:
    """Markdown: milliseconds."""
    lines = [
        f"| {each.query} | {each.rate:,} | {each.p50:.2f} | {each.p99:.2f} | {each.p999:.2f} |" for each in measured
    ]
    return "\n".join(["| query | events/s | p50 ms | p99 ms | p99.9 ms |", "|---|---|---|---|---|", *lines])
