"""The result of a query without end, drawn again and again over itself."""

from __future__ import annotations

import time
from collections.abc import Callable

import pyarrow as pa
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from streamsql.expr.types import Schema
from streamsql.ports import RowKinds
from streamsql.runtime.metrics import Progress
from streamsql.runtime.output import TableOutput
from streamsql_repl.drawing import draw
from streamsql_repl.left_out import counted
from streamsql_repl.progress import progress_text

_AROUND = 7
"""Lines of the terminal that are not rows: borders, header, the lines below."""
_OFTEN = 0.1
_SHARE = 10
"""At most one part in so many of the time goes into drawing."""


class LiveTable:
    """Shows the rows that are there now; of a result that only grows, the last ones.

    `clock` gives seconds. Drawing takes place in `publish` and `progress`, at most ten times a second.
    """

    def __init__(self, console: Console, *, append_only: bool, clock: Callable[[], float] = time.perf_counter) -> None:
        self._console = console
        self._append_only = append_only
        self._clock = clock
        self._table = TableOutput()
        self._last: list[pa.RecordBatch] = []
        self._rows = 0
        self.standing: Callable[[], Progress] = Progress
        """Says how far the job has come."""
        self._live: Live | None = None
        self._begin = self._next = clock()

    def open(self, schema: Schema, key: tuple[int, ...] | None) -> None:
        self._table.open(schema, key)
        self._live = Live(console=self._console, auto_refresh=False, vertical_overflow="crop")
        self._live.start()
        self._draw()

    def publish(self, rows: pa.RecordBatch, kinds: RowKinds | None) -> None:
        if self._append_only:
            self._rows += rows.num_rows
            self._last = _last_rows([*self._last, rows], self._height)
        else:
            self._table.publish(rows, kinds)
        self._draw_if_due()

    def progress(self, now: Progress) -> None:
        """Time has passed, whether there are new rows or not."""
        self._draw_if_due()

    def end(self) -> None:
        """The query was stopped: the table stays as it is."""
        self._stop(running=False)

    def abort(self) -> None:
        """The query failed: what was there stays, the error comes below it."""
        self._stop(running=False)

    @property
    def _height(self) -> int:
        return max(1, self._console.height - _AROUND)

    def _draw_if_due(self) -> None:
        if self._clock() >= self._next:
            self._draw()

    def _draw(self, *, running: bool = True) -> None:
        if self._live is None:
            return
        begin = self._clock()
        self._live.update(self._picture(running), refresh=True)
        took = self._clock() - begin
        self._next = self._clock() + max(_OFTEN, _SHARE * took)

    def _stop(self, *, running: bool) -> None:
        if self._live is not None:
            self._draw(running=running)
            self._live.stop()
            self._live = None

    def _picture(self, running: bool) -> RenderableType:
        schema = self._table.schema
        assert schema is not None
        batches, count = self._shown()
        drawing = draw(schema, batches, self._console.width)
        said = progress_text(self.standing(), self._clock() - self._begin)
        lines = [f"{self._counted(count)}", f"read {said}" + ("  Ctrl-C stops" if running else "")]
        return Group(drawing.table, *(Text(each, style="dim", no_wrap=True, overflow="ellipsis") for each in lines))

    def _counted(self, count: int) -> str:
        if count <= self._height:
            return counted(count)
        return f"{counted(count)} (the {'last' if self._append_only else 'first'} {self._height} shown)"

    def _shown(self) -> tuple[list[pa.RecordBatch], int]:
        if self._append_only:
            return self._last, self._rows
        table = self._table.to_table()
        return table.slice(0, self._height).to_batches(), table.num_rows


def _last_rows(batches: list[pa.RecordBatch], count: int) -> list[pa.RecordBatch]:
    table = pa.Table.from_batches(batches)
    kept: list[pa.RecordBatch] = table.slice(max(0, table.num_rows - count)).combine_chunks().to_batches()
    return kept
