"""Large tables are joined last where all have been counted."""

from __future__ import annotations

from itertools import product

import pytest

from streamsql import connect
from streamsql.plan.rules import join_sizes
from streamsql.session import Session


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    """Three tables, of 40, 3 and 2 rows, which count as large from 10 rows on."""
    monkeypatch.setattr(join_sizes, "_LARGE", 10)
    session = connect()
    session.execute("CREATE TABLE bid (who INT, price INT); CREATE TABLE person (id INT, name STRING)")
    session.execute("CREATE TABLE auction (seller INT, item STRING, wide BIGINT)")
    rows = ", ".join(f"({each % 5 if each % 7 else 'NULL'}, {each})" for each in range(40))
    session.execute(f"INSERT INTO bid VALUES {rows}")
    session.execute("INSERT INTO person VALUES (1, 'a'), (2, 'b'), (NULL, 'c')")
    session.execute("INSERT INTO auction VALUES (1, 'x', 1), (1, 'y', 2)")
    return session


STAR = "SELECT price, name, item FROM bid JOIN person ON person.id = bid.who JOIN auction ON auction.seller = bid.who"


def scans(text: str) -> list[str]:
    return [line.split("(")[1].split(",")[0] for line in text.splitlines() if "Scan" in line]


def test_the_largest_comes_last_by_an_equality_that_the_others_imply(session: Session) -> None:
    text = session.sql(STAR).explain()
    assert scans(text) == ["auction", "person", "bid"]
    assert "on=[seller = id]" in text
    assert text.count("on=[") == 2 and " AND " not in text


def test_the_rows_are_the_same(session: Session) -> None:
    found = session.sql(STAR).to_arrow().to_pylist()
    prices = [each for each in range(40) if each % 7 and each % 5 == 1]
    wanted = [{"price": price, "name": "a", "item": item} for price, item in product(prices, "xy")]
    assert sorted(found, key=lambda row: (row["price"], row["item"])) == wanted


def test_written_order_stays_where_nothing_large_is_kept_or_a_table_is_open(session: Session) -> None:
    last = "SELECT price FROM person JOIN auction ON seller = id JOIN bid ON who = id"
    assert scans(session.sql(last).explain()) == ["person", "auction", "bid"]
    with session.table("auction"):
        assert scans(session.sql(STAR).explain()) == ["bid", "person", "auction"]


def test_columns_of_other_types_imply_nothing(session: Session) -> None:
    query = "SELECT price FROM bid JOIN person ON id = who JOIN auction ON wide = who"
    assert scans(session.sql(query).explain()) == ["bid", "person", "auction"]
