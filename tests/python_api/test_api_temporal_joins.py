"""Temporal joins in a session: versions written by INSERT, UPDATE and DELETE, followed live and kept in views."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from streamsql.session import Session, connect

TABLES = """
CREATE TABLE pays (id INT, cur STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts);
CREATE TABLE rates (cur STRING, rate INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts, PRIMARY KEY (cur) NOT ENFORCED);
CREATE TABLE log (cur STRING, rate INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts);
"""
PAID = "SELECT p.id, r.rate FROM pays AS p LEFT JOIN rates FOR SYSTEM_TIME AS OF p.ts AS r ON p.cur = r.cur"


@pytest.fixture
def session() -> Session:
    made = connect()
    made.execute(TABLES)
    return made


def at(second: int) -> str:
    return f"TIMESTAMP '2025-01-01 10:00:{second:02d}'"


def rows_of(session: Session, query: str) -> list[tuple[Any, ...]]:
    return [tuple(each.values()) for each in session.sql(query).to_arrow().to_pylist()]


def test_update_and_delete_write_versions(session: Session) -> None:
    session.execute(f"INSERT INTO rates VALUES ('EUR', 100, {at(0)}), ('USD', 50, {at(0)})")
    session.execute(f"UPDATE rates SET rate = 200, ts = {at(10)} WHERE cur = 'EUR'")
    session.execute("UPDATE rates SET rate = 60 WHERE cur = 'USD'")
    session.execute(f"INSERT INTO pays VALUES (1, 'EUR', {at(5)}), (2, 'EUR', {at(15)}), (3, 'USD', {at(20)})")
    assert rows_of(session, PAID) == [(1, 100), (2, 200), (3, 60)]
    session.execute("DELETE FROM rates WHERE cur = 'EUR'")
    assert rows_of(session, PAID) == [(1, 100), (2, None), (3, 60)]


def test_compare_says_what_came_behind_time(session: Session) -> None:
    session.execute(f"INSERT INTO rates VALUES ('EUR', 100, {at(0)}), ('USD', 50, {at(20)})")
    session.execute("DELETE FROM rates WHERE cur = 'EUR'")
    session.execute(f"INSERT INTO rates VALUES ('JPY', 1, {at(40)})")
    session.execute(f"INSERT INTO pays VALUES (1, 'EUR', {at(10)}), (2, 'EUR', {at(30)}), (3, 'JPY', {at(50)})")
    comparison = session.sql(PAID).compare()
    assert comparison.found.rows == 2  # payment 1 met the rate before it was deleted, in batch it meets none
    assert comparison.unexplained.rows == 0
    assert [(each.operator, each.behind_rows) for each in comparison.causes] == [("TemporalJoin", 1)]


def test_it_can_be_followed(session: Session) -> None:
    rates, pays = session.table("rates"), session.table("pays")
    first = dt.datetime(2025, 1, 1, 10)
    changes = session.sql(PAID).changes()
    rates.push({"cur": "EUR", "rate": 100, "ts": first})
    rates.push({"cur": "EUR", "rate": 200, "ts": first + dt.timedelta(seconds=10)})
    pays.push({"id": 1, "cur": "EUR", "ts": first + dt.timedelta(seconds=5)})
    assert changes.drain() == [("+I", (1, 100))]
    rates.delete({"cur": "EUR"})
    pays.push({"id": 2, "cur": "EUR", "ts": first + dt.timedelta(seconds=15)})
    rates.push({"cur": "USD", "rate": 1, "ts": first + dt.timedelta(seconds=20)})
    assert changes.drain() == [("+I", (2, None))]
    rates.close()
    pays.close()
    assert list(changes) == []


def test_a_materialized_view_keeps_what_was_joined(session: Session) -> None:
    session.execute(f"CREATE MATERIALIZED VIEW paid AS {PAID}")
    session.execute(f"INSERT INTO rates VALUES ('EUR', 100, {at(0)})")
    session.execute(f"UPDATE rates SET rate = 200, ts = {at(10)} WHERE cur = 'EUR'")
    session.execute(f"INSERT INTO pays VALUES (1, 'EUR', {at(5)}), (2, 'EUR', {at(15)})")
    assert rows_of(session, "SELECT id, rate FROM paid") == [(1, 100)]
    session.execute("DELETE FROM rates WHERE cur = 'EUR'")
    session.execute(f"INSERT INTO rates VALUES ('USD', 1, {at(30)})")
    assert rows_of(session, "SELECT id, rate FROM paid") == [(1, 100), (2, None)]


def test_both_sides_may_be_materialized_views(session: Session) -> None:
    session.execute("""
        CREATE MATERIALIZED VIEW small AS SELECT id, cur, ts FROM pays WHERE id < 100;
        CREATE MATERIALIZED VIEW tenfold AS SELECT cur, rate * 10 AS rate, ts FROM log;
        CREATE VIEW latest AS SELECT cur, rate, ts FROM
          (SELECT *, ROW_NUMBER() OVER (PARTITION BY cur ORDER BY ts DESC) AS n FROM tenfold) WHERE n = 1;
        CREATE MATERIALIZED VIEW paid AS SELECT p.id, r.rate, p.ts FROM small AS p
          LEFT JOIN latest FOR SYSTEM_TIME AS OF p.ts AS r ON p.cur = r.cur""")
    session.execute(f"INSERT INTO log VALUES ('EUR', 1, {at(0)}), ('EUR', 2, {at(10)})")
    session.execute(f"INSERT INTO pays VALUES (1, 'EUR', {at(5)}), (200, 'EUR', {at(6)}), (3, 'EUR', {at(30)})")
    assert rows_of(session, "SELECT id, rate FROM paid") == [(1, 10)]
    session.execute(f"INSERT INTO log VALUES ('EUR', 3, {at(20)}), ('USD', 3, {at(40)})")
    assert rows_of(session, "SELECT id, rate FROM paid") == [(1, 10), (3, 30)]
    joined = "SELECT p.id, r.rate FROM small AS p LEFT JOIN latest FOR SYSTEM_TIME AS OF p.ts AS r ON p.cur = r.cur"
    assert rows_of(session, joined) == [(1, 10), (3, 30)]
