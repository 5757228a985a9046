"""What a query's changes look like in Python: rows with names, changes with kinds, iterators over them."""

from __future__ import annotations

import time
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any, NamedTuple, Self, SupportsIndex, overload

import numpy as np
import pyarrow as pa

from streamsql.errors import did_you_mean, located
from streamsql.ports import RowKind
from streamsql.runtime.live import LiveRun
from streamsql.runtime.output import Changes as ChangedRows


class Row(tuple[Any, ...]):
    """The values of a row: a tuple that can also be asked by column name, `row["total"]` or `row.total`."""

    __slots__ = ()
    columns: tuple[str, ...] = ()

    @overload
    def __getitem__(self, key: SupportsIndex | str) -> Any: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[Any, ...]: ...
    def __getitem__(self, key: SupportsIndex | slice | str) -> Any:
        if not isinstance(key, str):
            return super().__getitem__(key)
        if key not in self.columns:
            raise KeyError(f"no column {key}; {did_you_mean(key, self.columns, kind='columns')}")
        return super().__getitem__(self.columns.index(key))

    def __getattr__(self, name: str) -> Any:
        if name not in self.columns:
            raise AttributeError(f"no column {name}; {did_you_mean(name, self.columns, kind='columns')}")
        return super().__getitem__(self.columns.index(name))

    def keys(self) -> tuple[str, ...]:
        """The column names, so that `dict(row)` works."""
        return self.columns

    def __repr__(self) -> str:
        return f"Row({', '.join(f'{name}={value!r}' for name, value in zip(self.columns, self, strict=True))})"


class Change(NamedTuple):
    """One row of a changelog: `op` is '+I' (added), '-U' and '+U' (a row before and after an update) or '-D' (gone)."""

    op: str
    row: Row


def row_type(columns: tuple[str, ...]) -> type[Row]:
    """The class of rows with these columns.

    >>> row = row_type(("item", "total"))(("pen", 7))
    >>> row, row.total, row["item"], dict(row)
    (Row(item='pen', total=7), 7, 'pen', {'item': 'pen', 'total': 7})
    """
    return type("Row", (Row,), {"__slots__": (), "columns": columns})


def rows_of(rows: pa.RecordBatch, make: type[Row]) -> Iterator[Row]:
    """The rows of a batch one by one."""
    if not rows.num_columns:
        return (make() for _ in range(rows.num_rows))
    return map(make, zip(*(column.to_pylist() for column in rows.columns), strict=True))


def changes_of(changed: ChangedRows, make: type[Row]) -> Iterator[Change]:
    """The changes of a step one by one."""
    rows, kinds = changed
    values = rows_of(rows, make)
    if kinds is None:
        return (Change(RowKind.INSERT.short, row) for row in values)
    return (Change(RowKind(kind).short, row) for kind, row in zip(kinds.tolist(), values, strict=True))


class Changes:
    """The changes of a query while it runs, in one thread of its own; iterate with `for` or `async for`.

    The engine runs ahead until its buffer is full. `stop` may be called from any thread; the iteration then ends after
    what was published. Leaving a `with` block, or dropping the object, stops the query too. An error of the query is
    raised where its changes are taken.
    """

    def __init__(self, run: LiveRun, columns: tuple[str, ...], text: str | None) -> None:
        self._run = run
        self._buffer = run.buffer
        self._row = row_type(columns)
        self._text = text
        self._taken: deque[Change] = deque()
        weakref.finalize(self, run.abandon).atexit = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        import asyncio

        await asyncio.to_thread(self.close)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Change:
        if (change := self.get()) is None:
            raise StopIteration
        return change

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Change:
        while (change := self._next()) is None:
            if self._buffer.exhausted:
                raise StopAsyncIteration
            await self._news()
        return change

    @property
    def running(self) -> bool:
        """Whether more changes may come than have been published."""
        return not self._buffer.finished

    def get(self, timeout: float | None = None) -> Change | None:
        """The next change, waited for at most `timeout` seconds; None when there is none by then, or at the end."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (change := self._next()) is None:
            left = None if deadline is None else deadline - time.monotonic()
            if self._buffer.exhausted or not self._buffer.wait(left):
                return None
        return change

    def drain(self, timeout: float | None = None) -> list[Change]:
        """All changes that follow from what was pushed before this call, waited for at most `timeout` seconds."""
        wanted = self._run.pushed()
        deadline = None if timeout is None else time.monotonic() + timeout
        found: list[Change] = []
        while True:
            done = self._buffer.finished or self._run.has_processed(wanted)
            while (change := self._next()) is not None:
                found.append(change)
            left = None if deadline is None else deadline - time.monotonic()
            if done or (left is not None and left <= 0):
                return found
            self._buffer.wait(left, lambda: self._run.has_processed(wanted))

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The changes as Arrow, a batch for each step: the kinds in a first column `op`, then the result's columns."""
        while not self._buffer.exhausted:
            with located(self._text):
                changed = self._buffer.take()
            if changed is not None:
                yield _with_op(changed)
            else:
                self._buffer.wait(None)

    def stop(self) -> None:
        """End the query after its current step."""
        self._run.stop()

    def close(self) -> None:
        """End the query, drop the changes that were not taken, and wait until its sources are released."""
        self._taken.clear()
        self._run.close()

    def _next(self) -> Change | None:
        """The next change if there is one now."""
        while not self._taken:
            with located(self._text):
                changed = self._buffer.take()
            if changed is None:
                return None
            self._taken.extend(changes_of(changed, self._row))
        return self._taken.popleft()

    async def _news(self) -> None:
        import asyncio

        loop, woken = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop was closed while the query ran on
                loop.call_soon_threadsafe(woken.set)

        self._buffer.add_wake(wake)
        try:
            if not self._buffer.has_news:
                await woken.wait()
        finally:
            self._buffer.remove_wake(wake)


def _with_op(changed: ChangedRows) -> pa.RecordBatch:
    rows, kinds = changed
    codes = np.zeros(rows.num_rows, np.int8) if kinds is None else kinds
    ops = pa.DictionaryArray.from_arrays(pa.array(codes), [each.short for each in RowKind]).cast(pa.string())
    name = "_op" if "op" in rows.schema.names else "op"
    return pa.RecordBatch.from_arrays([ops, *rows.columns], names=[name, *rows.schema.names])
