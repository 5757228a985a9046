"""DuckDB as a vectorised calculator over Arrow columns: what Arrow has no kernel for."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import pyarrow as pa

_local = threading.local()


def project(columns: Mapping[str, pa.Array], *expressions: str) -> list[pa.Array]:
    """The value of each SQL expression over the columns, row by row in order. Raises duckdb.Error where one fails."""
    relation = _cursor().from_arrow(pa.table(dict(columns)))
    return columns_of(relation, expressions)


def project_twice(columns: Mapping[str, pa.Array], first: str, expressions: Sequence[str]) -> list[pa.Array]:
    """The expressions over the one column that `first` (`… AS name`) makes of the columns."""
    relation = _cursor().from_arrow(pa.table(dict(columns))).project(first)
    return columns_of(relation, expressions)


def aggregate(columns: Mapping[str, pa.Array], expression: str) -> Any:
    """One value over all rows."""
    return _cursor().from_arrow(pa.table(dict(columns))).aggregate(expression).fetchall()[0][0]


def columns_of(relation: Any, expressions: Sequence[str]) -> list[pa.Array]:
    """The expressions over a relation, one whole array each."""
    named = ", ".join(f"{expression} AS c{position}" for position, expression in enumerate(expressions))
    table = relation.project(named).to_arrow_table()
    return [_whole(column) for column in table.columns]


def _whole(column: pa.ChunkedArray) -> pa.Array:
    if column.num_chunks == 1:
        return column.chunk(0)
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)


def literal(text: str) -> str:
    """A SQL string literal.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def _cursor() -> Any:
    cursor = getattr(_local, "cursor", None)
    if cursor is None:
        cursor = _local.cursor = _connection().cursor()
    return cursor


@cache
def _connection() -> Any:
    # One thread a query: the callers decode several blocks at a time.
    import duckdb

    connection = duckdb.connect(config={"threads": 1, "enable_external_access": False})
    connection.execute("SET TimeZone = 'UTC'")
    return connection
