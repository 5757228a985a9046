"""Fixed-width Arrow arrays seen as numpy arrays and back: without copying, but for booleans and NULL bitmaps."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

AnyArray = npt.NDArray[Any]
BoolArray = npt.NDArray[np.bool_]
Int64Array = npt.NDArray[np.int64]

_WIDTHS: dict[int, np.dtype[Any]] = {8: np.dtype(np.int8), 16: np.dtype(np.int16), 32: np.dtype(np.int32), 64: np.dtype(np.int64)}
_FLOATS: dict[pa.DataType, np.dtype[Any]] = {pa.float32(): np.dtype(np.float32), pa.float64(): np.dtype(np.float64)}


def is_fixed_width(type_: pa.DataType) -> bool:
    """Whether values of the type can be seen as numbers (booleans and decimals too)."""
    return bool(pa.types.is_primitive(type_) or pa.types.is_decimal128(type_) or pa.types.is_null(type_))


def numpy_type(type_: pa.DataType) -> np.dtype[Any]:
    """How `values_of` shows one value; decimals are two int64 words, the low one first."""
    if pa.types.is_boolean(type_) or pa.types.is_null(type_):
        return np.dtype(np.bool_)
    if pa.types.is_decimal128(type_):
        return np.dtype((np.int64, (2,)))
    return _FLOATS.get(type_) or _WIDTHS[type_.bit_width]


def values_of(array: pa.Array) -> AnyArray:
    """The raw values; what stands in NULL slots is arbitrary. Decimals have shape (rows, 2)."""
    count, offset = len(array), array.offset
    if pa.types.is_null(array.type):
        return np.zeros(count, np.bool_)
    data = array.buffers()[1]
    if data is None:
        return np.zeros(count, numpy_type(array.type))
    if pa.types.is_boolean(array.type):
        bits = np.frombuffer(data, np.uint8)[offset // 8 : (offset + count + 7) // 8]
        return np.unpackbits(bits, bitorder="little")[offset % 8 : offset % 8 + count].view(np.bool_)
    if pa.types.is_decimal128(array.type):
        return np.frombuffer(data, np.int64)[2 * offset : 2 * (offset + count)].reshape(count, 2)
    return np.frombuffer(data, numpy_type(array.type))[offset : offset + count]


def valid_of(array: pa.Array) -> BoolArray | None:
    """Which values are not NULL; None when all are."""
    if not array.null_count:
        return None
    return np.asarray(array.is_valid().to_numpy(zero_copy_only=False))


def array_of(values: AnyArray, valid: BoolArray | None, type_: pa.DataType) -> pa.Array:
    """The Arrow array that shares the memory of `values` (which must not be written afterwards)."""
    count = len(values)
    if pa.types.is_null(type_):
        return pa.nulls(count)
    if pa.types.is_boolean(type_):
        values = np.packbits(values, bitorder="little")
    bitmap = None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(type_, count, [bitmap, pa.py_buffer(np.ascontiguousarray(values))])


def int64_array(values: Int64Array, valid: BoolArray | None = None) -> pa.Array:
    """An int64 Arrow array over the memory of `values`."""
    return array_of(values, valid, pa.int64())
