"""Texts by group in order of arrival, and LISTAGG's way of joining them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.state.fixed_width import BoolArray, Int64Array
from streamsql.state.grouping import group_rows


@dataclass(frozen=True, slots=True)
class TextList:
    """The texts of groups: sorted by group id, within a group by arrival."""

    ids: Int64Array
    texts: pa.Array


def joined(rows: TextList, size: int, separator: str, *, distinct: bool) -> pa.Array:
    """One text a group; NULL where a group has none. `distinct` keeps the first of equal texts."""
    ids, texts = rows.ids, rows.texts
    if distinct and len(ids):
        _, first = group_rows([pa.array(ids), texts])
        ids, texts = ids[first], texts.take(pa.array(first))
    counts = np.bincount(ids, minlength=size)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    lists = pa.LargeListArray.from_arrays(pa.array(offsets), texts.cast(pa.string()))
    return pc.if_else(pa.array(counts > 0), pc.binary_join(lists, separator), pa.scalar(None, pa.string()))


def surviving(values: Int64Array, weights: Int64Array) -> BoolArray | None:
    """Which rows are left when each -1 row takes back the oldest equal +1 row; None when a -1 row finds none.

    `values` identify what is equal; rows are in order of arrival.
    """
    kept = weights > 0
    gone = np.bincount(values[~kept], minlength=int(values.max(initial=-1)) + 1)
    if not gone.any():
        return np.asarray(kept)
    order = np.argsort(values, kind="stable")
    order = order[kept[order]]
    mine = values[order]
    if bool((np.bincount(mine, minlength=len(gone)) < gone).any()):
        return None
    start = np.searchsorted(mine, mine)
    kept[order[np.arange(len(mine)) - start < gone[mine]]] = False
    return np.asarray(kept)
