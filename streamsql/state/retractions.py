"""Rows that are taken back: which are left then, and the error of one that was never added."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from streamsql.errors import DataError, Span
from streamsql.expr.types import Schema
from streamsql.state.fixed_width import BoolArray, Int64Array
from streamsql.state.ordering import lexical_order


def surviving(values: Int64Array, weights: Int64Array) -> BoolArray | None:
    """Which rows are left when each -1 row takes back the oldest equal +1 row; None when a -1 row finds none.

    `values` identify what is equal; rows are in order of arrival.
    """
    kept = weights > 0
    gone = np.bincount(values[~kept], minlength=int(values.max(initial=-1)) + 1)
    if not gone.any():
        return np.asarray(kept)
    order = lexical_order([values])
    order = order[kept[order]]
    mine = values[order]
    if bool((np.bincount(mine, minlength=len(gone)) < gone).any()):
        return None
    start = np.searchsorted(mine, mine)
    kept[order[np.arange(len(mine)) - start < gone[mine]]] = False
    return np.asarray(kept)


def never_added(
    schema: Schema, columns: Sequence[int], values: Sequence[pa.Array], span: Span | None = None, *, source: str = ""
) -> DataError:
    """Names the row by `columns` (positions in `schema`) and their `values`, arrays of one value each.

    `source`: where the row came from.
    """
    names = [schema.columns[each].name for each in columns]
    shown = ", ".join(f"{name} = {_show(value[0].as_py())}" for name, value in zip(names, values, strict=True))
    return DataError(
        f"a row{source and f' of {source}'} was taken back that was never added: {shown or 'the only group'}",
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
