"""`streamsql run`: a script's results to the terminal, a pipe or files."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import click

from streamsql.errors import UsageError
from streamsql.plan.logical import Plan
from streamsql.runtime.job import Job
from streamsql.runtime.metrics import Progress
from streamsql.runtime.output import Output
from streamsql.script import ScriptRunner, count_queries
from streamsql.session import Session
from streamsql_repl.inputs import refuse_unused
from streamsql_repl.progress import erase_line, progress_line
from streamsql_repl.results import Destination, result_output
from streamsql_repl.session import make_session
from streamsql_repl.summary import late_tables, reject_tables, summary, write_lines


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
    session = make_session(options.inputs, options.input_format, options.batch_size, options.seed)
    session.keep_late_columns = options.late is not None or "$late" in text
    queries = count_queries(text, name)
    if options.output is not None and queries > 1:
        hint = "write INSERT INTO a table for each, with its own 'path'"
        raise UsageError(f"--output takes the rows of one SELECT, the script has {queries}", hint=hint)
    handler = RunHandler(session, options, queries)
    ScriptRunner(session, handler, batch=options.batch).run(text, name)
    refuse_unused(session)
    handler.finish()


@dataclass(slots=True)
class RunHandler:
    """Sends results where the options say, and keeps what is to be said at the end."""

    session: Session
    options: RunOptions
    queries: int
    on_progress: Callable[[Progress], None] | None = field(default_factory=progress_line)
    _inserted: list[tuple[str, int]] = field(default_factory=list)
    _jobs: list[Job] = field(default_factory=list)

    def select(self, plan: Plan) -> Output:
        """The output of a SELECT."""
        return result_output(plan, Destination(self.options.output, self.options.result, alone=self.queries == 1))

    def text(self, text: str) -> None:
        click.echo(text)

    def inserted(self, table: str, rows: int) -> None:
        self._inserted.append((table, rows))

    def run_job(self, job: Job, run: Callable[[], None]) -> None:
        """Run a job; SIGINT and SIGTERM end an unbounded one well and a bounded one as interrupted."""
        self._jobs.append(job)
        with _signals(job):
            try:
                run()
            finally:
                erase_line()

    def finish(self) -> None:
        """Write what --late and --rejects ask for, and say on stderr what was left out."""
        if self.options.late is not None:
            write_lines(self.options.late, late_tables(self._jobs))
        if self.options.rejects is not None:
            write_lines(self.options.rejects, reject_tables(self._jobs))
        if self.queries == 0:
            for table, rows in self._inserted:
                click.echo(f"{table}: {rows:,} rows", err=True)
        for line in summary(self._jobs, self.options.late, self.options.rejects):
            click.echo(line, err=True)


@contextmanager
def _signals(job: Job) -> Iterator[None]:
    """Within: the first SIGINT or SIGTERM stops the job after its step."""

    def stop(number: int, frame: Any) -> None:
        if not any(each.live for each in job.inlets):
            raise KeyboardInterrupt
        job.stop()

    before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
