"""A block of text as an Arrow array of its lines."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streamsql_connectors.text_blocks import NEWLINE, Bytes

_CARRIAGE_RETURN = 13
_SHOWN = 200
_UNSEEN = r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\ufeff]"

Offsets = npt.NDArray[np.int32]


class Lines:
    """Lines of a block, which are looked for when first asked for; text after the last newline is a line too."""

    def __init__(self, data: pa.Buffer, ends: Offsets | None = None) -> None:
        self.data = data
        self._ends = ends

    def __len__(self) -> int:
        if self._ends is not None:
            return len(self._ends)
        values = np.frombuffer(self.data, np.uint8)
        return int(np.count_nonzero(values == NEWLINE)) + (len(values) > 0 and values[-1] != NEWLINE)

    @property
    def ends(self) -> Offsets:
        """The offsets behind each line's newline (the last line of a file may have none)."""
        if self._ends is None:
            self._ends = _line_ends(self.data)
        return self._ends

    @property
    def starts(self) -> Offsets:
        starts = np.empty(len(self.ends), np.int32)
        starts[:1] = 0
        starts[1:] = self.ends[:-1]
        return starts

    def array(self, type_: pa.DataType) -> pa.Array:
        """The lines, newlines included, as strings or binary values, without copying. Not checked to be UTF-8."""
        offsets = np.empty(len(self.ends) + 1, np.int32)
        offsets[0] = 0
        offsets[1:] = self.ends
        return pa.Array.from_buffers(type_, len(self.ends), [None, pa.py_buffer(offsets), self.data])

    def raw(self, index: int) -> bytes:
        """One line without its line end."""
        start = int(self.ends[index - 1]) if index else 0
        return bytes(memoryview(self.data)[start : int(self.ends[index])]).rstrip(b"\r\n")

    def text(self, index: int) -> str:
        """One line as an error message shows it: cut to 200 characters, invalid bytes as `\\xNN`, and also characters
        that cannot be seen."""
        return shown(self.raw(index).decode("utf-8", "backslashreplace"))


def shown(text: str) -> str:
    """A text cut to what a message shows, without characters that cannot be seen.

    >>> shown("a\\0b")
    'a\\\\x00b'
    >>> shown("x" * 300) == "x" * 200 + "…"
    True
    """
    text = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
    return re.sub(_UNSEEN, lambda found: found[0].encode("unicode_escape").decode(), text)


def _line_ends(data: pa.Buffer) -> Offsets:
    """
    >>> lines = Lines(pa.py_buffer(b"a\\n\\nbc"))
    >>> len(lines), lines.raw(2), len(lines)
    (3, b'bc', 3)
    """
    found = np.flatnonzero(np.frombuffer(data, np.uint8) == NEWLINE)
    open_line = data.size and (not len(found) or int(found[-1]) != data.size - 1)
    ends = np.empty(len(found) + bool(open_line), np.int32)
    np.add(found, 1, out=ends[: len(found)], casting="unsafe")
    if open_line:
        ends[-1] = data.size
    return ends


def without_line_ends(lines: Lines) -> Lines:
    """The same lines with `\\n` or `\\r\\n` taken out of the data.

    >>> bare = without_line_ends(Lines(pa.py_buffer(b"a\\r\\nb\\n")))
    >>> bytes(bare.data), bare.ends.tolist()
    (b'ab', [1, 2])
    """
    if not len(lines):
        return lines
    values: Bytes = np.frombuffer(lines.data, np.uint8)
    removed = values == NEWLINE
    if (values == _CARRIAGE_RETURN).any():
        removed[:-1] |= (values[:-1] == _CARRIAGE_RETURN) & removed[1:]
    dropped = np.searchsorted(np.flatnonzero(removed), lines.ends).astype(np.int32)
    return Lines(pa.py_buffer(values[~removed]), lines.ends - dropped)


def is_utf8(data: pa.Buffer) -> bool:
    """Whether all of it is UTF-8, found at the speed of a memory copy."""
    offsets = pa.py_buffer(np.array([0, data.size], np.int32))
    try:
        pa.Array.from_buffers(pa.string(), 1, [None, offsets, data]).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def invalid_utf8(lines: Lines) -> npt.NDArray[np.int64]:
    """Indices of the lines that are not UTF-8, ascending; usually none."""
    return np.empty(0, np.int64) if is_utf8(lines.data) else _search_invalid(lines)


def _search_invalid(lines: Lines) -> npt.NDArray[np.int64]:
    unusual = np.flatnonzero(np.frombuffer(lines.data, np.uint8) >= 128)
    candidates = np.unique(np.searchsorted(lines.ends, unusual, side="right"))
    return np.array([each for each in candidates.tolist() if not is_utf8(pa.py_buffer(lines.raw(each)))], np.int64)
