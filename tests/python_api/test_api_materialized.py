"""Materialised views: kept as their tables change, read at any moment, by other views and by live queries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import streamsql
from streamsql.errors import DataError, SqlError, UsageError

WAIT = 30
"""Far more than anything here takes; reached only when something hangs."""


@pytest.fixture
def session() -> Iterator[streamsql.Session]:
    with streamsql.connect() as session:
        session.execute("""
            CREATE TABLE bids (item STRING, price INT);
            CREATE MATERIALIZED VIEW totals AS SELECT item, SUM(price) AS total FROM bids GROUP BY item
        """)
        yield session


def rows(session: streamsql.Session, text: str) -> list[tuple[Any, ...]]:
    return [tuple(each) for each in session.sql(text)]


def take_back(session: streamsql.Session, table: str, *taken: dict[str, Any]) -> None:
    memory = session.tables.memory(table)
    batch = pa.RecordBatch.from_pylist(list(taken), memory.schema.to_arrow())
    memory.append(batch, np.full(len(taken), -1, np.int8))


def test_a_view_follows_inserts_and_pushes(session: streamsql.Session) -> None:
    assert rows(session, "SELECT * FROM totals") == []
    session.execute("INSERT INTO bids VALUES ('pen', 3), ('ink', 1), ('pen', 4)")
    assert rows(session, "SELECT * FROM totals") == [("ink", 1), ("pen", 7)]
    with session.table("bids") as bids:
        bids.push({"item": "ink", "price": 5})
        assert rows(session, "SELECT total FROM totals WHERE item = 'ink'") == [(6,)]
    assert rows(session, "SELECT SUM(total), COUNT(*) FROM totals") == [(13, 2)]


def test_rows_of_a_view_are_there_before_their_order_could_be(session: streamsql.Session) -> None:
    session.execute("CREATE MATERIALIZED VIEW sorted AS SELECT item, price + 1 AS more FROM bids ORDER BY price DESC")
    session.execute("INSERT INTO bids VALUES ('pen', 3), ('ink', 1)")
    assert sorted(rows(session, "SELECT * FROM sorted")) == [("ink", 2), ("pen", 4)]
    changes = session.sql("SELECT item FROM totals ORDER BY item").changes()
    assert sorted(changes.drain()) == [("+I", ("ink",)), ("+I", ("pen",))]
    changes.stop()


def test_a_view_starts_with_the_rows_that_are_there(session: streamsql.Session) -> None:
    session.execute("INSERT INTO bids VALUES ('pen', 3)")
    session.execute("CREATE MATERIALIZED VIEW dear (name) AS SELECT item FROM bids WHERE price > 2")
    session.execute("INSERT INTO bids VALUES ('ink', 1), ('map', 9)")
    assert rows(session, "SELECT name FROM dear") == [("pen",), ("map",)]


def test_views_over_views_are_kept_in_step(session: streamsql.Session) -> None:
    session.execute("""
        CREATE MATERIALIZED VIEW top AS SELECT item, total FROM totals ORDER BY total DESC LIMIT 1;
        CREATE MATERIALIZED VIEW summary AS SELECT COUNT(*) AS items, SUM(total) AS paid FROM totals;
        INSERT INTO bids VALUES ('pen', 3), ('ink', 1)
    """)
    assert rows(session, "SELECT * FROM top") == [("pen", 3)]
    session.execute("INSERT INTO bids VALUES ('ink', 4)")
    assert rows(session, "SELECT * FROM top") == [("ink", 5)]
    assert rows(session, "SELECT * FROM summary") == [(2, 8)]


def test_rows_taken_back_reach_all_views(session: streamsql.Session) -> None:
    """`dear` only grew until now: it is computed anew, and what has changed is handed on."""
    session.execute("""
        CREATE MATERIALIZED VIEW dear AS SELECT item FROM bids WHERE price > 2;
        CREATE MATERIALIZED VIEW how_many AS SELECT COUNT(*) AS n FROM dear;
        INSERT INTO bids VALUES ('pen', 3), ('ink', 8), ('pen', 4)
    """)
    changes = session.sql("SELECT n FROM how_many").changes()
    assert changes.drain(WAIT) == [("+I", (3,))]
    take_back(session, "bids", {"item": "pen", "price": 4})
    assert rows(session, "SELECT * FROM totals") == [("ink", 8), ("pen", 3)]
    assert rows(session, "SELECT * FROM dear") == [("ink",), ("pen",)]
    assert rows(session, "SELECT * FROM how_many") == [(2,)]
    assert changes.drain(WAIT) == [("-U", (3,)), ("+U", (2,))]
    take_back(session, "bids", {"item": "ink", "price": 8})
    assert rows(session, "SELECT * FROM dear") == [("pen",)]


def test_live_queries_see_each_refresh(session: streamsql.Session) -> None:
    session.execute("INSERT INTO bids VALUES ('pen', 3)")
    changes = session.sql("SELECT a.item, a.total, b.total AS same FROM totals a JOIN totals b USING (item)").changes()
    assert changes.drain(WAIT) == [("+I", ("pen", 3, 3))]
    with session.table("bids") as bids:
        bids.push([("pen", 1), ("pen", 2)])
        bids.push([("ink", 9)])
    assert changes.drain(WAIT) == [("-U", ("pen", 3, 3)), ("+U", ("pen", 6, 6)), ("+I", ("ink", 9, 9))]
    assert changes.running
    changes.stop()
    assert list(changes) == []


def test_a_live_query_reads_views_and_tables_in_step(session: streamsql.Session) -> None:
    query = session.sql("SELECT b.item, b.price, t.total FROM bids b JOIN totals t ON b.item = t.item")
    with query.changes() as changes:
        session.execute("INSERT INTO bids VALUES ('pen', 3)")
        session.execute("INSERT INTO bids VALUES ('pen', 4)")
        seen = changes.drain(WAIT)
    assert sorted(seen) == [
        ("+I", ("pen", 3, 3)),
        ("+I", ("pen", 3, 7)),
        ("+I", ("pen", 4, 7)),
        ("-D", ("pen", 3, 3)),
    ]


def test_a_live_limit_over_a_view(session: streamsql.Session) -> None:
    session.execute("INSERT INTO bids VALUES ('pen', 3), ('ink', 2)")
    with session.sql("SELECT item FROM totals ORDER BY total DESC LIMIT 1").changes() as changes:
        assert changes.drain(WAIT) == [("+I", ("pen",))]
        session.execute("INSERT INTO bids VALUES ('ink', 2)")
        assert changes.drain(WAIT) == [("-U", ("pen",)), ("+U", ("ink",))]


def test_a_lagging_query_gets_the_net_change(session: streamsql.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamsql.view_rows.COMPACT_ROWS", 2)
    view = session.tables.lookup("totals").data.rows  # type: ignore[union-attr]
    follower = view.follow(at_once=True)
    for price in (1, 2, 3, 4):
        session.execute(f"INSERT INTO bids VALUES ('pen', {price})")
    taken = view.take(follower)
    assert taken is not None
    first, _ = taken
    assert (first.rows.to_pylist(), first.weights.tolist()) == ([{"item": "pen", "total": 10}], [1])  # type: ignore[union-attr]
    assert (view.take(follower), follower.delivered, follower.arrived) == (None, 4, 4)


def test_batch_and_compare_read_the_same_snapshot(session: streamsql.Session) -> None:
    session.execute("INSERT INTO bids VALUES ('pen', 3), ('ink', 1)")
    query = session.sql("SELECT MAX(total) AS most FROM totals")
    assert query.batch().to_pylist() == query.to_arrow().to_pylist() == [{"most": 3}]
    assert query.compare().found.rows == 0


def test_files_are_read_once(session: streamsql.Session, tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("item,price\npen,3\n")
    session.execute(f"""
        CREATE TABLE listed (item STRING, price INT)
        WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'csv');
        CREATE MATERIALIZED VIEW over_price AS
        SELECT b.item, b.price - l.price AS more FROM bids b JOIN listed l ON b.item = l.item
    """)
    path.unlink()
    session.execute("INSERT INTO bids VALUES ('pen', 5), ('pen', 9)")
    assert rows(session, "SELECT * FROM over_price") == [("pen", 2), ("pen", 6)]


def test_a_source_without_end_is_refused(session: streamsql.Session) -> None:
    session.execute("CREATE TABLE ticks (n INT) WITH ('connector' = 'datagen')")
    with pytest.raises(SqlError, match="a materialized view cannot read ticks, which has no end"):
        session.execute("CREATE MATERIALIZED VIEW v AS SELECT COUNT(*) AS n FROM ticks")
    assert session.tables.lookup("v") is None


def test_windows_close_by_watermark_only() -> None:
    with streamsql.connect() as session:
        session.execute("""
            CREATE TABLE clicks (at TIMESTAMP(3), WATERMARK FOR at AS at);
            CREATE MATERIALIZED VIEW minutes AS SELECT window_start, COUNT(*) AS n
            FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(at), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end;
            INSERT INTO clicks VALUES (TIMESTAMP '2024-01-01 00:00:10'), (TIMESTAMP '2024-01-01 00:00:50')
        """)
        assert rows(session, "SELECT n FROM minutes") == []
        session.execute("INSERT INTO clicks VALUES (TIMESTAMP '2024-01-01 00:01:00')")
        assert rows(session, "SELECT n FROM minutes") == [(2,)]
        session.execute("INSERT INTO clicks VALUES (TIMESTAMP '2024-01-01 00:00:20')")
        assert rows(session, "SELECT n FROM minutes") == [(2,)]
        assert rows(session, "SELECT COUNT(*) FROM clicks$late") == [(1,)]


def test_an_error_stops_the_view_and_no_write(session: streamsql.Session) -> None:
    session.execute("CREATE MATERIALIZED VIEW shares AS SELECT item, 100 / price AS share FROM bids")
    session.execute("CREATE MATERIALIZED VIEW all_shares AS SELECT SUM(share) AS sum_share FROM shares")
    changes = session.sql("SELECT item FROM shares").changes()
    session.execute("INSERT INTO bids VALUES ('pen', 0)")
    assert rows(session, "SELECT * FROM totals") == [("pen", 0)]
    for name in ("shares", "all_shares"):
        with pytest.raises(DataError, match=f"the materialized view {name} has failed: .*shares?.*|division by zero"):
            rows(session, f"SELECT * FROM {name}")
    with pytest.raises(DataError, match="the materialized view shares has failed: division by zero"):
        list(changes)
    session.execute("DROP MATERIALIZED VIEW all_shares; DROP MATERIALIZED VIEW shares")
    session.execute("INSERT INTO bids VALUES ('pen', 2)")
    assert rows(session, "SELECT * FROM totals") == [("pen", 2)]


def test_a_view_that_fails_at_once_is_not_made(session: streamsql.Session) -> None:
    session.execute("INSERT INTO bids VALUES ('pen', 0)")
    with pytest.raises(DataError, match="division by zero"):
        session.execute("CREATE MATERIALIZED VIEW shares AS SELECT 100 / price AS share FROM bids")
    assert session.tables.lookup("shares") is None
    session.execute("INSERT INTO bids VALUES ('ink', 1)")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("DROP TABLE bids", "bids cannot be dropped: totals reads it"),
        ("DROP MATERIALIZED VIEW totals", "totals cannot be dropped: plain, top read it"),
        ("DROP VIEW totals", "totals is a MATERIALIZED VIEW"),
        ("DROP MATERIALIZED VIEW bids", "bids is a TABLE"),
        ("CREATE MATERIALIZED VIEW totals AS SELECT item FROM bids", "totals exists already"),
        ("INSERT INTO totals VALUES ('pen', 1)", "totals is a materialized view: rows cannot be inserted into it"),
    ],
)
def test_what_is_refused(session: streamsql.Session, text: str, message: str) -> None:
    session.execute("CREATE VIEW plain AS SELECT item FROM totals")
    session.execute("CREATE MATERIALIZED VIEW top AS SELECT MAX(total) AS most FROM totals")
    with pytest.raises((SqlError, UsageError), match=message):
        session.execute(text)


def test_rows_are_not_pushed_into_a_view(session: streamsql.Session) -> None:
    with pytest.raises(UsageError, match="rows cannot be pushed to totals: it is a materialized view"):
        session.table("totals")


def test_drop_ends_the_view_and_who_follows_it(session: streamsql.Session) -> None:
    changes = session.sql("SELECT item, total FROM totals").changes()
    session.execute("DROP MATERIALIZED VIEW totals; INSERT INTO bids VALUES ('pen', 3)")
    assert list(changes) == []
    session.execute("DROP MATERIALIZED VIEW IF EXISTS totals; DROP TABLE bids")
    assert session.tables.names() == ()


def test_if_not_exists_keeps_the_view(session: streamsql.Session) -> None:
    session.execute("INSERT INTO bids VALUES ('pen', 3)")
    session.execute("CREATE MATERIALIZED VIEW IF NOT EXISTS totals AS SELECT item FROM bids")
    assert rows(session, "SELECT * FROM totals") == [("pen", 3)]


def test_an_insert_is_seen_whole(session: streamsql.Session) -> None:
    """Two tables written by one statement set change together, whatever the size of a step."""
    session.execute("""
        CREATE TABLE refunds (item STRING, price INT);
        CREATE TABLE orders (item STRING, price INT);
        CREATE MATERIALIZED VIEW net AS SELECT SUM(n) AS difference FROM (
          SELECT 1 AS n FROM orders UNION ALL SELECT -1 FROM refunds) AS both_tables;
        INSERT INTO bids VALUES ('pen', 1), ('pen', 2), ('ink', 3)
    """)
    with session.sql("SELECT difference FROM net").changes() as changes:
        changes.drain(WAIT)
        session.execute("""
            EXECUTE STATEMENT SET BEGIN
            INSERT INTO orders SELECT * FROM bids;
            INSERT INTO refunds SELECT * FROM bids;
            END
        """)
        assert changes.drain(WAIT)[-1].row == (0,)
        assert all(each.row in ((None,), (0,)) for each in changes.drain(WAIT))
