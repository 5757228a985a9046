"""From the results of groups before and after a step to the rows that are sent on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.batch import Batch
from streamsql.state.fixed_width import BoolArray, int64_array, is_fixed_width, valid_of, values_of
from streamsql.state.group_state import GroupUpdate


def changed_rows(update: GroupUpdate, schema: pa.Schema) -> Batch | None:
    """Each changed group's old row (-1) directly before its new one (+1); None when nothing changed."""
    had, has = update.had, update.has
    if not bool(had.any()):
        return _added(update, schema)
    same = had & has
    if bool(same.any()):
        same &= ~_differs(update.old, update.new, len(same))
    wanted = np.stack([had & ~same, has & ~same], axis=1).ravel()
    picked = np.flatnonzero(wanted)
    if not len(picked):
        return None
    group, is_new = picked >> 1, picked & 1
    of_key, of_result = int64_array(group), int64_array(group + is_new * len(same))
    columns = [each.take(of_key) for each in update.keys]
    columns += [pa.concat_arrays(pair).take(of_result) for pair in zip(update.old, update.new, strict=True)]
    weights = (2 * is_new - 1).astype(np.int8)
    return Batch(pa.RecordBatch.from_arrays(columns, schema=schema), weights)


def _added(update: GroupUpdate, schema: pa.Schema) -> Batch | None:
    """All groups are new: rows without weights."""
    rows = pa.RecordBatch.from_arrays([*update.keys, *update.new], schema=schema)
    if not bool(update.has.all()):
        rows = rows.filter(pa.array(update.has))
    return Batch(rows) if rows.num_rows else None


def _differs(old: Sequence[pa.Array], new: Sequence[pa.Array], size: int) -> BoolArray:
    differs = np.zeros(size, np.bool_)
    for before, after in zip(old, new, strict=True):
        differs |= _column_differs(before, after)
        if bool(differs.all()):
            break
    return differs


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
