"""A table of a session that is open for pushing: rows from Python go in, running queries see them."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from streamsql.errors import BackPressure, UsageError
from streamsql.expr.types import Schema
from streamsql.memory import MemoryTable
from streamsql.memory_rows import Stream
from streamsql.owner import Owner
from streamsql.plan.logical import Table
from streamsql.python_rows import rows_for
from streamsql.time import from_datetime


class LiveTable:
    """Takes rows for one in-memory table, from any thread. `close()`, or the end of a `with` block, ends its stream.

    Queries that follow the table see what is pushed at once; rows stay in the table for later queries.
    """

    def __init__(self, declared: Table, table: MemoryTable, stream: Stream, owner: Owner) -> None:
        self.name = declared.name
        self._key = declared.primary_key
        self._table = table
        self._stream = stream
        self._timed = declared.watermark is not None
        self._owner = owner

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def schema(self) -> Schema:
        """The columns that rows have; computed columns are not among them."""
        return self._table.schema

    @property
    def is_open(self) -> bool:
        """Whether rows can be pushed."""
        return self._stream.open

    def push(self, rows: Any, *, timeout: float | None = None) -> None:
        """Add rows: a dict, a list of dicts or tuples, an Arrow table or batch, a pandas or polars DataFrame.

        All rows are added or none. Where a running query lags too far behind, `push` waits until there is room, and
        raises BackPressure after `timeout` seconds (0: at once). UsageError where the rows do not fit the table.
        """
        self._owner.check()
        self._table.push(self._stream, rows_for(rows, self.name, self.schema), timeout=timeout)

    def insert(self, rows: Any) -> None:
        """As `push`: with a PRIMARY KEY, a row takes the place of the one that has its key."""
        self.push(rows)

    def update(self, rows: Any) -> None:
        """Put whole rows in the place of those that have their PRIMARY KEY; UsageError where one is not there."""
        self._owner.check()
        if not self._key:
            hint = "declare PRIMARY KEY (…) NOT ENFORCED, or write UPDATE in SQL"
            raise UsageError(f"{self.name} has no key by which rows could be updated", hint=hint)
        self._table.replace(rows_for(rows, self.name, self.schema))

    def delete(self, rows: Any) -> None:
        """Take rows back: with a PRIMARY KEY by their key alone, else rows of all columns.

        All go or none: UsageError where one is not there.
        """
        self._owner.check()
        columns = (
            each if each.name in self._key or not self._key else replace(each, type=each.type.with_nullable(True))
            for each in self.schema
        )
        self._table.remove(rows_for(rows, self.name, Schema(tuple(columns))))

    async def push_async(self, rows: Any, *, timeout: float | None = None) -> None:
        """As `push`, letting the event loop go on while it waits."""
        import asyncio

        self._owner.check()
        batch = rows_for(rows, self.name, self.schema)
        deadline = None if timeout is None else time.monotonic() + timeout
        loop, room = asyncio.get_running_loop(), asyncio.Event()

        def tell() -> None:
            loop.call_soon_threadsafe(room.set)

        with self._table.told_of_room(tell):
            while True:
                room.clear()
                try:
                    return self._table.push(self._stream, batch, timeout=0)
                except BackPressure:
                    left = None if deadline is None else deadline - time.monotonic()
                    if left is not None and left <= 0:
                        raise
                with suppress(TimeoutError):
                    await asyncio.wait_for(room.wait(), left)

    def advance(self, watermark: datetime) -> None:
        """Say that no row before this time will come, though none has come that says so."""
        self._owner.check()
        if not self._timed:
            hint = "declare it with WATERMARK FOR"
            raise UsageError(f"{self.name} has no WATERMARK that could advance", hint=hint)
        if not isinstance(watermark, datetime):
            raise UsageError(f"time advances to a datetime, not {type(watermark).__name__}")
        self._table.push(self._stream, rows_for([], self.name, self.schema), watermark=from_datetime(watermark))

    def close(self) -> None:
        """No more rows come: queries that follow the table end after the last one."""
        self._table.close_stream(self._stream)
