"""DuckDB connections as the engine wants them: its time zone, its macros, nothing outside memory."""

from __future__ import annotations

import threading
from typing import Any

from streamsql.expr.context import EvalContext
from streamsql.expr.duckdb_macros import MACROS
from streamsql.expr.python_kernels import register_kernels

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "python_enable_replacements": "false",
}
_lock = threading.Lock()
_shared: list[Any] = []


def open_connection(context: EvalContext) -> Any:
    """A new in-memory database. Use one `cursor()` per reader and thread, and `prepare_cursor` on each."""
    import duckdb

    connection = duckdb.connect(":memory:", config=dict(_CONFIG))
    define_functions(connection)
    return prepare_cursor(connection, context)


def define_functions(connection: Any) -> None:
    """Give a new database the functions that our SQL uses."""
    register_kernels(connection)
    connection.execute("; ".join(f"CREATE MACRO {name} AS ({body})" for name, body in MACROS.items()))


def prepare_cursor(connection: Any, context: EvalContext) -> Any:
    """Set what DuckDB keeps per connection: the session's time zone."""
    connection.execute(f"SET TimeZone = '{context.time_zone}'")
    return connection


def kernel_cursor(context: EvalContext) -> Any:
    """A cursor of the one database that evaluates functions batch by batch; it keeps no data."""
    with _lock:
        if not _shared:
            _shared.append(open_connection(context))
            _shared[0].execute("SET threads = 1")
        return prepare_cursor(_shared[0].cursor(), context)
