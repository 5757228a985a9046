"""Texts by group, and LISTAGG's way of joining them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.state.fixed_width import Int64Array, int64_array
from streamsql.state.grouping import group_rows


@dataclass(frozen=True, slots=True)
class TextList:
    """The texts of groups: sorted by group id, within a group by arrival or by text."""

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


def in_text_order(ids: Int64Array, texts: pa.Array, counts: Int64Array) -> TextList:
    """Distinct texts of groups, each as often as its count, by code point."""
    table = pa.Table.from_arrays([int64_array(ids), texts], ["group", "text"])
    order = pc.sort_indices(table, sort_keys=[("group", "ascending"), ("text", "ascending")])
    at = np.repeat(np.asarray(order.to_numpy()).astype(np.int64), counts[order.to_numpy()])
    return TextList(ids[at], texts.take(int64_array(at)))
