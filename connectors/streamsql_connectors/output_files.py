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
    """Where bytes go until they are published; made before it is opened, so that who interrupts can discard it."""

    empty: bool
    immediate: bool
    """Whether readers see what is written at once."""

    def open(self) -> BinaryIO:
        """Begin to write; UsageError where that cannot be done."""
        ...

    def finish(self) -> None:
        """All bytes are written: bring them to disk."""
        ...

    def publish(self) -> None:
        """Give them their final name."""
        ...

    def discard(self) -> None:
        """Remove them, if there are any."""
        ...


class OutputFile:
    """A place and the stream that a writer writes to, compressed where asked for."""

    def __init__(self, place: Place, codec: str | None) -> None:
        self._place = place
        raw = place.open()
        self.empty = place.empty
        self.immediate = place.immediate and codec is None
        self._guarded = _Guarded(raw)
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


def _drop(raw: BinaryIO | None) -> None:
    """Close without caring for bytes that a full disk did not take: they are not wanted any more."""
    if raw is not None:
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
        self._raw: BinaryIO | None = None

    def open(self) -> BinaryIO:
        try:
            self._raw = raw = open(self._temporary, "xb")  # noqa: SIM115
        except OSError as error:
            raise UsageError(f"cannot write {self._final}: {error.strerror}") from error
        return raw

    def finish(self) -> None:
        _to_disk(self._raw)

    def publish(self) -> None:
        os.replace(self._temporary, self._final)

    def discard(self) -> None:
        _drop(self._raw)
        if os.path.exists(self._temporary):
            os.unlink(self._temporary)


def _to_disk(raw: BinaryIO | None) -> None:
    assert raw is not None, "a place is opened before it is finished"
    raw.flush()
    os.fsync(raw.fileno())
    raw.close()


class _Remote:
    empty, immediate = True, False

    def __init__(self, url: str) -> None:
        self._files, self._final = filesystem(url)
        folder, _, name = self._final.rpartition("/")
        self._url, self._folder = url, folder
        self._temporary = f"{folder}/.{name}.tmp-{os.urandom(6).hex()}"
        self._raw: BinaryIO | None = None

    def open(self) -> BinaryIO:
        try:
            if self._folder:
                self._files.makedirs(self._folder, exist_ok=True)
            raw: BinaryIO = self._files.open(self._temporary, "wb")
        except OSError as error:
            raise UsageError(f"cannot write {self._url}: {error}") from error
        self._raw = raw
        return raw

    def finish(self) -> None:
        assert self._raw is not None, "a place is opened before it is finished"
        self._raw.close()

    def publish(self) -> None:
        self._files.mv(self._temporary, self._final)

    def discard(self) -> None:
        _drop(self._raw)
        if self._files.exists(self._temporary):
            self._files.rm(self._temporary)


class Appended:
    """A file that grows step by step, after what it held before; there is nothing to publish or to take back."""

    immediate = True

    def __init__(self, path: str) -> None:
        self._path = path
        self.empty = True
        self._raw: BinaryIO | None = None

    def open(self) -> BinaryIO:
        try:
            self._raw = raw = open(self._path, "ab")  # noqa: SIM115
        except OSError as error:
            raise UsageError(f"cannot write {self._path}: {error.strerror}") from error
        self.empty = raw.tell() == 0
        return raw

    def finish(self) -> None:
        _to_disk(self._raw)

    def publish(self) -> None:
        """The bytes are there already."""

    def discard(self) -> None:
        _drop(self._raw)


class _Standard:
    empty, immediate = True, True

    def open(self) -> BinaryIO:
        if sys.stdout is None:
            raise UsageError("there is no stdout to write to", hint="write to a file")
        return sys.stdout.buffer

    def finish(self) -> None:
        sys.stdout.buffer.flush()

    def publish(self) -> None:
        """A reader has them already."""

    def discard(self) -> None:
        """What is out is out."""
