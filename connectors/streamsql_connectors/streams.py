"""Opening files: local paths, fsspec URLs and stdin, decompressed on the way."""

from __future__ import annotations

import io
import os
import select
import sys
from typing import Any, BinaryIO, cast

import pyarrow as pa

from streamsql.errors import DataError, UsageError

STANDARD = "-"
"""The path that stands for stdin in a source and for stdout in a sink."""

_PIECE = 1 << 14
CODECS = {".gz": "gzip", ".zst": "zstd"}


def codec_of(path: str, declared: str | None) -> str | None:
    """gzip, zstd or None, as declared or by the ending.

    >>> codec_of("logs/a.jsonl.gz", None), codec_of("a.jsonl", "zstd"), codec_of("a.csv", None)
    ('gzip', 'zstd', None)
    """
    if declared is not None:
        return None if declared == "none" else declared
    return CODECS.get(os.path.splitext(path)[1].lower())


def is_url(path: str) -> bool:
    """Whether fsspec opens the path.

    >>> is_url("s3://bucket/a.json"), is_url("logs/a.json")
    (True, False)
    """
    return "://" in path


def filesystem(url: str) -> tuple[Any, str]:
    """fsspec's file system of a URL, and the path inside it."""
    import fsspec

    try:
        found, path = fsspec.core.url_to_fs(url)
    except (ValueError, ImportError) as error:
        raise UsageError(f"cannot open {url}: {error}") from error
    return found, path


def open_input(path: str, codec: str | None, *, peek: bool = False) -> BinaryIO:
    """The decompressed bytes of a file, from its start. `peek`: what is read of stdin is there again for the next."""
    try:
        raw = cast(BinaryIO, StandardInput(peek=peek)) if path == STANDARD else _open_raw(path)
    except FileNotFoundError:
        raise UsageError(f"file not found: {path}") from None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    if codec is None:
        return raw
    return cast(BinaryIO, Decompressed(pa.CompressedInputStream(pa.PythonFile(raw, "r"), codec)))


def _open_raw(path: str) -> BinaryIO:
    if is_url(path):
        found, inside = filesystem(path)
        return cast(BinaryIO, found.open(inside, "rb"))
    return open(path, "rb", buffering=0)


_peeked = bytearray()
_taken: list[Any] = []
"""The stdin that someone has begun to read for good; empty if no one has."""


class StandardInput(io.RawIOBase):
    """stdin in pieces as large as what has arrived: waits for the first byte, then takes what is there.

    `peek`: fills all it is asked for, so that what columns are found in does not depend on how fast data comes, and
    keeps it for the next reader.
    """

    def __init__(self, *, peek: bool = False) -> None:
        self._stream: Any = sys.stdin.buffer
        self._peek = peek
        if any(each is self._stream for each in _taken):
            raise DataError("stdin: it can be read once only", hint="save it in a file, and give the file's name")
        if not peek:
            _taken[:] = [self._stream]

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        """As many bytes as there are, at least one; 0 at the end."""
        view = memoryview(target).cast("B")
        if _peeked and not self._peek:
            return self._again(view)
        filled = 0
        while filled < len(view):
            read = self._stream.readinto1(view[filled:])
            filled += read
            if read == 0 or not (self._peek or self.ready()):
                break
        if self._peek:
            _peeked.extend(view[:filled])
        return filled

    def _again(self, view: memoryview) -> int:
        count = min(len(view), len(_peeked))
        view[:count] = _peeked[:count]
        del _peeked[:count]
        return count

    def ready(self) -> bool:
        """Whether there is more to read, or the end, without waiting."""
        try:
            return bool(select.select([self._stream.fileno()], [], [], 0)[0])
        except (OSError, ValueError):
            return False


class Decompressed(io.RawIOBase):
    """What a compressed file holds; where it is damaged or cut off, nearly all that comes before, then the error."""

    def __init__(self, stream: pa.NativeFile) -> None:
        self._stream = stream
        self._error: Exception | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        """As much as fits, in pieces, since the piece in which the damage lies is lost."""
        if self._error is not None:
            raise self._error
        view, filled = memoryview(target).cast("B"), 0
        while filled < len(view):
            piece = view[filled : filled + _PIECE]
            try:
                read = self._stream.readinto(piece)
            except (OSError, pa.ArrowException) as error:
                self._error = error
                break
            filled += read
            if read < len(piece):
                break
        if filled == 0 and self._error is not None:
            raise self._error
        return filled

    def close(self) -> None:
        self._stream.close()
        super().close()


class Rejoined(io.RawIOBase):
    """A stream again from its start, of which some bytes were read already. Whoever opened the stream closes it."""

    def __init__(self, head: bytes, rest: Any) -> None:
        self._head = memoryview(head)
        self._rest = rest
        self._place = 0

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        """Bytes of the head as long as there are any."""
        view = memoryview(target).cast("B")
        if len(self._head):
            count = min(len(view), len(self._head))
            view[:count] = self._head[:count]
            self._head = self._head[count:]
        else:
            count = int(self._rest.readinto(view) or 0)
        self._place += count
        return count

    def tell(self) -> int:
        return self._place
