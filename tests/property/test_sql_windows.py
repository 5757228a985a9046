"""Random window queries over random disorder: no cut, restart or batch size changes an answer, and DuckDB agrees.

STREAMSQL_EXAMPLES=5000 runs longer, STREAMSQL_SEED=1 along other paths.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from streamsql.batch_mode.difference import difference
from streamsql.batch_mode.query import BatchQuery
from streamsql.plan.logical import Plan, RankOver
from streamsql.plan.rules.fuse_windows import fuse_windows
from streamsql.plan.time_joins import TemporalJoin
from streamsql.plan.tree import walk_plan
from streamsql.query import Query
from streamsql.runtime.checkpoint import from_files, restore, snapshot, to_files
from streamsql.runtime.job import Job
from streamsql.runtime.output import CollectOutput
from streamsql.runtime.settings import JobSettings
from streamsql.session import Session
from streamsql.sql import statements as s
from streamsql.time import ManualClock
from tests.property.random_queries import queries
from tests.property.random_tables import NEVER_LATE, RandomTable, changing_tables, tables

EXAMPLES = int(os.environ.get("STREAMSQL_EXAMPLES", "45"))
SEED = os.environ.get("STREAMSQL_SEED")
RANDOMLY = settings(
    max_examples=EXAMPLES,
    derandomize=SEED is None,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


@dataclass(frozen=True)
class Script:
    """Tables with rows, and a script that ends with a query."""

    tables: tuple[RandomTable, ...]
    sql: str

    def __repr__(self) -> str:
        return "\n".join(["", *(repr(each) for each in self.tables), "--- sql", self.sql])


@dataclass(frozen=True)
class Bound:
    """A script whose query is bound, in a session that holds its rows."""

    session: Session
    plan: Plan

    def job(self, batch_rows: int, output: CollectOutput) -> Job:
        self.session.settings.set("streamsql.compiled", "off" if batch_rows == 1 else "on")
        engine = self.session.engine(job_settings=JobSettings(batch_rows=batch_rows, read_ahead=0))
        return engine.job([engine.optimized(self.plan)], [output])

    def query(self) -> Query:
        return Query(self.session.engine(), self.plan)


def bind(script: Script) -> Bound:
    session = Session(clock=ManualClock(0))
    for each in script.tables:
        session.sql(each.ddl)
        each.fill(session)
    plan = None
    for statement in session.statements(script.sql):
        if isinstance(statement, s.Query):
            plan = statement.plan
        else:
            session.apply(statement)
    assert plan is not None
    return Bound(session, plan)


@st.composite
def scripts(draw: st.DrawFn, delay: int | None = None) -> Script:
    """One or two tables and a query over them."""
    time_type = draw(st.sampled_from(["TIMESTAMP(3)", "TIMESTAMP(3)", "TIMESTAMP(6)", "TIMESTAMP_LTZ(3)"]))
    two = draw(st.integers(0, 3)) == 0
    kind = changing_tables if draw(st.integers(0, 4)) == 0 else tables
    found = [draw(kind(name, time_type, delay)) for name in ("t", "u")[: 1 + two]]
    return Script(tuple(found), draw(queries(two)))


Answer = tuple[list[str], list[str]]


def answer(job: Job, output: CollectOutput) -> Answer:
    """The rows in order, and the late ones."""
    late = [row for name in sorted(job.late.tables()) for row in text_rows(job.late.to_table(name))]
    return text_rows(output.to_table()), sorted(late)


def text_rows(table: Any) -> list[str]:
    return [str(row) for row in table.to_pylist()]


def run(bound: Bound, batch_rows: int) -> Answer:
    output = CollectOutput()
    job = bound.job(batch_rows, output)
    job.run()
    return answer(job, output)


def run_restored(bound: Bound, batch_rows: int) -> Answer:
    """After every step, the job is saved to bytes, thrown away, and restored into a fresh one."""
    output = CollectOutput()
    job = bound.job(batch_rows, output)
    while job.step():
        saved = from_files(to_files(snapshot(job)))
        job.close()
        job = bound.job(batch_rows, output)
        restore(job, saved)
    return answer(job, output)


def hold(script: Script, some_rows: int) -> None:
    bound = bind(script)
    whole = run(bound, 65_536)
    for batch_rows in (1, 7, some_rows):
        assert run(bound, batch_rows) == whole, f"at batch size {batch_rows}"
    assert run_restored(bound, some_rows) == whole, f"restored, at batch size {some_rows}"
    comparison = bound.query().compare()
    unexplained = comparison.unexplained
    assert unexplained.rows == 0, (unexplained.stream_only.to_pylist(), unexplained.batch_only.to_pylist())


def hold_where_nothing_is_late(script: Script, some_rows: int) -> None:
    """The stream's answer is DuckDB's, and also that of the plan with its windows found but not improved otherwise."""
    bound = bind(script)
    output = CollectOutput()
    job = bound.job(some_rows, output)
    job.run()
    assert job.late.total == 0
    found = bound.query().compare().found
    assert found.rows == 0, (found.stream_only.to_pylist(), found.batch_only.to_pylist())
    if not any(isinstance(each, RankOver | TemporalJoin) for each in walk_plan(bound.plan)):
        engine = bound.session.engine()
        batch = BatchQuery(fuse_windows(bound.plan), engine.tables.open_source, engine.context).run()
        found = difference(output.to_table(), batch)
        assert found.rows == 0, ("without rules", found.stream_only.to_pylist(), found.batch_only.to_pylist())


def with_seed(test: Any) -> Any:
    return test if SEED is None else seed(int(SEED))(test)


@with_seed
@RANDOMLY
@given(scripts(), st.integers(1, 12))
def test_windows_are_the_same_however_they_run(script: Script, some_rows: int) -> None:
    hold(script, some_rows)


@with_seed
@settings(RANDOMLY, max_examples=max(1, EXAMPLES // 3))
@given(scripts(NEVER_LATE), st.integers(1, 12))
def test_where_nothing_is_late_stream_is_batch(script: Script, some_rows: int) -> None:
    hold_where_nothing_is_late(script, some_rows)
