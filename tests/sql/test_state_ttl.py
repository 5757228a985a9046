"""State that has a time to live: each case moves the clock between rows, a step a line, and shows what is published."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from streamsql.query import Query
from streamsql.runtime.checkpoint import from_files, restore, snapshot, to_files
from streamsql.runtime.job import Job
from streamsql.runtime.output import CollectOutput
from streamsql.session import Session
from streamsql.time import SECOND, ManualClock
from tests.sql.harness import changelog

TABLES = """SET 'table.exec.state.ttl' = '10 s';
CREATE TABLE t (k STRING, v INT);
CREATE TABLE o (k STRING, w INT);"""


@dataclass(frozen=True)
class Case:
    """`rows`: (second, table, row, +1 or -1), each a step of its own; `changes`: what each step publishes."""

    sql: str
    rows: list[tuple[int, str, tuple[str, int], int]]
    changes: list[list[str]]
    expired: dict[str, tuple[int, int]]


def t(second: int, k: str, v: int, weight: int = 1) -> tuple[int, str, tuple[str, int], int]:
    return second, "t", (k, v), weight


def o(second: int, k: str, w: int, weight: int = 1) -> tuple[int, str, tuple[str, int], int]:
    return second, "o", (k, w), weight


CASES = {
    "a group begins anew after its last row": Case(
        "SELECT k, COUNT(*) AS n, SUM(v) AS s FROM t GROUP BY k",
        [t(0, "a", 1), t(9, "a", 2), t(18, "a", 4), t(27, "b", 1), t(28, "a", 8), t(29, "a", 1)],
        [
            ["+I | a | 1 | 1"],
            ["-U | a | 1 | 1", "+U | a | 2 | 3"],
            ["-U | a | 2 | 3", "+U | a | 3 | 7"],
            ["+I | b | 1 | 1"],
            ["+I | a | 1 | 8"],
            ["-U | a | 1 | 8", "+U | a | 2 | 9"],
        ],
        {"Aggregate": (1, 0)},
    ),
    "a row taken back from an expired group has no effect": Case(
        "SELECT k, COUNT(*) AS n, SUM(v) AS s FROM t GROUP BY k",
        [t(0, "a", 1), t(10, "a", 1, -1), t(11, "a", 5), t(12, "a", 5, -1)],
        [["+I | a | 1 | 1"], [], ["+I | a | 1 | 5"], ["-D | a | 1 | 5"]],
        {"Aggregate": (1, 1)},
    ),
    "values that DISTINCT, MIN and LISTAGG keep go with their group": Case(
        "SELECT k, COUNT(DISTINCT v) AS d, MIN(v) AS m, LISTAGG(CAST(v AS STRING)) AS l FROM t GROUP BY k",
        [t(0, "a", 1), t(1, "a", 2), t(1, "b", 7), t(12, "a", 2), t(13, "a", 2, -1), t(14, "a", 3)],
        [
            ["+I | a | 1 | 1 | 1"],
            ["-U | a | 1 | 1 | 1", "+U | a | 2 | 1 | 1,2"],
            ["+I | b | 1 | 7 | 7"],
            ["+I | a | 1 | 2 | 2"],
            ["-D | a | 1 | 2 | 2"],
            ["+I | a | 1 | 3 | 3"],
        ],
        {"Aggregate": (2, 0)},
    ),
    "the one group of an aggregate without GROUP BY": Case(
        "SELECT COUNT(*) AS n FROM t",
        [t(0, "a", 1), t(5, "a", 2), t(15, "a", 4)],
        [["+I | 1"], ["-U | 1", "+U | 2"], ["+I | 1"]],
        {"Aggregate": (1, 0)},
    ),
    "DISTINCT tells of a value again": Case(
        "SELECT DISTINCT k FROM t",
        [t(0, "a", 1), t(9, "a", 2), t(18, "a", 4), t(28, "a", 4)],
        [["+I | a"], [], [], ["+I | a"]],
        {"Aggregate": (1, 0)},
    ),
    "rows of a join, each from when it was written": Case(
        "SELECT t.k, v, w FROM t JOIN o ON t.k = o.k",
        [t(0, "a", 1), t(5, "a", 2), o(9, "a", 10), o(10, "a", 11), t(19, "a", 3), t(20, "a", 4)],
        [[], [], ["+I | a | 1 | 10", "+I | a | 2 | 10"], ["+I | a | 2 | 11"], ["+I | a | 3 | 11"], []],
        {"Join": (4, 0)},
    ),
    "each side of a join for its own time": Case(
        "SELECT /*+ STATE_TTL('t' = '0', 'p' = '5 s') */ t.k, v, w FROM t JOIN o AS p ON t.k = p.k",
        [o(0, "a", 10), t(4, "a", 1), t(5, "a", 2), o(500, "a", 11)],
        [[], ["+I | a | 1 | 10"], [], ["+I | a | 1 | 11", "+I | a | 2 | 11"]],
        {"Join": (1, 0)},
    ),
    "an outer join does not pad anew when a partner expires": Case(
        "SELECT t.k, v, w FROM t LEFT JOIN o ON t.k = o.k",
        [o(0, "a", 10), t(5, "a", 1), t(11, "b", 2), o(12, "a", 11), o(13, "a", 10, -1), o(14, "a", 11, -1)],
        [[], ["+I | a | 1 | 10"], ["+I | b | 2 | NULL"], ["+I | a | 1 | 11"], [], ["-D | a | 1 | 11"]],
        {"Join": (1, 1)},
    ),
    "a row of an anti join is not told of twice": Case(
        "SELECT k, v FROM t WHERE NOT EXISTS (SELECT 1 FROM o WHERE o.k = t.k)",
        [t(0, "a", 1), o(5, "a", 10), t(9, "a", 2), o(16, "b", 1), o(17, "a", 11), t(18, "a", 3)],
        [["+I | a | 1"], ["-D | a | 1"], [], [], [], []],
        {"Join": (2, 0)},
    ),
    "a row of a semi join is not told of twice": Case(
        "SELECT k, v FROM t WHERE k IN (SELECT k FROM o)",
        [o(0, "a", 10), t(9, "a", 1), o(11, "a", 11), t(12, "a", 2)],
        [[], ["+I | a | 1"], [], ["+I | a | 2"]],
        {"Join": (1, 0)},
    ),
    "the first row of a key comes again": Case(
        "SELECT k, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY PROCTIME()) AS r FROM t) WHERE r = 1",
        [t(0, "a", 1), t(9, "a", 2), t(10, "a", 3), t(11, "a", 4)],
        [["+I | a | 1"], [], ["+I | a | 3"], []],
        {"Rank": (1, 0)},
    ),
    "a Top-1 begins anew": Case(
        "SELECT k, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC) AS r FROM t) WHERE r <= 1",
        [t(0, "a", 5), t(9, "a", 3), t(10, "a", 4), t(11, "a", 6)],
        [["+I | a | 5"], [], ["+I | a | 4"], ["-U | a | 4", "+U | a | 6"]],
        {"Rank": (1, 0)},
    ),
    "a Top-2 begins anew": Case(
        "SELECT k, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC) AS r FROM t) WHERE r <= 2",
        [t(0, "a", 5), t(1, "a", 3), t(10, "a", 2), t(11, "a", 4), t(20, "a", 1)],
        [["+I | a | 5"], ["+I | a | 3"], [], ["+I | a | 4"], ["+I | a | 1"]],
        {"Rank": (1, 0)},
    ),
    "a Top-N over rows that are taken back": Case(
        """SELECT k, n FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY n DESC) AS r FROM
        (SELECT /*+ STATE_TTL('t' = '0') */ k, COUNT(*) AS n FROM t GROUP BY k)) WHERE r <= 1""",
        [t(0, "a", 1), t(1, "a", 1), t(12, "a", 1), t(13, "b", 1)],
        [["+I | a | 1"], ["-U | a | 1", "+U | a | 2"], ["+I | a | 3"], []],
        {"Rank": (1, 1)},
    ),
    "OVER counts anew": Case(
        "SELECT k, COUNT(*) OVER (PARTITION BY k ORDER BY PROCTIME()) AS n, LAG(v) OVER "
        "(PARTITION BY k ORDER BY PROCTIME()) AS l FROM t",
        [t(0, "a", 1), t(9, "a", 2), t(19, "a", 3), t(20, "a", 4)],
        [["+I | a | 1 | NULL"], ["+I | a | 2 | 1"], ["+I | a | 1 | NULL"], ["+I | a | 2 | 3"]],
        {"OverAggregate": (1, 0)},
    ),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("restored", [False, True])
def test_state_lives_for_its_time(name: str, restored: bool) -> None:
    case = CASES[name]
    clock = ManualClock(0)
    session = _session(clock, case)
    found = session.sql(case.sql)
    assert isinstance(found, Query)
    output = CollectOutput()
    job = _job(session, found, output)
    published = []
    for second, name_, row, weight in case.rows:
        clock.advance_to(second * SECOND)
        _add(session, name_, row, weight)
        job.catch_up()
        published.append([line for each in _steps(output) for line in each])
        if restored:
            saved = from_files(to_files(snapshot(job)))
            job.close()
            output.drain()
            job = _job(session, found, output)
            restore(job, saved)
    assert published == case.changes
    counts = {operator: (each.forgotten, each.ignored) for operator, each in job.expiry.counts.items()}
    assert counts == case.expired


def _steps(output: CollectOutput) -> Iterator[list[str]]:
    one = CollectOutput()
    one.steps = output.drain()
    yield changelog(one)


def _session(clock: ManualClock, case: Case) -> Session:
    session = Session(clock=clock)
    for statement in session.statements(TABLES, "tables"):
        session.apply(statement)
    for _, name, _, weight in case.rows:
        if weight < 0:
            session.tables.memory(name).updating = True
    return session


def _job(session: Session, query: Query, output: CollectOutput) -> Job:
    """A job that reads what comes to the tables, in the thread that writes to them."""
    return session.engine()._view_job(query._plan, output)[1]


def _add(session: Session, table: str, row: tuple[str, int], weight: int) -> None:
    memory = session.tables.memory(table)
    types = memory.schema.to_arrow()
    columns = [pc.cast(pa.array([value]), each.type) for value, each in zip(row, types, strict=True)]
    memory.append(pa.RecordBatch.from_arrays(columns, schema=types), None if weight > 0 else np.array([-1], np.int8))
