"""Texts by their bytes: numpy looks for an ASCII character in all texts of an array at once.

UTF-8 writes such a character as one byte that is part of no other character.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr.function import Datum
from streamsql.expr.vectors import nulls, over_arrays, with_nulls
from streamsql.record import record

Bytes = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]

_WORD = np.dtype("<u8")
_BITS = 64


def is_ascii_character(text: str) -> bool:
    """Whether a text is one byte in UTF-8."""
    return len(text) == 1 and text.isascii()


def count_character(character: str) -> Callable[[Datum], Datum]:
    """How often an ASCII character stands in each text, as INT."""

    @over_arrays
    def count(array: pa.Array) -> pa.Array:
        offsets, data = offsets_and_bytes(array)
        found = np.diff(_ranks(data == ord(character), offsets - offsets[0]))
        return with_nulls(found.astype(np.int32), pa.int32(), array)

    return count


@record
class Parts:
    """Texts in parts: where they begin and end, where separators stand, how many before and in each text."""

    begins: Integers
    ends: Integers
    separators: Integers
    before: Integers
    counts: Integers

    def __len__(self) -> int:
        return len(self.begins)


def parts_between(separator: str) -> Callable[[pa.Array], Parts]:
    """Where an ASCII character separates parts of each text."""

    def parts(array: pa.Array) -> Parts:
        offsets, data = offsets_and_bytes(array)
        hits = data == ord(separator)
        ranks = _ranks(hits, offsets - offsets[0])
        return Parts(offsets[:-1], offsets[1:], np.flatnonzero(hits) + offsets[0], ranks[:-1], np.diff(ranks))

    return parts


def part(array: pa.Array, parts: Parts, index: int) -> pa.Array:
    """The part of that number, from 0, of each text; NULL where there is none, and for ''."""
    if not len(parts):
        return array
    there = (parts.counts >= index) & (parts.begins < parts.ends)
    if (missing := nulls(array)) is not None:
        there &= ~missing
    begins, ends = parts.begins, parts.ends
    starts = np.where(there, _place(parts.separators, parts.before + index - 1) + 1, begins) if index else begins
    stops = np.where(parts.counts > index, _place(parts.separators, parts.before + index), ends)
    return _slices(array, starts, np.where(there, stops, starts), there)


def _place(places: Integers, ranks: Integers) -> Integers:
    """The places of those ranks; anything where there is none."""
    return places.take(ranks, mode="clip") if len(places) else ranks


def _slices(array: pa.Array, starts: Integers, stops: Integers, there: npt.NDArray[np.bool_]) -> pa.Array:
    """Texts between bytes of an array, which come one after the other; Arrow copies every other of all slices."""
    bounds = np.empty(2 * len(array) + 1, np.int32)
    bounds[0:-1:2], bounds[1::2], bounds[-1] = starts, stops, stops[-1]
    slices = pa.StringArray.from_buffers(2 * len(array), pa.py_buffer(bounds), array.buffers()[2])
    return slices.take(pa.array(np.arange(0, 2 * len(array), 2), mask=~there))


def offsets_and_bytes(array: pa.Array) -> tuple[Integers, Bytes]:
    """Where each text begins in the buffer of the array and the last one ends, and the bytes in between."""
    if not len(array):
        return np.zeros(1, np.int64), np.zeros(0, np.uint8)
    _, offsets, data = array.buffers()
    places = np.frombuffer(offsets, np.int32)[array.offset : array.offset + len(array) + 1].astype(np.int64)
    return places, np.frombuffer(data or b"", np.uint8)[places[0] : places[-1]]


def has_byte(data: Bytes, characters: Iterable[str]) -> bool:
    """Whether one of some ASCII characters is among the bytes."""
    return any(bool((data == ord(each)).any()) for each in characters)


def _ranks(hits: npt.NDArray[np.bool_], places: Integers) -> Integers:
    """How many hits come before each place: those of whole words are added up, of the rest of a word counted."""
    words = np.zeros(len(hits) // _BITS + 1, _WORD)
    packed = np.packbits(hits, bitorder="little")
    words.view(np.uint8)[: len(packed)] = packed
    before = np.zeros(len(words), np.int64)
    np.cumsum(np.bitwise_count(words[:-1]), dtype=np.int64, out=before[1:])
    word = places // _BITS
    lower = (np.uint64(1) << (places % _BITS).astype(np.uint64)) - np.uint64(1)
    return before[word] + np.bitwise_count(words[word] & lower)


def _ascii_or_all(
    of_ascii: Callable[[pa.Array], pa.Array], of_all: Callable[[pa.Array], pa.Array]
) -> Callable[[Datum], Datum]:
    """The first kernel, many times as fast, where no text has another character than ASCII's."""

    @over_arrays
    def kernel(array: pa.Array) -> pa.Array:
        _, data = offsets_and_bytes(array)
        return of_ascii(array) if not len(data) or data.max() < 128 else of_all(array)

    return kernel


upper = _ascii_or_all(pc.ascii_upper, pc.utf8_upper)
lower = _ascii_or_all(pc.ascii_lower, pc.utf8_lower)
