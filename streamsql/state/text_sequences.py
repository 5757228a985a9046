"""TextSequences: the texts of each group in order of arrival, for LISTAGG over input that takes nothing back."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from streamsql.state.base import State
from streamsql.state.fixed_width import Int64Array, int64_array, values_of
from streamsql.state.grouping import group_rows, single_chunk
from streamsql.state.hashing import byte_slices
from streamsql.state.key_index import KeyIndex
from streamsql.state.partial import Collection
from streamsql.state.stored_column import BytesColumn
from streamsql.state.text_lists import TextList


class TextSequences(State):
    """Each distinct text has an id; the sequence of a group, kept as bytes, is rewritten when it grows."""

    def __init__(self) -> None:
        self._texts = KeyIndex([pa.string()])
        self._sequences = BytesColumn(pa.binary())
        self._known = 0
        self._live = 0

    @property
    def rows(self) -> int:
        return self._live

    def append(self, groups: Int64Array, rows: Collection) -> tuple[TextList, TextList]:
        """The lists before and after; all ids are positions in `groups`, which holds distinct group ids."""
        owners, texts = self._read(groups)
        before = TextList(owners, self._texts.keys(texts)[0])
        more_owners, more_texts = self._arrivals(rows)
        all_owners = np.concatenate([owners, more_owners])
        order = np.argsort(all_owners, kind="stable")
        all_owners, all_texts = all_owners[order], np.concatenate([texts, more_texts])[order]
        self._write(groups, all_owners, all_texts)
        self._live += len(more_texts)
        return before, TextList(all_owners, self._texts.keys(all_texts)[0])

    def save(self) -> dict[str, pa.Table]:
        groups = np.arange(self._known)
        owners, texts = self._read(groups)
        return {"texts": pa.table({"group": pa.array(owners), "text": self._texts.keys(texts)[0]})}

    def load(self, tables: dict[str, pa.Table]) -> None:
        owners = values_of(single_chunk(tables["texts"]["group"]))
        texts = single_chunk(tables["texts"]["text"])
        groups, ids = np.unique(owners, return_inverse=True)
        self.append(groups, Collection(ids, (texts,), np.ones(len(ids), np.int64), np.arange(len(ids))))

    def _arrivals(self, rows: Collection) -> tuple[Int64Array, Int64Array]:
        if not len(rows):
            return rows.ids, rows.ids
        assert rows.ordinals is not None
        order = np.argsort(rows.ordinals, kind="stable")
        texts = rows.values[0].take(int64_array(order))
        same, first = group_rows([texts])
        return rows.ids[order], self._texts.lookup_or_insert([texts.take(int64_array(first))])[same]

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

    def _write(self, groups: Int64Array, owners: Int64Array, texts: Int64Array) -> None:
        """`owners` ascending."""
        if not len(groups):
            return
        counts = np.bincount(owners, minlength=len(groups))
        offsets = np.concatenate([[0], np.cumsum(counts * 8)]).astype(np.int32)
        empty = pa.py_buffer(np.packbits(counts > 0, bitorder="little"))
        buffers = [empty, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(texts))]
        self._sequences.put(groups, pa.Array.from_buffers(pa.binary(), len(groups), buffers))
