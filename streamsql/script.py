"""Running scripts: DDL in order, consecutive INSERTs and SELECTs as one job."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from streamsql.engine import Engine, scans
from streamsql.errors import UsageError
from streamsql.plan.logical import Plan, SinkPlan
from streamsql.plan.traits import traits
from streamsql.query import Query
from streamsql.runtime.job import Job
from streamsql.runtime.metrics import Progress
from streamsql.runtime.output import Output, SinkOutput
from streamsql.runtime.settings import JobSettings
from streamsql.settings import Settings
from streamsql.show import describe, show
from streamsql.sql import statements as s
from streamsql.sql.dialect import exp
from streamsql.sql.parse import parse_script
from streamsql.tables import SessionTables


class ScriptSession(Protocol):
    """What a script runs in: streamsql.session.Session."""

    tables: SessionTables
    settings: Settings

    def engine(self, *, job_settings: JobSettings | None = None) -> Engine: ...

    def statements(self, text: str, name: str = "SQL") -> Iterator[s.Statement]: ...

    def apply(self, statement: s.Statement) -> bool: ...


class ScriptHandler(Protocol):
    """What a script's results go to."""

    def select(self, plan: Plan) -> Output:
        """Where the rows of a SELECT go; `plan` is optimised."""
        ...

    def text(self, text: str) -> None:
        """What EXPLAIN, DESCRIBE, SHOW and SET say."""
        ...

    on_progress: Callable[[Progress], None] | None
    """Called now and then while a job runs."""

    def inserted(self, table: str, rows: int) -> None:
        """An INSERT has written so many rows."""
        ...

    def run_job(self, job: Job, run: Callable[[], None]) -> None:
        """Call `run`, between whatever is to happen before and after a job."""
        ...


@dataclass(slots=True)
class ScriptRunner:
    """Runs scripts in a session.

    A job is started when the statement after it is not an INSERT or SELECT, or reads a table that the job writes.
    """

    session: ScriptSession
    handler: ScriptHandler | None = None
    batch: bool = False
    job_settings: JobSettings | None = None
    _plans: list[Plan] = field(default_factory=list)
    _outputs: list[Output] = field(default_factory=list)

    def run(self, text: str, name: str = "SQL") -> None:
        """Carry out all statements; errors carry the script's text and name."""
        handler = self._handler()
        for statement in self.session.statements(text, name):
            match statement:
                case s.Query(plan=plan):
                    self._queue(plan, handler.select)
                case s.Insert(plans=plans):
                    for each in plans:
                        self._queue(each, self._sink)
                case s.Explain(plans=plans):
                    handler.text("\n".join(Query(self._engine(), each).explain() for each in plans))
                case s.Describe(name=table):
                    handler.text(describe(self.session.tables, table))
                case s.Show(kind=kind, name=table):
                    handler.text(show(self.session.tables, kind, table))
                case s.SetOption(key=None):
                    handler.text("\n".join(f"'{k}' = '{v}'" for k, v in sorted(self.session.settings.values.items())))
                case _:
                    self._flush()
                    self.session.apply(statement)
        self._flush()

    def run_for_query(self, text: str) -> Query | None:
        """Carry out a script whose last statement may be a query, which is handed out instead of run."""
        last: Query | None = None
        for statement in self.session.statements(text):
            last = None
            match statement:
                case s.Query(plan=plan):
                    self._flush()
                    last = Query(self._engine(), plan)
                case s.Insert(plans=plans):
                    for each in plans:
                        self._queue(each, self._sink)
                case _:
                    self._flush()
                    if not self.session.apply(statement):
                        raise UsageError("sql() takes DDL, INSERT, SET and one query at the end")
        self._flush()
        return last

    def _handler(self) -> ScriptHandler:
        if self.handler is None:
            raise UsageError("a script that shows results needs a handler")
        return self.handler

    def _engine(self) -> Engine:
        return self.session.engine(job_settings=self.job_settings)

    def _queue(self, plan: Plan, output: Callable[[Plan], Output]) -> None:
        written = {each.table.name for each in self._plans if isinstance(each, SinkPlan)}
        if any(scan.table.name in written or "$" in scan.table.name for scan in scans(plan)):
            self._flush()
        optimized = self._engine().optimized(plan)
        self._plans.append(optimized)
        self._outputs.append(output(optimized))

    def _sink(self, plan: Plan) -> Output:
        assert isinstance(plan, SinkPlan)
        changelog = not traits(plan).append_only
        return SinkOutput(self.session.tables.open_sink(plan.table), changelog=changelog)

    def _flush(self) -> None:
        if not self._plans:
            return
        plans, outputs = self._plans, self._outputs
        self._plans, self._outputs = [], []
        engine = self._engine()
        if self.batch or self.session.settings.batch_mode:
            for plan, output in zip(plans, outputs, strict=True):
                run_batch(engine, plan, output)
            return
        if self.handler is None:
            engine.run(engine.job(plans, outputs))
        else:
            job = engine.job(plans, outputs, on_progress=self.handler.on_progress)
            self.handler.run_job(job, lambda: engine.run(job))
            for plan, output in zip(plans, outputs, strict=True):
                if isinstance(plan, SinkPlan) and isinstance(output, SinkOutput):
                    self.handler.inserted(plan.table.name, output.rows)


def run_batch(engine: Engine, plan: Plan, output: Output) -> None:
    """One plan as a bounded DuckDB query, its rows into the output."""
    from streamsql.batch_mode.query import BatchQuery

    query = BatchQuery(plan, engine.tables.open_source, engine.context)
    table = query.run()
    output.open(query.schema, None)
    try:
        for rows in table.combine_chunks().to_batches():
            output.publish(rows, None)
    except BaseException:
        output.abort()
        raise
    output.end()


def count_queries(text: str, name: str) -> int:
    """How many SELECTs a script has."""
    return sum(isinstance(each.tree, exp.Query) for each in parse_script(text))
