"""Kernels that numba compiles, each the twin of numpy code that gives the same bits; imported by `compiled` alone.

Numbers are int64 throughout, arrays contiguous. Compiled code is kept beside this file, or in the user's cache folder
where that cannot be written; where neither can, it lives as long as the process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from numba import njit, types

Int64Array = npt.NDArray[np.int64]
UInt64Array = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.uint8]
Function = TypeVar("Function", bound=Callable[..., Any])

_READ = types.Array(types.int64, 1, "C", readonly=True)
_WRITE = types.Array(types.int64, 1, "C")
_READ_HASHES = types.Array(types.uint64, 1, "C", readonly=True)
_WRITE_HASHES = types.Array(types.uint64, 1, "C")
_READ_BYTES = types.Array(types.uint8, 1, "C", readonly=True)
_WORD, _HEAD_WORDS = 8, 8
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_SILVER = np.uint64(0xC2B2AE3D27D4EB4F)

KERNELS: dict[Any, tuple[Any, ...]] = {}
"""The kernels, and the types that each is compiled for."""


def _kernel(*arguments: Any) -> Callable[[Function], Function]:
    def decorate(function: Function) -> Function:
        compiled = _jitted(function)
        KERNELS[compiled] = arguments
        return compiled

    return decorate


def _jitted(function: Function, **options: Any) -> Function:
    try:
        found: Function = njit(cache=True, nogil=True, **options)(function)
    except RuntimeError:  # there is nowhere to keep compiled code
        found = njit(nogil=True, **options)(function)
    return found


@_kernel(_READ, _READ, types.int64, types.int64)
def two_digits(higher: Int64Array, lower: Int64Array, span: int, less: int) -> Int64Array:
    """higher * span + lower - less; it may wrap on the way."""
    numbers = np.empty(len(higher), np.int64)
    for row in range(len(higher)):
        numbers[row] = higher[row] * span + lower[row] - less
    return numbers


@_kernel(_READ, _READ, _WRITE, _WRITE, _WRITE, _WRITE)
def totals(
    ids: Int64Array,
    values: Int64Array,
    counts: Int64Array,
    sums: Int64Array,
    largest: Int64Array,
    smallest: Int64Array,
) -> tuple[int, int]:
    """Count, add and compare rows into their groups, in place; where one of the last four is empty, not into it.

    The largest and smallest value of all (there must be one), by which the caller knows whether sums can have wrapped.
    """
    top = low = values[0]
    counting, adding, raising, lowering = len(counts) > 0, len(sums) > 0, len(largest) > 0, len(smallest) > 0
    for row in range(len(ids)):
        group, value = ids[row], values[row]
        if counting:
            counts[group] += 1
        top, low = max(top, value), min(low, value)
        if adding:
            sums[group] += value
        if raising:
            largest[group] = max(largest[group], value)
        if lowering:
            smallest[group] = min(smallest[group], value)
    return top, low


@_kernel(_READ, types.int64)
def group_by_position(slots: Int64Array, width: int) -> tuple[Int64Array, Int64Array]:
    """Group ids by first appearance, and the first row of each; slots are below `width`."""
    number = np.full(width, -1, np.int64)
    ids, first = np.empty(len(slots), np.int64), np.empty(min(len(slots), width), np.int64)
    count = 0
    for row in range(len(slots)):
        group = number[slots[row]]
        if group < 0:
            number[slots[row]] = group = count
            first[count] = row
            count += 1
        ids[row] = group
    return ids, first[:count].copy()


def _mixed(value: np.uint64) -> np.uint64:
    value *= _GOLDEN
    value ^= value >> np.uint64(32)
    return value * _SILVER


_mix = _jitted(_mixed, inline="always")


@_kernel(_READ)
def group_by_hash(values: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Group ids by first appearance, and the first row of each."""
    bits = 1
    while 1 << bits < 2 * len(values):
        bits += 1
    mask, shift = (1 << bits) - 1, np.uint64(64 - bits)
    number = np.full(1 << bits, -1, np.int32)
    ids, first = np.empty(len(values), np.int64), np.empty(len(values), np.int64)
    count = 0
    for row in range(len(values)):
        value = values[row]
        slot = np.int64(_mix(np.uint64(value)) >> shift)
        while number[slot] >= 0 and values[first[number[slot]]] != value:
            slot = (slot + 1) & mask
        if number[slot] < 0:
            number[slot] = count
            first[count] = row
            count += 1
        ids[row] = number[slot]
    return ids, first[:count].copy()


