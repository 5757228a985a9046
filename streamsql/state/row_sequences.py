"""RowSequences: the rows of each group in order of arrival, for aggregates that go by it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from streamsql.record import record
from streamsql.state.base import State
from streamsql.state.bytes_column import BytesColumn
from streamsql.state.fixed_width import Int64Array, int64_array, values_of
from streamsql.state.grouping import group_rows, normalize_key, single_chunk
from streamsql.state.hashing import byte_slices
from streamsql.state.key_index import KeyIndex
from streamsql.state.net_rows import left_over
from streamsql.state.ordering import lexical_order
from streamsql.state.partial import Collection
from streamsql.state.stored_column import grown
from streamsql.state.value_lists import ValueList


@record(eq=False)
class SequenceChange:
    """The lists of groups before and after a step; `invalid`: a group from which more was taken back than was there."""

    before: ValueList
    after: ValueList
    invalid: int | None


class RowSequences(State):
    """Each distinct row has an id; the sequence of a group, kept as bytes, is rewritten when it changes.

    A row taken back cancels the oldest equal one. `lenient`: one that finds none, as that was forgotten, has no effect.
    """

    def __init__(self, types: Sequence[pa.DataType], *, lenient: bool = False) -> None:
        self._types = tuple(types)
        self._lenient = lenient
        self._reset()

    def _reset(self) -> None:
        self._distinct = KeyIndex(self._types)
        self._counts = np.zeros(0, np.int64)
        self._sequences = BytesColumn(pa.binary())
        self._known = 0
        self._live = 0

    @property
    def rows(self) -> int:
        return self._live

    def apply(self, groups: Int64Array, rows: Collection) -> SequenceChange:
        """Add rows, or take them back; all ids are positions in `groups`, which holds distinct group ids."""
        owners, entries = self._read(groups)
        before = self._list(owners, entries)
        more_owners, more_entries, more_weights = self._arrivals(rows)
        self._count(more_entries, more_weights)
        owners = np.concatenate([owners, more_owners])
        entries = np.concatenate([entries, more_entries])
        weights = np.concatenate([np.ones(len(before.ids), np.int64), more_weights])
        if bool((more_weights < 0).any()):
            same, _ = group_rows([int64_array(owners), int64_array(entries)])
            kept = left_over(same, weights)
            wrong = np.flatnonzero(weights[kept] < 0)
            if len(wrong) and self._lenient:
                self._count(entries[kept[wrong]], -weights[kept[wrong]])
                kept = np.delete(kept, wrong)
            elif len(wrong):
                return SequenceChange(before, before, int(owners[kept[wrong[0]]]))
            owners, entries = owners[kept], entries[kept]
        order = lexical_order([owners])
        owners, entries = owners[order], entries[order]
        self._write(groups, owners, entries)
        after = self._list(owners, entries)
        self._forget(more_entries)
        return SequenceChange(before, after, None)

    def drop(self, groups: Int64Array) -> None:
        """Forget all rows of distinct groups."""
        _, entries = self._read(groups)
        self._count(entries, np.full(len(entries), -1))
        self._write(groups, entries[:0], entries[:0])
        self._forget(entries)

    def save(self) -> dict[str, pa.Table]:
        owners, entries = self._read(np.arange(self._known))
        columns = {f"v{i}": each for i, each in enumerate(self._distinct.keys(entries))}
        return {"rows": pa.table({"group": pa.array(owners), **columns})}

    def load(self, tables: dict[str, pa.Table]) -> None:
        self._reset()
        table = tables["rows"]
        owners = values_of(single_chunk(table["group"]))
        values = tuple(single_chunk(table[f"v{i}"]) for i in range(len(self._types)))
        groups, ids = np.unique(owners, return_inverse=True)
        self.apply(groups, Collection(ids, values, np.ones(len(ids), np.int64), np.arange(len(ids))))

    def _list(self, owners: Int64Array, entries: Int64Array) -> ValueList:
        return ValueList(owners, tuple(self._distinct.keys(entries)))

    def _arrivals(self, rows: Collection) -> tuple[Int64Array, Int64Array, Int64Array]:
        if not len(rows):
            return rows.ids, rows.ids, rows.weights
        assert rows.ordinals is not None
        order = lexical_order([rows.ordinals])
        values = [each.take(int64_array(order)) for each in rows.values]
        same, first = group_rows([normalize_key(each) for each in values])
        at = int64_array(first)
        entries = self._distinct.lookup_or_insert([each.take(at) for each in values])[same]
        return rows.ids[order], entries, rows.weights[order]

    def _count(self, entries: Int64Array, weights: Int64Array) -> None:
        self._counts = grown(self._counts, self._distinct.bound)
        np.add.at(self._counts, entries, weights)
        self._live += int(weights.sum())

    def _forget(self, entries: Int64Array) -> None:
        touched = np.unique(entries)
        self._distinct.free(touched[self._counts[touched] == 0])

    def _read(self, groups: Int64Array) -> tuple[Int64Array, Int64Array]:
        """For each row in the groups' sequences its group's position and its id."""
        size = int(groups.max(initial=-1)) + 1
        if size > self._known:
            fresh = np.arange(self._known, size)
            self._sequences.put(fresh, pa.nulls(len(fresh), pa.binary()))
            self._known = size
        if not len(groups):
            return groups, groups
        _, lengths, data = byte_slices(self._sequences.take(groups))
        return np.repeat(np.arange(len(groups)), lengths // 8), np.frombuffer(data.tobytes(), np.int64)

    def _write(self, groups: Int64Array, owners: Int64Array, entries: Int64Array) -> None:
        """`owners` ascending."""
        if not len(groups):
            return
        counts = np.bincount(owners, minlength=len(groups))
        offsets = np.concatenate([[0], np.cumsum(counts * 8)]).astype(np.int32)
        empty = pa.py_buffer(np.packbits(counts > 0, bitorder="little"))
        buffers = [empty, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(entries))]
        self._sequences.put(groups, pa.Array.from_buffers(pa.binary(), len(groups), buffers))
