"""Tables for a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator

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

MAX_ROWS = 200
_NUMBERS = (*INTEGERS, *FLOATS, Kind.DECIMAL)
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), 127)} | {9: "\\t", 10: "\\n", 13: "\\r"}
"""Data must not move the cursor or change the colours of a terminal."""


class TerminalSink:
    """Collects rows and prints them as one table; of a long one the first and the last rows."""

    mode: SinkMode = "changelog"

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(file=sys.stdout, highlight=False)
        self._schema: Schema | None = None
        self._changelog = False
        self._written: list[pa.RecordBatch] = []

    def open(self, schema: Schema, *, changelog: bool, bounded: bool = True) -> None:
        self._schema = with_op(schema) if changelog else schema
        self._changelog, self._written = changelog, []

    def write(self, rows: pa.RecordBatch, kinds: RowKinds | None) -> None:
        if self._schema is None:
            raise DataError("a result was printed before it had columns")
        self._written.append(add_op(rows, kinds, self._schema) if self._changelog else rows)

    def commit(self) -> None:
        if self._schema is None:
            raise DataError("a result was printed before it had columns")
        count = sum(rows.num_rows for rows in self._written)
        self._console.print(_table(self._schema, self._written, count))
        self._console.print(f"{count:,} row{'' if count == 1 else 's'}", style="dim")

    def abort(self) -> None:
        self._written = []


def _table(schema: Schema, written: list[pa.RecordBatch], count: int) -> Table:
    shown = Table(show_header=True, header_style="bold")
    for column in schema:
        justify = "right" if column.type.kind in _NUMBERS else "left"
        shown.add_column(_cell(column.name), justify=justify, overflow="fold")  # type: ignore[arg-type]
    for part in _ends(written, count):
        if part is None:
            shown.add_row(*(Text("…") for _ in schema))
            continue
        columns = [_texts(values, column.type) for values, column in zip(part.columns, schema, strict=True)]
        for row in zip(*columns, strict=True):
            shown.add_row(*row)
    return shown


def _ends(written: list[pa.RecordBatch], count: int) -> Iterator[pa.RecordBatch | None]:
    """The rows that are shown: all, or the first and the last MAX_ROWS / 2 with a None between them."""
    if count <= MAX_ROWS:
        yield from written
        return
    half = MAX_ROWS // 2
    rows = pa.Table.from_batches(written)
    yield from rows.slice(0, half).to_batches()
    yield None
    yield from rows.slice(count - half).to_batches()


def _texts(values: pa.Array, type_: SqlType) -> list[Text]:
    """What cells show: times and numbers as in JSON lines and CSV, nested values as JSON."""
    text = to_json(values, type_) if type_.children else render_scalar(values, type_)
    missing = values.is_null().to_pylist()
    shown = zip(text.to_pylist(), missing, strict=True)
    return [Text("NULL", style="dim") if null else _cell(each) for each, null in shown]


def _cell(text: str) -> Text:
    return Text(text.translate(_CONTROLS))
