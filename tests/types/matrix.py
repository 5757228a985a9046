"""Reads `cast_matrix.txt`: what CAST makes of values of every type.

    BIGINT = 12345678901           a source type and a value of it, as SQL
      INT: -539222987              target types and the result; `fails` where CAST raises and TRY_CAST gives NULL

A target that a source does not list is refused.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from streamsql.session import connect

FILE = Path(__file__).parent / "cast_matrix.txt"
FAILS = "fails"


@dataclass(frozen=True)
class Value:
    """A value of a source type, and what each target makes of it."""

    source: str
    sql: str
    results: dict[str, str]


def read_matrix() -> list[Value]:
    """The blocks of the file."""
    found: list[Value] = []
    for line in FILE.read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if not line.startswith(" "):
            source, sql = line.split(" = ", 1)
            found.append(Value(source, sql, {}))
            continue
        targets, result = line.strip().split(": ", 1)
        found[-1].results.update(dict.fromkeys(types_of(targets), result))
    return found


def types_of(listed: str) -> list[str]:
    """Split at commas outside of brackets.

    >>> types_of("INT, DECIMAL(10, 2), MAP<INT, INT>")
    ['INT', 'DECIMAL(10, 2)', 'MAP<INT, INT>']
    """
    return re.split(r", (?![^(<]*[)>])", listed)


def shown(value: Any) -> str:
    """A result as the file writes it."""
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).lower()
        case Decimal():
            return format(value, "f")
        case datetime.datetime():
            return value.replace(tzinfo=None).isoformat(" ") + ("Z" if value.tzinfo else "")
        case datetime.timedelta():
            return f"{value // datetime.timedelta(microseconds=1)} µs"
        case bytes():
            return f"x'{value.hex()}'"
        case str():
            return f"'{value}'".replace("\x00", "\\0")
        case dict():
            return f"({', '.join(shown(each) for each in value.values())})"
        case list() | tuple():
            return f"[{', '.join(shown(each) for each in value)}]"
        case _:
            return str(value)


def assert_gives(sql: str, type_: str, value: str) -> None:
    """The expression has this type and, as stream and as batch, this value."""
    query = connect().sql(f"SELECT {sql} AS r")
    assert query is not None
    [field] = query._plan.fields
    assert str(field.type.with_nullable(True)) == type_
    for table in (query.to_arrow(), query.batch()):
        assert [shown(each) for each in table.column(0).to_pylist()] == [value]
