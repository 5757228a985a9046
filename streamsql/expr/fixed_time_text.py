"""Times written by patterns of fixed width (`yyyy-MM-dd HH:mm`): bytes picked out of the text that Arrow makes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr.vectors import is_true

_WIDTH = len("2025-06-02 10:20:30.123456")
_FIELDS = {
    ("y", 4): slice(0, 4),
    ("y", 2): slice(2, 4),
    ("M", 2): slice(5, 7),
    ("d", 2): slice(8, 10),
    ("H", 2): slice(11, 13),
    ("m", 2): slice(14, 16),
    ("s", 2): slice(17, 19),
    **{("S", count): slice(20, 20 + count) for count in range(1, 7)},
}
"""Where Arrow's text of a timestamp[us] has each field."""

Bytes = npt.NDArray[np.uint8]


def fixed_writer(tokens: Sequence[tuple[str, int, str]]) -> Callable[[pa.Array], pa.Array | None] | None:
    """Writes timestamps by letters, their counts, and literal text where the letter is "".

    None where a field has no fixed width; the writer gives None where a year has not four digits.
    """
    if any(letter and (letter, count) not in _FIELDS for letter, count, _ in tokens) or not tokens:
        return None
    pieces: list[slice | Bytes] = [
        _FIELDS[letter, count] if letter else np.frombuffer(text.encode(), np.uint8) for letter, count, text in tokens
    ]

    def write(array: pa.Array) -> pa.Array | None:
        source = _digits(array)
        if source is None:
            return None
        parts = [
            source[:, each] if isinstance(each, slice) else np.broadcast_to(each, (len(source), len(each)))
            for each in pieces
        ]
        text = np.concatenate(parts, axis=1)
        return _strings(text, array)

    return write


def _digits(array: pa.Array) -> Bytes | None:
    """A row of 26 bytes for each time, that of 1970 for NULL."""
    known = array.fill_null(0) if array.null_count else array
    text = pc.cast(known, pa.string())
    if text.offset:
        text = pa.concat_arrays([text])
    data = np.frombuffer(text.buffers()[2] or b"", np.uint8)
    if len(data) != _WIDTH * len(text) or (len(text) and pc.any(pc.not_equal(pc.binary_length(text), _WIDTH)).as_py()):
        return None
    return data.reshape(len(text), _WIDTH)


def _strings(text: Bytes, like: pa.Array) -> pa.Array:
    """Rows of bytes as an array of texts, NULL where `like` is."""
    rows, width = text.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * width
    validity = None
    if like.null_count:
        validity = pa.py_buffer(np.packbits(is_true(pc.is_valid(like)), bitorder="little"))
    buffers = [validity, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(text))]
    return pa.Array.from_buffers(pa.string(), rows, buffers, like.null_count)
