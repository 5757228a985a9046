"""Tables for a terminal."""

from __future__ import annotations

import sys

import pyarrow as pa
from rich.console import Console
from rich.table import Table
from rich.text import Text
from streamsql_connectors.changelog_column import add_op, with_op
from streamsql_connectors.formats.json_encode import to_json
from streamsql_connectors.formats.text_render import render_scalar

from streamsql.errors import DataError
from streamsql.expr.types import FLOATS, INTEGERS, Kind, Schema, SqlType
from streamsql.ports import RowKinds, SinkMode
from streamsql_repl.left_out import counted

MAX_ROWS = 200
_NUMBERS = (*INTEGERS, *FLOATS, Kind.DECIMAL)
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), 127)} | {9: "\\t", 10: "\\n", 13: "\\r"}
"""Data must not move the cursor or change the colours of a terminal."""


class TerminalSink:
    """Prints rows as one table when all have come; of a long one it keeps and shows the first and the last rows."""

    mode: SinkMode = "changelog"

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(file=sys.stdout, highlight=False)
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
        if sum(each.num_rows for each in self._shown) > MAX_ROWS:
            self._shown = _ends(self._shown)

    def commit(self) -> None:
        if self._schema is None:
            raise DataError("a result was printed before it had columns")
        self._console.print(_table(self._schema, self._shown, cut=self._count > MAX_ROWS))
        self._console.print(counted(self._count), style="dim")

    def abort(self) -> None:
        self._shown = []


def _ends(batches: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
    """The first and the last MAX_ROWS / 2 rows, in memory of their own."""
    rows = pa.Table.from_batches(batches)
    half = MAX_ROWS // 2
    ends = pa.concat_tables([rows.slice(0, half), rows.slice(rows.num_rows - half)])
    kept: list[pa.RecordBatch] = ends.take(pa.array(range(MAX_ROWS))).combine_chunks().to_batches()
    return kept


def _table(schema: Schema, batches: list[pa.RecordBatch], *, cut: bool) -> Table:
    shown = Table(show_header=True, header_style="bold")
    for column in schema:
        justify = "right" if column.type.kind in _NUMBERS else "left"
        shown.add_column(_cell(column.name), justify=justify, overflow="fold")  # type: ignore[arg-type]
    number = 0
    for rows in batches:
        columns = [_texts(values, column.type) for values, column in zip(rows.columns, schema, strict=True)]
        for row in zip(*columns, strict=True):
            if cut and number == MAX_ROWS // 2:
                shown.add_row(*(Text("…") for _ in schema))
            shown.add_row(*row)
            number += 1
    return shown


def _texts(values: pa.Array, type_: SqlType) -> list[Text]:
    """What cells show: times and numbers as in JSON lines and CSV, nested values as JSON."""
    text = to_json(values, type_) if type_.children else render_scalar(values, type_)
    missing = values.is_null().to_pylist()
    shown = zip(text.to_pylist(), missing, strict=True)
    return [Text("NULL", style="dim") if null else _cell(each) for each, null in shown]


def _cell(text: str) -> Text:
    return Text(text.translate(_CONTROLS))
