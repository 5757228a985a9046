"""From bound plans to a job that is ready to run: rules, physical graph, sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING

from streamsql.batch_job import BatchJob
from streamsql.declared_at import DeclaredAt
from streamsql.errors import SqlError
from streamsql.expr.context import EvalContext
from streamsql.plan.logical import Field, Plan, Scan, Table, TimeAttribute
from streamsql.plan.lookup_join import LookupJoin
from streamsql.plan.optimize import optimize
from streamsql.plan.physical import lower
from streamsql.plan.rules.live_limits import unordered
from streamsql.plan.traits import event_time
from streamsql.plan.tree import transform_up, walk_plan
from streamsql.ports import Source
from streamsql.record import record
from streamsql.runtime.graph import topological
from streamsql.runtime.job import Job
from streamsql.runtime.late import LateLog
from streamsql.runtime.metrics import Progress
from streamsql.runtime.output import Output
from streamsql.runtime.rejects import REJECTS as REJECTED_COLUMNS
from streamsql.runtime.rejects import RejectLog
from streamsql.runtime.settings import JobSettings
from streamsql.settings import Settings
from streamsql.tables import LATE, REJECTS, SessionTables

if TYPE_CHECKING:
    from streamsql.materialized import MaterializedView


@record
class Engine:
    """What a session runs queries with.

    `keep_late_columns`: rows dropped as late keep the columns that the query does not read.
    """

    tables: SessionTables
    settings: Settings
    context: EvalContext
    keep_late_columns: bool = False
    job_settings: JobSettings = field(default_factory=JobSettings)

    def optimized(self, plan: Plan) -> Plan:
        """The plan after all rules."""
        return optimize(plan, self.context, keep_late_columns=self.keep_late_columns, sizes=self.tables.size)

    def live_plan(self, plan: Plan, optimized: Plan) -> Plan:
        """A query's plan for following open tables: its LIMIT does not wait for their end.

        UPDATE and DELETE may come too, but not where a table has a WATERMARK. What needs rows that stay is planned for
        such rows; then these statements are refused as long as the query runs.
        """
        if not any(isinstance(each, Scan) and self.tables.is_open(each.table) for each in walk_plan(plan)):
            return optimized
        try:
            return self._live(transform_up(plan, self._expecting_changes))
        except SqlError:
            return self._live(plan)

    def _live(self, plan: Plan) -> Plan:
        return optimize(plan, self.context, keep_late_columns=self.keep_late_columns, live=True)

    def _expecting_changes(self, plan: Plan) -> Plan:
        if not isinstance(plan, Scan) or plan.table.watermark is not None or not self.tables.is_open(plan.table):
            return plan
        return replace(plan, table=replace(plan.table, updating=True))

    def job(
        self,
        plans: Sequence[Plan],
        outputs: Sequence[Output],
        *,
        follow: bool = False,
        record_decisions: bool = False,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Job:
        """A job over optimised plans, one output each.

        `follow`: tables that are open for pushing are read on until they are closed, not just as they are now.
        """
        settings = replace(self.job_settings, record_decisions=record_decisions)
        roots = lower(plans, self.context)
        views = self.tables.views
        with views.reading():
            return Job(
                roots,
                outputs,
                partial(self.tables.open_source, follow=follow),
                self.context,
                settings,
                open_lookup=self.tables.open_lookup,
                on_progress=on_progress,
                together=views.together,
            )

    def batch_job(self, plans: Sequence[Plan], outputs: Sequence[Output]) -> BatchJob:
        """The same, each plan run as one bounded query in DuckDB."""
        return BatchJob(plans, outputs, self.bounded_source, self.context, together=self.tables.views.together)

    def materialized(
        self, name: str | None, plan: Plan, columns: tuple[str, ...], at: DeclaredAt | None = None
    ) -> MaterializedView:
        """A bound plan whose rows are kept, and kept up to date from now on; see MaterializedView."""
        from streamsql.materialized import MaterializedView

        return MaterializedView(name, plan, columns, self._view_job, self.keep_left_out, at)

    def followed(self, plan: Plan) -> tuple[Plan, MaterializedView]:
        """A bound plan kept in step with the materialised views that it reads, and the plan that reads its changes."""
        names = tuple(f"c{index}" for index in range(len(plan.fields)))
        views = self.tables.views
        with views.reading():
            view = self.materialized(None, plan, names)
            views.add(view)
        table = Table("query", view.schema.columns, data=view, updating=True, unique_keys=view.unique_keys)
        fields = tuple(Field(index, each.name, each.type) for index, each in enumerate(plan.fields))
        stored = tuple(replace(field, name=name) for field, name in zip(fields, names, strict=True))
        return Scan(table=table, physical=stored, fields=fields), view

    def kept_plan(self, plan: Plan) -> Plan:
        """The optimised plan of a materialised view."""
        current = unordered(transform_up(plan, self._as_now))
        timed = any(each.time is TimeAttribute.EVENT for each in plan.fields)
        return optimize(current, self.context, keep_late_columns=self.keep_late_columns, live=True, keep_time=timed)

    def _view_job(self, plan: Plan, output: Output) -> tuple[Plan, Job]:
        optimized = self.kept_plan(plan)
        timed = any(each.time is TimeAttribute.EVENT for each in plan.fields)
        roots = lower([optimized], self.context, keep_time=timed and event_time(optimized) is not None)
        tables = self.tables
        job = Job(
            roots, [output], tables.open_for_view, self.context, self.job_settings, open_lookup=tables.open_lookup
        )
        return optimized, job

    def _as_now(self, plan: Plan) -> Plan:
        return replace(plan, table=self.tables.as_now(plan.table)) if isinstance(plan, Scan) else plan

    def bounded_source(self, table: Table) -> Source:
        """A fresh source for a batch; NoBatchForm for a table that has no end."""
        from streamsql.batch_mode.errors import NoBatchForm

        source = self.tables.open_source(table)
        if not source.bounded:
            raise NoBatchForm(f"table {table.name} has no end", hint="run it as a stream, or bound it")
        return source

    def run(self, job: Job | BatchJob) -> None:
        """Run a job to its end, and keep the late and rejected rows under their tables' names."""
        try:
            if isinstance(job, BatchJob):  # opens its sources one after the other
                with self.tables.views.reading():
                    job.run()
            else:
                job.run()
        finally:
            self.keep_left_out(job)

    def keep_left_out(self, job: Job | BatchJob) -> None:
        """Keep the late and rejected rows of a job under their tables' names."""
        self._leave(_plans(job), job.late, job.rejects)

    def run_over_nothing(self, plan: Plan) -> None:
        """As if the optimised plan had run and left nothing out: the `$late` tables after it are there, and empty."""
        late = LateLog()
        for node in topological(lower([plan], self.context)):
            if node.operator is not None:
                late.listener(node)
        self._leave([plan], late, RejectLog())

    def _leave(self, plans: Sequence[Plan], late: LateLog, rejects: RejectLog) -> None:
        for name in late.judged_tables():
            self.tables.leave(f"{name}{LATE}", late.schema(name), late.to_table(name))
        for name in {scan.table.name for plan in plans for scan in (*scans(plan), *looked_up(plan))}:
            self.tables.leave(f"{name}{REJECTS}", REJECTED_COLUMNS, rejects.to_table(name))


def _plans(job: Job | BatchJob) -> tuple[Plan, ...]:
    """The plans of a job, or those nodes of it that read tables."""
    if isinstance(job, BatchJob):
        return job.plans
    return tuple(each.plan for each in job.nodes if each.operator is None or isinstance(each.plan, LookupJoin))


def scans(plan: Plan) -> list[Scan]:
    """All table reads of a plan."""
    if isinstance(plan, Scan):
        return [plan]
    return [found for each in plan.inputs for found in scans(each)]


def looked_up(plan: Plan) -> list[Scan]:
    """All tables whose rows a plan looks up."""
    return [each.side for each in walk_plan(plan) if isinstance(each, LookupJoin)]
