"""The error of a row that is taken back but was never added."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from streamsql.errors import DataError, Span
from streamsql.expr.types import Schema


def never_added(
    schema: Schema, columns: Sequence[int], values: Sequence[pa.Array], span: Span | None = None
) -> DataError:
    """Names the row by `columns` (positions in `schema`) and their `values`, arrays of one value each."""
    names = [schema.columns[each].name for each in columns]
    shown = ", ".join(f"{name} = {_show(value[0].as_py())}" for name, value in zip(names, values, strict=True))
    return DataError(
        f"a row was taken back that was never added: {shown or 'the only group'}",
        span=span,
        hint="the input's -U and -D rows must equal rows sent before; check the source's changelog",
    )


def _show(value: object) -> str:
    match value:
        case None:
            return "NULL"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case _:
            return str(value)
