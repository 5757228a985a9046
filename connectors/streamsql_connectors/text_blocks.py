"""Text files as blocks of whole records, so that files of any size are read in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streamsql.errors import DataError
from streamsql.record import record

BLOCK_BYTES = 8 << 20
_LONGEST_RECORD = 1 << 30
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
NEWLINE = 10

Bytes = npt.NDArray[np.uint8]
Cut = Callable[[Bytes], int]
"""How many of these bytes form whole records; the rest waits for what follows."""


class UnreadableFile(DataError):
    """A file that cannot be read, or decompressed, to its end; `lines`: how many were read before that."""

    def __init__(self, name: str, reason: str, lines: int = 0) -> None:
        after = f" after line {lines}" if lines else ""
        super().__init__(f"{name}{after}: {reason}", hint=_hint(reason, lines))
        self._known = name, reason

    def after(self, lines: int) -> UnreadableFile:
        """The same error, saying how many lines came before."""
        return UnreadableFile(*self._known, lines)


def _hint(reason: str, lines: int) -> str | None:
    """What may be wrong with a compressed file of which some lines could be read."""
    if "Truncated" in reason or "end-of-stream" in reason:
        return "the file is cut off: fetch it again"
    if not lines and ("header check" in reason or "Unknown frame descriptor" in reason):
        return "the file is not compressed as its name says: set 'compression' = 'none', or rename it"
    return "the file is damaged: fetch it again" if "check" in reason or "frame" in reason else None


@record
class TextBlock:
    """Whole records; `offset`: where they begin in the (decompressed) file, 0 also where a byte order mark comes first;
    `last`: the file ends here, without a newline."""

    data: pa.Buffer
    offset: int
    last: bool = False

    @property
    def size(self) -> int:
        return int(self.data.size)


def after_last_newline(data: Bytes) -> int:
    """The length of the whole lines in `data`.

    >>> after_last_newline(np.frombuffer(b"ab\\ncd", np.uint8))
    3
    """
    end = len(data)
    while end > 0:
        start = max(0, end - 4096)
        found = np.flatnonzero(data[start:end] == NEWLINE)
        if len(found):
            return start + int(found[-1]) + 1
        end = start
    return 0


def read_blocks(stream: BinaryIO, name: str, cut: Cut = after_last_newline, *, offset: int = 0) -> Iterator[TextBlock]:
    """Blocks of about BLOCK_BYTES bytes from `offset` on, without a byte order mark.

    At the end of the file the bytes after the last newline form a record too. DataError for what cannot be read, naming
    the file, after the blocks before it.
    """
    carry, wanted = b"", BLOCK_BYTES
    try:
        _skip(stream, offset)
        while True:
            data, ended = _fill(stream, carry, wanted)
            skipped = len(_BYTE_ORDER_MARK) if offset == 0 and _starts_with_mark(data) else 0
            whole = data.size if ended else cut(np.frombuffer(data, np.uint8))
            if whole > skipped:
                yield TextBlock(data.slice(skipped, whole - skipped), offset, ended)
            if ended:
                return
            carry = bytes(memoryview(data)[whole:])
            offset += whole
            wanted = BLOCK_BYTES if whole else _doubled(wanted, name)
    except (OSError, EOFError, pa.ArrowException) as error:
        raise UnreadableFile(name, str(error)) from error


def _skip(stream: BinaryIO, offset: int) -> None:
    if not offset:
        return
    if stream.seekable():
        stream.seek(offset)
        return
    while offset > 0:
        skipped = len(stream.read(min(offset, BLOCK_BYTES)))
        if not skipped:
            return
        offset -= skipped


def _fill(stream: BinaryIO, carry: bytes, size: int) -> tuple[pa.Buffer, bool]:
    """The carry and new bytes up to `size` in all, as many as one wait gives; whether the stream has ended.

    Blocks depend on where they begin alone, so that reading on from one gives the same blocks again.
    """
    buffer = pa.allocate_buffer(max(size, len(carry) + 1), resizable=False)
    view = memoryview(buffer).cast("B")
    view[: len(carry)] = carry
    filled = len(carry)
    read = _read_into(stream, view[filled:])
    return buffer.slice(0, filled + read), read == 0


def _read_into(stream: Any, view: memoryview) -> int:
    read = stream.readinto(view)
    return int(read or 0)


def _starts_with_mark(data: pa.Buffer) -> bool:
    return bytes(memoryview(data)[:3]) == _BYTE_ORDER_MARK


def _doubled(size: int, name: str) -> int:
    if size >= _LONGEST_RECORD:
        raise DataError(f"{name}: a record is longer than {_LONGEST_RECORD >> 30} GiB", hint="is this a text file?")
    return size * 2
