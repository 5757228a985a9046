"""KeyIndex: from keys of any columns to dense ids, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from streamsql.state.base import State
from streamsql.state.fixed_width import BoolArray, Int64Array, values_of
from streamsql.state.grouping import denormalize_key, normalize_key, normalized_type, single_chunk
from streamsql.state.hashing import UInt64Array
from streamsql.state.hashing import hash_rows as _hash_rows
from streamsql.state.stored_column import stored_column

_EMPTY, _FREED, _CLAIMED = -1, -2, -3
_FIRST_CAPACITY = 1 << 10


class KeyIndex(State):
    """Open addressing over 64-bit hashes: slots are claimed by scatter, and re-read to see who won.

    NULL is a key like any other, NaN = NaN, -0.0 = 0.0. Equal hashes are told apart by the stored keys. New keys get
    ids in the order of their rows: freed ids first, then the next ones, so that ids never depend on hashes.
    """

    def __init__(
        self, types: Sequence[pa.DataType], hash_rows: Callable[[Sequence[pa.Array]], UInt64Array] = _hash_rows
    ) -> None:
        self.types = tuple(types)
        self._hash = hash_rows
        self._columns = [stored_column(normalized_type(each)) for each in types]
        self._one_to_one = hash_rows is _hash_rows and len(types) == 1 and pa.types.is_integer(types[0])
        self._bound = 0
        self._free = np.empty(0, np.int64)
        self._tombstones = 0
        self._allocate(_FIRST_CAPACITY)

    @property
    def rows(self) -> int:
        return self._bound - len(self._free)

    @property
    def bound(self) -> int:
        """All ids are below it."""
        return self._bound

    def lookup_or_insert(self, columns: Sequence[pa.Array]) -> Int64Array:
        """The id of each key; no key may come twice within a call."""
        columns = [normalize_key(each) for each in columns]
        count = len(columns[0])
        hashes = self._hash(columns)
        self._one_to_one = self._one_to_one and not columns[0].null_count
        self._make_room(count)
        ids, slots = self._probe(columns, hashes, claim=True)
        fresh = np.flatnonzero(ids < 0)
        if len(fresh):
            ids[fresh] = self._new_ids(len(fresh))
            self._ids[slots[fresh]] = ids[fresh]
            chosen = None if len(fresh) == count else pa.array(fresh)
            for stored, column in zip(self._columns, columns, strict=True):
                stored.put(ids[fresh], column if chosen is None else column.take(chosen))
        return ids

    def lookup(self, columns: Sequence[pa.Array]) -> Int64Array:
        """The id of each key, -1 for those that are not there."""
        columns = [normalize_key(each) for each in columns]
        ids, _ = self._probe(columns, self._hash(columns), claim=False)
        return ids

    def keys(self, ids: Int64Array) -> list[pa.Array]:
        """The key columns of ids."""
        return [denormalize_key(each, type_) for each, type_ in zip(self._stored(ids), self.types, strict=True)]

    def free(self, ids: Int64Array) -> None:
        """Forget keys; their ids, which must be distinct, will be given out again."""
        if not len(ids):
            return
        slots = self._slot(self._hash(self._stored(ids)))
        away = np.flatnonzero(self._ids[slots] != ids)
        while len(away):
            slots[away] = (slots[away] + 1) & self._mask
            away = away[self._ids[slots[away]] != ids[away]]
        self._ids[slots] = _FREED
        self._tombstones += len(ids)
        self._free = np.concatenate([self._free, np.sort(ids)[::-1]])
        if not self.rows:
            self._ids.fill(_EMPTY)
            self._tombstones = 0

    def live_ids(self) -> Int64Array:
        """The ids in use, ascending."""
        used = np.ones(self._bound, np.bool_)
        used[self._free] = False
        return np.flatnonzero(used)

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
        self._bound = int(ids.max(initial=-1)) + 1
        free = np.ones(self._bound, np.bool_)
        free[ids] = False
        self._free = np.flatnonzero(free)[::-1].copy()
        self._make_room(0)
        self._place(self._hash(columns) if len(ids) else np.empty(0, np.uint64), ids)

    def _stored(self, ids: Int64Array) -> list[pa.Array]:
        return [each.take(ids) for each in self._columns]

    def _new_ids(self, count: int) -> Int64Array:
        reused = min(count, len(self._free))
        split = len(self._free) - reused
        again, self._free = self._free[split:][::-1], self._free[:split]
        fresh = np.arange(self._bound, self._bound + count - reused)
        self._bound += len(fresh)
        return np.concatenate([again, fresh])

    def _probe(self, columns: Sequence[pa.Array], hashes: UInt64Array, *, claim: bool) -> tuple[Int64Array, Int64Array]:
        """Ids (-1 where the key is new) and, for new keys where `claim`, the slots taken for them."""
        verify = not self._one_to_one or bool(columns[0].null_count)
        ids = np.full(len(hashes), -1, np.int64)
        taken = np.empty(len(hashes), np.int64)
        rows, slots = np.arange(len(hashes)), self._slot(hashes)
        while len(rows):
            found = self._ids[slots]
            hit = (found >= 0) & (self._hashes[slots] == hashes[rows])
            if verify:
                hit = self._verified(columns, rows, found, hit)
            ids[rows[hit]] = found[hit]
            done = hit | (found == _EMPTY)
            if claim:
                empty = np.flatnonzero(found == _EMPTY)
                claims = _CLAIMED - rows[empty]
                self._ids[slots[empty]] = claims
                mine = self._ids[slots[empty]] == claims
                done[empty[~mine]] = False
                won = empty[mine]
                self._hashes[slots[won]] = hashes[rows[won]]
                taken[rows[won]] = slots[won]
            if bool(done.all()):
                break
            rows, slots = rows[~done], (slots[~done] + 1) & self._mask
        return ids, taken

    def _verified(self, columns: Sequence[pa.Array], rows: Int64Array, found: Int64Array, hit: BoolArray) -> BoolArray:
        """The hits whose stored key is equal, not just its hash."""
        candidates = np.flatnonzero(hit)
        if not len(candidates):
            return hit
        equal = np.ones(len(candidates), np.bool_)
        chosen = None if len(candidates) == len(columns[0]) else pa.array(rows[candidates])
        for stored, column in zip(self._columns, columns, strict=True):
            equal &= stored.equals(found[candidates], column if chosen is None else column.take(chosen))
        hit[candidates] = equal
        return hit

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
        slots = self._slot(hashes)
        while len(ids):
            free = np.flatnonzero(self._ids[slots] == _EMPTY)
            self._ids[slots[free]] = ids[free]
            won = self._ids[slots] == ids
            self._hashes[slots[won]] = hashes[won]
            hashes, ids, slots = hashes[~won], ids[~won], (slots[~won] + 1) & self._mask
