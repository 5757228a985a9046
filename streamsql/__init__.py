"""streamsql: streaming SQL over Arrow, in your process.

>>> import streamsql
>>> session = streamsql.connect()
>>> query = session.sql("SELECT 1 + 1 AS two")
>>> query.to_arrow().to_pylist()
[{'two': 2}]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamsql.errors import (
    BackPressure,
    DataError,
    FunctionError,
    NotSupportedYet,
    SqlError,
    StreamSqlError,
    UsageError,
)

if TYPE_CHECKING:
    from streamsql.changes import Change, Changes, Row
    from streamsql.live_table import LiveTable
    from streamsql.python_functions import Udf, udf
    from streamsql.query import Query
    from streamsql.session import Session, connect

__all__ = [
    "BackPressure",
    "Change",
    "Changes",
    "DataError",
    "FunctionError",
    "LiveTable",
    "NotSupportedYet",
    "Query",
    "Row",
    "Session",
    "SqlError",
    "StreamSqlError",
    "Udf",
    "UsageError",
    "connect",
    "udf",
]

_LATE = {
    "Change": "streamsql.changes",
    "Changes": "streamsql.changes",
    "LiveTable": "streamsql.live_table",
    "Query": "streamsql.query",
    "Row": "streamsql.changes",
    "Session": "streamsql.session",
    "Udf": "streamsql.python_functions",
    "connect": "streamsql.session",
    "udf": "streamsql.python_functions",
}


def __getattr__(name: str) -> Any:
    """Load the engine when it is first used: `import streamsql` alone stays quick."""
    if name not in _LATE:
        raise AttributeError(f"module 'streamsql' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LATE[name]), name)
