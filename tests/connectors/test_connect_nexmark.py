"""The nexmark connector: what its events are, and that neither batches nor columns nor resuming change them."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from streamsql_connectors.nexmark_columns import SCHEMAS

from streamsql.errors import UsageError
from streamsql.expr import types as t
from streamsql.expr.types import Schema
from streamsql.plugins import load_connector
from streamsql.ports import ReadRequest, Source
from tests.connectors.tables import options, rows_of

PERSON, AUCTION, BID = SCHEMAS["person"], SCHEMAS["auction"], SCHEMAS["bid"]
START = datetime(2015, 7, 15)


def nexmark(schema: Schema | None, **more: Any) -> Source:
    return load_connector("nexmark").source(options(schema, **more))


def generated(
    kind: str, *columns: str, batch_rows: int = 10_000, start: int = 0, events: int = 5_000, **more: Any
) -> list[dict[str, Any]]:
    schema = SCHEMAS[kind]  # type: ignore[index]
    source = nexmark(schema, nexmark__table=kind, events__num=events, **more)
    return rows_of(source.read(ReadRequest(columns or schema.names, batch_rows, start={"rows": start})))


def test_one_person_three_auctions_and_46_bids_a_round() -> None:
    assert [len(generated(kind, "extra", events=1_003)) for kind in ("person", "auction", "bid")] == [21, 62, 920]
    assert [row["id"] for row in generated("person", "id", events=150)] == [1000, 1001, 1002]
    assert [row["id"] for row in generated("auction", "id", events=100)] == [1000, 1001, 1002, 1003, 1004, 1005]


def test_ten_thousand_events_a_second_of_event_time() -> None:
    times = [row["dateTime"] for row in generated("person", "dateTime", events=10_001)]
    assert times[0] == START and times[-1] == START + timedelta(seconds=1)
    slower = generated("person", "dateTime", events=101, **{"first-event.rate": 10, "base-time": "2020-01-01 00:00:00"})
    assert [row["dateTime"] for row in slower] == [datetime(2020, 1, 1, 0, 0, second) for second in (0, 5, 10)]


def test_half_of_the_bids_go_to_the_hot_auction_and_three_quarters_come_from_the_hot_bidder() -> None:
    bids = generated("bid", "auction", "bidder", "channel", events=50_000)[-2_000:]
    (_, for_auction), *_ = Counter(row["auction"] for row in bids).most_common(1)
    (_, from_bidder), *_ = Counter(row["bidder"] for row in bids).most_common(1)
    assert 400 < for_auction <= 1_100  # a new one becomes hot every hundred auctions
    assert 1_400 < from_bidder < 1_600
    assert 900 < sum(row["channel"] in ("Google", "Facebook", "Baidu", "Apple") for row in bids) < 1_100
    sellers = Counter(row["seller"] for row in generated("auction", "seller", events=5_000))
    assert sellers.most_common(1)[0][0] == 1000 and 200 < sellers[1000] < 250


def test_ids_refer_to_what_there_is_or_soon_will_be() -> None:
    bids = generated("bid", "auction", "bidder", events=5_000)
    assert {row["auction"] for row in bids} <= set(range(1000, 1310))
    assert {row["bidder"] for row in bids} <= set(range(1000, 1110))
    auctions = generated("auction", "category", "dateTime", "expires", "initialBid", "reserve")
    assert {row["category"] for row in auctions} == {10, 11, 12, 13, 14}
    assert all(row["dateTime"] < row["expires"] <= row["dateTime"] + timedelta(seconds=0.4) for row in auctions)
    assert all(100 <= row["initialBid"] < row["reserve"] for row in auctions)


def test_texts() -> None:
    persons = generated("person", "city", "state", "emailAddress", "creditCard")
    assert {row["state"] for row in persons} == {"AZ", "CA", "ID", "OR", "WA", "WY"}
    assert all(row["emailAddress"].endswith(".com") and len(row["creditCard"].split(" ")) == 4 for row in persons)
    bids = generated("bid", "channel", "url", "extra", "price")
    with_id = [row for row in bids if "&channel_id=" in row["url"]]
    assert len({row["url"] for row in with_id}) == len({row["channel"] for row in with_id})
    assert 0.4 < len(with_id) / len(bids) < 0.5  # nine in ten of the half that is not over a hot channel
    assert 66 < sum(len(row["extra"]) for row in bids) / len(bids) < 69  # with four numbers 100 bytes
    assert 700 < sum(row["price"] < 1_000 for row in bids) < 830  # a sixth of 4,600: prices go over six decades


def test_neither_batches_nor_columns_nor_resuming_nor_other_tables_change_a_value() -> None:
    disorder = {"out-of-order.share": 0.5, "late.share": 0.1}
    for kind in ("person", "auction", "bid"):
        rows = generated(kind, events=2_000, **disorder)
        assert generated(kind, events=2_000, batch_rows=7, **disorder) == rows
        assert generated(kind, events=2_000, start=13, **disorder) == rows[13:]
        assert generated(kind, "extra", "dateTime", events=2_000, **disorder) == [
            {"extra": row["extra"], "dateTime": row["dateTime"]} for row in rows
        ]
        assert generated(kind, events=2_000, seed=1, **disorder) != rows


def test_chunks_follow_one_another() -> None:
    rows = generated("auction", "id", "dateTime", events=70_000)
    assert [row["id"] for row in rows] == list(range(1000, 5200))
    assert rows[-1]["dateTime"] == START + timedelta(seconds=6.995)
    assert generated("auction", "id", "dateTime", events=70_000, start=4_190) == rows[4_190:]


def test_disorder_and_lateness() -> None:
    in_order = [row["dateTime"] for row in generated("bid", "dateTime")]
    assert in_order == sorted(in_order)
    mixed = generated("bid", "dateTime", **{"out-of-order.share": 0.3, "out-of-order.max-delay": "1 s"})
    back = [turn - row["dateTime"] for turn, row in zip(in_order, mixed, strict=True)]
    assert 0.25 < sum(each > timedelta(0) for each in back) / len(back) < 0.32 and max(back) < timedelta(seconds=1)
    late = generated("bid", "dateTime", **{"late.share": 0.01, "late.delay": "1 min"})
    back = [turn - row["dateTime"] for turn, row in zip(in_order, late, strict=True) if turn != row["dateTime"]]
    assert 20 < len(back) < 80 and all(timedelta(minutes=1) <= each <= timedelta(minutes=2) for each in back)


def test_all_events_in_one_table_as_flink_has_them() -> None:
    schema = t.schema(
        ("event_type", t.INT),
        ("person", t.row(("id", "dateTime"), (t.BIGINT, t.timestamp(3)))),
        ("bid", t.row(BID.names, BID.types)),
    )
    rows = rows_of(nexmark(schema, events__num=1_003).read(ReadRequest(schema.names, 100)))
    assert [row["event_type"] for row in rows[:6]] == [0, 1, 1, 1, 2, 2] and len(rows) == 1_003
    assert [row["bid"] for row in rows if row["bid"] is not None] == generated("bid", events=1_003)
    assert [row["person"] for row in rows if row["event_type"] == 0] == generated(
        "person", "id", "dateTime", events=1_003
    )
    assert all((row["person"] is None) == (row["event_type"] != 0) for row in rows)
    (counted,) = list(nexmark(schema, events__num=100).read(ReadRequest((), 1_000)))
    assert (counted.rows.num_rows, counted.rows.num_columns) == (100, 0)


def test_without_an_end_events_come_at_their_rate() -> None:
    source = nexmark(BID, nexmark__table="bid", **{"next-event.rate": 10})
    assert not source.bounded
    reading = source.read(ReadRequest(("price",), 1_000))
    counts = [next(reading).rows.num_rows for _ in range(3)]
    assert counts[0] == 1 and sum(counts) < 10


def test_a_table_may_leave_its_columns_to_the_connector() -> None:
    connector = load_connector("nexmark")
    assert connector.infer(options(None, nexmark__table="person")) == PERSON
    assert nexmark(None, nexmark__table="auction", events__num=1).schema == AUCTION


@pytest.mark.parametrize(
    ("schema", "more", "message", "hint"),
    [
        (BID, {}, "table t (nexmark): which events are its rows?",
         "write 'nexmark.table' = 'bid', or auction or person; or declare the column event_type for all events"),
        (t.schema(("prise", t.BIGINT)), {"nexmark__table": "bid"},
         "table t (nexmark) has no column prise", 'did you mean "price"?'),
        (t.schema(("price", t.INT)), {"nexmark__table": "bid"},
         "table t (nexmark): column price is BIGINT, not INT", "declare it as BIGINT"),
        (BID, {"nexmark__table": "bid", "late.share": 2},
         "option 'late.share' = '2': write a share between 0 and 1", None),
        (BID, {"nexmark__table": "bid", "first-event.rate": 10**19},
         "option 'first-event.rate' = '10000000000000000000': write a whole number up to 1000000000000000000", None),
        (BID, {"nexmark__table": "bid", "bid.avg-size": "20kb"},
         "option 'bid.avg-size' = '20kb': write at most 16384b", None),
        (BID, {"nexmark__table": "bid", "late.delay": "99999999999 d"},
         "option 'late.delay' = '99999999999 d': write a duration such as '5 s' or '10 min'", None),
        (BID, {"nexmark__table": "bids"},
         "option 'nexmark.table' = 'bids': write one of person, auction, bid", None),
        (BID, {"nexmark__table": "bid", "person.proportion": 0, "auction.proportion": 0, "bid.proportion": 0},
         "table t (nexmark): one of the proportions must be more than 0", None),
    ],
)  # fmt: skip
def test_mistakes(schema: Schema, more: dict[str, Any], message: str, hint: str | None) -> None:
    with pytest.raises(UsageError) as caught:
        nexmark(schema, **more)
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_unknown_options_and_writing() -> None:
    with pytest.raises(UsageError, match=r"unknown option 'event\.num' of table t"):
        nexmark(BID, nexmark__table="bid", **{"event.num": 1})
    with pytest.raises(UsageError, match="nexmark can only be read"):
        load_connector("nexmark").sink(options(BID))
