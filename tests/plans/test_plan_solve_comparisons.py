"""Comparisons solved for an integer mean what they meant."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest

from streamsql import connect
from streamsql.expr.text import expr_text
from streamsql.plan.logical import Filter
from streamsql.plan.tree import walk_plan
from streamsql.sql import statements as s

HALF = Fraction(1, 2)
SOLVED: dict[str, tuple[str, Callable[[int], bool]]] = {
    "0.908 * v > 10": ("v > 11", lambda v: Fraction("0.908") * v > 10),
    "0.908 * v >= 10": ("v >= 12", lambda v: Fraction("0.908") * v >= 10),
    "v * 0.5 < 3.5": ("v < 7", lambda v: HALF * v < Fraction("3.5")),
    "v * 0.5 <= 3.7": ("v <= 7", lambda v: HALF * v <= Fraction("3.7")),
    "10 > v * 2.5": ("v < 4", lambda v: Fraction("2.5") * v < 10),
    "-1.5 * v > 4": ("v < -2", lambda v: Fraction("-1.5") * v > 4),
    "-1.5 * v <= 4.5": ("v >= -3", lambda v: Fraction("-1.5") * v <= Fraction("4.5")),
    "0.5 * v > -3.5": ("v > -7", lambda v: HALF * v > Fraction("-3.5")),
}
LEFT = {
    "0.5 * v = 2": "0.5 * CAST(v AS DECIMAL(19, 0)) = 2.0",
    "v / 2 > 3": "v / 2 > 3",
    "0.5 * v > 1e3": "CAST(0.5 * CAST(v AS DECIMAL(19, 0)) AS DOUBLE) > 1000.0",
    "2 * v > 3": "2 * v > 3",
    "0.5 * v > 9223372036854775807": "0.5 * CAST(v AS DECIMAL(19, 0)) > 9223372036854775807.0",
    "0.0 * v > 1": "0.0 * CAST(v AS DECIMAL(19, 0)) > 1.0",
}
"""Equations, quotients, doubles, products that may overflow, limits beyond the type, and nothing to divide by."""


def predicate(condition: str) -> str:
    session = connect()
    session.execute("CREATE TABLE t (v BIGINT)")
    (query,) = session.statements(f"SELECT v FROM t WHERE {condition}")
    assert isinstance(query, s.Query)
    plan = session.engine().optimized(query.plan)
    return next(expr_text(each.predicate) for each in walk_plan(plan) if isinstance(each, Filter))


@pytest.mark.parametrize("condition", SOLVED)
def test_the_integer_stands_alone(condition: str) -> None:
    assert predicate(condition) == SOLVED[condition][0]


@pytest.mark.parametrize("condition", LEFT)
def test_others_stay(condition: str) -> None:
    assert predicate(condition) == LEFT[condition]


@pytest.mark.parametrize("condition", SOLVED)
def test_the_same_rows_pass(condition: str) -> None:
    session = connect()
    session.execute("CREATE TABLE t (v BIGINT)")
    session.execute("INSERT INTO t VALUES " + ", ".join(f"({each})" for each in (*range(-15, 16), "NULL")))
    kept = session.sql(f"SELECT v FROM t WHERE {condition}").to_arrow().column("v").to_pylist()
    assert sorted(kept) == [v for v in range(-15, 16) if SOLVED[condition][1](v)]
