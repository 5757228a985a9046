"""A query of the benchmark run by streamsql: its results are counted, its state can be looked at on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pyarrow as pa

from streamsql.batch_job import BatchJob
from streamsql.plan.logical import Plan, Scan
from streamsql.plan.tree import walk_plan
from streamsql.ports import RowKinds
from streamsql.runtime.job import Job
from streamsql.runtime.metrics import Progress
from streamsql.runtime.output import CallbackOutput, Output
from streamsql.script import ScriptRunner
from streamsql.session import Session

OnStep = Callable[[Job], None]


@dataclass(slots=True)
class Consumer:
    """Takes the results of a script and forgets them; `on_step` sees the job after each step."""

    on_step: OnStep | None = None
    changes: int = 0

    def select(self, plan: Plan, *, batch: bool) -> Output:
        """Count the changes."""
        return CallbackOutput(self._count)

    def _count(self, rows: pa.RecordBatch, kinds: RowKinds | None) -> None:
        self.changes += rows.num_rows

    def text(self, text: str) -> None:
        """Nobody reads it."""

    @property
    def on_progress(self) -> Callable[[Progress], None] | None:
        return None

    def inserted(self, table: str, rows: int) -> None:
        """Rows written to a file are results too."""
        self.changes += rows

    def run_job(self, job: Job | BatchJob, run: Callable[[], None]) -> None:
        """To its end, step by step where somebody looks."""
        if self.on_step is None or isinstance(job, BatchJob):
            run()
            return
        while job.step():
            self.on_step(job)


@dataclass(slots=True)
class Planned(Consumer):
    """Runs nothing; `columns` are those that the jobs of a script would read."""

    columns: dict[str, set[str]] = field(default_factory=dict)

    def run_job(self, job: Job | BatchJob, run: Callable[[], None]) -> None:
        """See what it would read."""
        assert isinstance(job, Job)
        for node in job.nodes:
            for scan in (each for each in walk_plan(node.plan) if isinstance(each, Scan)):
                self.columns.setdefault(scan.table.name, set()).update(each.name for each in scan.physical)


def columns_read(session: Session, sql: str) -> dict[str, set[str]]:
    """Which columns of which tables a script reads, by its plan."""
    planned = Planned()
    _run(session, sql, planned)
    return planned.columns


def run(session: Session, sql: str, on_step: OnStep | None = None) -> int:
    """Run a script to its end; how many changes its results were. What it declared is dropped again."""
    consumer = Consumer(on_step)
    _run(session, sql, consumer)
    return consumer.changes


def _run(session: Session, sql: str, consumer: Consumer) -> None:
    before = set(session.tables.names())
    functions = set(session.tables.functions)
    ScriptRunner(session, consumer).run(sql)
    declared = [each for each in session.tables.names() if each not in before]
    for name in reversed(declared):  # a view comes after what it reads
        session.tables.drop(name)
    for name in set(session.tables.functions) - functions:
        session.tables.functions.pop(name)
