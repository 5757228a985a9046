"""Testing a streaming query like any other code: feed it rows and time step by step, look at what it says."""

from __future__ import annotations

from datetime import datetime
from types import TracebackType
from typing import Any, Self

from streamsql.changes import Change, Row
from streamsql.errors import UsageError, did_you_mean
from streamsql.live_table import LiveTable
from streamsql.session import Session

_LONG = 60.0
"""Seconds after which a step counts as stuck."""


class StreamTest:
    """Runs one query over in-memory tables, a step at a time.

    `script`: CREATE TABLE for each table that the query reads (without a connector), then the query. `session`: one
    that holds tables and Python functions already.

    >>> with StreamTest("CREATE TABLE bids (item STRING, price INT); SELECT MAX(price) AS top FROM bids") as test:
    ...     test.push("bids", ("pen", 3), {"item": "ink", "price": 1})
    ...     assert test.changes() == [("+I", (3,))]
    ...     test.push("bids", ("pen", 4))
    ...     assert test.changes() == [("-U", (3,)), ("+U", (4,))]
    ...     assert test.table() == [(4,)]
    """

    def __init__(self, script: str, *, session: Session | None = None) -> None:
        self.session = session or Session()
        self.query = self.session.sql(script, variables=False)
        self._inputs = {name: self.session.table(name) for name in self.query.reads}
        self._changes = self.query.changes()
        self._rows: list[Row] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._changes.close()

    def push(self, table: str, *rows: Any) -> None:
        """Rows that arrive one after another in a table: dicts, or tuples in the order of its columns."""
        self._input(table).push(list(rows))

    def advance(self, table: str, watermark: datetime) -> None:
        """Time goes on in a table: no row before `watermark` will come."""
        self._input(table).advance(watermark)

    def end(self) -> None:
        """All tables end: everything that is still open closes."""
        for each in self._inputs.values():
            each.close()

    def changes(self) -> list[Change]:
        """What the query has said since the last call, of everything that has arrived."""
        found = self._changes.drain(_LONG)
        for change in found:
            if change.op in ("+I", "+U"):
                self._rows.append(change.row)
            else:
                self._rows.remove(change.row)
        return found

    def table(self) -> list[Row]:
        """The result as of now: all changes folded, the latest rows last."""
        self.changes()
        return list(self._rows)

    def _input(self, table: str) -> LiveTable:
        if table not in self._inputs:
            hint = did_you_mean(table, tuple(self._inputs), kind="tables")
            raise UsageError(f"the query reads no table {table}", hint=hint)
        return self._inputs[table]
