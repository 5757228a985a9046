"""Which columns text formats can hold."""

from __future__ import annotations

from streamsql.errors import UsageError
from streamsql.expr.types import Schema, SqlType
from streamsql_connectors.formats.text_values import READABLE


def refuse_unreadable(schema: Schema, format_name: str) -> None:
    """UsageError for a column whose type has no text form to read."""
    for column in schema:
        if not _readable(column.type):
            raise UsageError(f"column {column.name}: {column.type} cannot be read from {format_name}")


def _readable(type_: SqlType) -> bool:
    return type_.kind in READABLE and all(_readable(each) for each in type_.children)
