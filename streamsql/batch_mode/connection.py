"""DuckDB for batch mode: one database in memory, which keeps nothing, and a cursor of it for each query."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock

import duckdb

from streamsql.expr.context import EvalContext
from streamsql.expr.duckdb_connection import define_functions, prepare_cursor

_opening = Lock()


@contextmanager
def open_cursor(context: EvalContext | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A cursor with the time zone of the session; what is registered on it, no other cursor sees."""
    with _opening:
        database = _database()
    with database.cursor() as cursor:
        prepare_cursor(cursor, context or EvalContext())
        yield cursor


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """Opens no files but those it spills to, which lie in the machine's folder for temporary files and go with it."""
    spill = str(Path(tempfile.gettempdir()) / f"streamsql-{os.getpid()}")
    database = duckdb.connect(":memory:", config={"temp_directory": spill, "python_enable_replacements": "false"})
    database.execute("SET enable_external_access = false")
    define_functions(database)
    return database
