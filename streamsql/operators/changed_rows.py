"""From the results of groups before and after a step to the rows that are sent on."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.batch import Batch
from streamsql.state.fixed_width import BoolArray, is_fixed_width, take_rows, valid_of, values_of
from streamsql.state.group_state import GroupUpdate
from streamsql.state.grouping import normalize_key


def changed_rows(update: GroupUpdate, schema: pa.Schema) -> Batch | None:
    """Each changed group's old row (-1) directly before its new one (+1); None when nothing changed."""
    had, has = update.had, update.has
    if not np.count_nonzero(had):
        return _added(update, schema)
    changed = _changed(update, len(had))
    wanted = np.empty((len(had), 2), np.bool_)
    np.logical_and(had, changed, out=wanted[:, 0])
    np.logical_and(has, changed, out=wanted[:, 1])
    picked = np.arange(wanted.size) if bool(wanted.all()) else wanted.ravel().nonzero()[0]
    if not len(picked):
        return None
    group, is_new = picked >> 1, picked & 1
    columns = [take_rows(each, group) for each in update.keys]
    group += is_new * len(had)
    columns += [take_rows(each, group) for each in update.results]
    weights = (2 * is_new - 1).astype(np.int8)
    return Batch(pa.RecordBatch.from_arrays(columns, schema=schema), weights)


def _added(update: GroupUpdate, schema: pa.Schema) -> Batch | None:
    """All groups are new: rows without weights."""
    rows = pa.RecordBatch.from_arrays([*update.keys, *update.results], schema=schema)
    if not bool(update.has.all()):
        rows = rows.filter(pa.array(update.has))
    return Batch(rows) if rows.num_rows else None


def _changed(update: GroupUpdate, size: int) -> BoolArray:
    """Where a row came, went, or has another result."""
    changed = update.had != update.has
    for each in update.results:
        if np.count_nonzero(changed) == size:
            break
        changed |= _differs(each, size)
    return np.asarray(changed)


def _differs(column: pa.Array, size: int) -> BoolArray:
    """Where the two halves of a column are not the same: NULL is the same as NULL, and floats go by their bits."""
    if not is_fixed_width(column.type):
        column = normalize_key(column)
        old, new = column.slice(0, size), column.slice(size)
        same = pc.fill_null(pc.equal(old, new), False)
        both_null = pc.and_(old.is_null(), new.is_null())
        return ~np.asarray(pc.or_(same, both_null).to_numpy(zero_copy_only=False))
    values, valid = values_of(column), valid_of(column)
    if values.dtype.kind == "f":
        values = values.view(f"i{values.itemsize}")
    differs = np.asarray(values[:size] != values[size:])
    if differs.ndim == 2:
        differs = np.asarray(differs.any(axis=1))
    if valid is None:
        return differs
    old_valid, new_valid = valid[:size], valid[size:]
    return np.asarray((differs & old_valid) | (old_valid != new_valid))
