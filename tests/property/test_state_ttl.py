"""State with a time to live, over random changes: a time that never comes changes nothing, and neither cuts of the
input nor restores change what expires."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from streamsql.query import Query
from streamsql.runtime.checkpoint import from_files, restore, snapshot, to_files
from streamsql.runtime.output import CollectOutput, weights_of
from streamsql.session import Session
from streamsql.time import SECOND, ManualClock

Row = tuple[int, int]
Event = tuple[str, Row, int]
TTL = 5
QUERIES = {
    "group": "SELECT k, COUNT(*) AS n, SUM(v) AS s, MIN(v) AS lo, COUNT(DISTINCT v) AS d, "
    "COUNT(DISTINCT v) FILTER (WHERE v > 2) AS e FROM t GROUP BY k",
    "list": "SELECT k, ARRAY_AGG(v) AS l FROM a GROUP BY k",
    "all": "SELECT COUNT(*) AS n, MAX(v) AS hi FROM t WHERE k = 3 AND v > 2",
    "distinct": "SELECT DISTINCT k FROM t",
    "inner": "SELECT t.k, t.v, u.v AS w FROM t JOIN u ON t.k = u.k",
    "left": "SELECT t.k, t.v, u.v AS w FROM t LEFT JOIN u ON t.k = u.k AND t.v <> u.v",
    "full": "SELECT t.k, t.v, u.v AS w FROM t FULL JOIN u ON t.k = u.k",
    "semi": "SELECT k, v FROM t WHERE k IN (SELECT k FROM u)",
    "anti": "SELECT k, v FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.k = t.k)",
    "not in": "SELECT k, v FROM t WHERE k NOT IN (SELECT k FROM u)",
    "top": "SELECT k, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v) AS r FROM t) WHERE r <= 2",
    "first": "SELECT k, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY PROCTIME()) AS r FROM a) "
    "WHERE r = 1",
    "best": "SELECT k, v, r FROM (SELECT *, RANK() OVER (PARTITION BY k ORDER BY v DESC) AS r FROM a) WHERE r <= 2",
    "over": "SELECT k, SUM(v) OVER (PARTITION BY k ORDER BY PROCTIME()) AS s FROM a",
    "over rows": "SELECT k, SUM(v) OVER (PARTITION BY k ORDER BY v) AS s FROM t",
    "keyed": "SELECT p.k, v, n FROM p JOIN (SELECT k, COUNT(*) AS n FROM a GROUP BY k) AS g ON p.k = g.k",
}


def _events(random: np.random.Generator, instants: int, *, twice: bool) -> list[list[Event]]:
    """For each instant changes of the tables; rows of t, u and p may be taken back. `twice`: also a row that the same
    instant changed before."""
    live: dict[str, list[Row]] = {"t": [], "u": []}
    found: list[list[Event]] = []
    for _ in range(instants):
        events: list[Event] = []
        touched: set[tuple[str, Row]] = set()
        for _ in range(int(random.integers(1, 9))):
            name = str(random.choice(["t", "u", "a", "p"]))
            row = (int(random.integers(0, 4)), int(random.integers(0, 5)))
            weight = 1
            if live.get(name) and random.random() < 0.45:
                row, weight = live[name][int(random.integers(0, len(live[name])))], -1
            if not twice and (name, row) in touched:
                continue
            touched.add((name, row))
            if name in live:
                (live[name].append if weight > 0 else live[name].remove)(row)
            events.append((name, row, weight))
        found.append(events)
    return found


def _prepared(ttl: str) -> tuple[Session, ManualClock]:
    clock = ManualClock(0)
    session = Session(clock=clock)
    session.sql(f"SET 'table.exec.state.ttl' = '{ttl}'")
    for name, key in (("t", ""), ("u", ""), ("a", ""), ("p", ", PRIMARY KEY (k) NOT ENFORCED")):
        session.sql(f"CREATE TABLE {name} (k INT, v INT{key})")
    for name in ("t", "u"):
        session.tables.memory(name).updating = True
    return session, clock


def _write(session: Session, events: list[Event]) -> None:
    for name in dict.fromkeys(each for each, _, _ in events):
        mine = [(row, weight) for each, row, weight in events if each == name]
        columns = [pa.array([row[i] for row, _ in mine], pa.int32()) for i in (0, 1)]
        weights = np.array([weight for _, weight in mine], np.int8)
        memory = session.tables.memory(name)
        rows = pa.RecordBatch.from_arrays(columns, schema=memory.schema.to_arrow())
        memory.append(rows, weights if (weights < 0).any() else None)


def _run(sql: str, instants: list[list[Event]], ttl: str, *, single: bool, restored: bool = False) -> list[Any]:
    """All changes published up to each instant, net, and in the end what expired; `single`: one change a step."""
    session, clock = _prepared(ttl)
    query = session.sql(sql)
    assert isinstance(query, Query)
    output = CollectOutput()
    job = session.engine()._view_job(query._plan, output)[1]
    states: list[Any] = []
    for second, events in enumerate(instants):
        clock.advance_to(second * SECOND)
        for part in [[each] for each in events] if single else [events]:
            _write(session, part)
            job.catch_up()
            if restored:
                saved = from_files(to_files(snapshot(job)))
                job.close()
                job = session.engine()._view_job(query._plan, output)[1]
                restore(job, saved)
        states.append(_net(output))
    return [*states, {name: (each.forgotten, each.ignored) for name, each in job.expiry.counts.items()}]


def _net(output: CollectOutput) -> Counter[str]:
    """How often each row is there; a row that expired was not taken back, and may be there beside its successor."""
    found: Counter[str] = Counter()
    for rows, kinds in output:
        weights = np.ones(rows.num_rows, np.int8) if kinds is None else weights_of(kinds)
        for row, weight in zip(rows.to_pylist(), weights.tolist(), strict=True):
            found[str(row)] += weight
    return Counter({row: count for row, count in found.items() if count})


JOINS = ("inner", "left", "full", "semi", "anti", "not in", "keyed")


@pytest.mark.parametrize("name", QUERIES)
@pytest.mark.parametrize("seed", range(2))
def test_neither_cuts_nor_restores_change_what_expires(name: str, seed: int) -> None:
    instants = _events(np.random.default_rng(seed), 25, twice=name not in JOINS)
    whole = _run(QUERIES[name], instants, f"{TTL} s", single=False)
    assert _run(QUERIES[name], instants, f"{TTL} s", single=True) == whole
    assert _run(QUERIES[name], instants, f"{TTL} s", single=False, restored=True) == whole


@pytest.mark.parametrize("name", QUERIES)
def test_a_time_that_never_comes_changes_nothing(name: str) -> None:
    instants = _events(np.random.default_rng(99), 25, twice=True)
    forever = _run(QUERIES[name], instants, "0", single=False)
    assert _run(QUERIES[name], instants, "1000 d", single=False) == forever
