"""Rows as a table that fits a terminal: columns cut or left out where there is no room, nothing that steers it."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text
from streamsql_connectors.formats.json_encode import to_json
from streamsql_connectors.formats.text_render import render_scalar

from streamsql.expr.types import FLOATS, INTEGERS, Kind, Schema, SqlType
from streamsql.record import record

_NUMBERS = (*INTEGERS, *FLOATS, Kind.DECIMAL)
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {9: "\\t", 10: "\\n", 13: "\\r"}
"""Data must not move the cursor or change the colours of a terminal."""
_BORDERS = 3
NARROWEST = 10
"""A column is not cut below this width; rather, columns in the middle are left out."""
_GAP = "…"


@record
class Drawing:
    """A table, and how many of its columns it shows."""

    table: Table
    columns: int


def draw(schema: Schema, batches: Sequence[pa.RecordBatch], width: int, *, gap_at: int | None = None) -> Drawing:
    """The rows as a table not wider than `width`; `gap_at`: the row before which others were left out."""
    cells = [_cells([each.column(index) for each in batches], column.type) for index, column in enumerate(schema)]
    heads = [_cell(each.name) for each in schema]
    wanted = [max(cell_len(each.plain) for each in (head, *column)) for head, column in zip(heads, cells, strict=True)]
    shown = shown_columns(wanted, width)
    widest = _widest([wanted[each] for each in shown if each is not None], width - _BORDERS * len(shown) - 1)
    table = Table(show_header=True, header_style="bold")
    for index in shown:
        if index is None:
            table.add_column(_GAP, width=1)
        else:
            justify = "right" if schema.columns[index].type.kind in _NUMBERS else "left"
            limit = min(wanted[index], widest)
            table.add_column(heads[index], justify=justify, no_wrap=True, overflow="ellipsis", width=limit)  # type: ignore[arg-type]
    gap = Text(_GAP)
    for row in range(len(cells[0]) if cells else 0):
        if row == gap_at:
            table.add_row(*(gap for _ in shown))
        table.add_row(*(gap if index is None else cells[index][row] for index in shown))
    return Drawing(table, sum(each is not None for each in shown))


def shown_columns(wanted: Sequence[int], width: int) -> list[int | None]:
    """The positions of the columns that have room; None stands where the ones in the middle are left out.

    >>> shown_columns([4, 4], 80), shown_columns([20] * 6, 40)
    ([0, 1], [0, None, 5])
    """
    needed = [_BORDERS + min(each, NARROWEST) for each in wanted]
    if sum(needed) + 1 <= width or len(wanted) < 3:
        return list(range(len(wanted)))
    room = width - 1 - (_BORDERS + 1)
    first, last = [0], [len(wanted) - 1]
    room -= needed[0] + needed[-1]
    while first[-1] + 1 < last[0]:
        left = len(first) <= len(last)
        following = first[-1] + 1 if left else last[0] - 1
        room -= needed[following]
        if room < 0:
            break
        if left:
            first.append(following)
        else:
            last.insert(0, following)
    return [*first, None, *last]


def _widest(wanted: Sequence[int], room: int) -> int:
    """The largest width at which columns may be cut so that all fit."""
    widest = max(wanted, default=0)
    while widest > NARROWEST and sum(min(each, widest) for each in wanted) > room:
        widest -= 1
    return widest


def _cells(arrays: Sequence[pa.Array], type_: SqlType) -> list[Text]:
    return [cell for each in arrays for cell in _texts(each, type_)]


def _texts(values: pa.Array, type_: SqlType) -> list[Text]:
    """What cells show: times and numbers as in JSON lines and CSV, nested values as JSON."""
    text = to_json(values, type_) if type_.children else render_scalar(values, type_)
    missing = values.is_null().to_pylist()
    shown = zip(text.to_pylist(), missing, strict=True)
    return [Text("NULL", style="dim") if null else _cell(each) for each, null in shown]


def _cell(text: str) -> Text:
    return Text(text.translate(_CONTROLS))
