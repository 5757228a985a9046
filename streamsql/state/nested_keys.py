"""Nested values (ARRAY, MAP, MULTISET, ROW) as canonical binary, so that equal values have equal bytes, and back.

Each value starts with a byte: 1, or 0 for NULL. Numbers follow in their width; texts, arrays and maps with their length
in four bytes before them; the entries of a map in the order of their bytes, for a map has none of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.state.fixed_width import BoolArray, Int64Array, array_of, is_fixed_width, numpy_type, valid_of, values_of
from streamsql.state.hashing import byte_slices

Bytes = npt.NDArray[np.uint8]
_NOTHING = pa.scalar(b"", pa.binary())


def encode_nested(array: pa.Array) -> pa.Array:
    """Canonical binary, never NULL; -0.0 is encoded as 0.0 and every NaN as one."""
    type_ = array.type
    if pa.types.is_struct(type_):
        return _join([_heads(array), *(encode_nested(each) for each in array.flatten())])
    if pa.types.is_map(type_):
        return _encode_map(array)
    if pa.types.is_list(type_):
        counts = _counts(array)
        return _join([_heads(array, counts), _gathered(counts, encode_nested(array.flatten()))])
    if is_fixed_width(type_):
        return _encode_fixed(array)
    lengths = np.asarray(pc.fill_null(pc.binary_length(array), 0).to_numpy(zero_copy_only=False)).astype(np.int64)
    return _join([_heads(array, lengths), pc.fill_null(array.cast(pa.binary()), b"")])


def decode_nested(array: pa.Array, type_: pa.DataType) -> pa.Array:
    """The values of type `type_` that `encode_nested` made `array` of."""
    starts, _, data = byte_slices(array)
    return _Decoder(data, starts).read(type_)


def _encode_map(array: pa.Array) -> pa.Array:
    array = array.take(pa.array(np.arange(len(array))))  # without offset: keys and items show the whole buffer
    counts = _counts(array.cast(pa.list_(pa.struct([("key", array.type.key_type), ("value", array.type.item_type)]))))
    first = array.offsets[0].as_py() if len(array) else 0
    inside = slice(first, first + int(counts.sum()))
    entries = _join([encode_nested(array.keys[inside]), encode_nested(array.items[inside])])
    table = pa.table({"map": np.repeat(np.arange(len(array)), counts), "entry": entries})
    order = pc.sort_indices(table, sort_keys=[("map", "ascending"), ("entry", "ascending")])
    return _join([_heads(array, counts), _gathered(counts, entries.take(order))])


def _encode_fixed(array: pa.Array) -> pa.Array:
    values = values_of(array)
    if values.dtype.kind == "f":
        values = np.where(np.isnan(values), values.dtype.type(np.nan), values + values.dtype.type(0))
    raw = np.ascontiguousarray(values).view(np.uint8).reshape(len(values), numpy_type(array.type).itemsize)
    valid = valid_of(array)
    flags = np.ones(len(values), np.bool_) if valid is None else valid
    if pa.types.is_null(array.type):
        flags = np.zeros(len(values), np.bool_)
    return _rows_of_bytes(np.column_stack([flags.astype(np.uint8), np.where(flags[:, None], raw, 0).astype(np.uint8)]))


def _counts(array: pa.Array) -> Int64Array:
    lengths = pc.fill_null(pc.list_value_length(array), 0)
    return np.asarray(lengths.to_numpy(zero_copy_only=False)).astype(np.int64)


def _heads(array: pa.Array, lengths: Int64Array | None = None) -> pa.Array:
    flags = np.asarray(array.is_valid().to_numpy(zero_copy_only=False)).astype(np.uint8)
    if lengths is None:
        return _rows_of_bytes(flags[:, None])
    return _rows_of_bytes(np.column_stack([flags, lengths.astype("<i4").view(np.uint8).reshape(len(lengths), 4)]))


def _rows_of_bytes(rows: Bytes) -> pa.Array:
    offsets = np.arange(len(rows) + 1, dtype=np.int32) * np.int32(rows.shape[1])
    return pa.Array.from_buffers(
        pa.binary(), len(rows), [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(rows))]
    )


def _gathered(counts: Int64Array, elements: pa.Array) -> pa.Array:
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), elements), _NOTHING)


def _join(parts: Sequence[pa.Array]) -> pa.Array:
    return pc.binary_join_element_wise(*parts, _NOTHING)


class _Decoder:
    """Reads values at one place in each row, and moves on behind them."""

    def __init__(self, data: Bytes, at: Int64Array) -> None:
        self._data = data
        self._at = at.copy()

    def read(self, type_: pa.DataType) -> pa.Array:
        if is_fixed_width(type_):
            return self._read_fixed(type_)
        valid = self._take(1)[:, 0] == 1
        if pa.types.is_struct(type_):
            fields = [type_.field(i) for i in range(type_.num_fields)]
            columns = [self.read(each.type) for each in fields]
            return pa.StructArray.from_arrays(columns, fields=fields, mask=pa.array(~valid))
        lengths = self._take(4).copy().view("<i4")[:, 0].astype(np.int64)
        if pa.types.is_map(type_):
            offsets, keys, items = self._read_elements(lengths, [type_.key_type, type_.item_type], valid)
            return pa.MapArray.from_arrays(offsets, keys, items, type=type_)
        if pa.types.is_list(type_):
            offsets, elements = self._read_elements(lengths, [type_.value_type], valid)
            return pa.ListArray.from_arrays(offsets, elements, type=type_)
        return self._read_bytes(lengths, valid, type_)

    def _take(self, width: int) -> Bytes:
        taken = self._data[self._at[:, None] + np.arange(width)]
        self._at += width
        return np.asarray(taken)

    def _read_fixed(self, type_: pa.DataType) -> pa.Array:
        kind = numpy_type(type_)
        valid = self._take(1)[:, 0] == 1
        raw = np.ascontiguousarray(self._take(kind.itemsize)).view(kind.base)
        return array_of(raw if kind.shape else raw.reshape(-1), valid, type_)

    def _read_bytes(self, lengths: Int64Array, valid: BoolArray, type_: pa.DataType) -> pa.Array:
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        data = self._data[np.arange(offsets[-1]) + np.repeat(self._at - offsets[:-1], lengths)]
        self._at += lengths
        bitmap = pa.py_buffer(np.packbits(valid, bitorder="little"))
        buffers = [bitmap, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(data)]
        return pa.Array.from_buffers(type_, len(lengths), buffers)

    def _read_elements(self, lengths: Int64Array, types: Sequence[pa.DataType], valid: BoolArray) -> list[pa.Array]:
        """The offsets of lists, and their elements by type, read place by place: all first ones, all second ones …"""
        owners: list[Int64Array] = [np.empty(0, np.int64)]
        parts: list[list[pa.Array]] = [[pa.array([], each)] for each in types]
        for place in range(int(lengths.max(initial=0))):
            rows = np.flatnonzero(lengths > place)
            inner = _Decoder(self._data, self._at[rows])
            for part, type_ in zip(parts, types, strict=True):
                part.append(inner.read(type_))
            self._at[rows] = inner._at
            owners.append(rows)
        order = pa.array(np.argsort(np.concatenate(owners), kind="stable"))
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        missing = np.append(~valid, False)
        return [pa.array(offsets, mask=missing), *(pa.concat_arrays(part).take(order) for part in parts)]
