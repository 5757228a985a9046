"""UPDATE, DELETE and keys of in-memory tables, as running queries see them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import streamsql

WAIT = 30


@pytest.fixture
def session() -> Iterator[streamsql.Session]:
    with streamsql.connect() as session:
        session.execute("CREATE TABLE bids (item STRING, price INT)")
        session.execute("CREATE TABLE stock (item STRING, amount INT, PRIMARY KEY (item) NOT ENFORCED)")
        yield session


def test_update_and_delete_reach_a_running_query(session: streamsql.Session) -> None:
    bids = session.table("bids")
    bids.push([("pen", 3), ("pen", 4), ("ink", 9)])
    changes = session.sql("SELECT item, SUM(price) AS total FROM bids GROUP BY item").changes()
    assert changes.drain(WAIT) == [("+I", ("pen", 7)), ("+I", ("ink", 9))]
    session.execute("UPDATE bids SET price = price * 10 WHERE price < 4")
    assert changes.drain(WAIT) == [("-U", ("pen", 7)), ("+U", ("pen", 34))]
    session.execute("DELETE FROM bids WHERE item = 'ink'")
    assert changes.drain(WAIT) == [("-D", ("ink", 9))]


def test_a_failing_update_changes_nothing(session: streamsql.Session) -> None:
    session.execute("INSERT INTO bids VALUES ('pen', 1), ('ink', 0)")
    with pytest.raises(streamsql.DataError):
        session.execute("UPDATE bids SET price = 10 / price")
    assert session.sql("SELECT * FROM bids").to_arrow().to_pylist() == [
        {"item": "pen", "price": 1},
        {"item": "ink", "price": 0},
    ]


def test_a_query_asked_for_before_an_update_sees_it(session: streamsql.Session) -> None:
    session.execute("INSERT INTO bids VALUES ('pen', 9), ('ink', 1)")
    query = session.sql("SELECT MAX(price) AS most FROM bids")
    session.execute("UPDATE bids SET price = 2 WHERE item = 'pen'")
    assert query.to_arrow().to_pylist() == [{"most": 2}]


def test_rows_that_were_handed_out_once_for_all_cannot_be_taken_back(session: streamsql.Session) -> None:
    bids = session.table("bids")
    bids.push(("pen", 3))
    rows = iter(session.sql("SELECT item FROM bids"))
    assert next(rows).item == "pen"
    with pytest.raises(streamsql.UsageError, match="a running query reads rows of this table once for all"):
        session.execute("DELETE FROM bids")
    bids.close()
    assert list(rows) == []


def test_keys_replace_update_and_delete(session: streamsql.Session) -> None:
    stock = session.table("stock")
    changes = session.sql("SELECT * FROM stock").changes()
    stock.insert([("pen", 1), ("ink", 2)])
    assert changes.drain(WAIT) == [("+I", ("pen", 1)), ("+I", ("ink", 2))]
    stock.push(("pen", 5))
    stock.update(("ink", 6))
    assert changes.drain(WAIT) == [("-U", ("pen", 1)), ("+U", ("pen", 5)), ("-U", ("ink", 2)), ("+U", ("ink", 6))]
    stock.delete({"item": "pen"})
    assert changes.drain(WAIT) == [("-D", ("pen", 5))]
    assert session.sql("SELECT * FROM stock").to_arrow().to_pylist() == [{"item": "ink", "amount": 6}]


def test_what_is_not_there_cannot_go(session: streamsql.Session) -> None:
    bids, stock = session.table("bids"), session.table("stock")
    bids.push([("pen", 3), ("pen", 3)])
    bids.delete([("pen", 3)])
    with pytest.raises(streamsql.UsageError, match=r"no such row: \{'item': 'pen', 'price': 3\}"):
        bids.delete([("pen", 3), ("pen", 3)])
    with pytest.raises(streamsql.UsageError, match="bids has no key by which rows could be updated"):
        bids.update(("pen", 4))
    with pytest.raises(streamsql.UsageError, match="no such row"):
        stock.update(("pen", 4))
    assert session.sql("SELECT * FROM bids").to_arrow().num_rows == 1


def test_a_limit_does_not_wait_for_the_end(session: streamsql.Session) -> None:
    bids = session.table("bids")
    bids.push([("pen", 3), ("ink", 9)])
    best = session.sql("SELECT item FROM bids ORDER BY price DESC LIMIT 1").changes()
    assert best.drain(WAIT) == [("+I", ("ink",))]
    bids.push([("mug", 12)])
    assert best.drain(WAIT) == [("-U", ("ink",)), ("+U", ("mug",))]
    first = session.sql("SELECT item FROM bids LIMIT 1").changes()
    assert len(first.drain(WAIT)) == 1
    best.stop()
    first.stop()
