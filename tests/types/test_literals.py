"""Constants in SQL text: their types and values, and what is said of wrong ones."""

from __future__ import annotations

import pytest

from streamsql.errors import SqlError
from streamsql.session import connect
from tests.types.matrix import assert_gives

LITERALS = [
    ("1", "INT", "1"),
    ("00012", "INT", "12"),
    ("1.", "INT", "1"),
    ("2147483647", "INT", "2147483647"),
    ("2147483648", "BIGINT", "2147483648"),
    ("-2147483648", "INT", "-2147483648"),
    ("9223372036854775807", "BIGINT", "9223372036854775807"),
    ("9223372036854775808", "DECIMAL(19, 0)", "9223372036854775808"),
    ("-9223372036854775808", "BIGINT", "-9223372036854775808"),
    ("0.10", "DECIMAL(3, 2)", "0.10"),
    ("0.0", "DECIMAL(2, 1)", "0.0"),
    ("007.25", "DECIMAL(5, 2)", "7.25"),
    (".5", "DECIMAL(1, 1)", "0.5"),
    ("12.345", "DECIMAL(5, 3)", "12.345"),
    ("1e3", "DOUBLE", "1000.0"),
    ("1.5E-2", "DOUBLE", "0.015"),
    ("TRUE", "BOOLEAN", "true"),
    ("NULL", "NULL", "NULL"),
    ("'it''s'", "CHAR(4)", "'it's'"),
    ("''", "CHAR(0)", "''"),
    (r"U&'\00e9t\00e9'", "CHAR(3)", "'été'"),
    (r"U&'\+01F600 \\'", "CHAR(3)", "'😀 \\'"),
    ("U&'caf!00e9!!' UESCAPE '!'", "CHAR(5)", "'café!'"),
    ("X'4a4B'", "BINARY(2)", "x'4a4b'"),
    ("X''", "BINARY(0)", "x''"),
    ("DATE '2024-02-29'", "DATE", "2024-02-29"),
    ("DATE '2024-2-9'", "DATE", "2024-02-09"),
    ("TIME '12:34:56'", "TIME(0)", "12:34:56"),
    ("TIME '12:34:56.789'", "TIME(3)", "12:34:56.789000"),
    ("TIMESTAMP '2024-02-29 12:34:56'", "TIMESTAMP(0)", "2024-02-29 12:34:56"),
    ("TIMESTAMP '1969-12-31 23:59:59.999999'", "TIMESTAMP(6)", "1969-12-31 23:59:59.999999"),
    ("INTERVAL '10' DAY", "INTERVAL DAY TO SECOND", "864000000000 µs"),
    ("INTERVAL '-10' HOUR", "INTERVAL DAY TO SECOND", "-36000000000 µs"),
    ("INTERVAL -'1' WEEK", "INTERVAL DAY TO SECOND", "-604800000000 µs"),
    ("INTERVAL '400' DAY(3)", "INTERVAL DAY TO SECOND", "34560000000000 µs"),
    ("INTERVAL '1 10' DAY TO HOUR", "INTERVAL DAY TO SECOND", "122400000000 µs"),
    ("INTERVAL '1 10:30' DAY TO MINUTE", "INTERVAL DAY TO SECOND", "124200000000 µs"),
    ("INTERVAL '1 10:30:15.123456' DAY(2) TO SECOND(6)", "INTERVAL DAY TO SECOND", "124215123456 µs"),
    ("INTERVAL '100:30' HOUR TO MINUTE", "INTERVAL DAY TO SECOND", "361800000000 µs"),
    ("INTERVAL '10:30:15' HOUR TO SECOND", "INTERVAL DAY TO SECOND", "37815000000 µs"),
    ("INTERVAL '30:15.5' MINUTE TO SECOND", "INTERVAL DAY TO SECOND", "1815500000 µs"),
    ("INTERVAL '0.001' SECOND", "INTERVAL DAY TO SECOND", "1000 µs"),
    ("INTERVAL '3' YEAR", "INTERVAL YEAR TO MONTH", "36"),
    ("INTERVAL '2' QUARTER", "INTERVAL YEAR TO MONTH", "6"),
    ("INTERVAL '-2-6' YEAR TO MONTH", "INTERVAL YEAR TO MONTH", "-30"),
    ("ARRAY[1, NULL, 2.5]", "ARRAY<DECIMAL(11, 1)>", "[1.0, NULL, 2.5]"),
    ("ARRAY['a', 'bcd']", "ARRAY<VARCHAR(3) NOT NULL>", "['a', 'bcd']"),
    ("MAP['a', 1, 'bb', NULL]", "MAP<VARCHAR(2) NOT NULL, INT>", "[['a', 1], ['bb', NULL]]"),
    ("ROW(1, 'x', NULL)", "ROW<EXPR$0 INT NOT NULL, EXPR$1 CHAR(1) NOT NULL, EXPR$2 NULL>", "(1, 'x', NULL)"),
]

