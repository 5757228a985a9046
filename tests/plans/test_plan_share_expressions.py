"""Slow functions of a filter and of the projection over it are computed once."""

from __future__ import annotations

from streamsql import connect

TABLE = "CREATE TABLE t (s STRING, v INT)"
ROWS = "INSERT INTO t VALUES ('a=1', 1), ('b=2', 2), (NULL, 3), ('a=x', 4)"
PART = "REGEXP_EXTRACT(s, 'a=([0-9]+)', 1)"


def explained(query: str) -> str:
    session = connect()
    session.execute(TABLE)
    return session.sql(query).explain()


def test_once_below_the_filter() -> None:
    text = explained(f"SELECT {PART} AS p, UPPER({PART}) AS u FROM t WHERE {PART} IS NOT NULL OR v = 3")
    assert text.count("REGEXP_EXTRACT") == 1
    assert text.splitlines()[2].lstrip().startswith("Project(")


def test_what_is_fast_volatile_or_behind_something_that_may_fail_stays() -> None:
    assert explained("SELECT v + 1 AS w FROM t WHERE v + 1 > 2").count("v + 1") == 2
    assert explained(f"SELECT {PART} AS p FROM t WHERE 10 / v > 2 AND {PART} = '1'").count("REGEXP_EXTRACT") == 2


def test_the_answer_is_the_same() -> None:
    session = connect()
    session.execute(TABLE)
    session.execute(ROWS)
    found = session.sql(f"SELECT v, {PART} AS p FROM t WHERE {PART} IS NOT NULL OR v = 3").to_arrow()
    assert found.to_pylist() == [{"v": 1, "p": "1"}, {"v": 3, "p": None}]
