"""`streamsql run`: a script's results to the terminal, a pipe or files."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import click
from streamsql_connectors.streams import STANDARD

from streamsql.batch_job import BatchJob
from streamsql.engine import scans
from streamsql.errors import DataError, UsageError
from streamsql.plan.logical import Plan, Table
from streamsql.runtime.job import Job
from streamsql.runtime.metrics import Progress
from streamsql.runtime.output import Output
from streamsql.script import ScriptRunner, count_queries
from streamsql.session import Session
from streamsql_repl.inputs import read_inputs
from streamsql_repl.left_out import counted, late_rows, refuse_unwritable, rejected_rows, summary, write_lines
from streamsql_repl.progress import erase_line, progress_line
from streamsql_repl.results import Destination, on_terminal, result_output
from streamsql_repl.session import make_session


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of `run`."""

    inputs: tuple[str, ...] = ()
    input_format: str | None = None
    output: str | None = None
    result: str | None = None
    batch: bool = False
    batch_size: int | None = None
    late: str | None = None
    rejects: str | None = None
    seed: int | None = None


def run_text(text: str, name: str, options: RunOptions) -> None:
    """Run a script with these options; errors are raised for the caller to show."""
    queries = count_queries(text, name)
    _refuse_useless(options, queries)
    inputs = read_inputs(options.inputs)
    session = make_session(text, name, inputs, options.input_format, batch_size=options.batch_size, seed=options.seed)
    session.keep_late_columns = options.late is not None or "$late" in text
    handler = RunHandler(session, options, queries)
    try:
        ScriptRunner(session, handler, batch=options.batch).run(text, name)
    except DataError as error:
        if error.message.startswith("stdin:") and any(each.from_stdin for each in inputs):
            told = "stdin is read as JSON lines unless --input-format says otherwise"
            error.hint = f"{told}; {error.hint}" if error.hint else told
        raise
    handler.finish()


def _refuse_useless(options: RunOptions, queries: int) -> None:
    if options.output not in (None, STANDARD) and queries != 1:
        has = f"the script has {queries or 'none'}"
        hint = "write INSERT INTO a table for each, with its own 'path'" if queries else "its INSERTs write to tables"
        raise UsageError(f"--output takes the rows of one SELECT, {has}", hint=hint)
    refuse_unwritable("--late", options.late)
    refuse_unwritable("--rejects", options.rejects)
    if options.late is not None and options.late == options.rejects != STANDARD:
        raise UsageError(f"--late and --rejects cannot both write {options.late}")


@dataclass(slots=True)
class RunHandler:
    """Sends results where the options say, and keeps what is to be said at the end."""

    session: Session
    options: RunOptions
    queries: int
    _inserted: list[tuple[str, int]] = field(default_factory=list)
    _jobs: list[Job | BatchJob] = field(default_factory=list)
    _shows_rows: bool = False

    def select(self, plan: Plan, *, batch: bool) -> Output:
        """The output of a SELECT."""
        destination = Destination(self.options.output, self.options.result, alone=self.queries == 1)
        bounded = not destination.terminal or batch or self._is_bounded(plan)
        self._shows_rows = self._shows_rows or not bounded
        return result_output(plan, destination, batch=batch, bounded=bounded)

    def text(self, text: str) -> None:
        """What EXPLAIN, SHOW and their like say."""
        click.echo(text)

    def inserted(self, table: str, rows: int) -> None:
        """An INSERT is done."""
        self._inserted.append((table, rows))

    @property
    def on_progress(self) -> Callable[[Progress], None] | None:
        """What shows progress; none where rows appear on the same terminal as they come."""
        tables = (self.session.tables.lookup(each) for each in self.session.tables.names())
        shown = self._shows_rows or any(isinstance(each, Table) and _is_shown(each) for each in tables)
        return None if on_terminal() and shown else progress_line()

    def run_job(self, job: Job | BatchJob, run: Callable[[], None]) -> None:
        """Run a job; SIGINT and SIGTERM end an unbounded one well and a bounded one as interrupted."""
        self._jobs.append(job)
        with stopped_by_signals(job):
            try:
                run()
            finally:
                erase_line()

    def finish(self) -> None:
        """Write what --late and --rejects ask for, and say on stderr what was left out."""
        if self.options.late is not None:
            write_lines(self.options.late, late_rows(self._jobs))
        if self.options.rejects is not None:
            write_lines(self.options.rejects, rejected_rows(self._jobs))
        if self.queries == 0:
            for table, rows in self._inserted:
                click.echo(f"{table}: {counted(rows)}", err=True)
        for line in summary(self._jobs, self.options.late, self.options.rejects):
            click.echo(line, err=True)

    def _is_bounded(self, plan: Plan) -> bool:
        return all(self.session.tables.open_source(each.table).bounded for each in scans(plan))


def _is_shown(table: Table) -> bool:
    return table.connector == "print" or table.options.get("path") == STANDARD


@contextmanager
def stopped_by_signals(job: Job | BatchJob) -> Iterator[None]:
    """Within: the first SIGINT or SIGTERM stops a job without end after its step, the second interrupts it.

    A bounded job is interrupted at once: half an answer is none.
    """
    told = False

    def stop(number: int, frame: Any) -> None:
        nonlocal told
        if told or job.bounded:
            raise KeyboardInterrupt
        told = True
        job.stop()

    before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
