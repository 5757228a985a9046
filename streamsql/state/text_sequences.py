"""TextSequences: the texts of each group in order of arrival, for LISTAGG."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from streamsql.state.base import State
from streamsql.state.fixed_width import Int64Array, int64_array, values_of
from streamsql.state.grouping import group_rows, single_chunk
from streamsql.state.hashing import byte_slices
from streamsql.state.key_index import KeyIndex
from streamsql.state.partial import Collection
from streamsql.state.stored_column import BytesColumn
from streamsql.state.text_lists import TextList, surviving


@dataclass(frozen=True, slots=True, eq=False)
class TextChanges:
    """The lists before and after a step; ids are positions in the groups that were asked for.

    `invalid`: the position of a group whose row was taken back without being there, else None.
    """

    before: TextList
    after: TextList
    invalid: int | None = None


class TextSequences(State):
    """Each distinct (group, text) has an id; the sequence of a group, kept as bytes, is rewritten when it changes."""

    def __init__(self) -> None:
        self._texts = KeyIndex([pa.int64(), pa.string()])
        self._sequences = BytesColumn(pa.binary())
        self._known = 0
        self._live = 0

    @property
    def rows(self) -> int:
        return self._live

    def apply(self, groups: Int64Array, rows: Collection) -> TextChanges:
        """Append and take back texts; the ids of `rows` are positions in `groups`, which holds distinct group ids."""
        owners, pairs = self._read(groups)
        more_owners, more_pairs, more_weights = self._arrivals(groups, rows)
        before = TextList(owners, self._texts.keys(pairs)[1])
        all_owners = np.concatenate([owners, more_owners])
        order = np.argsort(all_owners, kind="stable")
        all_owners, all_pairs = all_owners[order], np.concatenate([pairs, more_pairs])[order]
        weights = np.concatenate([np.ones(len(pairs), np.int64), more_weights])[order]
        codes, first = group_rows([int64_array(all_pairs)])
        kept = surviving(codes, weights)
        if kept is None:
            short = np.flatnonzero(np.bincount(codes, weights, len(first)) < 0)
            return TextChanges(before, before, int(all_owners[first[short[0]]]))
        left = all_pairs[kept]
        after = TextList(all_owners[kept], self._texts.keys(left)[1])
        self._write(groups, after.ids, left)
        self._live += len(left) - len(pairs)
        self._texts.free(np.setdiff1d(all_pairs, left))
        return TextChanges(before, after)

    def save(self) -> dict[str, pa.Table]:
        groups = np.arange(self._known)
        owners, pairs = self._read(groups)
        return {"texts": pa.table({"group": pa.array(owners), "text": self._texts.keys(pairs)[1]})}

    def load(self, tables: dict[str, pa.Table]) -> None:
        owners = values_of(single_chunk(tables["texts"]["group"]))
        texts = single_chunk(tables["texts"]["text"])
        groups, ids = np.unique(owners, return_inverse=True)
        self.apply(groups, Collection(ids, (texts,), np.ones(len(ids), np.int64), np.arange(len(ids))))

    def _arrivals(self, groups: Int64Array, rows: Collection) -> tuple[Int64Array, Int64Array, Int64Array]:
        if not len(rows):
            return rows.ids, rows.ids, rows.weights
        assert rows.ordinals is not None
        order = np.argsort(rows.ordinals, kind="stable")
        owners, texts = rows.ids[order], rows.values[0].take(int64_array(order))
        same, first = group_rows([int64_array(owners), texts])
        distinct = [int64_array(groups[owners[first]]), texts.take(int64_array(first))]
        return owners, self._texts.lookup_or_insert(distinct)[same], rows.weights[order]

    def _read(self, groups: Int64Array) -> tuple[Int64Array, Int64Array]:
        """For each text in the groups' sequences its group's position and its id."""
        size = int(groups.max(initial=-1)) + 1
        if size > self._known:
            fresh = np.arange(self._known, size)
            self._sequences.put(fresh, pa.nulls(len(fresh), pa.binary()))
            self._known = size
        if not len(groups):
            return groups, groups
        _, lengths, data = byte_slices(self._sequences.take(groups))
        return np.repeat(np.arange(len(groups)), lengths // 8), np.frombuffer(data.tobytes(), np.int64)

    def _write(self, groups: Int64Array, owners: Int64Array, pairs: Int64Array) -> None:
        """`owners` ascending."""
        if not len(groups):
            return
        counts = np.bincount(owners, minlength=len(groups))
        offsets = np.concatenate([[0], np.cumsum(counts * 8)]).astype(np.int32)
        empty = pa.py_buffer(np.packbits(counts > 0, bitorder="little"))
        buffers = [empty, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(pairs))]
        self._sequences.put(groups, pa.Array.from_buffers(pa.binary(), len(groups), buffers))
