"""Grouping rows by equal keys, where NULL = NULL, NaN = NaN and -0.0 = 0.0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql import compiled
from streamsql.state.fixed_width import AnyArray, BoolArray, Int64Array, array_of, is_fixed_width, valid_of, values_of
from streamsql.state.hashing import mix

_RUN, _SAMPLE = 8, 256
"""Runs of so many rows are worth looking for; so many rows tell whether there are any."""
_MANY = 1024
"""From so many rows on, hashing in numpy is faster than a dictionary."""


def normalized_type(type_: pa.DataType) -> pa.DataType:
    """The type of a key column after `normalize_key`."""
    return pa.binary() if pa.types.is_nested(type_) else type_


def normalize_key(array: pa.Array) -> pa.Array:
    """Equal values as equal bytes that Acero can group: one NaN, no -0.0, nested values as canonical binary."""
    if pa.types.is_floating(array.type):
        return _normalize_float(array)
    if pa.types.is_nested(array.type):
        from streamsql.state.nested_keys import encode_nested

        return encode_nested(array)
    return array


def denormalize_key(array: pa.Array, type_: pa.DataType) -> pa.Array:
    """The values of type `type_` that `normalize_key` made `array` of."""
    if not pa.types.is_nested(type_):
        return array
    from streamsql.state.nested_keys import decode_nested

    return decode_nested(array, type_)


def _normalize_float(array: pa.Array) -> pa.Array:
    values = values_of(array)
    negative_zero = np.signbit(values) & (values == 0)
    nan = np.isnan(values)
    if not negative_zero.any() and not nan.any():
        return array
    clean = np.where(negative_zero, values.dtype.type(0), values)
    clean[nan] = np.nan
    return array_of(clean, valid_of(array), array.type)


def group_rows(columns: Sequence[pa.Array]) -> tuple[Int64Array, Int64Array]:
    """Which rows of normalised columns (at least one) are equal.

    Returns for each row the id of its group, dense from 0 by first appearance, and for each group its first row.
    """
    slots = _common_slots(columns)
    if slots is not None:
        return _group_by_position(*slots)
    ids, first = _group_column(columns[0])
    for column in columns[1:]:
        more, more_first = _group_column(column)
        if len(first) == 1:
            ids, first = more, more_first
        elif len(more_first) > 1:
            ids, first = _group_integers(ids * len(more_first) + more)
    return ids, first


def _common_slots(columns: Sequence[pa.Array]) -> tuple[Int64Array, int] | None:
    """One number for the values of several integer columns, where their ranges multiply to little more than rows."""
    if len(columns) == 1 or any(not is_fixed_width(each.type) or each.null_count for each in columns):
        return None
    values = [values_of(each) for each in columns]
    count = len(values[0])
    if not count or any(each.dtype.kind != "i" or each.ndim > 1 for each in values):
        return None
    slots, width = None, 1
    for each in values:
        low = int(each.min())
        span = int(each.max()) - low + 1
        width *= span
        if width > 4 * count:
            return None
        part = each.astype(np.int64) - low
        slots = part if slots is None else slots * span + part
    assert slots is not None
    return slots, width


def _group_column(column: pa.Array) -> tuple[Int64Array, Int64Array]:
    if not column.null_count and is_fixed_width(column.type):
        values = values_of(column)
        if values.dtype.kind == "i" and values.ndim == 1:
            return _group_integers(values)
    return _group_by_dictionary(column)


def _group_integers(values: AnyArray) -> tuple[Int64Array, Int64Array]:
    """Direct addressing where the values lie close together, runs where they repeat, else a hash table."""
    count = len(values)
    if not count:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    low, high = int(values.min()), int(values.max())
    if low == high:
        return np.zeros(count, np.int64), np.zeros(1, np.int64)
    if high - low <= 4 * count:
        return _group_by_position(values.astype(np.int64) - low, high - low + 1)
    changes = np.flatnonzero(values[1:] != values[:-1]) + 1
    if len(changes) * _RUN < count:
        heads = np.concatenate([[0], changes])
        ids, first = _group_by_dictionary(pa.array(values[heads]))
        return np.repeat(ids, np.diff(heads, append=count)), heads[first]
    if count < _MANY:
        return _group_by_dictionary(pa.array(values))
    return _group_by_hash(values.astype(np.int64, copy=False))


def _group_by_position(slots: Int64Array, width: int) -> tuple[Int64Array, Int64Array]:
    if (fast := compiled.kernels(len(slots))) is not None:
        found: tuple[Int64Array, Int64Array] = fast.group_by_position(slots, width)
        return found
    first_at = np.empty(width, np.int64)
    first_at.fill(len(slots))
    np.minimum.at(first_at, slots, np.arange(len(slots)))
    return _numbered(first_at[slots])


def _group_by_hash(values: Int64Array) -> tuple[Int64Array, Int64Array]:
    """The lowest row takes a slot, and with it all rows of its value; the others try another slot."""
    count = len(values)
    if (fast := compiled.kernels(count)) is not None:
        found: tuple[Int64Array, Int64Array] = fast.group_by_hash(compiled.plain(values))
        return found
    shift = np.uint64(64 - (4 * count).bit_length())
    first_at = np.empty(1 << (4 * count).bit_length(), np.int64)
    first_of_row = np.empty(count, np.int64)
    rows, hashes = np.arange(count), mix(values.view(np.uint64))
    while len(rows):
        slots = (hashes >> shift).view(np.int64)
        first_at[slots] = count
        np.minimum.at(first_at, slots, rows)
        first = first_at[slots]
        settled = values[first] == values[rows]
        first_of_row[rows[settled]] = first[settled]
        rows, hashes = rows[~settled], mix(hashes[~settled])
    return _numbered(first_of_row)


def _numbered(first_of_row: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Group ids by first appearance, from the first row with each row's value."""
    first = (first_of_row == np.arange(len(first_of_row))).nonzero()[0]
    number = np.empty(len(first_of_row), np.int64)
    number[first] = np.arange(len(first))
    return number[first_of_row], first


def _group_by_dictionary(column: pa.Array) -> tuple[Int64Array, Int64Array]:
    heads = _heads_of_runs(column)
    if heads is not None:
        ids, first = _group_by_dictionary(column.take(pa.array(heads)))
        return np.repeat(ids, np.diff(heads, append=len(column))), heads[first]
    indices = pc.dictionary_encode(column, null_encoding="encode").indices
    ids = np.asarray(indices.to_numpy(zero_copy_only=False)).astype(np.int64)
    if not len(ids):
        return ids, ids
    return ids, np.flatnonzero(np.diff(np.maximum.accumulate(ids), prepend=-1))


def _heads_of_runs(column: pa.Array) -> Int64Array | None:
    """Where a value follows another one; None where there are too many such places, or few rows."""
    if len(column) < _MANY or _changes(column[:_SAMPLE]).sum() * _RUN > _SAMPLE:
        return None
    heads = np.concatenate([[0], _changes(column).nonzero()[0] + 1])
    return heads if len(heads) * _RUN < len(column) else None


def _changes(column: pa.Array) -> BoolArray:
    """Whether each value but the first may differ from the one before; a NULL does."""
    same = pc.fill_null(pc.equal(column[1:], column[:-1]), False)
    return ~np.asarray(same.to_numpy(zero_copy_only=False))


def single_chunk(column: pa.ChunkedArray) -> pa.Array:
    """The column of a table as one array, copied only where it has several chunks."""
    if column.num_chunks == 1:
        return column.chunk(0)
    return column.combine_chunks() if column.num_chunks else pa.array([], column.type)
