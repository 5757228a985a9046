"""The changelog: net changes of a step, their row kinds, and the table that they add up to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.batch import Batch, Weights, concat_batches
from streamsql.errors import DataError
from streamsql.ports import RowKind, RowKinds
from streamsql.runtime.row_order import row_order
from streamsql.state.fixed_width import is_fixed_width, values_of
from streamsql.state.grouping import group_rows, normalize_key
from streamsql.state.hashing import hash_rows
from streamsql.state.ordering import lexical_order

Int64Array = npt.NDArray[np.int64]
Key = tuple[int, ...]
_KINDS = np.array([RowKind.DELETE, RowKind.INSERT, RowKind.UPDATE_BEFORE, RowKind.UPDATE_AFTER], np.int8)
"""By whether the row is added, plus 2 where it is half of an update."""


def consolidate(batches: Sequence[Batch]) -> Batch:
    """The batches as one, without rows that are both added and taken back; at least one batch is needed.

    What remains stays in order, and of equal rows the first remain. Append-only batches are only put together.
    """
    batch = concat_batches(batches)
    weights = batch.weights
    if weights is None or not len(weights) or (weights > 0).all() or (weights < 0).all():
        return batch
    at = _may_cancel(batch.rows, weights)
    if not len(at):
        return batch
    rows, signs = (batch.rows, weights) if len(at) == len(weights) else (batch.rows.take(pa.array(at)), weights[at])
    ids = _group(rows, range(rows.num_columns))
    net = _sum_by(ids, signs)
    same_sign = np.sign(net)[ids] == signs
    if same_sign.all():
        return batch
    kept = np.ones(len(weights), np.bool_)
    kept[at] = same_sign & (_rank(ids * 2 + (signs > 0)) < np.abs(net)[ids])
    return batch.filter(kept)


def _may_cancel(rows: pa.RecordBatch, weights: Weights) -> Int64Array:
    """The rows whose hash comes with both signs."""
    if not rows.num_columns:
        return np.arange(len(weights))
    hashes = hash_rows([normalize_key(each) for each in rows.columns])
    added, removed = np.sort(hashes[weights > 0]), np.sort(hashes[weights < 0])
    place = np.minimum(np.searchsorted(added, removed), len(added) - 1)
    both = removed[added[place] == removed]
    if not len(both):
        return np.empty(0, np.int64)
    place = np.minimum(np.searchsorted(both, hashes), len(both) - 1)
    return np.flatnonzero(both[place] == hashes)


def row_kinds(batch: Batch, key: Key | None) -> tuple[pa.RecordBatch, RowKinds | None]:
    """Net changes as changelog rows with their kinds; None where all are INSERT because the input is append-only.

    With a unique key, the row taken back and the row added under one key become -U and, directly after it, +U, both
    where the earlier of them stood. All else is -D and +I in the order given.
    """
    weights = batch.weights
    if weights is None:
        return batch.rows, None
    added = weights > 0
    if key is None or added.all() or not added.any():
        return batch.rows, _KINDS[added.view(np.int8)]
    paired = _neighbours(batch.rows, added, key)
    alone = added[~paired]
    if alone.all() or not alone.any():
        return batch.rows, _KINDS.take(added.view(np.int8) + 2 * paired.view(np.int8))
    order, paired = _pair_up(_group(batch.rows, key), added)
    return batch.rows.take(pa.array(order)), _KINDS[added + 2 * paired][order]


def fold(changes: Sequence[Batch], schema: pa.Schema, key: Key | None = None) -> pa.Table:
    """The table that changes add up to: in arrival order if all are append-only, else by key or by all columns."""
    kept = accumulate(changes, key)
    if kept is None:
        return schema.empty_table()
    table = pa.Table.from_batches([_renamed(each.rows, schema) for each in kept], schema)
    if all(each.weights is None for each in kept):
        return table
    return table.take(pa.array(row_order(table.combine_chunks(), key)))


def accumulate(changes: Sequence[Batch], key: Key | None = None) -> list[Batch] | None:
    """The rows that are there after all changes; None if there were none. Append-only changes come back as they are.

    `key`: columns of which each value has one row at a time. Raises DataError where a row is taken back that was not
    there.
    """
    filled = [each for each in changes if len(each)]
    if not filled:
        return None
    if all(each.weights is None for each in filled):
        return filled
    batch = concat_batches(filled)
    weights = batch.sign().astype(np.int64)
    if (weights > 0).all():
        return [batch]
    last = None if key is None else _last_rows(batch.rows, weights > 0, key)
    if last is not None:
        return [batch.take(last)]
    ids = _group(batch.rows, range(batch.rows.num_columns))
    _check_present(batch.rows, ids, weights)
    net = _sum_by(ids, weights)
    return [batch.filter((weights > 0) & (_rank(ids * 2 + (weights > 0)) < net[ids]))]


def _last_rows(rows: pa.RecordBatch, added: npt.NDArray[np.bool_], key: Key) -> Int64Array | None:
    """The places of the rows that are there, found by their keys alone; None where rows of a key do not come and go in
    turn, each as it came."""
    ids = _group(rows, key)
    order = lexical_order([ids])
    ids, added = ids[order], added[order]
    same = ids[1:] == ids[:-1]
    if not added[0] or (added[1:] == (added[:-1] & same)).any():
        return None
    gone = np.flatnonzero(~added)
    if not _equal_rows(rows, order[gone - 1], order[gone]):
        return None
    return np.sort(order[added & np.append(~same, True)])


def _equal_rows(rows: pa.RecordBatch, left: Int64Array, right: Int64Array) -> bool:
    """Whether all rows at `left` are those at `right`; a NaN is not."""
    if not len(left):
        return True
    pairs = ([column.take(pa.array(places)) for places in (left, right)] for column in rows.columns)
    return all(before.equals(after) for before, after in pairs)


def _check_present(rows: pa.RecordBatch, ids: Int64Array, weights: Int64Array) -> None:
    """At no time may there be less than no copies of a row."""
    order = lexical_order([ids])
    sums = np.cumsum(weights[order])
    starts = np.flatnonzero(np.diff(ids[order], prepend=-1))
    before = np.where(starts > 0, sums[starts - 1], 0)
    missing = sums < np.repeat(before, np.diff(np.append(starts, len(ids))))
    if missing.any():
        row = rows.slice(int(order[missing].min()), 1).to_pylist()[0]
        raise DataError(f"a row was taken back that is not in the result: {row}")


def _group(rows: pa.RecordBatch, positions: Sequence[int]) -> Int64Array:
    if not len(positions):
        return np.zeros(rows.num_rows, np.int64)
    ids, _ = group_rows([normalize_key(rows.column(each)) for each in positions])
    return ids


def _sum_by(ids: Int64Array, weights: npt.NDArray[np.signedinteger]) -> Int64Array:
    return np.bincount(ids, weights).astype(np.int64)


def _rank(ids: Int64Array) -> Int64Array:
    """How many equal ids stand before each one."""
    order = lexical_order([ids])
    ordered = ids[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=ordered[0] - 1))
    lengths = np.diff(np.append(starts, len(ids)))
    rank = np.empty(len(ids), np.int64)
    rank[order] = np.arange(len(ids)) - np.repeat(starts, lengths)
    return rank


def _neighbours(rows: pa.RecordBatch, added: npt.NDArray[np.bool_], key: Key) -> npt.NDArray[np.bool_]:
    """Which rows form a taken-back/added pair of one key with the row right beside them."""
    paired = np.zeros(len(added), np.bool_)
    candidates = ~added[:-1] & added[1:]
    if not candidates.any():
        return paired
    for position in key:
        column = normalize_key(rows.column(position))
        candidates &= _equal_to_next(column)
    paired[:-1] |= candidates
    paired[1:] |= candidates
    return paired


def _equal_to_next(column: pa.Array) -> npt.NDArray[np.bool_]:
    if column.null_count or pa.types.is_floating(column.type):
        ids, _ = group_rows([column])
        return np.asarray(ids[:-1] == ids[1:])
    if is_fixed_width(column.type) and (values := values_of(column)).ndim == 1:
        return np.asarray(values[:-1] == values[1:])
    return np.asarray(pc.equal(column[:-1], column[1:]).to_numpy(zero_copy_only=False))


def _pair_up(ids: Int64Array, added: npt.NDArray[np.bool_]) -> tuple[Int64Array, npt.NDArray[np.bool_]]:
    """The order in which the rows of one key stand together, and which of them have a partner."""
    copy = _rank(ids * 2 + added)
    pairs, count = ids * (int(copy.max()) + 1) + copy, len(ids)
    order = lexical_order([pairs])
    same = np.flatnonzero(pairs[order][:-1] == pairs[order][1:])
    left, right = order[same], order[same + 1]
    anchor, paired = np.arange(count), np.zeros(count, np.bool_)
    anchor[left] = anchor[right] = np.minimum(left, right)
    paired[left] = paired[right] = True
    return lexical_order([anchor, added]), paired


def _renamed(rows: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    if rows.schema.equals(schema) or not rows.num_columns:
        return rows
    return pa.RecordBatch.from_arrays(rows.columns, schema=schema)
