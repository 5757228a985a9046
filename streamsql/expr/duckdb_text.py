"""Small pieces of DuckDB SQL text: quoting, types, times in the session's zone."""

from __future__ import annotations

from collections.abc import Callable

from streamsql.errors import NotSupportedYet
from streamsql.expr.context import EvalContext
from streamsql.expr.types import Kind, SqlType

_TYPES = {
    Kind.NULL: "INTEGER",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.TINYINT: "TINYINT",
    Kind.SMALLINT: "SMALLINT",
    Kind.INT: "INTEGER",
    Kind.BIGINT: "BIGINT",
    Kind.FLOAT: "FLOAT",
    Kind.DOUBLE: "DOUBLE",
    Kind.CHAR: "VARCHAR",
    Kind.VARCHAR: "VARCHAR",
    Kind.BINARY: "BLOB",
    Kind.VARBINARY: "BLOB",
    Kind.DATE: "DATE",
    Kind.TIME: "TIME",
    Kind.TIMESTAMP: "TIMESTAMP",
    Kind.TIMESTAMP_LTZ: "TIMESTAMPTZ",
    Kind.INTERVAL_DAY: "BIGINT",
    Kind.INTERVAL_MONTH: "INTEGER",
}


def duckdb_type(type_: SqlType) -> str:
    """The DuckDB type of a SQL type; intervals are whole numbers of microseconds or months there."""
    children = [duckdb_type(each) for each in type_.children]
    match type_.kind:
        case Kind.DECIMAL:
            return f"DECIMAL({type_.precision}, {type_.scale})"
        case Kind.ARRAY:
            return f"{children[0]}[]"
        case Kind.MAP:
            return f"MAP({children[0]}, {children[1]})"
        case Kind.MULTISET:
            return f"MAP({children[0]}, INTEGER)"
        case Kind.ROW:
            fields = (f"{identifier(name)} {child}" for name, child in zip(type_.names, children, strict=True))
            return f"STRUCT({', '.join(fields)})"
        case kind if kind in _TYPES:
            return _TYPES[kind]
        case kind:
            raise NotSupportedYet(f"{kind.value} in DuckDB")


def quoted(text: str) -> str:
    """A text constant.

    >>> quoted("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A quoted name."""
    return '"' + name.replace('"', '""') + '"'


def failure(message: str, type_: str) -> str:
    """An expression that fails with the message where it is reached (error() is volatile to DuckDB)."""
    return f"CAST(CAST({quoted(message)} AS INTEGER) AS {type_})"


def local_sql(moment: str, source: SqlType, context: EvalContext) -> str:
    """A date or timestamp as TIMESTAMP; TIMESTAMP_LTZ as the session's clock shows it."""
    match source.kind:
        case Kind.TIMESTAMP_LTZ:
            return f"({moment} AT TIME ZONE {quoted(context.time_zone)})"
        case Kind.DATE:
            return f"CAST({moment} AS TIMESTAMP)"
        case _:
            return moment


def zoned_sql(moment: str, target: SqlType, context: EvalContext) -> str:
    """A TIMESTAMP back as the type it came from; of a time that the clock shows twice, the first."""
    match target.kind:
        case Kind.TIMESTAMP_LTZ if context.time_zone == "UTC":
            return f"({moment} AT TIME ZONE 'UTC')"
        case Kind.TIMESTAMP_LTZ:
            return f"streamsql_zoned({moment}, {quoted(context.time_zone)})"
        case Kind.DATE:
            return f"CAST({moment} AS DATE)"
        case _:
            return moment


def each_element(array: str, result: Callable[[str], str]) -> str:
    """A list of what `result` makes of each element, given a name for it."""
    name = _unused_name(array)
    return f"list_transform({array}, lambda {name}: {result(name)})"


def computed_once(value: str, result: Callable[[str], str]) -> str:
    """What `result` makes of a value, given a name for it."""
    return f"{each_element(f'[{value}]', result)}[1]"


def _unused_name(sql: str) -> str:
    name = "e"
    while name in sql:
        name += "e"
    return name
