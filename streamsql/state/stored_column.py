"""Columns of values addressed by dense id, which grow and are written in place."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.state.fixed_width import (
    BoolArray,
    Int64Array,
    array_of,
    int64_array,
    is_fixed_width,
    numpy_type,
    valid_of,
    values_of,
)
from streamsql.state.hashing import byte_slices

_FAR = 1 << 23
"""From so many places on, arrays grow to twice their size only."""


class StoredColumn(ABC):
    """One value, or NULL, for each id that was put; `take` of other ids gives arbitrary values."""

    @abstractmethod
    def put(self, ids: Int64Array, values: pa.Array) -> None:
        """Set values; ids are distinct."""

    def append(self, first: int, values: pa.Array) -> None:
        """Set the values of ids from `first` on, which is behind all others."""
        self.put(np.arange(first, first + len(values)), values)

    @abstractmethod
    def take(self, ids: Int64Array) -> pa.Array:
        """The values of ids, which may repeat."""

    @abstractmethod
    def equals(self, ids: Int64Array, values: pa.Array) -> BoolArray:
        """Where the stored values equal the given ones; NULL equals NULL."""


def stored_column(type_: pa.DataType) -> StoredColumn:
    """An empty column for values of a normalised type."""
    return FixedColumn(type_) if is_fixed_width(type_) else BytesColumn(type_)


def grown(array: npt.NDArray[Any], size: int, fill: Any = 0) -> npt.NDArray[Any]:
    """The array, made at least `size` long, and at least twice as long as it was; new places hold `fill`."""
    if size <= len(array):
        return array
    # Zeros cost nothing until they are written, so that they may reach far ahead, and seldom are copied.
    times = 2 if fill or len(array) > _FAR else 4
    shape = (max(size, times * len(array), 1024), *array.shape[1:])
    bigger = np.full(shape, fill, array.dtype) if fill else np.zeros(shape, array.dtype)
    bigger[: len(array)] = array
    return bigger


class FixedColumn(StoredColumn):
    """Numbers, times, booleans, decimals."""

    def __init__(self, type_: pa.DataType) -> None:
        self._type = type_
        self._values = np.empty((0, *numpy_type(type_).shape), numpy_type(type_).base)
        self._valid: BoolArray | None = None

    def put(self, ids: Int64Array, values: pa.Array) -> None:
        self._write(ids, int(ids.max(initial=-1)) + 1, values)

    def append(self, first: int, values: pa.Array) -> None:
        last = first + len(values)
        self._write(slice(first, last), last, values)

    def _write(self, ids: Int64Array | slice, size: int, values: pa.Array) -> None:
        self._values = grown(self._values, size)
        self._values[ids] = values_of(values)
        valid = valid_of(values)
        if valid is not None and self._valid is None:
            self._valid = np.ones(len(self._values), np.bool_)
        if self._valid is not None:
            self._valid = grown(self._valid, len(self._values), True)
            self._valid[ids] = True if valid is None else valid

    def take(self, ids: Int64Array) -> pa.Array:
        valid = None if self._valid is None else self._valid[ids]
        return array_of(self._values[ids], valid, self._type)

    def equals(self, ids: Int64Array, values: pa.Array) -> BoolArray:
        same = _bits(self._values[ids]) == _bits(values_of(values))
        equal = np.asarray(same.all(axis=1) if same.ndim == 2 else same)
        mine, other = (None if self._valid is None else self._valid[ids]), valid_of(values)
        if mine is None and other is None:
            return equal
        every = np.ones(len(ids), np.bool_)
        mine, other = (every if mine is None else mine), (every if other is None else other)
        return np.asarray((equal & mine & other) | ~(mine | other))


def _bits(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Floats as integers, so that NaN equals itself."""
    return values.view(f"i{values.itemsize}") if values.dtype.kind == "f" else values


class BytesColumn(StoredColumn):
    """Texts and bytes: a log that is only appended to, and for each id its place there; dead entries are swept."""

    def __init__(self, type_: pa.DataType) -> None:
        self._type = type_
        self._large = pa.large_string() if pa.types.is_string(type_) else pa.large_binary()
        self._place = np.empty(0, np.int64)
        self._reset()

    def _reset(self) -> None:
        self._entries = 0
        self._offsets = np.zeros(1, np.int64)
        self._data = np.empty(0, np.uint8)

    def put(self, ids: Int64Array, values: pa.Array) -> None:
        self._place = grown(self._place, int(ids.max(initial=-1)) + 1, -1)
        if self._entries + len(ids) > 2 * len(self._place) + 1024:
            self._sweep()
        place = np.arange(self._entries, self._entries + len(ids))
        self._append(values)
        valid = valid_of(values)
        self._place[ids] = place if valid is None else np.where(valid, place, -1)

    def take(self, ids: Int64Array) -> pa.Array:
        place = self._place[ids]
        missing = place < 0
        at = int64_array(place, ~missing) if bool(missing.any()) else int64_array(place)
        offsets, data = pa.py_buffer(self._offsets), pa.py_buffer(self._data)
        log = pa.Array.from_buffers(self._large, self._entries, [None, offsets, data])
        return log.take(at).cast(self._type)

    def equals(self, ids: Int64Array, values: pa.Array) -> BoolArray:
        mine = self.take(ids)
        same = pc.equal(mine, values)
        if same.null_count:
            same = pc.if_else(same.is_valid(), same, pc.and_(mine.is_null(), values.is_null()))
        return np.asarray(same.to_numpy(zero_copy_only=False))

    def _append(self, values: pa.Array) -> None:
        starts, lengths, data = byte_slices(values)
        end = int(self._offsets[self._entries])
        self._data = grown(self._data, end + len(data))
        self._data[end : end + len(data)] = data
        self._offsets = grown(self._offsets, self._entries + len(values) + 1)
        self._offsets[self._entries + 1 : self._entries + len(values) + 1] = end + starts + lengths
        self._entries += len(values)

    def _sweep(self) -> None:
        used = np.flatnonzero(self._place >= 0)
        values = self.take(used)
        self._reset()
        self._append(values)
        self._place[used] = np.arange(len(used))
