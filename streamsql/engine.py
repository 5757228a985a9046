"""From bound plans to a job that is ready to run: rules, physical graph, sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from streamsql.expr.context import EvalContext
from streamsql.expr.types import Column, Schema
from streamsql.plan.logical import Plan, Scan
from streamsql.plan.optimize import optimize
from streamsql.plan.physical import lower
from streamsql.runtime.job import Job
from streamsql.runtime.metrics import Progress
from streamsql.runtime.output import Output
from streamsql.runtime.settings import JobSettings
from streamsql.settings import Settings
from streamsql.tables import LATE, REJECTS, SessionTables


@dataclass(frozen=True, slots=True)
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
        return optimize(plan, self.context, keep_late_columns=self.keep_late_columns)

    def job(
        self,
        plans: Sequence[Plan],
        outputs: Sequence[Output],
        *,
        record_decisions: bool = False,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Job:
        """A job over optimised plans, one output each."""
        settings = replace(self.job_settings, record_decisions=record_decisions)
        roots = lower(plans, self.context)
        return Job(roots, outputs, self.tables.open_source, self.context, settings, on_progress=on_progress)

    def run(self, job: Job) -> None:
        """Run a job to its end, and keep the late and rejected rows under their tables' names."""
        try:
            job.run()
        finally:
            self.tables.leave({f"{name}{LATE}": job.late.to_table(name) for name in job.late.tables()})
            self.tables.leave({f"{name}{REJECTS}": job.rejects.to_table(name) for name in job.rejects.tables()})


def output_schema(plan: Plan) -> Schema:
    """Names and types of a query's result."""
    return Schema(tuple(Column(each.name, each.type) for each in plan.fields))


def scans(plan: Plan) -> list[Scan]:
    """All table reads of a plan."""
    if isinstance(plan, Scan):
        return [plan]
    return [found for each in plan.inputs for found in scans(each)]
