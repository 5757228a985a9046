"""KeyedRows: the last row of each key, and the exact changes that new rows and removals make to them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from streamsql.batch import Weights
from streamsql.record import record
from streamsql.state.fixed_width import BoolArray, Int64Array, int64_array
from streamsql.state.grouping import group_rows, normalize_key
from streamsql.state.lifetimes import Lifetimes
from streamsql.state.row_per_key import RowPerKey
from streamsql.time import Duration, Time

_NONE = -1


@record(eq=False)
class KeyedChanges:
    """What rows by key changed: `of_rows` names for each change the row that made it.

    `unknown`: the removals that named a key that was not there. `groups`: the key of each row that was given.
    """

    rows: pa.RecordBatch
    weights: Weights
    of_rows: Int64Array
    unknown: Int64Array
    groups: Int64Array

    @property
    def replaced(self) -> BoolArray:
        """Which changes take a row back whose key gets another one by a later change."""
        keys, places, adds = self.groups[self.of_rows], np.arange(len(self.weights)), self.weights > 0
        last_added = np.full(len(self.groups), _NONE)
        last_added[keys[adds]] = places[adds]
        return ~adds & (places < last_added[keys])


class KeyedRows(RowPerKey):
    """At most one row a key; NULL is a key like any other, NaN = NaN, -0.0 = 0.0. With `ttl`, rows that have not come
    again for so long expire."""

    def __init__(self, schema: pa.Schema, key: Sequence[int], ttl: Duration | None = None) -> None:
        super().__init__(schema, [schema.types[each] for each in key])
        self._key = tuple(key)
        self._lifetimes = None if ttl is None else Lifetimes(ttl)

    def apply(self, rows: pa.RecordBatch, added: BoolArray) -> KeyedChanges:
        """Each row in order takes the place of the row of its key, or, where not `added`, removes that.

        A row that equals the one it replaces changes nothing. What a row replaces comes directly before it.
        """
        groups, first = group_rows([normalize_key(rows.column(each)) for each in self._key])
        known = self.index.lookup([rows.column(each).take(int64_array(first)) for each in self._key])
        held = np.flatnonzero(known >= 0)
        versions = pa.concat_batches([self.take(known[held]), _named(rows, self.schema)])
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
        return KeyedChanges(versions.take(int64_array(at)), weights, of_rows, unknown, groups)

    def expire(self, now: Time) -> int:
        """Forget the rows that have expired by now; how many there were."""
        assert self._lifetimes is not None
        gone = self._lifetimes.expired(now)
        self.index.free(gone)
        return len(gone)

    def known(self, rows: pa.RecordBatch) -> BoolArray:
        """Which rows have a key that is there; of each only the key's columns count."""
        groups, first = group_rows([normalize_key(rows.column(each)) for each in self._key])
        found = self.index.lookup([rows.column(each).take(int64_array(first)) for each in self._key])
        return np.asarray(found[groups] >= 0)

    def save(self) -> dict[str, pa.Table]:
        return {**super().save(), **({} if self._lifetimes is None else self._lifetimes.save())}

    def load(self, tables: dict[str, pa.Table]) -> None:
        super().load(tables)
        if self._lifetimes is not None:
            self._lifetimes.load(tables)

    def _settle(
        self, rows: pa.RecordBatch, known: Int64Array, last: Int64Array, groups: Int64Array, added: BoolArray
    ) -> None:
        """Keep the last row of each key; `last` has one row of each group, by group."""
        gone = groups[last[~added[last]]]
        freed = known[gone[known[gone] >= 0]]
        self.index.free(freed)
        if self._lifetimes is not None:
            self._lifetimes.forget(freed)
        kept = rows.take(int64_array(last[added[last]]))
        if kept.num_rows:
            ids = self.index.lookup_or_insert([kept.column(each) for each in self._key])
            self.put(ids, kept.columns)
            if self._lifetimes is not None:
                self._lifetimes.touch(ids)


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
