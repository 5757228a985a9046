"""Tables for a terminal."""

from __future__ import annotations

import sys

import pyarrow as pa
from rich.console import Console
from rich.table import Table

from streamsql.errors import DataError
from streamsql.expr.types import FLOATS, INTEGERS, Kind, Schema
from streamsql.ports import RowKind, RowKinds, SinkMode

MAX_ROWS = 200
_NUMBERS = (*INTEGERS, *FLOATS, Kind.DECIMAL)


class TerminalSink:
    """Collects rows and prints them as one table; of a long one the first and the last rows."""

    mode: SinkMode = "changelog"

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(file=sys.stdout)
        self._schema: Schema | None = None
        self._changelog = False
        self._written: list[tuple[pa.RecordBatch, RowKinds | None]] = []

    def open(self, schema: Schema, *, changelog: bool, bounded: bool = True) -> None:
        self._schema, self._changelog, self._written = schema, changelog, []

    def write(self, rows: pa.RecordBatch, kinds: RowKinds | None) -> None:
        self._written.append((rows, kinds))

    def commit(self) -> None:
        if self._schema is None:
            raise DataError("a result was printed before it had columns")
        self._console.print(_table(self._schema, self._written, changelog=self._changelog))
        count = sum(rows.num_rows for rows, _ in self._written)
        self._console.print(f"{count:,} row{'' if count == 1 else 's'}", style="dim")

    def abort(self) -> None:
        self._written = []


def _table(schema: Schema, written: list[tuple[pa.RecordBatch, RowKinds | None]], *, changelog: bool) -> Table:
    shown = Table(show_header=True, header_style="bold")
    if changelog:
        shown.add_column("op")
    for column in schema:
        shown.add_column(column.name, justify="right" if column.type.kind in _NUMBERS else "left", overflow="fold")
    total = sum(rows.num_rows for rows, _ in written)
    cells = _cells(schema, written, changelog, total)
    for number, row in enumerate(cells):
        if total > MAX_ROWS and number == MAX_ROWS // 2:
            shown.add_row(*["…"] * len(row))
        shown.add_row(*row)
    return shown


def _cells(
    schema: Schema, written: list[tuple[pa.RecordBatch, RowKinds | None]], changelog: bool, total: int
) -> list[list[str]]:
    """The text of the rows that are shown: all, or the first and the last MAX_ROWS / 2."""
    head = tail = MAX_ROWS // 2
    cells: list[list[str]] = []
    before = 0
    for rows, kinds in written:
        for index in range(rows.num_rows):
            number = before + index
            if total > MAX_ROWS and head <= number < total - tail:
                continue
            values = ["NULL" if (value := column[index].as_py()) is None else str(value) for column in rows.columns]
            kind = RowKind.INSERT if kinds is None else RowKind(int(kinds[index]))
            cells.append([kind.short, *values] if changelog else values)
        before += rows.num_rows
    return cells
