"""64-bit hashes of key rows, a column at a time. A hash is an index, never an identity."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streamsql import compiled
from streamsql.state.fixed_width import Int64Array, is_fixed_width, valid_of, values_of

UInt64Array = npt.NDArray[np.uint64]
HashRows = Callable[[Sequence[pa.Array]], UInt64Array]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_SILVER = np.uint64(0xC2B2AE3D27D4EB4F)
_NULL = np.uint64(0x2545F4914F6CDD1D)
_WORD = 8
_HEAD_WORDS = 8
_MASKS = np.array([(1 << (8 * each)) - 1 for each in range(_WORD + 1)], np.uint64)


def hash_rows(columns: Sequence[pa.Array]) -> UInt64Array:
    """One hash for each row of normalised columns. Over one integer column without NULLs no two values share a hash."""
    total = _hash_column(columns[0])
    for column in columns[1:]:
        total = mix(total + _GOLDEN ^ _hash_column(column))
    return total


def mix(values: UInt64Array) -> UInt64Array:
    """Spread the bits, one to one: the high bits of the result depend on all bits."""
    mixed = values * _GOLDEN
    mixed ^= mixed >> np.uint64(32)
    mixed *= _SILVER
    return mixed


def _hash_column(column: pa.Array) -> UInt64Array:
    hashes = _hash_numbers(column) if is_fixed_width(column.type) else _hash_bytes(column)
    valid = valid_of(column)
    return hashes if valid is None else np.where(valid, hashes, _NULL)


def _hash_numbers(column: pa.Array) -> UInt64Array:
    values = values_of(column)
    if values.ndim == 2:
        low, high = values.view(np.uint64).T
        return mix(mix(low) ^ high)
    if values.dtype.kind == "f":
        values = values.view(np.int32 if values.itemsize == 4 else np.int64)
    return mix(values.astype(np.int64, copy=False).view(np.uint64))


def _hash_bytes(column: pa.Array) -> UInt64Array:
    starts, lengths, data = byte_slices(column)
    if (fast := compiled.kernels(len(starts))) is not None:
        found = np.empty(len(starts), np.uint64)
        fast.hash_bytes(starts, lengths, data, found)
        return found
    padded = np.concatenate([data, np.zeros(_WORD, np.uint8)])
    words = np.ndarray((len(data) + 1,), "<u8", buffer=padded, strides=(1,))
    hashes = mix(lengths.astype(np.uint64))
    for word in range(_HEAD_WORDS):
        at = word * _WORD
        rows = np.flatnonzero(lengths > at)
        if not len(rows):
            return hashes
        piece = words[starts[rows] + at] & _MASKS[np.minimum(lengths[rows] - at, _WORD)]
        hashes[rows] = mix(hashes[rows] ^ piece)
    _add_tails(hashes, words, starts + _HEAD_WORDS * _WORD, lengths - _HEAD_WORDS * _WORD)
    return hashes


def _add_tails(hashes: UInt64Array, words: UInt64Array, starts: Int64Array, lengths: Int64Array) -> None:
    """Take in what is left of long texts: all their words at once, each weighted by its place."""
    rows = np.flatnonzero(lengths > 0)
    if not len(rows):
        return
    counts = (lengths[rows] + _WORD - 1) // _WORD
    begins = np.cumsum(counts) - counts
    place = np.arange(int(counts.sum())) - np.repeat(begins, counts)
    left = np.minimum(np.repeat(lengths[rows], counts) - place * _WORD, _WORD)
    pieces = words[np.repeat(starts[rows], counts) + place * _WORD] & _MASKS[left]
    weights = mix(place.view(np.uint64)) | np.uint64(1)
    hashes[rows] = mix(hashes[rows] ^ np.add.reduceat(mix(pieces) * weights, begins))


def byte_slices(column: pa.Array) -> tuple[Int64Array, Int64Array, npt.NDArray[np.uint8]]:
    """Where each value of a string or binary array starts, how long it is, and the bytes that this counts in."""
    offsets = np.frombuffer(column.buffers()[1], np.int32)[column.offset : column.offset + len(column) + 1]
    buffer = column.buffers()[2]
    data = np.empty(0, np.uint8) if buffer is None else np.frombuffer(buffer, np.uint8)
    low, high = (int(offsets[0]), int(offsets[-1])) if len(column) else (0, 0)
    starts = offsets[:-1].astype(np.int64) - low
    return starts, np.diff(offsets).astype(np.int64), data[low:high]
