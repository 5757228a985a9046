"""Running scripts: DDL in order, consecutive INSERTs and SELECTs as one job."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field
from typing import TYPE_CHECKING, Any, Protocol

from streamsql.batch_job import BatchJob
from streamsql.engine import Engine
from streamsql.errors import SqlError, UsageError, located
from streamsql.plan.logical import Plan, SinkPlan
from streamsql.plan.traits import traits
from streamsql.record import record
from streamsql.runtime.job import Job
from streamsql.runtime.metrics import Progress
from streamsql.runtime.output import Output, SinkOutput
from streamsql.runtime.settings import JobSettings
from streamsql.settings import Settings
from streamsql.sql import statements as s
from streamsql.sql.mentions import mentions, reached_names
from streamsql.tables import SessionTables

if TYPE_CHECKING:
    from streamsql.query import Query


class ScriptSession(Protocol):
    """What a script runs in: streamsql.session.Session."""

    tables: SessionTables
    settings: Settings

    def engine(self, *, job_settings: JobSettings | None = None) -> Engine: ...

    def statements(
        self, text: str, name: str = "SQL", *, before: Callable[[Any], None] | None = None
    ) -> Iterator[s.Statement]: ...

    def apply(self, statement: s.Statement) -> bool: ...


class ScriptHandler(Protocol):
    """What a script's results go to."""

    def select(self, plan: Plan, *, batch: bool) -> Output:
        """Where the rows of a SELECT go; `plan` is optimised. `batch`: they come once, as the final table."""
        ...

    def text(self, text: str) -> None:
        """What EXPLAIN, DESCRIBE, SHOW and SET say."""
        ...

    @property
    def on_progress(self) -> Callable[[Progress], None] | None:
        """Called now and then while a job runs."""
        ...

    def inserted(self, table: str, rows: int) -> None:
        """An INSERT has written so many rows."""
        ...

    def run_job(self, job: Job | BatchJob, run: Callable[[], None]) -> None:
        """Call `run`, between whatever is to happen before and after a job."""
        ...


@record(frozen=False)
class ScriptRunner:
    """Runs scripts in a session.

    INSERTs and SELECTs wait, and run together as soon as a statement comes that is neither or that reads what they
    write or leave out. A job that is told to stop is the last one of its script.
    """

    session: ScriptSession
    handler: ScriptHandler | None = None
    batch: bool = False
    job_settings: JobSettings | None = None
    _plans: list[Plan] = field(default_factory=list)
    _outputs: list[Output] = field(default_factory=list)
    _replaced: set[str] = field(default_factory=set)
    _stopped: bool = False

    def run(self, text: str, name: str = "SQL") -> None:
        """Carry out all statements; errors carry the script's text and name."""
        handler = self._handler()
        with located(text, name):
            for statement in self.session.statements(text, name, before=self._settle):
                if self._stopped:
                    return
                self._carry_out(statement, handler)
            self._flush()

    def run_for_query(self, text: str) -> Query | None:
        """Carry out a script whose last statement may be a query, which is handed out instead of run."""
        from streamsql.query import Query, one_text

        last: Query | None = None
        with located(text):
            for statement in self.session.statements(text, before=self._settle):
                last = None
                match statement:
                    case s.Query(plan=plan):
                        self._flush()
                        last = Query(self._engine(), plan, text)
                    case s.Insert(plans=plans):
                        for each in plans:
                            self._queue(each, self._sink)
                    case s.Explain():
                        self._flush()
                        last = one_text(self._engine(), self._shown(statement))
                    case _:
                        self._flush()
                        if not self.session.apply(statement):
                            raise UsageError("sql() takes DDL, INSERT, SET, and one query or EXPLAIN at the end")
            self._flush()
        return last

    def _carry_out(self, statement: s.Statement, handler: ScriptHandler) -> None:
        match statement:
            case s.Query(plan=plan):
                self._queue(plan, lambda optimized: handler.select(optimized, batch=self._in_batch))
            case s.Insert(plans=plans):
                for each in plans:
                    self._queue(each, self._sink)
            case _:
                self._flush()
                if not (self._stopped or self.session.apply(statement)):
                    handler.text(self._shown(statement))

    def _shown(self, statement: s.Statement) -> str:
        from streamsql.query import Query
        from streamsql.show import describe, matching, show

        tables = self.session.tables
        match statement:
            case s.Explain(plans=(plan,), kept=True):
                from streamsql.plan.explain import explain

                return explain(self._engine().kept_plan(plan))
            case s.Explain(plans=plans):
                return "\n\n".join(Query(self._engine(), each).explain() for each in plans)
            case s.Describe(name=table):
                return describe(tables, table)
            case s.Show(kind=kind, name=table):
                return matching(show(tables, kind, table), statement)
            case s.SetOption():
                return "\n".join(f"'{key}' = '{value}'" for key, value in sorted(self.session.settings.values.items()))
            case _:
                raise AssertionError(f"no one carries out {type(statement).__name__}")

    def _handler(self) -> ScriptHandler:
        if self.handler is None:
            raise UsageError("a script that shows results needs a handler")
        return self.handler

    def _engine(self) -> Engine:
        return self.session.engine(job_settings=self.job_settings)

    @property
    def _in_batch(self) -> bool:
        return self.batch or self.session.settings.batch_mode

    def _settle(self, tree: Any) -> None:
        """Run what waits if the next statement reads what that writes or leaves out: it is bound to what is there."""
        if not self._plans:
            return
        written = {each.table.name for each in self._plans if isinstance(each, SinkPlan)}
        if any("$" in name for name in mentions(tree)) or written & reached_names(tree, self.session.tables):
            self._flush()

    def _queue(self, plan: Plan, output: Callable[[Plan], Output]) -> None:
        optimized = self._engine().optimized(plan)
        self._plans.append(optimized)
        self._outputs.append(output(optimized))

    def _sink(self, plan: Plan) -> Output:
        from streamsql.plan.sink_fit import refuse_unfit

        assert isinstance(plan, SinkPlan)
        changelog = not (self._in_batch or traits(plan).append_only)
        sink = self.session.tables.open_sink(plan.table, overwrite=plan.overwrite)
        refuse_unfit(plan, sink.mode)
        self._refuse_replaced(plan, getattr(sink, "replaces", None))
        return SinkOutput(sink, changelog=changelog, target=plan.table.physical(), span=plan.span)

    def _refuse_replaced(self, plan: SinkPlan, path: str | None) -> None:
        """The second INSERT that writes one file would take away the rows of the first."""
        if path is not None and path in self._replaced:
            hint = f"write one INSERT with UNION ALL, or into a folder: 'path' = '{path}.d/'"
            raise SqlError(f"{path} is written by two INSERTs of this script", span=plan.span, hint=hint)
        if path is not None:
            self._replaced.add(path)

    def _flush(self) -> None:
        if not self._plans:
            return
        plans, outputs = self._plans, self._outputs
        self._plans, self._outputs = [], []
        engine, handler = self._engine(), self.handler
        progress = None if handler is None else handler.on_progress
        job = engine.batch_job(plans, outputs) if self._in_batch else engine.job(plans, outputs, on_progress=progress)
        if handler is None:
            engine.run(job)
            return
        handler.run_job(job, lambda: engine.run(job))
        self._stopped = job.stopped
        for plan, output in zip(plans, outputs, strict=True):
            if isinstance(plan, SinkPlan) and isinstance(output, SinkOutput):
                handler.inserted(plan.table.name, output.rows)
