"""Rebuilding Arrow arrays of lists, maps and structs with other leaves."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

Leaf = Callable[[pa.Array, pa.DataType], pa.Array]
"""Makes of an array that is not nested one of the wanted type."""


def rebuild(array: pa.Array, wanted: pa.DataType, leaf: Leaf) -> pa.Array:
    """The array as the wanted type, which has the same nesting, with `leaf` applied to what is not nested."""
    if pa.types.is_null(wanted):
        return pa.nulls(len(array))
    if pa.types.is_map(wanted):
        return _map(array, wanted, leaf)
    if pa.types.is_list(wanted):
        offsets, first, count = _offsets(array)
        values = rebuild(array.values.slice(first, count), wanted.value_type, leaf)
        return pa.ListArray.from_arrays(offsets, values, wanted, mask=array.is_null())
    if pa.types.is_struct(wanted):
        parts = [rebuild(array.field(index), field.type, leaf) for index, field in enumerate(wanted)]
        return pa.StructArray.from_arrays(parts, fields=list(wanted), mask=array.is_null())
    return leaf(array, wanted)


def rebuild_column(column: pa.ChunkedArray, wanted: pa.DataType, leaf: Leaf) -> pa.ChunkedArray:
    """`rebuild` for each chunk."""
    return pa.chunked_array([rebuild(chunk, wanted, leaf) for chunk in column.chunks], wanted)


def _map(array: pa.Array, wanted: pa.DataType, leaf: Leaf) -> pa.Array:
    offsets, first, count = _offsets(array)
    keys = rebuild(array.keys.slice(first, count), wanted.key_type, leaf)
    items = rebuild(array.items.slice(first, count), wanted.item_type, leaf)
    return pa.MapArray.from_arrays(offsets, keys, items, wanted, mask=array.is_null())


def _offsets(array: pa.Array) -> tuple[pa.Array, int, int]:
    """Offsets from 0, and the stretch of values that they point into; the array may be a slice of another."""
    offsets = array.offsets.to_numpy()
    first = int(offsets[0])
    return pa.array(offsets - first), first, int(offsets[-1]) - first
