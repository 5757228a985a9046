"""The bank with materialised views: no step of a view, of a query over views or of a snapshot shows money in flight."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import streamsql

SCRIPT = """
CREATE TABLE transfers (source INT, target INT, amount INT);
CREATE MATERIALIZED VIEW balances AS SELECT account, SUM(change) AS balance FROM (
  SELECT source AS account, -amount AS change FROM transfers
  UNION ALL SELECT target, amount FROM transfers) AS t GROUP BY account;
CREATE MATERIALIZED VIEW debts AS SELECT account, balance FROM balances WHERE balance < 0;
CREATE MATERIALIZED VIEW sum_of_all AS SELECT SUM(balance) AS total FROM balances;
CREATE MATERIALIZED VIEW twice AS
SELECT x.account, x.balance, y.balance AS again FROM balances x JOIN balances y ON x.account = y.account
"""
BALANCES = "SELECT account, balance FROM balances"
SELF = "SELECT x.account, x.balance, y.balance AS again FROM balances x JOIN twice y ON x.account = y.account"
OUTER = "SELECT x.account, x.balance, y.balance AS debt FROM balances x LEFT JOIN debts y ON x.account = y.account"
FULL = """SELECT x.account, x.balance, y.account AS other, y.balance AS debt
FROM (SELECT * FROM balances WHERE balance >= 0) x FULL JOIN debts y ON x.account = y.account"""


def states(changes: streamsql.Changes) -> list[list[tuple[Any, ...]]]:
    """The result after each published step, until the query ends."""
    rows: Counter[tuple[Any, ...]] = Counter()
    seen = []
    for batch in changes.batches():
        ops, *columns = (each.to_pylist() for each in batch.columns)
        for op, row in zip(ops, zip(*columns, strict=True), strict=True):
            rows[row] += 1 if op in ("+I", "+U") else -1
        assert min(rows.values()) >= 0
        seen.append(list(rows.elements()))
    return seen


def push_in_random_cuts(session: streamsql.Session, random: np.random.Generator) -> int:
    """200 transfers between 12 accounts, half of them from or to one; gives how many pushes there were."""
    source, target = random.integers(0, 12, 200), random.integers(0, 12, 200)
    source[random.random(200) < 0.3] = 0
    rows = list(zip(source.tolist(), target.tolist(), random.integers(1, 100, 200).tolist(), strict=True))
    cuts = sorted({0, 200, *random.integers(0, 200, int(random.integers(1, 40))).tolist()})
    with session.table("transfers") as transfers:
        for begin, end in pairwise(cuts):
            transfers.push(rows[begin:end])
            (total,) = session.sql("SELECT SUM(x.balance) AS s FROM balances x JOIN twice y USING (account)")
            assert total.s == 0
    return len(cuts) - 1


@pytest.mark.parametrize("seed", range(4))
def test_no_step_shows_money_coming_or_going(seed: int) -> None:
    with streamsql.connect() as session:
        session.execute(SCRIPT)
        totals, balances, same, outer, full = (
            session.sql(text).changes() for text in ("SELECT total FROM sum_of_all", BALANCES, SELF, OUTER, FULL)
        )
        pushes = push_in_random_cuts(session, np.random.default_rng(seed))
        session.execute(
            "".join(f"DROP MATERIALIZED VIEW {name};" for name in ("twice", "sum_of_all", "debts", "balances"))
        )
        assert {each.row.total for each in totals} == {0}
        steps = states(balances)
        assert pushes // 2 <= len(steps) <= pushes
        assert all(sum(balance for _, balance in step) == 0 for step in steps)
        for step in states(same):
            assert sum(balance for _, balance, _ in step) == 0
            assert all(balance == again for _, balance, again in step)
        for step in states(outer):
            assert sum(balance for _, balance, _ in step) == 0
            assert all(debt == (balance if balance < 0 else None) for _, balance, debt in step)
        for step in states(full):
            assert sum((balance or 0) + (debt or 0) for _, balance, _, debt in step) == 0
