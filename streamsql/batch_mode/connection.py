"""The DuckDB connections of batch mode."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from streamsql.expr.context import EvalContext
from streamsql.expr.duckdb_connection import prepare_cursor
from streamsql.expr.duckdb_macros import MACROS


@contextmanager
def private_connection(context: EvalContext, sql: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of its own in memory, ready to run `sql`: the session's time zone, the macros that the text uses.

    It opens no files but those it spills to, which lie in the machine's folder for temporary files.
    """
    with (
        tempfile.TemporaryDirectory(prefix="streamsql-") as folder,
        duckdb.connect(":memory:", config={"temp_directory": folder, "python_enable_replacements": "false"}) as opened,
    ):
        opened.execute("SET enable_external_access = false")
        # Defining them takes longer than most small queries.
        if "streamsql_" in sql:
            opened.execute("; ".join(f"CREATE MACRO {name} AS ({body})" for name, body in MACROS.items()))
        prepare_cursor(opened, context)
        yield opened
