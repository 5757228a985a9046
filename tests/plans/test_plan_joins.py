"""Joins: where their conditions go, what is a key, which kind is left, and what EXPLAIN says of them."""

from __future__ import annotations

import re

import pytest

from streamsql.query import Query
from streamsql.session import connect

DDL = """
CREATE TABLE a (id INT, k INT, v STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts);
CREATE TABLE b (id BIGINT, k INT, w STRING);
CREATE TABLE c (k INT, w STRING);
"""


def shape(sql: str) -> list[str]:
    """EXPLAIN without what is known of the nodes, indented by depth."""
    session = connect()
    for statement in session.statements(DDL):
        session.apply(statement)
    query = session.sql(sql)
    assert isinstance(query, Query)
    return [re.sub(r"  changelog.*", "", line) for line in query.explain().splitlines()]


def known(sql: str) -> str:
    """What EXPLAIN says of the topmost join."""
    session = connect()
    for statement in session.statements(DDL):
        session.apply(statement)
    query = session.sql(sql)
    assert isinstance(query, Query)
    return next(line for line in query.explain().splitlines() if "Join(" in line).strip().split("  ")[1]


SHAPES = {
    "an equality in WHERE is a key, the rest goes to its side": (
        "SELECT a.v, b.w FROM a, b WHERE a.k = b.k AND a.id > 3 AND b.w LIKE 'x%' AND a.v < b.w",
        [
            "Join(INNER, on=[k = k], where v < w)",
            "  Filter(id > 3)",
            "    Scan(a, columns=[id, k, v, ts], watermark=ts)",
            "  Filter[2](w LIKE 'x%')",
            "    Scan[2](b, columns=[k, w])",
        ],
    ),
    "keys of unlike types are computed below": (
        "SELECT a.v, b.w FROM a JOIN b ON a.id = b.id",
        [
            "Join(INNER, on=[$key0 = id])",
            "  Project(v, $key0: CAST(id AS BIGINT))",
            "    Scan(a, columns=[id, v, ts], watermark=ts)",
            "  Scan[2](b, columns=[id, w])",
        ],
    ),
    "ON of a left join: the right side's conditions go down, the left side's stay": (
        "SELECT a.v, b.w FROM a LEFT JOIN b ON a.k = b.k AND a.id > 3 AND b.w = 'x'",
        [
            "Join(LEFT, on=[k = k], where id > 3)",
            "  Scan(a, columns=[id, k, v, ts], watermark=ts)",
            "  Filter(w = 'x')",
            "    Scan[2](b, columns=[k, w], reader filter=w = 'x')",
        ],
    ),
    "WHERE over a left join: the left side's conditions go down, IS NULL stays": (
        "SELECT a.v FROM a LEFT JOIN b ON a.k = b.k WHERE a.id > 3 AND b.w IS NULL",
        [
            "Project(v)",
            "  Filter[2](w IS NULL)",
            "    Join(LEFT, on=[k = k])",
            "      Filter(id > 3)",
            "        Scan(a, columns=[id, k, v, ts], watermark=ts)",
            "      Scan[2](b, columns=[k, w])",
        ],
    ),
    "a condition that no padding passes makes FULL a LEFT join": (
        "SELECT a.v, b.w FROM a FULL JOIN b ON a.k = b.k WHERE a.id + 1 > 3",
        ["Join(LEFT, on=[k = k])", "  Filter(id + 1 > 3)", "    Scan(a, columns=[id, k, v, ts], watermark=ts)"],
    ),
    "of three relations each meets the ones before it by an equality, if it can": (
        "SELECT b.w, c.k FROM b, c, a WHERE b.w <> c.w AND a.k = b.k AND c.k = a.id",
        [
            "Join[2](INNER, on=[id = k], where w <> w)",
            "  Join(INNER, on=[k = k])",
            "    Scan(b, columns=[k, w])",
            "    Scan[2](a, columns=[id, k, ts], watermark=ts)",
            "  Scan[3](c, columns=[k, w])",
        ],
    ),
    "what can fail is asked last, of the pairs that are left": (
        "SELECT b.w FROM b, c, a WHERE CAST(b.w AS INT) > c.k AND a.k = b.k AND c.k = a.id",
        ["Join[2](INNER, on=[id = k], where CAST(w AS INT) > k)", "  Join(INNER, on=[k = k])"],
    ),
    "alternatives that share an equality, and ask something of each side": (
        "SELECT b.w FROM a, b WHERE (a.k = b.k AND a.id = 1 AND b.w = 'x') OR (a.k = b.k AND a.id = 2 AND b.w = 'y')",
        [
            "Join(INNER, on=[k = k], where id = 1 AND w = 'x' OR id = 2 AND w = 'y')",
            "  Filter(id = 1 OR id = 2)",
            "    Scan(a, columns=[id, k, ts], watermark=ts)",
            "  Filter[2](w = 'x' OR w = 'y')",
            "    Scan[2](b, columns=[k, w])",
        ],
    ),
    "an aggregate for the key of the row around it is joined by that key": (
        "SELECT v FROM a WHERE id > (SELECT AVG(id) FROM b WHERE b.k = a.k) AND v <> ''",
        [
            "Join(INNER, on=[k IS NOT DISTINCT FROM $key0], where CAST(id AS BIGINT) > $agg0)",
            "  Filter(v <> '')",
            "    Scan(a, columns=[id, k, v, ts], watermark=ts)",
            "  Project[2]($key0, $agg0)",
            "    Aggregate(keys=[$key0], calls=[$agg0: AVG(id)])",
        ],
    ),
    "IN and NOT EXISTS": (
        "SELECT v FROM a WHERE k IN (SELECT k FROM b WHERE w = 'x') AND NOT EXISTS (SELECT 1 FROM b WHERE b.w = a.v)",
        ["Join[2](ANTI, on=[v = w])", "  Join(SEMI, on=[k = k])"],
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_plan(name: str) -> None:
    sql, expected = SHAPES[name]
    assert shape(sql)[: len(expected)] == expected


def test_what_is_known_of_an_inner_join() -> None:
    counts = "(SELECT k, COUNT(*) AS n FROM {} GROUP BY k)"
    sql = f"SELECT x.k, x.n, y.n FROM {counts.format('a')} AS x JOIN {counts.format('b')} AS y ON x.k = y.k"
    assert known(sql) == "changelog: updating by GROUP BY · key: (k) · state: UNBOUNDED (rows of both inputs)"


def test_what_is_known_of_a_not_in() -> None:
    sql = "SELECT id FROM a WHERE k NOT IN (SELECT k FROM b)"
    assert (
        known(sql)
        == "changelog: updating by NOT IN (query) · state: UNBOUNDED (rows of the left, keys of the right input)"
    )


def test_what_is_read_twice_is_computed_once() -> None:
    groups = "WITH g AS (SELECT k, COUNT(*) AS n FROM a GROUP BY k)"
    assert shape(f"{groups} SELECT k FROM g WHERE n = (SELECT MAX(n) FROM g)") == [
        "Join(INNER, on=[n = EXPR$0])",
        "  Aggregate(keys=[k], calls=[n: COUNT(*)])",
        "    Scan(a, columns=[k])",
        "  Aggregate[2](keys=[], calls=[EXPR$0: MAX(n)])",
        "    Project(n)",
        "      Aggregate(keys=[k], calls=[n: COUNT(*)])",
        "        Scan(a, columns=[k])",
    ]
