"""The bank: transfers move money between accounts, so the balances of a join sum up to the same in every step."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from streamsql.ports import RowKind
from streamsql.runtime.output import CollectOutput
from streamsql.runtime.settings import JobSettings
from streamsql.session import Session, connect
from streamsql.sql import statements as s

DDL = """
CREATE TABLE transfers (source INT, target INT, amount INT);
CREATE VIEW balances AS SELECT account, SUM(change) AS balance FROM (
  SELECT source AS account, -amount AS change FROM transfers
  UNION ALL SELECT target, amount FROM transfers) AS t GROUP BY account;
"""
SELF = "SELECT x.account, x.balance, y.balance AS again FROM balances AS x JOIN balances AS y ON x.account = y.account"
OUTER = """SELECT x.account, x.balance, y.balance AS debt FROM balances AS x
LEFT JOIN (SELECT * FROM balances WHERE balance < 0) AS y ON x.account = y.account"""
FULL = """SELECT x.account, x.balance, y.account AS other, y.balance AS debt
FROM (SELECT * FROM balances WHERE balance >= 0) AS x
FULL JOIN (SELECT * FROM balances WHERE balance < 0) AS y ON x.account = y.account"""


def bank(random: np.random.Generator) -> Session:
    """200 transfers between 12 accounts, half of them from or to one."""
    session = connect()
    for statement in session.statements(DDL):
        session.apply(statement)
    source, target = random.integers(0, 12, 200), random.integers(0, 12, 200)
    source[random.random(200) < 0.3] = 0
    table = session.tables.memory("transfers")
    columns = [pa.array(each, pa.int32()) for each in (source, target, random.integers(1, 100, 200))]
    table.append(pa.RecordBatch.from_arrays(columns, schema=table.schema.to_arrow()))
    return session


def published(session: Session, sql: str, batch_rows: int) -> list[list[tuple[Any, ...]]]:
    """The result as it stands after each step."""
    (query,) = session.statements(sql)
    assert isinstance(query, s.Query)
    engine = session.engine(job_settings=JobSettings(batch_rows=batch_rows, read_ahead=0))
    output = CollectOutput()
    engine.run(engine.job([engine.optimized(query.plan)], [output]))
    rows: Counter[tuple[Any, ...]] = Counter()
    seen = []
    for batch, kinds in output.steps:
        assert kinds is not None
        for row, kind in zip(zip(*(each.to_pylist() for each in batch.columns), strict=True), kinds, strict=True):
            rows[row] += 1 if kind in (RowKind.INSERT, RowKind.UPDATE_AFTER) else -1
        assert min(rows.values()) >= 0
        seen.append(list(rows.elements()))
    return seen


@pytest.mark.parametrize("batch_rows", [1, 3, 17, 200])
def test_no_step_shows_money_coming_or_going(batch_rows: int) -> None:
    session = bank(np.random.default_rng(batch_rows))
    steps = published(session, SELF, batch_rows)
    assert len(steps) >= 200 // batch_rows // 2
    for step in steps:
        assert sum(balance for _, balance, _ in step) == 0
        assert all(balance == again for _, balance, again in step)
    for step in published(session, OUTER, batch_rows):
        assert sum(balance for _, balance, _ in step) == 0
        assert all(debt == (balance if balance < 0 else None) for _, balance, debt in step)
    for step in published(session, FULL, batch_rows):
        assert sum((balance or 0) + (debt or 0) for _, balance, _, debt in step) == 0
