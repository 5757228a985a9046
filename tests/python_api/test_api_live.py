"""Tables that rows are pushed into, and the queries that follow them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pandas
import polars
import pyarrow as pa
import pytest

import streamsql

WAIT = 30
"""Far more than anything here takes; reached only when something hangs."""


@pytest.fixture
def session() -> Iterator[streamsql.Session]:
    with streamsql.connect() as session:
        session.execute("CREATE TABLE bids (item STRING, price INT)")
        yield session


@pytest.fixture
def bids(session: streamsql.Session) -> streamsql.LiveTable:
    return session.table("bids")


def bid(item: str, price: int) -> dict[str, object]:
    return {"item": item, "price": price}


def test_changes_follow_what_is_pushed(session: streamsql.Session, bids: streamsql.LiveTable) -> None:
    bids.push(bid("pen", 3))
    changes = session.sql("SELECT item, SUM(price) AS total FROM bids GROUP BY item").changes()
    assert changes.drain(WAIT) == [("+I", ("pen", 3))]
    bids.push([bid("ink", 1), bid("pen", 4)])
    assert changes.drain(WAIT) == [("+I", ("ink", 1)), ("-U", ("pen", 3)), ("+U", ("pen", 7))]
    assert changes.drain(WAIT) == []
    assert changes.running
    bids.close()
    assert list(changes) == []
    assert not changes.running


def test_a_table_that_is_not_open_ends(session: streamsql.Session, bids: streamsql.LiveTable) -> None:
    bids.push(bid("pen", 3))
    query = session.sql("SELECT item FROM bids")
    assert list(query.changes(follow=False)) == [("+I", ("pen",))]
    bids.close()
    assert list(query.changes()) == [("+I", ("pen",))]
    assert query.to_arrow().num_rows == 1


def test_results_are_of_the_rows_present(session: streamsql.Session, bids: streamsql.LiveTable) -> None:
    query = session.sql("SELECT COUNT(*) AS n FROM bids")
    bids.push(bid("pen", 3))
    assert query.to_arrow().to_pylist() == [{"n": 1}]
    bids.push(bid("pen", 3))
    assert query.to_arrow().to_pylist() == [{"n": 2}]
    assert query.compare().exit_code == 0
    with pytest.raises(streamsql.UsageError, match="change as long as bids is open"):
        list(query)


def test_windows_close_by_rows_advance_and_close(session: streamsql.Session) -> None:
    session.execute("CREATE TABLE t (ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)")
    changes = session.sql("""
        SELECT window_start AS ws, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND))
        GROUP BY window_start, window_end""").changes()
    del changes  # begun before the table was opened: it has ended with the rows of then
    table = session.table("t")
    changes = session.sql("""
        SELECT window_start AS ws, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND))
        GROUP BY window_start, window_end""").changes()
    at = datetime(2025, 1, 1)
    table.push([{"ts": "2025-01-01 00:00:03"}, {"ts": at.replace(second=10)}])
    assert changes.drain(WAIT) == []
    table.push({"ts": at.replace(second=11)})
    assert changes.drain(WAIT) == [("+I", (at, 1))]
    table.advance(at.replace(minute=1))
    assert changes.drain(WAIT) == [("+I", (at.replace(second=10), 2))]
    table.push([{"ts": at}, {"ts": at.replace(hour=1)}])
    table.close()
    assert list(changes) == [("+I", (at.replace(hour=1), 1))]


def test_advance_needs_a_watermark(bids: streamsql.LiveTable) -> None:
    with pytest.raises(streamsql.UsageError, match="bids has no WATERMARK"):
        bids.advance(datetime(2025, 1, 1, tzinfo=UTC))


def test_several_queries_on_one_table(session: streamsql.Session, bids: streamsql.LiveTable) -> None:
    total = session.sql("SELECT SUM(price) FROM bids").changes()
    every = session.sql("SELECT item FROM bids").changes()
    bids.push(bid("pen", 3))
    assert (total.drain(WAIT), every.drain(WAIT)) == ([("+I", (3,))], [("+I", ("pen",))])
    every.stop()
    assert list(every) == []
    bids.push(bid("pen", 4))
    assert total.drain(WAIT) == [("-U", (3,)), ("+U", (7,))]


def test_two_tables_in_one_query(session: streamsql.Session, bids: streamsql.LiveTable) -> None:
    session.execute("CREATE TABLE asks (item STRING, price INT)")
    asks = session.table("asks")
    changes = session.sql("SELECT item, price FROM bids UNION ALL SELECT item, -price FROM asks").changes()
    asks.push(bid("ink", 2))
    assert changes.drain(WAIT) == [("+I", ("ink", -2))]
    bids.push(bid("pen", 1))
    assert changes.drain(WAIT) == [("+I", ("pen", 1))]
    asks.close()
    bids.push(bid("pen", 5))
    assert changes.drain(WAIT) == [("+I", ("pen", 5))]
    bids.close()
    assert list(changes) == []


def test_consumer_in_another_thread_sees_all_in_order(session: streamsql.Session, bids: streamsql.LiveTable) -> None:
    seen: list[int] = []

    def consume() -> None:
        seen.extend(change.row.price for change in changes)

    changes = session.sql("SELECT price FROM bids").changes(buffer_rows=3)
    thread = threading.Thread(target=consume)
    thread.start()
    small = session.table("bids", capacity=5)
    for number in range(300):
        small.push(("pen", number))
    bids.close()
    thread.join(WAIT)
    assert seen == list(range(300))


def test_several_threads_push(session: streamsql.Session, bids: streamsql.LiveTable) -> None:
    changes = session.sql("SELECT COUNT(*) AS n, SUM(price) AS total FROM bids").changes()

    def push() -> None:
        for number in range(100):
            bids.push(("pen", number))

    threads = [threading.Thread(target=push) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(WAIT)
    assert changes.drain(WAIT)[-1] == ("+U", (400, 4 * 4950))


def test_back_pressure(session: streamsql.Session) -> None:
    bids = session.table("bids", capacity=4)
    with session.sql("SELECT price FROM bids").changes(buffer_rows=2) as changes:
        with pytest.raises(streamsql.BackPressure, match="there is no room for more"):
            for number in range(100):
                bids.push(("pen", number), timeout=0)
        with pytest.raises(streamsql.BackPressure, match="this thread has not taken the changes"):
            for number in range(100):
                bids.push(("pen", number))
        rows = bids.schema and session.sql("SELECT COUNT(*) FROM bids").to_arrow().column(0)[0].as_py()
        assert len(changes.drain(WAIT)) == rows
        bids.push([("pen", 1)] * 50)  # more than there is room for, but no one lags
        assert len(changes.drain(WAIT)) == 50
    for _ in range(100):
        bids.push(("pen", 1), timeout=0)  # no one reads any more


def test_a_consumer_thread_that_has_died(session: streamsql.Session) -> None:
    bids = session.table("bids", capacity=4)
    kept = []

    def begin() -> None:
        kept.append(session.sql("SELECT price FROM bids").changes(buffer_rows=1))

    thread = threading.Thread(target=begin)
    thread.start()
    thread.join(WAIT)
    with pytest.raises(streamsql.BackPressure, match="its thread has ended"):
        for number in range(100):
            bids.push(("pen", number))


def test_rows_are_forgotten_once_read(session: streamsql.Session) -> None:
    bids = session.table("bids", keep_rows=False)
    bids.push([bid("pen", 1), bid("pen", 2)])
    query = session.sql("SELECT price FROM bids")
    changes = query.changes()
    assert len(changes.drain(WAIT)) == 2
    bids.push(bid("pen", 3))
    assert changes.drain(WAIT) == [("+I", (3,))]
    assert query.to_arrow().num_rows == 0
    late_comer = query.changes()
    bids.push(bid("pen", 4))
    assert (changes.drain(WAIT), late_comer.drain(WAIT)) == ([("+I", (4,))], [("+I", (4,))])


def test_an_error_reaches_the_consumer_and_frees_the_pusher(session: streamsql.Session) -> None:
    bids = session.table("bids", capacity=1)
    changes = session.sql("SELECT 10 / price AS x FROM bids").changes()
    bids.push(bid("pen", 5))
    assert changes.get(WAIT) == ("+I", (2,))
    bids.push(bid("pen", 0))
    with pytest.raises(streamsql.DataError, match="division by zero"):
        changes.get(WAIT)
    assert list(changes) == []
    for _ in range(3):
        bids.push(bid("pen", 0))


def test_an_exception_in_the_loop_stops_the_query(session: streamsql.Session, bids: streamsql.LiveTable) -> None:
    bids.push(bid("pen", 1))
    with pytest.raises(ZeroDivisionError), session.sql("SELECT price FROM bids").changes() as changes:
        for _ in changes:
            raise ZeroDivisionError
    assert not changes.running


def test_stop_from_another_thread(session: streamsql.Session, bids: streamsql.LiveTable) -> None:
    query = session.sql("SELECT price FROM bids")
    bids.push(bid("pen", 1))
    seen = []
    for change in query.changes():
        seen.append(change.row.price)
        threading.Thread(target=query.stop).start()
    assert seen == [1]
    assert query.to_arrow().num_rows == 1


def test_get_with_timeout(session: streamsql.Session, bids: streamsql.LiveTable) -> None:
    changes = session.sql("SELECT price FROM bids").changes()
    assert changes.get(timeout=0) is None
    bids.push(bid("pen", 1))
    assert changes.get(WAIT) == ("+I", (1,))


def test_async(session: streamsql.Session, bids: streamsql.LiveTable) -> None:
    async def produce() -> None:
        for number in range(20):
            await bids.push_async(("pen", number), timeout=WAIT)
        bids.close()

    async def main() -> list[int]:
        session.table("bids", capacity=1)
        task = asyncio.create_task(produce())
        seen = [row.price async for row in session.sql("SELECT price FROM bids WHERE price > 2")]
        await task
        return seen

    assert asyncio.run(main()) == list(range(3, 20))


def test_async_cancelled(session: streamsql.Session, bids: streamsql.LiveTable) -> None:
    async def main() -> bool:
        changes = session.sql("SELECT price FROM bids").changes()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01), changes:
                async for _ in changes:
                    pass
        return changes.running

    assert asyncio.run(main()) is False


def test_closing_the_session_ends_its_queries(bids: streamsql.LiveTable, session: streamsql.Session) -> None:
    changes = session.sql("SELECT price FROM bids").changes()
    session.close()
    assert list(changes) == []
    with pytest.raises(streamsql.UsageError, match="the session is closed"):
        bids.push(bid("pen", 1))


def test_push_to_a_closed_table(session: streamsql.Session) -> None:
    with session.table("bids") as bids:
        bids.push(bid("pen", 1))
    with pytest.raises(streamsql.UsageError, match="closed for pushing"):
        bids.push(bid("pen", 1))
    session.table("bids").push(bid("pen", 2))
    assert session.sql("SELECT price FROM bids").to_arrow().num_rows == 2


ALL = [
    pa.table({"price": [1, 2], "item": ["a", "b"]}),
    pa.record_batch({"price": [1, 2], "item": ["a", "b"]}),
    pandas.DataFrame({"price": [1, 2], "item": pandas.Categorical(["a", "b"])}),
    polars.DataFrame({"price": [1, 2], "item": ["a", "b"]}),
    [{"price": 1, "item": "a"}, {"price": 2, "item": "b"}],
    [("a", 1), ("b", 2)],
    (("a", 1), ("b", 2)),
]


@pytest.mark.parametrize("rows", ALL, ids=lambda each: type(each).__module__ + "." + type(each).__name__)
def test_rows_of_every_kind(session: streamsql.Session, bids: streamsql.LiveTable, rows: object) -> None:
    bids.push(rows)
    assert session.sql("SELECT * FROM bids").to_arrow().to_pylist() == [bid("a", 1), bid("b", 2)]


WRONG = [
    ({"itm": "a"}, 'bids has no column itm, row 1 has\nhint: did you mean "item"?'),
    ([bid("a", 1), {"price": "x"}], "bids.price is INT, row 2 has 'x'"),
    ({"price": 1.5}, "bids.price is INT, row 1 has 1.5"),
    ({"price": 1 << 70}, "bids.price is INT, row 1 has 1180591620717411303424"),
    ({"item": 3}, "bids.item is STRING, row 1 has 3\nhint: push a str"),
    (("a",), "row 1 has 1 values, bids has 2 columns: item, price"),
    (["a"], "row 1 for bids is a str\nhint: write a dict or a tuple for each row"),
    (17, "cannot push an int to bids\nhint: push a dict, a list of dicts or tuples, an Arrow table"),
    (pa.table({"price": ["1"]}), "bids.price is INT, the data has STRING\nhint: convert the column first"),
    (pa.table({"prize": [1]}), 'bids has no column prize, the data has\nhint: did you mean "price"?'),
    (pa.table({"price": [1 << 40]}), "bids.price is INT, the data has BIGINT\nhint: Integer value 1099511627776"),
]


@pytest.mark.parametrize(("rows", "message"), WRONG)
def test_rows_that_do_not_fit(
    session: streamsql.Session, bids: streamsql.LiveTable, rows: object, message: str
) -> None:
    with pytest.raises(streamsql.UsageError) as raised:
        bids.push(rows)
    assert str(raised.value).startswith(message)
    assert session.sql("SELECT * FROM bids").to_arrow().num_rows == 0


def test_values_of_all_types(session: streamsql.Session) -> None:
    session.execute("""CREATE TABLE t (
        d DATE, t TIME(3), ts TIMESTAMP(3), z TIMESTAMP_LTZ(3), m DECIMAL(10, 2), b BYTES, a ARRAY<INT>,
        r ROW<x INT, y STRING>, n STRING NOT NULL)""")
    table = session.table("t")
    row = {
        "d": "2025-01-02",
        "t": "10:00:00",
        "ts": datetime(2025, 1, 2, 3, 4, 5, 678_912),
        "z": datetime(2025, 1, 2, tzinfo=UTC),
        "m": Decimal("1.25"),
        "b": b"x",
        "a": [1, None],
        "r": {"x": 1, "y": "z"},
        "n": "",
    }
    table.push(row)
    (change,) = session.sql("SELECT * FROM t").changes().drain(WAIT)
    found = change.row
    assert (str(found.d), str(found.t), found.ts) == ("2025-01-02", "10:00:00", datetime(2025, 1, 2, 3, 4, 5, 678_000))
    assert (found.z, found.m, found.b, found.a) == (row["z"], row["m"], b"x", [1, None])
    assert found.r == {"x": 1, "y": "z"}
    with pytest.raises(streamsql.UsageError, match=r"t.n is STRING NOT NULL, row 1 has no value"):
        table.push({"d": None})
    with pytest.raises(streamsql.UsageError, match=r"t.m is DECIMAL\(10, 2\), row 1 has 0.1\nhint: push a decimal"):
        table.push({"m": 0.1, "n": ""})


def test_tables_that_cannot_be_pushed_to(session: streamsql.Session) -> None:
    session.execute("CREATE VIEW v AS SELECT * FROM bids; CREATE TABLE g (a INT) WITH ('connector' = 'datagen')")
    for name, message in (("bid", 'did you mean "bids"'), ("v", "it is a view"), ("g", "a table with a connector")):
        with pytest.raises(streamsql.UsageError, match=message):
            session.table(name)
