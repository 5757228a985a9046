"""Columns of values that are appended in order and read by number, as small as their values allow."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streamsql.state.appended_bytes import AppendedBytes
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
from streamsql.state.stored_column import FixedColumn, grown, with_validity


class AppendedColumn(Protocol):
    """One value, or NULL, for each row."""

    def append(self, first: int, values: pa.Array) -> None:
        """Set the values of the rows from `first` on, which is behind all others."""

    def take(self, ids: Int64Array, /) -> pa.Array:
        """The values of rows, which may repeat."""


def appended_column(type_: pa.DataType) -> AppendedColumn:
    """An empty column."""
    if pa.types.is_nested(type_):
        return _NestedColumn(type_)
    if not is_fixed_width(type_):
        return AppendedBytes(type_)
    return _NearColumn(type_) if numpy_type(type_) == np.int64 else FixedColumn(type_)


class _NearColumn:
    """Whole numbers and times of 64 bits: how far each is from the first one, in 32 while that is enough for all."""

    def __init__(self, type_: pa.DataType) -> None:
        self._type = type_
        self._origin: np.int64 | None = None
        self._distances: npt.NDArray[Any] = np.zeros(0, np.int32)
        self._valid: BoolArray | None = None

    def append(self, first: int, values: pa.Array) -> None:
        last = first + len(values)
        distances = self._distances_of(values)
        if self._distances.dtype == np.int32 and (distances.astype(np.int32) != distances).any():
            wider = np.zeros(len(self._distances), np.int64)
            wider[:first] = self._distances[:first]
            self._distances = wider
        self._distances = grown(self._distances, last)
        self._distances[first:last] = distances
        self._valid = with_validity(self._valid, slice(first, last), values, last)

    def take(self, rows: Int64Array) -> pa.Array:
        valid = None if self._valid is None else self._valid[rows]
        distances = self._distances[rows]
        values = np.add(distances, 0 if self._origin is None else self._origin, dtype=np.int64)
        return array_of(values, valid, self._type)

    def _distances_of(self, values: pa.Array) -> Int64Array:
        """Modulo 2**64, so that the sum with the origin is always right."""
        numbers, valid = values_of(values), valid_of(values)
        here = np.flatnonzero(valid)[:1] if valid is not None else np.arange(min(1, len(numbers)))
        if self._origin is None and len(here):
            self._origin = numbers[here[0]]
        distances = numbers if self._origin is None else np.subtract(numbers, self._origin, dtype=np.int64)
        return distances if valid is None else np.where(valid, distances, np.int64(0))


class _NestedColumn:
    """ARRAY, MAP and ROW values, in pieces that double: of each size there is at most one."""

    def __init__(self, type_: pa.DataType) -> None:
        self._pieces = [pa.array([], type_)]

    def append(self, first: int, values: pa.Array) -> None:
        self._pieces.append(values)
        while len(self._pieces) > 1 and len(self._pieces[-2]) <= len(self._pieces[-1]):
            self._pieces[-2:] = [pa.concat_arrays(self._pieces[-2:])]

    def take(self, rows: Int64Array) -> pa.Array:
        if len(self._pieces) == 1:
            return self._pieces[0].take(int64_array(rows))
        ends = np.cumsum([len(each) for each in self._pieces])
        piece = np.searchsorted(ends, rows, "right")
        order = np.argsort(piece, kind="stable")
        parts = []
        for number in np.unique(piece):
            mine = rows[order[piece[order] == number]] - (ends[number] - len(self._pieces[number]))
            parts.append(self._pieces[number].take(int64_array(mine)))
        if not parts:
            return self._pieces[0].slice(0, 0)
        back = np.empty(len(rows), np.int64)
        back[order] = np.arange(len(rows))
        return pa.concat_arrays(parts).take(int64_array(back))
