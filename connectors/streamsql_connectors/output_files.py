"""Files being written: bytes go to a temporary name, and get their final one only when all is well."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import Any, BinaryIO, Protocol, cast

import pyarrow as pa

from streamsql.errors import UsageError
from streamsql_connectors.streams import STANDARD, filesystem, is_url


class Place(Protocol):
    """Where bytes go until they are published."""

    raw: BinaryIO
    empty: bool
    immediate: bool
    """Whether readers see what is written at once."""

    def finish(self) -> None:
        """All bytes are written: bring them to disk."""
        ...

    def publish(self) -> None:
        """Give them their final name."""
        ...

    def discard(self) -> None:
        """Remove them."""
        ...


class OutputFile:
    """A place and the stream that a writer writes to, compressed where asked for."""

    def __init__(self, place: Place, codec: str | None) -> None:
        self._place = place
        self.empty = place.empty
        self.immediate = place.immediate and codec is None
        self._guarded = _Guarded(place.raw)
        self._compressed: Any = None
        if codec is not None:
            self._compressed = pa.CompressedOutputStream(pa.PythonFile(self._guarded, "w"), codec)
        self.stream = cast(BinaryIO, self._guarded if self._compressed is None else self._compressed)

    def written(self) -> int:
        """Bytes that have reached the file so far."""
        return self._guarded.written

    def finish(self) -> None:
        """No more bytes come; the file is complete, under its temporary name."""
        if self._compressed is not None:
            self._compressed.close()
        self._place.finish()

    def publish(self) -> None:
        """Give the file its final name."""
        self._place.publish()

    def discard(self) -> None:
        """Remove the file; what a writer still holds goes nowhere."""
        self._guarded.discarded = True
        if self._compressed is not None:
            self._compressed.close()
        self._place.discard()


class _Guarded(io.RawIOBase):
    """A stream that can be closed without closing the file, and that drops bytes once the file is discarded."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self.written = 0
        self.discarded = False

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        if not self.discarded:
            self._raw.write(data)
            self.written += size
        return size

    def tell(self) -> int:
        return self.written

    def flush(self) -> None:
        if not self.discarded and not self._raw.closed:
            self._raw.flush()


def place_for(path: str) -> Place:
    """A temporary place beside a path or URL, or stdout; UsageError where nothing can be written."""
    if path == STANDARD:
        return _Standard()
    return _Remote(path) if is_url(path) else _Local(path)


def remove(path: str) -> None:
    """Remove a file."""
    if is_url(path):
        files, inside = filesystem(path)
        files.rm(inside)
    else:
        os.unlink(path)


def _drop(raw: BinaryIO) -> None:
    """Close without caring for bytes that a full disk did not take: they are not wanted any more."""
    with suppress(OSError):
        raw.close()


class _Local:
    empty, immediate = True, False

    def __init__(self, path: str) -> None:
        folder, name = os.path.split(path)
        if not os.path.isdir(folder or "."):
            raise UsageError(f"cannot write {path}: there is no folder {folder}")
        self._final = path
        self._temporary = os.path.join(folder, f".{name}.tmp-{os.urandom(6).hex()}")
        try:
            self.raw: BinaryIO = open(self._temporary, "xb")  # noqa: SIM115
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror}") from error

    def finish(self) -> None:
        self.raw.flush()
        os.fsync(self.raw.fileno())
        self.raw.close()

    def publish(self) -> None:
        os.replace(self._temporary, self._final)

    def discard(self) -> None:
        _drop(self.raw)
        if os.path.exists(self._temporary):
            os.unlink(self._temporary)


class _Remote:
    empty, immediate = True, False

    def __init__(self, url: str) -> None:
        self._files, self._final = filesystem(url)
        folder, _, name = self._final.rpartition("/")
        self._temporary = f"{folder}/.{name}.tmp-{os.urandom(6).hex()}"
        try:
            if folder:
                self._files.makedirs(folder, exist_ok=True)
            self.raw: BinaryIO = self._files.open(self._temporary, "wb")
        except OSError as error:
            raise UsageError(f"cannot write {url}: {error}") from error

    def finish(self) -> None:
        self.raw.close()

    def publish(self) -> None:
        self._files.mv(self._temporary, self._final)

    def discard(self) -> None:
        _drop(self.raw)
        if self._files.exists(self._temporary):
            self._files.rm(self._temporary)


class Appended:
    """A file that grows step by step, after what it held before; there is nothing to publish or to take back."""

    immediate = True

    def __init__(self, path: str) -> None:
        try:
            self.raw: BinaryIO = open(path, "ab")  # noqa: SIM115
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror}") from error
        self.empty = self.raw.tell() == 0

    def finish(self) -> None:
        self.raw.flush()
        os.fsync(self.raw.fileno())
        self.raw.close()

    def publish(self) -> None:
        """The bytes are there already."""

    def discard(self) -> None:
        _drop(self.raw)


class _Standard:
    empty, immediate = True, True

    def __init__(self) -> None:
        if sys.stdout is None:
            raise UsageError("there is no stdout to write to", hint="write to a file")
        self.raw: BinaryIO = sys.stdout.buffer

    def finish(self) -> None:
        self.raw.flush()

    def publish(self) -> None:
        """A reader has them already."""

    def discard(self) -> None:
        """What is out is out."""
