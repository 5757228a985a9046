"""Joins as of arrival over tables that rows are pushed into: what was given out stays."""

from __future__ import annotations

from typing import Any

import pytest

import streamsql
from streamsql.memory import FollowingSource, MemoryTable

WAIT = 30
"""Far more than anything here takes; reached only when something hangs."""


def test_a_row_meets_what_is_there_and_keeps_it() -> None:
    with streamsql.connect() as session:
        session.execute("CREATE TABLE bids (item STRING, at AS PROCTIME())")
        session.execute("CREATE TABLE prices (item STRING, price INT, PRIMARY KEY (item) NOT ENFORCED)")
        bids, prices = session.table("bids"), session.table("prices")
        changes = session.sql(
            "SELECT b.item, p.price FROM bids AS b LEFT JOIN prices FOR SYSTEM_TIME AS OF b.at AS p ON b.item = p.item"
        ).changes()
        bids.push({"item": "pen"})
        assert changes.drain(WAIT) == [("+I", ("pen", None))]
        prices.push({"item": "pen", "price": 3})
        assert changes.drain(WAIT) == []
        bids.push({"item": "pen"})
        assert changes.drain(WAIT) == [("+I", ("pen", 3))]
        session.execute("UPDATE prices SET price = 4 WHERE item = 'pen'")
        bids.push({"item": "pen"})
        assert changes.drain(WAIT) == [("+I", ("pen", 4))]


def test_a_row_meets_all_that_was_written_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with streamsql.connect() as session:
        session.execute("CREATE TABLE bids (item STRING)")
        session.execute("CREATE TABLE prices (item STRING, price INT, PRIMARY KEY (item) NOT ENFORCED)")
        bids, prices = session.table("bids"), session.table("prices")
        changes = session.sql(
            "SELECT b.item, p.price FROM bids AS b JOIN prices FOR SYSTEM_TIME AS OF PROCTIME() AS p ON b.item = p.item"
        ).changes()
        prices.push({"item": "pen", "price": 3})
        assert changes.drain(WAIT) == []
        read_on = MemoryTable.read_on

        def read_late(table: MemoryTable, source: FollowingSource, batch_rows: int) -> Any:
            """The engine comes to the bids just when someone has written to both tables."""
            if table.schema.names == ("item",) and not written:
                written.append(True)
                prices.push({"item": "pen", "price": 4})
                bids.push({"item": "pen"})
            return read_on(table, source, batch_rows)

        written: list[bool] = []
        monkeypatch.setattr(MemoryTable, "read_on", read_late)
        bids.push({"item": "ink"})
        assert changes.drain(WAIT) == [("+I", ("pen", 4))]


def test_windows_behind_the_join_do_not_wait_for_the_right_side() -> None:
    with streamsql.connect() as session:
        session.execute("CREATE TABLE bids (item STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)")
        session.execute("CREATE TABLE prices (item STRING, price INT)")
        session.execute(
            "CREATE VIEW priced AS SELECT b.ts, p.price FROM bids AS b "
            "JOIN prices FOR SYSTEM_TIME AS OF PROCTIME() AS p ON b.item = p.item"
        )
        bids, prices = session.table("bids"), session.table("prices")
        prices.push({"item": "pen", "price": 3})
        changes = session.sql(
            "SELECT SUM(price) AS total FROM TABLE(TUMBLE(TABLE priced, DESCRIPTOR(ts), INTERVAL '10' SECOND)) "
            "GROUP BY window_start, window_end"
        ).changes()
        for second in ("01", "05", "10"):
            bids.push({"item": "pen", "ts": f"2025-01-01 10:00:{second}"})
        assert changes.drain(WAIT) == [("+I", (6,))]


def test_a_materialized_view_of_it() -> None:
    with streamsql.connect() as session:
        session.execute("CREATE TABLE bids (item STRING)")
        session.execute("CREATE TABLE prices (item STRING, price INT)")
        session.execute(
            "CREATE MATERIALIZED VIEW priced AS SELECT b.item, p.price FROM bids AS b "
            "JOIN prices FOR SYSTEM_TIME AS OF PROCTIME() AS p ON b.item = p.item"
        )
        for statement in (
            "INSERT INTO prices VALUES ('pen', 3)",
            "INSERT INTO bids VALUES ('pen')",
            "INSERT INTO prices VALUES ('pen', 4)",
            "INSERT INTO bids VALUES ('pen')",
            "DELETE FROM bids WHERE item = 'ink'",
        ):
            session.execute(statement)
        rows = session.sql("SELECT price FROM priced ORDER BY price").to_arrow().column("price").to_pylist()
        assert rows == [3, 3, 4]
