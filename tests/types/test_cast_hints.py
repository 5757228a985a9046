"""What a refused CAST tells to write is SQL that gives what was wanted."""

from __future__ import annotations

import pytest

from streamsql.errors import SqlError
from streamsql.session import connect
from tests.types.matrix import assert_gives

ADVICE = [
    ("CAST(5 AS TIMESTAMP_LTZ(3))", "TO_TIMESTAMP_LTZ(5, 3)", "TIMESTAMP_LTZ(3)", "1970-01-01 00:00:00.005000Z"),
    (
        "CAST(5 AS TIMESTAMP(3))",
        "CAST(TO_TIMESTAMP_LTZ(5, 3) AS TIMESTAMP(3))",
        "TIMESTAMP(3)",
        "1970-01-01 00:00:00.005000",
    ),
    ("CAST(5 AS DATE)", "DATE '1970-01-01' + 5 * INTERVAL '1' DAY", "DATE", "1970-01-06"),
    ("CAST(5 AS TIME)", "TIME '00:00:00' + 5 * INTERVAL '1' SECOND", "TIME(0)", "00:00:05"),
    ("CAST(5 AS BYTES)", "CAST(CAST(5 AS STRING) AS BYTES)", "BYTES", "x'35'"),
    ("CAST(TRUE AS BYTES)", "CAST(CAST(TRUE AS STRING) AS BYTES)", "BYTES", "x'54525545'"),
    ("CAST(X'35' AS INT)", "CAST(CAST(X'35' AS STRING) AS INT)", "INT", "5"),
    ("CAST(X'74' AS BOOLEAN)", "CAST(CAST(X'74' AS STRING) AS BOOLEAN)", "BOOLEAN", "true"),
    (
        "CAST(TIMESTAMP '1970-01-01 00:01:00' AS BIGINT)",
        "EXTRACT(EPOCH FROM TIMESTAMP '1970-01-01 00:01:00')",
        "BIGINT",
        "60",
    ),
    (
        "CAST(DATE '1970-01-06' AS INT)",
        "TIMESTAMPDIFF(DAY, DATE '1970-01-01', DATE '1970-01-06')",
        "INT",
        "5",
    ),
    ("CAST(TIME '07:00:00' AS INT)", "EXTRACT(HOUR FROM TIME '07:00:00')", "BIGINT", "7"),
    (
        "CAST(TIMESTAMP '1970-01-01 00:01:00' AS INTERVAL DAY)",
        "TIMESTAMP '1970-01-01 00:01:00' - TIMESTAMP '1970-01-01 00:00:00'",
        "INTERVAL DAY TO SECOND",
        "60000000 µs",
    ),
    ("CAST('5' AS INTERVAL DAY)", "CAST('5' AS INT) * INTERVAL '1' DAY", "INTERVAL DAY TO SECOND", "432000000000 µs"),
    ("CAST(1.5 AS INTERVAL MONTH)", "CAST(1.5 AS INT) * INTERVAL '1' MONTH", "INTERVAL YEAR TO MONTH", "1"),
    ("CAST('a,b' AS ARRAY<STRING>)", "SPLIT('a,b', ',')", "ARRAY<STRING>", "['a', 'b']"),
]


@pytest.mark.parametrize(("refused", "instead", "type_", "value"), ADVICE, ids=[each[0] for each in ADVICE])
def test_advice(refused: str, instead: str, type_: str, value: str) -> None:
    with pytest.raises(SqlError, match=r"^cannot cast ") as caught:
        connect().sql(f"SELECT {refused} AS r")
    advised = (caught.value.hint or "").removeprefix("write ").split("(")[0].split("…")[0].split(" -")[0].strip()
    assert advised in instead
    assert_gives(instead, type_, value)
