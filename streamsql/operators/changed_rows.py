"""From the results of groups before and after a step to the rows that are sent on."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.batch import Batch
from streamsql.state.fixed_width import (
    BoolArray,
    Int64Array,
    array_of,
    is_fixed_width,
    take_rows,
    valid_of,
    values_of,
)
from streamsql.state.group_state import GroupUpdate


def changed_rows(update: GroupUpdate, schema: pa.Schema) -> Batch | None:
    """Each changed group's old row (-1) directly before its new one (+1); None when nothing changed."""
    had, has = update.had, update.has
    if not np.count_nonzero(had):
        return _added(update, schema)
    changed = _differs(update, len(had))
    wanted = np.empty((len(had), 2), np.bool_)
    np.logical_and(had, changed, out=wanted[:, 0])
    np.logical_and(has, changed, out=wanted[:, 1])
    picked = wanted.ravel().nonzero()[0]
    if not len(picked):
        return None
    group, is_new = picked >> 1, picked & 1
    of_result = group + is_new * len(had)
    columns = [take_rows(each, group) for each in update.keys]
    columns += [_take_pair(*pair, of_result) for pair in zip(update.old, update.new, strict=True)]
    weights = (2 * is_new - 1).astype(np.int8)
    return Batch(pa.RecordBatch.from_arrays(columns, schema=schema), weights)


def _take_pair(old: pa.Array, new: pa.Array, at: Int64Array) -> pa.Array:
    """Rows of both arrays, as if one followed the other."""
    if old.null_count or new.null_count or not is_fixed_width(old.type):
        return take_rows(pa.concat_arrays([old, new]), at)
    return array_of(np.concatenate([values_of(old), values_of(new)])[at], None, old.type)


def _added(update: GroupUpdate, schema: pa.Schema) -> Batch | None:
    """All groups are new: rows without weights."""
    rows = pa.RecordBatch.from_arrays([*update.keys, *update.new], schema=schema)
    if not bool(update.has.all()):
        rows = rows.filter(pa.array(update.has))
    return Batch(rows) if rows.num_rows else None


def _differs(update: GroupUpdate, size: int) -> BoolArray:
    """Where a row came, went, or has another result."""
    differs = update.had != update.has
    for before, after in zip(update.old, update.new, strict=True):
        if np.count_nonzero(differs) == size:
            break
        differs |= _column_differs(before, after)
    return np.asarray(differs)


def _column_differs(old: pa.Array, new: pa.Array) -> BoolArray:
    """Where values are not the same; NULL is the same as NULL, and floats go by their bits."""
    if not is_fixed_width(old.type):
        same = pc.fill_null(pc.equal(old, new), False)
        both_null = pc.and_(old.is_null(), new.is_null())
        return ~np.asarray(pc.or_(same, both_null).to_numpy(zero_copy_only=False))
    left, right = values_of(old), values_of(new)
    if left.dtype.kind == "f":
        bits = np.int32 if left.itemsize == 4 else np.int64
        left, right = left.view(bits), right.view(bits)
    differs = left != right
    if differs.ndim == 2:
        differs = differs.any(axis=1)
    left_valid, right_valid = valid_of(old), valid_of(new)
    if left_valid is None and right_valid is None:
        return np.asarray(differs)
    every = np.ones(len(differs), np.bool_)
    left_valid = every if left_valid is None else left_valid
    right_valid = every if right_valid is None else right_valid
    return np.asarray((differs & left_valid & right_valid) | (left_valid != right_valid))
