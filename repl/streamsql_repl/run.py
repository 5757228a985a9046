"""`streamsql run`: a script's results to the terminal, a pipe or files."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import field
from typing import Any

import click
from streamsql_connectors.streams import STANDARD

from streamsql.batch_job import BatchJob
from streamsql.engine import scans
from streamsql.errors import DataError, UsageError
from streamsql.outline import ScriptOutline, outline
from streamsql.plan.logical import Plan, Table
from streamsql.record import record
from streamsql.runtime.job import Job
from streamsql.runtime.metrics import Progress
from streamsql.runtime.output import Output
from streamsql.script import ScriptRunner
from streamsql.session import Session
from streamsql.tables import LATE
from streamsql_repl.inputs import InputArgument, read_inputs
from streamsql_repl.left_out import counted, late_rows, refuse_unwritable, rejected_rows, summary, write_lines
from streamsql_repl.progress import erase_line, progress_line
from streamsql_repl.results import Destination, on_terminal, result_output
from streamsql_repl.session import make_session, say_inferred
from streamsql_repl.state_warnings import growing_states


@record
class RunOptions:
    """The options of `run`."""

    inputs: tuple[str, ...] = ()
    input_format: str | None = None
    function_files: tuple[str, ...] = ()
    output: str | None = None
    result: str | None = None
    batch: bool = False
    batch_size: int | None = None
    late: str | None = None
    rejects: str | None = None
    seed: int | None = None


def run_text(text: str, name: str, options: RunOptions) -> None:
    """Run a script with these options; errors are raised for the caller to show."""
    script = outline(text, name)
    _refuse_useless(options, script)
    with ExitStack() as stack:
        inputs = read_inputs(options.inputs)
        if _reads_again(script, inputs):
            from streamsql_repl.stdin_copy import with_stdin_copied

            inputs = with_stdin_copied(inputs, stack)
        _run(text, name, options, script, inputs)


def _run(text: str, name: str, options: RunOptions, script: ScriptOutline, inputs: Sequence[InputArgument]) -> None:
    session = make_session(
        script,
        inputs,
        options.input_format,
        options.function_files,
        batch_size=options.batch_size,
        seed=options.seed,
    )
    session.tables.on_inferred = say_inferred
    session.keep_late_columns = options.late is not None or any(each.endswith(LATE) for each in script.names)
    handler = RunHandler(session, options, script.queries)
    try:
        ScriptRunner(session, handler, batch=options.batch).run(text, name)
    except DataError as error:
        if error.message.startswith("stdin:") and any(each.from_stdin for each in inputs):
            told = "stdin is read as JSON lines unless --input-format says otherwise"
            error.hint = f"{told}; {error.hint}" if error.hint else told
        raise
    handler.finish()


def _reads_again(script: ScriptOutline, inputs: Sequence[InputArgument]) -> bool:
    """Whether more than one place of the script may read what comes from stdin."""
    given = [each.name for each in inputs if each.from_stdin]
    return bool(given) and (script.queries + script.inserts > 1 or any(script.mentioned[each] > 1 for each in given))


def _refuse_useless(options: RunOptions, script: ScriptOutline) -> None:
    if options.output not in (None, STANDARD) and script.queries != 1:
        has = f"the script has {script.queries or 'none'}"
        hint = (
            "write INSERT INTO a table for each, with its own 'path'" if script.queries else "INSERTs write to tables"
        )
        raise UsageError(f"--output takes the rows of one SELECT, {has}", hint=hint)
    refuse_unwritable("--late", options.late)
    refuse_unwritable("--rejects", options.rejects)
    if options.late is not None and options.late == options.rejects != STANDARD:
        raise UsageError(f"--late and --rejects cannot both write {options.late}")


@record(frozen=False)
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
        for line in growing_states(job):
            click.echo(line, err=True)
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
