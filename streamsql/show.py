"""What SHOW and DESCRIBE say."""

from __future__ import annotations

import re

from streamsql.errors import NotSupportedYet, SqlError
from streamsql.expr.aggregate_table import AGGREGATES
from streamsql.expr.functions_pattern import like_regex
from streamsql.expr.resolve import function_names
from streamsql.plan.logical import Table
from streamsql.sql.context import View
from streamsql.sql.statements import Show
from streamsql.tables import SessionTables

_NAME = re.compile(r"[^ (]*")
"""The name that a line begins with, before a type or parameters."""


def show(tables: SessionTables, kind: str, name: str | None) -> str:
    """SHOW TABLES, SHOW VIEWS, SHOW MATERIALIZED VIEWS, SHOW FUNCTIONS, SHOW COLUMNS FROM t."""
    match kind:
        case "TABLES":
            return "\n".join(sorted(tables.names()))
        case "VIEWS":
            return "\n".join(sorted(each for each in tables.names() if isinstance(tables.lookup(each), View)))
        case "MATERIALIZED VIEWS":
            found = {each: tables.lookup(each) for each in sorted(tables.names())}
            return "\n".join(name for name, each in found.items() if isinstance(each, Table) and each.materialized)
        case "USER FUNCTIONS":
            return "\n".join(each.usage for _, each in sorted(tables.functions.items()))
        case "FUNCTIONS":
            return "\n".join(sorted({*function_names(), *AGGREGATES, *tables.functions}))
        case "COLUMNS" if name is not None:
            return describe(tables, name)
    raise NotSupportedYet(f"SHOW {kind}")


def matching(listed: str, statement: Show) -> str:
    """The lines whose names SHOW … [NOT] LIKE asks for."""
    if statement.like is None:
        return listed
    pattern = re.compile(like_regex(statement.like, None))
    lines = [each for each in listed.splitlines() if bool(pattern.fullmatch(_NAME.match(each)[0])) != statement.negated]  # type: ignore[index]
    return "\n".join(lines)


def describe(tables: SessionTables, name: str) -> str:
    """One line a column: name, type, and what makes it more than a plain column."""
    found = tables.lookup(name)
    if not isinstance(found, Table):
        raise SqlError(f"DESCRIBE takes a table, {name} is a view", hint="read it with SELECT … LIMIT 1")
    width = max(len(each.name) for each in found.columns)
    lines = []
    for index, column in enumerate(found.columns):
        notes = _notes(found, index)
        lines.append(f"{column.name:<{width}}  {column.type}{'  ' + notes if notes else ''}")
    return "\n".join(lines)


def _notes(table: Table, index: int) -> str:
    notes = ["computed"] if index in dict(table.computed) else []
    if table.watermark is not None and table.watermark.column == index:
        notes.append("event time")
    if table.columns[index].name in table.primary_key:
        notes.append("primary key")
    if table.columns[index].name in table.partition_keys:
        notes.append("partition key")
    return ", ".join(notes)
