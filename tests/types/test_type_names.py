"""How types are written, and what is said of types of other dialects."""

from __future__ import annotations

import pytest

from streamsql.errors import SqlError, UsageError
from streamsql.session import connect

NAMES = [
    ("INTEGER", "INT"),
    ("DEC(7)", "DECIMAL(7, 0)"),
    ("NUMERIC", "DECIMAL(10, 0)"),
    ("DOUBLE PRECISION", "DOUBLE"),
    ("CHARACTER(3)", "CHAR(3)"),
    ("CHARACTER VARYING(3)", "VARCHAR(3)"),
    ("VARCHAR", "STRING"),
    ("BINARY VARYING(3)", "VARBINARY(3)"),
    ("TIME", "TIME(0)"),
    ("TIMESTAMP", "TIMESTAMP(6)"),
    ("TIMESTAMP(3) WITHOUT TIME ZONE", "TIMESTAMP(3)"),
    ("TIMESTAMP(3) WITH LOCAL TIME ZONE", "TIMESTAMP_LTZ(3)"),
    ("INTERVAL YEAR(4) TO MONTH", "INTERVAL YEAR TO MONTH"),
    ("INTERVAL DAY(3) TO SECOND(6)", "INTERVAL DAY TO SECOND"),
    ("INT ARRAY", "ARRAY<INT>"),
    ("ROW(a INT, `b c` STRING NOT NULL)", "ROW<a INT, b c STRING NOT NULL>"),
    ("MULTISET<STRING>", "MULTISET<STRING>"),
]

WRONG = [
    ("TEXT", 'syntax error: expected a type, found "TEXT"', "write STRING"),
    ("INT64", 'syntax error: expected a type, found "INT64"', "write BIGINT"),
    ("UBIGINT", 'syntax error: expected a type, found "UBIGINT"', "write DECIMAL(20, 0)"),
    ("BIGNIT", 'syntax error: expected a type, found "BIGNIT"', "did you mean BIGINT?"),
    ("INT(3)", 'syntax error: unexpected "("', "write INT: it has no length"),
    ("INT UNSIGNED", 'syntax error: unexpected "UNSIGNED"', "there are no unsigned types: write the next wider one"),
    ("INT[]", 'syntax error: unexpected "["', "write ARRAY<INT>"),
    ("ARRAY", 'syntax error: unexpected ")"', "write ARRAY<element>"),
    ("MAP", 'syntax error: unexpected ")"', "write MAP<key, value>"),
    ("MAP<INT>", "MAP takes 2 types: MAP<key, value>", None),
    ("DECIMAL(39, 0)", "this precision must lie from 1 to 38", None),
    ("DECIMAL(5, 6)", "this scale must lie from 0 to 5", None),
    ("VARCHAR(0)", "this length must lie from 1 to 2147483647", None),
    ("TIMESTAMP(9)", "TIMESTAMP(9) is too fine", "write TIMESTAMP(6): times are kept in microseconds"),
    (
        "TIMESTAMP WITH TIME ZONE",
        'syntax error: unexpected "WITH"',
        "write TIMESTAMP_LTZ(3), a point in time, or TIMESTAMP(3), a date and time of day",
    ),
    ("INTERVAL DAY TO YEAR", "an interval cannot run from DAY to YEAR", None),
]


@pytest.mark.parametrize(("name", "type_"), NAMES)
def test_type(name: str, type_: str) -> None:
    query = connect().sql(f"SELECT CAST(NULL AS {name}) AS r")
    assert query is not None
    assert str(query._plan.fields[0].type) == type_


@pytest.mark.parametrize(("name", "message", "hint"), WRONG)
def test_wrong_type(name: str, message: str, hint: str | None) -> None:
    with pytest.raises(SqlError) as caught:
        connect().sql(f"SELECT CAST(NULL AS {name}) AS r")
    assert (caught.value.message, caught.value.hint) == (message, hint)
    assert caught.value.span is not None


def test_unknown_type_lists_those_there_are() -> None:
    with pytest.raises(SqlError) as caught:
        connect().sql("SELECT CAST(NULL AS GEOMETRY) AS r")
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("types are BOOLEAN, TINYINT, ")


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC", "2024-07-01 12:00:00.000"),
        ("Europe/Paris", "2024-07-01 14:00:00.000"),
        ("GMT+08:00", "2024-07-01 20:00:00.000"),
        ("UTC-3", "2024-07-01 09:00:00.000"),
        ("Z", "2024-07-01 12:00:00.000"),
    ],
)
def test_time_zone_of_the_session(zone: str, shown: str) -> None:
    query = connect(settings={"table.local-time-zone": zone}).sql(
        "SELECT CAST(TO_TIMESTAMP_LTZ(1719835200000, 3) AS STRING) AS r"
    )
    assert query is not None
    assert [query.to_arrow().to_pylist(), query.batch().to_pylist()] == [[{"r": shown}]] * 2


@pytest.mark.parametrize("zone", ["Mars/Base", "GMT+05:30", "GMT+15", ""])
def test_unknown_time_zone(zone: str) -> None:
    with pytest.raises(UsageError, match="unknown time zone") as caught:
        connect(settings={"table.local-time-zone": zone})
    assert caught.value.hint == "write a name such as 'Europe/Paris', or whole hours such as 'GMT+08:00'"
