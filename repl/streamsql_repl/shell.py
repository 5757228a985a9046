"""The shell: what is typed goes to the session, statement by statement; results come as tables."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import field

import click
from rich.console import Console

from streamsql.batch_job import BatchJob
from streamsql.engine import scans
from streamsql.plan.logical import Plan
from streamsql.plan.traits import traits
from streamsql.record import record
from streamsql.runtime.job import Job
from streamsql.runtime.metrics import Progress
from streamsql.runtime.output import Output, SinkOutput
from streamsql.script import ScriptRunner
from streamsql.session import Session
from streamsql_repl.commands import Command, bare_command, parse_command
from streamsql_repl.endings import exit_code
from streamsql_repl.left_out import counted
from streamsql_repl.listing_tables import described, listed
from streamsql_repl.live import LiveTable
from streamsql_repl.progress import erase_line, progress_line
from streamsql_repl.render import TerminalSink
from streamsql_repl.results import CompleteOutput
from streamsql_repl.run import stopped_by_signals
from streamsql_repl.script_text import read_script
from streamsql_repl.splitter import Statement, all_statements
from streamsql_repl.topics import help_text
from streamsql_repl.waiting import waiting_text

MAX_ROWS = 40


@record(frozen=False)
class Shell:
    """Carries out what is typed. `running` is False once `\\q` was; an error leaves the session as it is."""

    session: Session
    console: Console
    debug: bool = False
    running: bool = True
    timing: bool = False
    last: str = ""
    """The last statement, which `\\e` edits."""
    edited: str = ""
    """What `\\e` leaves to be run by the next Enter."""
    _handler: ShellHandler = field(init=False)

    def __post_init__(self) -> None:
        self._handler = ShellHandler(self.session, self.console)

    def enter(self, text: str) -> None:
        """Carry out what was typed, up to the first error."""
        command = bare_command(text)
        if command is not None:
            self._guarded(lambda: self._carry_out(command))
        else:
            self._run_all(text, "SQL")

    def _run_all(self, text: str, name: str) -> bool:
        for statement in all_statements(text):
            if not self.running:
                return True
            if not self._guarded(lambda each=statement: self._run(each, text, name)):  # type: ignore[misc]
                return False
        return True

    def _guarded(self, call: Callable[[], None]) -> bool:
        return exit_code(lambda: call(), debug=self.debug) == 0

    def _run(self, statement: Statement, text: str, name: str) -> None:
        if statement.is_command:
            self._carry_out(parse_command(statement.text))
            return
        self.last = statement.text
        begin = time.perf_counter()
        self._handler.begin()
        try:
            ScriptRunner(self.session, self._handler).run(statement.within(text), name)
        finally:
            self._handler.tell_left_out()
        self._handler.acknowledge()
        if self.timing:
            self.console.print(f"time: {time.perf_counter() - begin:.3f} s", style="dim")

    def _carry_out(self, command: Command) -> None:
        match command.name:
            case "q":
                self.running = False
            case "d":
                text = described(self.session, command.argument) if command.argument else listed(self.session)
                self._say(text)
            case "help":
                own = {name: each.usage for name, each in self.session.tables.functions.items()}
                self._say(help_text(command.argument, own))
            case "timing":
                self.timing = not self.timing
                self._say(f"timing is {'on' if self.timing else 'off'}")
            case "i":
                text, name = read_script(command.argument, ())
                self._run_all(text, name)
            case "watermark":
                self._say(waiting_text(self._handler.job))
            case "e":
                self.edited = click.edit(self.last, extension=".sql") or ""

    def _say(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


@record(frozen=False)
class ShellHandler:
    """Where the results of a statement go: a table when it is complete, or one that is drawn again as it changes."""

    session: Session
    console: Console
    job: Job | BatchJob | None = None
    """The last job."""
    _live: LiveTable | None = None
    _said: bool = False
    _ran: bool = False

    def begin(self) -> None:
        """Before a statement."""
        self._live, self._said, self._ran = None, False, False

    def select(self, plan: Plan, *, batch: bool) -> Output:
        """The output of a SELECT."""
        self._said = True
        append_only = batch or traits(plan).append_only
        if not batch and not all(self.session.tables.open_source(each.table).bounded for each in scans(plan)):
            self._live = LiveTable(self.console, append_only=append_only)
            return self._live
        sink = TerminalSink(self.console, MAX_ROWS)
        if append_only:
            return SinkOutput(sink, changelog=False)
        return CompleteOutput(sink, final=True, changelog=False)

    def text(self, text: str) -> None:
        """What EXPLAIN, SHOW and their like say."""
        self._said = True
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def inserted(self, table: str, rows: int) -> None:
        """An INSERT is done."""
        self._said = True
        self.console.print(f"{counted(rows)} into {table}", style="dim", highlight=False)

    @property
    def on_progress(self) -> Callable[[Progress], None] | None:
        """What shows how far a job has come."""
        return progress_line() if self._live is None else self._live.progress

    def run_job(self, job: Job | BatchJob, run: Callable[[], None]) -> None:
        """Run a job; Ctrl-C ends it, not the shell."""
        self.job, self._ran = job, True
        if self._live is not None and isinstance(job, Job):
            self._live.standing = lambda: job.progress
        with stopped_by_signals(job):
            try:
                run()
            finally:
                if self._live is None:
                    erase_line()

    def tell_left_out(self) -> None:
        """After a statement, also one that failed: what it left out."""
        if not self._ran or self.job is None:
            return
        for table in self.job.late.tables():
            self._note(f"late: {counted(self.job.late.to_table(table).num_rows)}", f"{table}$late")
        for table, count in self.job.rejects.counts().items():
            self._note(f"rejected: {counted(count)}", f"{table}$rejects")

    def acknowledge(self) -> None:
        """A statement that had nothing to say has been carried out."""
        if not self._said:
            self.console.print("ok", style="dim")

    def _note(self, what: str, table: str) -> None:
        self.console.print(f"{what}; read them with SELECT * FROM {table}", style="yellow", highlight=False)
