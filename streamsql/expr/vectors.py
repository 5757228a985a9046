"""Between Arrow data and numpy arrays: what the kernels that do their own arithmetic share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Datum = Any


def broadcast(datum: Datum, length: int) -> pa.Array:
    """An array of the given length; a scalar is repeated."""
    if isinstance(datum, pa.Scalar):
        return pa.repeat(datum, length) if datum.is_valid else pa.nulls(length, datum.type)
    return datum.combine_chunks() if isinstance(datum, pa.ChunkedArray) else datum


def over_arrays(kernel: Callable[..., pa.Array]) -> Callable[..., Datum]:
    """Let a kernel that knows only arrays take scalars too; scalars alone give a scalar."""

    @functools.wraps(kernel)
    def evaluate(*args: Datum) -> Datum:
        lengths = [len(each) for each in args if not isinstance(each, pa.Scalar)]
        result = kernel(*(broadcast(each, lengths[0] if lengths else 1) for each in args))
        return result if lengths else result[0]

    return evaluate


def numbers(array: pa.Array) -> npt.NDArray[Any]:
    """The values as numpy, NULL as whatever lies beneath it (0 where Arrow must fill)."""
    if array.null_count and array.type.num_buffers != 2:
        array = pc.fill_null(array, pa.scalar(0, array.type))
    if pa.types.is_temporal(array.type):
        array = array.view(pa.int32() if array.type.bit_width == 32 else pa.int64())
    if array.null_count:
        data = np.frombuffer(array.buffers()[1], dtype=array.type.to_pandas_dtype())
        return data[array.offset : array.offset + len(array)]
    return array.to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def bits(buffer: pa.Buffer, offset: int, length: int) -> npt.NDArray[np.bool_]:
    """A bitmap as booleans."""
    whole = np.unpackbits(np.frombuffer(buffer, np.uint8), count=offset + length, bitorder="little")
    return whole[offset:].view(np.bool_)


def nulls(array: pa.Array) -> npt.NDArray[np.bool_] | None:
    """Where the array is NULL, as numpy; None: nowhere."""
    if not array.null_count:
        return None
    return is_true(pc.is_null(array))


def is_true(array: pa.BooleanArray) -> npt.NDArray[np.bool_]:
    """TRUE as True; FALSE and NULL as False."""
    if len(array) == 0:
        return np.zeros(0, np.bool_)
    validity, values = array.buffers()
    mask = bits(values, array.offset, len(array))
    if validity is not None and array.null_count:
        mask = mask & bits(validity, array.offset, len(array))
    return mask


def with_nulls(values: npt.NDArray[Any], type_: pa.DataType, *like: pa.Array) -> pa.Array:
    """An Arrow array of the values, NULL wherever one of `like` is."""
    mask: npt.NDArray[np.bool_] | None = None
    for each in like:
        if (missing := nulls(each)) is not None:
            mask = missing if mask is None else mask | missing
    storage = _storage(type_)
    result = pa.array(values, storage, mask=mask)
    return result if storage == type_ else result.view(type_)


def _storage(type_: pa.DataType) -> pa.DataType:
    if not pa.types.is_temporal(type_):
        return type_
    return pa.int32() if type_.bit_width == 32 else pa.int64()


def read_text(array: pa.Array, type_: pa.DataType) -> pa.Array | None:
    """Text as Arrow reads it; None where it cannot read one of the values."""
    try:
        return pc.cast(array, type_)
    except pa.ArrowInvalid:
        return None
