"""KeyIndex: from keys of any columns to dense ids, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from streamsql import compiled
from streamsql.state.base import State
from streamsql.state.dense_ids import DenseIds
from streamsql.state.direct_ids import DirectIds
from streamsql.state.fixed_width import BoolArray, Int64Array, take_rows, valid_of, values_of
from streamsql.state.grouping import denormalize_key, group_rows, normalize_key, normalized_type, single_chunk
from streamsql.state.hashing import UInt64Array
from streamsql.state.hashing import hash_rows as _hash_rows
from streamsql.state.stored_column import stored_column

_EMPTY, _FREED, _CLAIMED = -1, -2, -3
_FIRST_CAPACITY = 1 << 10
_WINDOW = np.arange(8)


class KeyIndex(State):
    """Open addressing over 64-bit hashes: slots are claimed by scatter, and re-read to see who won.

    A single integer that lies near the others finds its id by its own value, as long as no NULL has come. NULL is a key
    like any other, NaN = NaN, -0.0 = 0.0. Equal hashes are told apart by the stored keys. New keys get ids in the order
    of their rows: freed ids first, then the next ones, so that ids never depend on hashes.
    """

    def __init__(
        self, types: Sequence[pa.DataType], hash_rows: Callable[[Sequence[pa.Array]], UInt64Array] = _hash_rows
    ) -> None:
        self.types = tuple(types)
        self._hash = hash_rows
        self._columns = [stored_column(normalized_type(each)) for each in types]
        self._one_to_one = hash_rows is _hash_rows and len(types) == 1 and pa.types.is_integer(types[0])
        self._direct = DirectIds() if self._one_to_one else None
        self._used = DenseIds()
        self._tombstones = 0
        self._allocate(_FIRST_CAPACITY)

    @property
    def rows(self) -> int:
        return len(self._used)

    @property
    def bound(self) -> int:
        """All ids are below it."""
        return self._used.bound

    def lookup_or_insert(self, columns: Sequence[pa.Array]) -> Int64Array:
        """The id of each key; no key may come twice within a call."""
        columns = [normalize_key(each) for each in columns]
        values = self._direct_values(columns[0])
        if self._direct is not None and values is not None:
            ids = self._direct.find(values)
            new_ids, fresh = self._added(columns, ids)
            self._direct.put(values[fresh], new_ids)
            return ids
        hashes = self._hash(columns)
        self._one_to_one = self._one_to_one and not columns[0].null_count
        self._make_room(len(columns[0]))
        ids, slots = self._probe(columns, hashes, claim=True)
        new_ids, fresh = self._added(columns, ids)
        self._ids[slots[fresh]] = new_ids
        return ids

    def ids_of(self, columns: Sequence[pa.Array]) -> Int64Array:
        """As `lookup_or_insert`, for keys that may come more than once."""
        columns = [normalize_key(each) for each in columns]
        if not len(columns[0]):
            return np.empty(0, np.int64)
        values = self._direct_values(columns[0])
        if self._direct is not None and values is not None:
            ids = self._direct.find(values)
            fresh = (ids < 0).nonzero()[0]
            if len(fresh):
                ids[fresh] = self._ids_of_groups([take_rows(each, fresh) for each in columns])
            return ids
        return self._ids_of_groups(columns)

    def lookup(self, columns: Sequence[pa.Array]) -> Int64Array:
        """The id of each key, -1 for those that are not there; keys may come more than once."""
        columns = [normalize_key(each) for each in columns]
        if self._direct is not None:
            valid = valid_of(columns[0])
            ids = self._direct.find(_numbers(columns[0]))
            return ids if valid is None else np.where(valid, ids, -1)
        ids, _ = self._probe(columns, self._hash(columns), claim=False)
        return ids

    def keys(self, ids: Int64Array) -> list[pa.Array]:
        """The key columns of ids."""
        return [self.column(position, ids) for position in range(len(self.types))]

    def column(self, position: int, ids: Int64Array) -> pa.Array:
        """One key column of ids."""
        return denormalize_key(self._columns[position].take(ids), self.types[position])

    def free(self, ids: Int64Array) -> None:
        """Forget keys; their ids, which must be distinct, will be given out again."""
        if not len(ids):
            return
        if self._direct is not None:
            self._direct.put(_numbers(self._columns[0].take(ids)), np.full(len(ids), -1))
            self._used.free(ids)
            return
        slots = self._slot(self._hash(self._stored(ids)))
        away = np.flatnonzero(self._ids[slots] != ids)
        while len(away):
            slots[away] = (slots[away] + 1) & self._mask
            away = away[self._ids[slots[away]] != ids[away]]
        self._ids[slots] = _FREED
        self._tombstones += len(ids)
        self._used.free(ids)
        if not self.rows:
            self._ids.fill(_EMPTY)
            self._tombstones = 0

    def live_ids(self) -> Int64Array:
        """The ids in use, ascending."""
        return self._used.live()

    def save(self) -> dict[str, pa.Table]:
        ids = self.live_ids()
        columns = {f"k{i}": each for i, each in enumerate(self._stored(ids))}
        return {"keys": pa.table({"id": pa.array(ids), **columns})}

    def load(self, tables: dict[str, pa.Table]) -> None:
        table = tables["keys"]
        ids = values_of(single_chunk(table["id"]))
        columns = [single_chunk(table[f"k{i}"]) for i in range(len(self.types))]
        for stored, column in zip(self._columns, columns, strict=True):
            stored.put(ids, column)
        self._one_to_one = self._one_to_one and not any(each.null_count for each in columns)
        self._used.restore(ids)
        if len(ids) and self._direct_values(columns[0]) is None:
            self._make_room(0)
            self._place(self._hash(columns), ids)

    def _direct_values(self, keys: pa.Array) -> Int64Array | None:
        """Keys as numbers within the range of the direct table, which moves with them; None where they need hashes."""
        if self._direct is None:
            return None
        values = _numbers(keys)
        if not keys.null_count and (not len(values) or self._direct.covers(values)):
            return values
        ids = self.live_ids()
        stored = self._stored(ids)
        if not keys.null_count and self._direct.cover(_numbers(stored[0]), ids, values):
            return values
        self._direct = None
        if len(ids):
            self._make_room(0)
            self._place(self._hash(stored), ids)
        return None

    def _ids_of_groups(self, columns: Sequence[pa.Array]) -> Int64Array:
        groups, first = group_rows(columns)
        return self.lookup_or_insert([take_rows(each, first) for each in columns])[groups]

    def _added(self, columns: Sequence[pa.Array], ids: Int64Array) -> tuple[Int64Array, Int64Array]:
        """Keep the keys that have no id yet, and give them one; those ids, and whose they are."""
        fresh = (ids < 0).nonzero()[0]
        new_ids = self._used.take(len(fresh))
        if len(fresh):
            ids[fresh] = new_ids
            for stored, column in zip(self._columns, columns, strict=True):
                stored.put(new_ids, column if len(fresh) == len(ids) else take_rows(column, fresh))
        return new_ids, fresh

    def _stored(self, ids: Int64Array) -> list[pa.Array]:
        return [each.take(ids) for each in self._columns]

    def _probe(self, columns: Sequence[pa.Array], hashes: UInt64Array, *, claim: bool) -> tuple[Int64Array, Int64Array]:
        """Ids (-1 where the key is new) and, for new keys where `claim`, the slots taken for them."""
        if (fast := compiled.kernels(len(hashes))) is None:
            return self._walk(columns, hashes, claim=claim)
        ids, slots = fast.find_hashes(compiled.plain(hashes), self._ids, self._hashes, self._shift, claim)
        if not self._one_to_one or columns[0].null_count:
            hits = (ids >= 0).nonzero()[0]
            keys = columns if len(hits) == len(ids) else [take_rows(each, hits) for each in columns]
            others = hits[~self._equal(keys, ids[hits])]
            if len(others):
                keys = [take_rows(each, others) for each in columns]
                ids[others], slots[others] = self._walk(keys, hashes[others], claim=claim)
        return ids, slots

    def _walk(self, columns: Sequence[pa.Array], hashes: UInt64Array, *, claim: bool) -> tuple[Int64Array, Int64Array]:
        """As `_probe`, all rows a step at a time.

        Most keys are decided at their home slot; the others look at a window of slots at a time.
        """
        slots = self._slot(hashes)
        ids = self._ids[slots]
        hit = self._matches(columns, slice(None), hashes, slots, ids)
        rows = (~hit).nonzero()[0]
        if not len(rows):
            return ids, slots
        empty = ids[rows] == _EMPTY
        ids[rows] = -1
        if claim:
            empty[empty] = self._claim(rows[empty], slots[rows[empty]], hashes)
        rows = rows[~empty]
        start = slots[rows] + 1
        while len(rows):
            window = (start[:, None] + _WINDOW) & self._mask
            found = self._ids[window]
            match = self._matches(columns, rows, hashes[rows, None], window, found)
            stop = match | (found == _EMPTY)
            at = np.arange(len(rows)), stop.argmax(axis=1)
            done, hit, slot = stop[at], match[at], window[at]
            ids[rows] = np.where(hit, found[at], -1)
            if np.count_nonzero(hit) == len(rows):
                break
            empty = done & ~hit
            if claim:
                slots[rows[empty]] = slot[empty]
                done[empty] = self._claim(rows[empty], slot[empty], hashes)
            start = np.where(empty, slot + 1, start + len(_WINDOW))[~done]
            rows = rows[~done]
        return ids, slots

    def _matches(
        self, columns: Sequence[pa.Array], rows: Any, hashes: UInt64Array, slots: Int64Array, found: Int64Array
    ) -> BoolArray:
        """Which of the slots hold the key of their row; arrays may have a second axis, that of the window."""
        hit: BoolArray = (self._hashes[slots] == hashes) & (found >= 0)
        if self._one_to_one and not columns[0].null_count:
            return hit
        places = hit.nonzero()
        if len(places[0]):
            candidates = places[0] if isinstance(rows, slice) else rows[places[0]]
            hit[places] = self._equal([take_rows(each, candidates) for each in columns], found[places])
        return hit

    def _equal(self, keys: Sequence[pa.Array], ids: Int64Array) -> BoolArray:
        """Which keys are those of the ids beside them."""
        equal = np.ones(len(ids), np.bool_)
        for stored, column in zip(self._columns, keys, strict=True):
            equal &= stored.equals(ids, column)
        return equal

    def _claim(self, rows: Int64Array, slots: Int64Array, hashes: UInt64Array) -> BoolArray:
        """Take empty slots for rows; of several rows that want one slot, one gets it."""
        claims = _CLAIMED - rows
        self._ids[slots] = claims
        won: BoolArray = self._ids[slots] == claims
        self._hashes[slots[won]] = hashes[rows[won]]
        return won

    def _slot(self, hashes: UInt64Array) -> Int64Array:
        return (hashes >> self._shift).view(np.int64)

    def _make_room(self, count: int) -> None:
        """Keep at least half of the slots empty, also with so many more keys."""
        if (self.rows + self._tombstones + count) * 2 <= len(self._ids):
            return
        capacity = len(self._ids)
        while (self.rows + count) * 2 > capacity:
            capacity *= 4
        used = self._ids >= 0
        hashes, ids = self._hashes[used], self._ids[used]
        self._allocate(capacity)
        self._place(hashes, ids)

    def _allocate(self, capacity: int) -> None:
        self._mask = capacity - 1
        self._shift = np.uint64(64 - self._mask.bit_length())
        self._hashes = np.zeros(capacity, np.uint64)
        self._ids = np.full(capacity, _EMPTY, np.int64)
        self._tombstones = 0

    def _place(self, hashes: UInt64Array, ids: Int64Array) -> None:
        """Fill empty slots with distinct keys."""
        if (fast := compiled.kernels(len(ids))) is not None:
            fast.place_hashes(compiled.plain(hashes), compiled.plain(ids), self._ids, self._hashes, self._shift)
            return
        slots = self._slot(hashes)
        while len(ids):
            free = np.flatnonzero(self._ids[slots] == _EMPTY)
            self._ids[slots[free]] = ids[free]
            won = self._ids[slots] == ids
            self._hashes[slots[won]] = hashes[won]
            hashes, ids, slots = hashes[~won], ids[~won], (slots[~won] + 1) & self._mask


def _numbers(keys: pa.Array) -> Int64Array:
    return values_of(keys).astype(np.int64, copy=False)
