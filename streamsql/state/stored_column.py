"""Columns of values addressed by dense id, which grow and are written in place."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streamsql.state.fixed_width import (
    BoolArray,
    Int64Array,
    array_of,
    is_fixed_width,
    numpy_type,
    valid_of,
    values_of,
)

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
    if is_fixed_width(type_):
        return FixedColumn(type_)
    from streamsql.state.bytes_column import BytesColumn

    return BytesColumn(type_)


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


def with_validity(known: BoolArray | None, ids: Int64Array | slice, values: pa.Array, size: int) -> BoolArray | None:
    """Which of `size` values are not NULL, after some were put; None while all are."""
    valid = valid_of(values)
    if known is None and valid is None:
        return None
    known = np.ones(size, np.bool_) if known is None else grown(known, size, True)
    known[ids] = True if valid is None else valid
    return known


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
        self._valid = with_validity(self._valid, ids, values, len(self._values))

    def take(self, ids: Int64Array) -> pa.Array:
        valid = None if self._valid is None else self._valid.take(ids)
        return array_of(self._values.take(ids, axis=0), valid, self._type)

    def equals(self, ids: Int64Array, values: pa.Array) -> BoolArray:
        same = _bits(self._values.take(ids, axis=0)) == _bits(values_of(values))
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
