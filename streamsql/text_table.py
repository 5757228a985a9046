"""A result as plain text, for `Query.show`."""

from __future__ import annotations

import pyarrow as pa

from streamsql.expr.types import FLOATS, INTEGERS, TIMESTAMPS, Kind, Schema, SqlType

_NUMBERS = (*INTEGERS, *FLOATS, Kind.DECIMAL)
_UNITS = {0: "s", 1: "ms", 2: "ms", 3: "ms"}
_WIDEST = 60


def text_table(table: pa.Table, schema: Schema, most: int) -> str:
    """The first `most` rows under the columns' names, and how many rows there are.

    >>> from streamsql.expr.types import INT, STRING, schema
    >>> print(text_table(pa.table({"item": ["pen", None], "n": [7, 10]}), schema(("item", STRING), ("n", INT)), 20))
    item │  n
    ─────┼───
    pen  │  7
    NULL │ 10
    2 rows
    <BLANKLINE>
    """
    shown = table.slice(0, most)
    columns = [_texts(shown.column(index), each.type) for index, each in enumerate(schema)]
    widths = [max(len(text) for text in (each.name, *texts)) for each, texts in zip(schema, columns, strict=True)]
    right = [each.type.kind in _NUMBERS for each in schema]
    lines = [_line(schema.names, widths, right), "─┼─".join("─" * width for width in widths)]
    lines += [_line(values, widths, right) for values in zip(*columns, strict=True)]
    count = f"{table.num_rows:,} row{'' if table.num_rows == 1 else 's'}"
    hidden = f", the first {most:,} shown" if table.num_rows > most else ""
    return "\n".join([*lines, f"{count}{hidden}", ""])


def _line(values: tuple[str, ...], widths: list[int], right: list[bool]) -> str:
    cells = zip(values, widths, right, strict=True)
    return " │ ".join(value.rjust(width) if end else value.ljust(width) for value, width, end in cells).rstrip()


def _texts(values: pa.ChunkedArray, type_: SqlType) -> list[str]:
    if type_.kind in TIMESTAMPS:
        values = values.cast(pa.timestamp(_UNITS.get(type_.precision or 0, "us"), values.type.tz))
    if type_.children or type_.kind in (Kind.BINARY, Kind.VARBINARY, Kind.INTERVAL_DAY):
        texts = [None if value is None else str(value) for value in values.to_pylist()]
    else:
        texts = values.cast(pa.string()).to_pylist()
    return ["NULL" if each is None else _cut(each) for each in texts]


def _cut(text: str) -> str:
    text = text.replace("\n", "\\n")
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