@_kernel(_READ, _READ)
def running_maximum(values: Int64Array, segment: Int64Array) -> Int64Array:
    """The largest value so far within each segment."""
    reached = np.empty(len(values), np.int64)
    highest = values[0]
    for row in range(len(values)):
        same = row > 0 and segment[row] == segment[row - 1]
        highest = max(highest, values[row]) if same else values[row]
        reached[row] = highest
    return reached


def _word_at(data: Bytes, at: int, left: int) -> np.uint64:
    """Up to eight bytes as a number, the first one the lowest."""
    if left >= _WORD:
        return (
            np.uint64(data[at])
            | np.uint64(data[at + 1]) << np.uint64(8)
            | np.uint64(data[at + 2]) << np.uint64(16)
            | np.uint64(data[at + 3]) << np.uint64(24)
            | np.uint64(data[at + 4]) << np.uint64(32)
            | np.uint64(data[at + 5]) << np.uint64(40)
            | np.uint64(data[at + 6]) << np.uint64(48)
            | np.uint64(data[at + 7]) << np.uint64(56)
        )
    word = np.uint64(0)
    for byte in range(left):
        word |= np.uint64(data[at + byte]) << np.uint64(8 * byte)
    return word


_word = _jitted(_word_at)


@_kernel(_READ, _READ, _READ_BYTES, _WRITE_HASHES)
def hash_bytes(starts: Int64Array, lengths: Int64Array, data: Bytes, hashes: UInt64Array) -> None:
    """The hash of each slice of `data`: eight words one after the other, those after them weighted by their place."""
    for row in range(len(starts)):
        start, length = starts[row], lengths[row]
        total = _mix(np.uint64(length))
        for at in range(0, min(length, _HEAD_WORDS * _WORD), _WORD):
            total = _mix(total ^ _word(data, start + at, length - at))
        if length > _HEAD_WORDS * _WORD:
            tail = np.uint64(0)
            for at in range(_HEAD_WORDS * _WORD, length, _WORD):
                place = np.uint64(at // _WORD - _HEAD_WORDS)
                tail += _mix(_word(data, start + at, length - at)) * (_mix(place) | np.uint64(1))
            total = _mix(total ^ tail)
        hashes[row] = total


@_kernel(_READ_HASHES, _WRITE, _WRITE_HASHES, types.uint64, types.boolean)
def find_hashes(
    hashes: UInt64Array, ids: Int64Array, slot_hashes: UInt64Array, shift: np.uint64, claim: bool
) -> tuple[Int64Array, Int64Array]:
    """From the home slot of each hash on, the first that has it, or is empty: its id, and which slot it is.

    `ids` and `slot_hashes` are those of slots, -1 where one is empty, less where it has no key. With `claim`, an empty
    slot is no longer so for the hashes that come after.
    """
    found, slots = np.empty(len(hashes), np.int64), np.empty(len(hashes), np.int64)
    mask = len(ids) - 1
    for row in range(len(hashes)):
        hashed = hashes[row]
        slot = np.int64(hashed >> shift)
        while ids[slot] != -1 and (ids[slot] < 0 or slot_hashes[slot] != hashed):
            slot = (slot + 1) & mask
        found[row], slots[row] = ids[slot], slot
        if claim and ids[slot] == -1:
            ids[slot] = -3
            slot_hashes[slot] = hashed
    return found, slots


@_kernel(_READ_HASHES, _READ, _WRITE, _WRITE_HASHES, types.uint64)
def place_hashes(
    hashes: UInt64Array, new_ids: Int64Array, ids: Int64Array, slot_hashes: UInt64Array, shift: np.uint64
) -> None:
    """Fill the first empty slot from the home of each hash on; `ids` and `slot_hashes` are those of slots."""
    mask = len(ids) - 1
    for row in range(len(hashes)):
        slot = np.int64(hashes[row] >> shift)
        while ids[slot] != -1:
            slot = (slot + 1) & mask
        ids[slot] = new_ids[row]
        slot_hashes[slot] = hashes[row]