WRONG = [
    ("X'4'", "syntax error: X'...' takes pairs of hexadecimal digits", None),
    ("U&'\\+FFFFFF'", "syntax error: U&'...' names a character that does not exist", None),
    (
        "123456789012345678901234567890123456789",
        "123456789012345678901234567890123456789 has more than the 38 digits of a DECIMAL",
        "write 123456789012345678901234567890123456789e0 for a DOUBLE, which keeps 17 digits",
    ),
    (
        "1e400",
        "1e400 is too large for a DOUBLE, which ends at 1.7976931348623157E308",
        "write CAST('Infinity' AS DOUBLE) where that is meant",
    ),
    ("DATE '2023-02-29'", "'2023-02-29' is not a DATE: that month has no such day", "write DATE '2025-01-31'"),
    ("DATE '2023-13-01'", "'2023-13-01' is not a DATE: month must be in 1..12", "write DATE '2025-01-31'"),
    ("DATE '29.02.2024'", "'29.02.2024' is not a DATE", "write DATE '2025-01-31'"),
    ("TIME '12:60:00'", "'12:60:00' is not a TIME: minute must be in 0..59", "write TIME '23:59:59.123'"),
    (
        "TIMESTAMP '2024-02-29 12:34:56.1234567'",
        "'2024-02-29 12:34:56.1234567' is not a TIMESTAMP: times have at most 6 fraction digits",
        "write TIMESTAMP '2025-01-31 23:59:59.123'",
    ),
    (
        "TIMESTAMP '2024-02-29 12:34:56Z'",
        "'2024-02-29 12:34:56Z' is not a TIMESTAMP",
        "write TIMESTAMP '2025-01-31 23:59:59.123'",
    ),
    ("INTERVAL 'x' DAY", "'x' is not an interval of DAY", "write INTERVAL '10' DAY"),
    ("INTERVAL '1.5' HOUR", "'1.5' is not an interval of HOUR", "write INTERVAL '10' HOUR"),
    (
        "INTERVAL '10:61' HOUR TO MINUTE",
        "'10:61' is not an interval of HOUR TO MINUTE: minute must be in 0..59",
        "write INTERVAL '12:30' HOUR TO MINUTE",
    ),
    (
        "INTERVAL '1:30' DAY TO HOUR",
        "'1:30' is not an interval of DAY TO HOUR",
        "write INTERVAL '1 12' DAY TO HOUR",
    ),
    (
        "INTERVAL '2-13' YEAR TO MONTH",
        "'2-13' is not an interval of YEAR TO MONTH: month must be in 0..11",
        "write INTERVAL '1-6' YEAR TO MONTH",
    ),
    ("INTERVAL '99999999999' DAY", "an interval of 99999999999 DAY is too long", None),
    (
        "INTERVAL '10 days'",
        "the unit of an interval stands behind its text: '10 days'",
        "write INTERVAL '10' DAY",
    ),
    ("INTERVAL 10 DAY", 'syntax error: expected a string, found "10"', "write INTERVAL '10' DAY"),
    ("INTERVAL '10' DAY TO YEAR", "an interval cannot run from DAY to YEAR", None),
    (
        "ARRAY[1, 'a']",
        "ARRAY cannot hold INT and CHAR(1): there is no common type",
        "write the number without quotes, or a CAST to the type that is meant",
    ),
    ("MAP[NULL, 1]", "the keys of a MAP cannot be NULL", "expected MAP[key, value, …]"),
    ("ROW()", "a ROW has at least one field", "expected ROW(value, …)"),
]


@pytest.mark.parametrize(("sql", "type_", "value"), LITERALS, ids=[each[0] for each in LITERALS])
def test_literal(sql: str, type_: str, value: str) -> None:
    assert_gives(sql, type_, value)


@pytest.mark.parametrize(("sql", "message", "hint"), WRONG, ids=[each[0] for each in WRONG])
def test_wrong_literal(sql: str, message: str, hint: str | None) -> None:
    with pytest.raises(SqlError) as caught:
        connect().sql(f"SELECT {sql} AS r")
    assert (caught.value.message, caught.value.hint) == (message, hint)
    assert caught.value.span is not None
    assert caught.value.span.start >= len("SELECT ")
