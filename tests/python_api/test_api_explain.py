"""EXPLAIN in `session.sql`, and what a run says of state that expired."""

from __future__ import annotations

import pytest

from streamsql import UsageError
from streamsql.operators.base import Expired
from streamsql.session import Session, connect
from streamsql.time import ManualClock

TABLE = "CREATE TABLE t (item STRING, price INT);"
KEPT = """\
Aggregate(keys=[item], calls=[best: MAX(price)])  changelog: updating by GROUP BY · key: (item) · state: {}
  Scan(t, columns=[item, price])  changelog: append-only · state: none"""


@pytest.fixture
def session() -> Session:
    made = connect()
    made.sql(TABLE)
    return made


def text_of(session: Session, statement: str) -> str:
    (row,) = session.sql(statement).to_arrow().to_pylist()
    assert list(row) == ["result"]
    return str(row["result"])


def test_explain_of_a_query_is_its_text(session: Session) -> None:
    query = "SELECT item, MAX(price) AS best FROM t GROUP BY item"
    assert text_of(session, f"EXPLAIN {query}") == KEPT.format("number of keys (item)")
    assert text_of(session, f"EXPLAIN {query}") == session.sql(query).explain()


def test_explain_of_a_materialized_view_is_as_it_would_be_kept(session: Session) -> None:
    view = "CREATE MATERIALIZED VIEW v AS SELECT item, MAX(price) AS best FROM t GROUP BY item"
    shown = text_of(session, f"EXPLAIN {view}")
    assert "Aggregate(keys=[item], calls=[best: MAX(price)])" in shown
    assert session.tables.lookup("v") is None
    session.sql(view)
    assert session.tables.lookup("v") is not None


def test_explain_comes_last(session: Session) -> None:
    session.sql("EXPLAIN SELECT item FROM t; INSERT INTO t VALUES ('pen', 2)")
    assert session.sql("SELECT * FROM t").to_arrow().num_rows == 1
    with pytest.raises(UsageError, match="one query or EXPLAIN at the end"):
        session.sql("SHOW TABLES")


def test_what_a_run_forgot_can_be_read() -> None:
    clock = ManualClock(0)
    session = connect(clock=clock, settings={"table.exec.state.ttl": "10 s"})
    session.sql(TABLE)
    query = session.sql("SELECT item, SUM(price) AS total FROM t GROUP BY item")
    assert query.expired == {}
    with session.table("t") as table:
        changes = query.changes()
        table.push({"item": "pen", "price": 2})
        changes.drain()
        clock.advance_to(11_000_000)
        table.push({"item": "cup", "price": 3})
        changes.drain()
    assert list(changes) == []
    assert query.expired == {"Aggregate": Expired(forgotten=1, ignored=0)}
