"""Numbers in JSON text as marked strings, so that no JSON library rewrites them: 1.10 stays 1.10, 30 digits stay 30."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.record import record

Bytes = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int64]

_QUOTE, _BACKSLASH = ord('"'), ord("\\")
_OF_A_NUMBER = np.zeros(256, np.bool_)
_OF_A_NUMBER[list(b"0123456789+-.eE")] = True
_BEGINS_A_NUMBER = np.zeros(256, np.bool_)
_BEGINS_A_NUMBER[list(b"0123456789-")] = True
_MARKS = range(0xE000, 0xF900)
"""The private use area of Unicode: what no text needs, and each block is searched for."""


@record(eq=False)
class MarkedNumbers:
    """JSON texts in which each number is a string that begins with `mark`, which occurs nowhere else."""

    texts: pa.Array
    mark: str

    def written(self, texts: pa.Array) -> pa.Array:
        """Texts made of the marked ones, with the numbers as they were: also those inside nested JSON."""
        if not pc.any(pc.match_substring(texts, self.mark)).as_py():
            return texts
        return pc.replace_substring_regex(texts, f'"?{self.mark}([-+.eE0-9]+)"?', r"\1")


def mark_numbers(texts: pa.Array) -> MarkedNumbers:
    """The numbers of valid JSON objects and arrays (or NULLs) as strings.

    >>> mark_numbers(pa.array(['{"a": [1.10, "2"]}'])).texts[0].as_py().encode("ascii", "namereplace")
    b'{"a": ["\\\\ue0001.10", "2"]}'
    """
    offsets, data = _offsets_and_data(texts)
    mark = _unused_mark(data)
    starts, ends = _numbers(np.frombuffer(data, np.uint8))
    if not len(starts):
        return MarkedNumbers(texts, mark)
    added = len(mark.encode()) + len('""')
    moved = offsets + added * np.searchsorted(starts, offsets).astype(np.int32)
    marked = _strings(moved, _quoted(data, starts, ends, mark))
    return MarkedNumbers(pc.if_else(texts.is_valid(), marked, None) if texts.null_count else marked, mark)


def _offsets_and_data(texts: pa.Array) -> tuple[npt.NDArray[np.int32], pa.Buffer]:
    whole = pc.fill_null(texts, "") if texts.null_count else texts
    _, offset_buffer, data = whole.buffers()
    offsets = np.frombuffer(offset_buffer, np.int32)[whole.offset : whole.offset + len(whole) + 1]
    if data is None or not len(offsets):
        return np.zeros(len(whole) + 1, np.int32), pa.py_buffer(b"")
    return offsets - offsets[0], data.slice(int(offsets[0]), int(offsets[-1] - offsets[0]))


def _unused_mark(data: pa.Buffer) -> str:
    raw = data.to_pybytes()
    if b"\xee" not in raw and b"\\ue" not in raw and b"\\uE" not in raw:
        return chr(_MARKS[0])
    written = {int(each, 16) for each in re.findall(rb"\\u([eEfF][0-9a-fA-F]{3})", raw)}
    used = written.union(map(ord, raw.decode("utf-8", "replace")))
    return chr(next(each for each in _MARKS if each not in used))


def _numbers(data: Bytes) -> tuple[Positions, Positions]:
    """Where each number outside of strings begins and ends."""
    quotes = np.flatnonzero(data == _QUOTE)
    quotes = quotes[~_escaped(data, quotes)]
    candidate = _OF_A_NUMBER[data]
    inside = np.zeros(len(data), np.bool_)
    inside[quotes] = True
    np.logical_xor.accumulate(inside, out=inside)
    candidate &= ~inside
    edges = np.flatnonzero(np.diff(candidate, prepend=False, append=False))
    starts, ends = edges[0::2], edges[1::2]
    number = _BEGINS_A_NUMBER[data[starts]]
    return starts[number], ends[number]


def _escaped(data: Bytes, quotes: Positions) -> npt.NDArray[np.bool_]:
    """Which quotes come after an odd number of backslashes."""
    escaped = np.zeros(len(quotes), np.bool_)
    open_, before = np.arange(len(quotes)), quotes - 1
    while len(open_):
        more = (before >= 0) & (data[before] == _BACKSLASH)
        open_, before = open_[more], before[more] - 1
        escaped[open_] ^= True
    return escaped


def _quoted(data: pa.Buffer, starts: Positions, ends: Positions, mark: str) -> pa.Buffer:
    edges = np.zeros(2 * len(starts) + 2, np.int32)
    edges[1:-1:2], edges[2:-1:2], edges[-1] = starts, ends, data.size
    pieces = _strings(edges, data)
    others, numbers = _every_second(pieces, 0), _every_second(pieces, 1)
    *_, joined = pc.binary_join_element_wise(others[:-1], f'"{mark}', numbers, '"', "").buffers()
    return pa.py_buffer(b"".join((memoryview(joined), memoryview(data)[int(ends[-1]) :])))


def _every_second(pieces: pa.Array, first: int) -> pa.Array:
    return pieces.take(pa.array(np.arange(first, len(pieces), 2)))


def _strings(offsets: npt.NDArray[np.int32], data: pa.Buffer) -> pa.Array:
    return pa.Array.from_buffers(pa.string(), len(offsets) - 1, [None, pa.py_buffer(offsets), data])
