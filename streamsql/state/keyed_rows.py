"""KeyedRows: the last row of each key, and the exact changes that new rows and removals make to them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from streamsql.batch import Weights
from streamsql.record import record
from streamsql.state.base import State
from streamsql.state.fixed_width import BoolArray, Int64Array, int64_array, values_of
from streamsql.state.grouping import group_rows, normalize_key, single_chunk
from streamsql.state.key_index import KeyIndex
from streamsql.state.lifetimes import Lifetimes
from streamsql.state.nested_keys import decode_nested, encode_nested
from streamsql.state.stored_column import StoredColumn, stored_column
from streamsql.time import Duration, Time

_NONE = -1


@record(eq=False)
class KeyedChanges:
    """What rows by key changed: `of_rows` names for each change the row that made it.

    `unknown`: the removals that named a key that was not there.
    """

    rows: pa.RecordBatch
    weights: Weights
    of_rows: Int64Array
    unknown: Int64Array


class KeyedRows(State):
    """At most one row a key; NULL is a key like any other, NaN = NaN, -0.0 = 0.0. With `ttl`, rows that have not come
    again for so long expire."""

    def __init__(self, schema: pa.Schema, key: Sequence[int], ttl: Duration | None = None) -> None:
        self._schema = schema
        self._key = tuple(key)
        self._index = KeyIndex([schema.types[each] for each in key])
        self._lifetimes = None if ttl is None else Lifetimes(ttl)
        self._columns: list[StoredColumn] = [stored_column(_stored_type(each)) for each in schema.types]

    @property
    def rows(self) -> int:
        return self._index.rows

    def apply(self, rows: pa.RecordBatch, added: BoolArray) -> KeyedChanges:
        """Each row in order takes the place of the row of its key, or, where not `added`, removes that.

        A row that equals the one it replaces changes nothing. What a row replaces comes directly before it.
        """
        groups, first = group_rows([normalize_key(rows.column(each)) for each in self._key])
        known = self._index.lookup([rows.column(each).take(int64_array(first)) for each in self._key])
        held = np.flatnonzero(known >= 0)
        versions = pa.concat_batches([self._take(known[held]), _named(rows, self._schema)])
        before = np.full(len(first), _NONE)
        before[held] = np.arange(len(held))
        order = np.argsort(groups, kind="stable")
        own = np.arange(rows.num_rows) + len(held)
        previous = _previous(groups, order, np.where(added, own, _NONE), before)
        self._settle(rows, known, order[_last_of_runs(groups[order])], groups, added)
        changed = ~(added & _same(versions, previous, own))
        takes_back, adds = changed & (previous != _NONE), changed & added
        chosen = np.stack([takes_back, adds], axis=1).ravel()
        at = np.stack([previous, own], axis=1).ravel()[chosen]
        weights = np.tile(np.array([-1, 1], np.int8), rows.num_rows)[chosen]
        of_rows = np.repeat(np.arange(rows.num_rows), 2)[chosen]
        unknown = np.flatnonzero(~added & (previous == _NONE))
        return KeyedChanges(versions.take(int64_array(at)), weights, of_rows, unknown)

    def expire(self, now: Time) -> int:
        """Forget the rows that have expired by now; how many there were."""
        assert self._lifetimes is not None
        gone = self._lifetimes.expired(now)
        self._index.free(gone)
        return len(gone)

    def known(self, rows: pa.RecordBatch) -> BoolArray:
        """Which rows have a key that is there; of each only the key's columns count."""
        groups, first = group_rows([normalize_key(rows.column(each)) for each in self._key])
        found = self._index.lookup([rows.column(each).take(int64_array(first)) for each in self._key])
        return np.asarray(found[groups] >= 0)

    def save(self) -> dict[str, pa.Table]:
        ids = self._index.live_ids()
        columns = {f"c{i}": each for i, each in enumerate(self._take(ids).columns)}
        times = {} if self._lifetimes is None else self._lifetimes.save()
        return {**self._index.save(), **times, "rows": pa.table({"id": int64_array(ids), **columns})}

    def load(self, tables: dict[str, pa.Table]) -> None:
        self._index.load(tables)
        if self._lifetimes is not None:
            self._lifetimes.load(tables)
        ids = values_of(single_chunk(tables["rows"]["id"]))
        self._put(ids, [single_chunk(tables["rows"][f"c{i}"]) for i in range(len(self._columns))])

    def _settle(
        self, rows: pa.RecordBatch, known: Int64Array, last: Int64Array, groups: Int64Array, added: BoolArray
    ) -> None:
        """Keep the last row of each key; `last` has one row of each group, by group."""
        gone = groups[last[~added[last]]]
        freed = known[gone[known[gone] >= 0]]
        self._index.free(freed)
        if self._lifetimes is not None:
            self._lifetimes.forget(freed)
        kept = rows.take(int64_array(last[added[last]]))
        if kept.num_rows:
            ids = self._index.lookup_or_insert([kept.column(each) for each in self._key])
            self._put(ids, kept.columns)
            if self._lifetimes is not None:
                self._lifetimes.touch(ids)

    def _take(self, ids: Int64Array) -> pa.RecordBatch:
        types = self._schema.types
        found = [stored.take(ids) for stored in self._columns]
        arrays = [
            decode_nested(a, type_) if pa.types.is_nested(type_) else a for a, type_ in zip(found, types, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def _put(self, ids: Int64Array, columns: Sequence[pa.Array]) -> None:
        for stored, values in zip(self._columns, columns, strict=True):
            stored.put(ids, encode_nested(values) if pa.types.is_nested(values.type) else values)


def _previous(groups: Int64Array, order: Int64Array, version: Int64Array, before: Int64Array) -> Int64Array:
    """For each row the version that its key had when it came; `order` sorts the rows by group."""
    by_group = groups[order]
    found = np.empty(len(order), np.int64)
    found[1:] = version[order[:-1]]
    starts = np.flatnonzero(np.diff(by_group, prepend=-1))
    found[starts] = before[by_group[starts]]
    previous = np.empty_like(found)
    previous[order] = found
    return previous


def _last_of_runs(by_group: Int64Array) -> Int64Array:
    return np.flatnonzero(np.diff(by_group, append=-1))


def _same(versions: pa.RecordBatch, previous: Int64Array, own: Int64Array) -> BoolArray:
    """Where a row equals the version before it."""
    if not (previous != _NONE).any():
        return np.zeros(len(own), np.bool_)
    ids, _ = group_rows([normalize_key(each) for each in versions.columns])
    return np.asarray((previous != _NONE) & (ids[previous] == ids[own]))


def _named(rows: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(rows.columns, schema=schema)


def _stored_type(type_: pa.DataType) -> pa.DataType:
    return pa.binary() if pa.types.is_nested(type_) else type_
