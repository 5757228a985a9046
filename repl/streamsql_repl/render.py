"""Tables for a terminal."""

from __future__ import annotations

import sys

import pyarrow as pa
from rich.console import Console
from streamsql_connectors.changelog_column import add_op, with_op

from streamsql.errors import DataError
from streamsql.expr.types import Schema
from streamsql.ports import RowKinds, SinkMode
from streamsql_repl.drawing import draw
from streamsql_repl.left_out import counted
from streamsql_repl.progress import erase_line

MAX_ROWS = 200


class TerminalSink:
    """Prints rows as one table when all have come; of a long one it keeps and shows the first and the last rows."""

    mode: SinkMode = "changelog"

    def __init__(self, console: Console | None = None, max_rows: int = MAX_ROWS) -> None:
        self._console = console or Console(file=sys.stdout, highlight=False)
        self._max_rows = max_rows
        self._schema: Schema | None = None
        self._changelog = False
        self._shown: list[pa.RecordBatch] = []
        self._count = 0

    def open(self, schema: Schema, *, changelog: bool, bounded: bool = True) -> None:
        self._schema = with_op(schema) if changelog else schema
        self._changelog, self._shown, self._count = changelog, [], 0

    def write(self, rows: pa.RecordBatch, kinds: RowKinds | None) -> None:
        if self._schema is None:
            raise DataError("a result was printed before it had columns")
        self._shown.append(add_op(rows, kinds, self._schema) if self._changelog else rows)
        self._count += rows.num_rows
        if sum(each.num_rows for each in self._shown) > self._max_rows:
            self._shown = _ends(self._shown, self._max_rows)

    def commit(self) -> None:
        if self._schema is None:
            raise DataError("a result was printed before it had columns")
        cut = self._count > self._max_rows
        drawing = draw(self._schema, self._shown, self._console.width, gap_at=self._max_rows // 2 if cut else None)
        erase_line()
        self._console.print(drawing.table)
        shown = count_line(self._count, self._max_rows, len(self._schema), drawing.columns)
        self._console.print(shown, style="dim")

    def abort(self) -> None:
        self._shown = []


def count_line(rows: int, max_rows: int, columns: int, shown_columns: int) -> str:
    """What stands below a table.

    >>> count_line(300, 200, 9, 4), count_line(1, 200, 2, 2)
    ('300 rows (200 shown), 9 columns (4 shown)', '1 row')
    """
    parts = [counted(rows) + (f" ({max_rows} shown)" if rows > max_rows else "")]
    if shown_columns < columns:
        parts.append(f"{columns} columns ({shown_columns} shown)")
    return ", ".join(parts)


def _ends(batches: list[pa.RecordBatch], count: int) -> list[pa.RecordBatch]:
    """The first and the last `count` / 2 rows, in memory of their own."""
    rows = pa.Table.from_batches(batches)
    half = count // 2
    ends = pa.concat_tables([rows.slice(0, half), rows.slice(rows.num_rows - half)])
    kept: list[pa.RecordBatch] = ends.take(pa.array(range(2 * half))).combine_chunks().to_batches()
    return kept
