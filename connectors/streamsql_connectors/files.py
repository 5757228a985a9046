"""The files behind a path: one file, a glob, a folder, an fsspec URL or stdin."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from streamsql.errors import DataError, UsageError
from streamsql.ports import RecordFile
from streamsql.record import record
from streamsql_connectors.streams import STANDARD, codec_of, filesystem, is_url, open_input

_MAGIC = re.compile(r"[*?\[]")


@record
class InputFile:
    """A file of a table as it was when the path was resolved; `codec`: gzip, zstd or None."""

    path: str
    size: int
    mtime: float
    codec: str | None

    def record_file(self, *, peek: bool = False) -> RecordFile:
        """The file as formats see it; `peek`: what is read of stdin is there again for the next reader."""
        name = "stdin" if self.path == STANDARD else self.path

        def opened() -> BinaryIO:
            return open_input(self.path, self.codec, peek=peek)

        return RecordFile(name, opened, seekable=self.codec is None and self.path != STANDARD)


def find_files(path: str, compression: str | None = None) -> tuple[InputFile, ...]:
    """All files of a path in path order; UsageError if there are none. In folders, which are searched to the bottom,
    names that begin with `_` or `.` are left out."""
    if path == STANDARD:
        return (InputFile(path, 0, 0.0, codec_of("", compression)),)
    found = files_in(path, compression)
    if not found:
        hint = "the folder holds no file whose name begins with neither _ nor ." if os.path.isdir(path) else None
        raise UsageError(f"no files found: {path}", hint=hint)
    return found


def files_in(path: str, compression: str | None = None) -> tuple[InputFile, ...]:
    """All files of a folder, a glob or a path; none where a folder is empty."""
    return tuple(_remote(path, compression) if is_url(path) else _local(path, compression))


def _local(path: str, compression: str | None) -> Iterator[InputFile]:
    for each in _local_paths(path):
        try:
            status = os.stat(each)
        except OSError as error:
            raise DataError(f"cannot read {each}: {error.strerror}") from error
        yield InputFile(each, status.st_size, status.st_mtime, codec_of(each, compression))


def _local_paths(path: str) -> list[str]:
    if os.path.isdir(path):
        return _visible_files(path)
    if os.path.exists(path):
        return [path]
    if not _MAGIC.search(path):
        raise UsageError(f"file not found: {path}", hint=_parent_hint(path))
    import glob

    found: list[str] = []
    for each in sorted(glob.glob(path, recursive=True), key=_path_order):
        found += _visible_files(each) if os.path.isdir(each) and "**" not in path else [each]
    return [each for each in dict.fromkeys(found) if not os.path.isdir(each)]


def _visible_files(folder: str) -> list[str]:
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [each for each in folders if not _hidden(each)]
        found += [os.path.join(parent, name) for name in names if not _hidden(name)]
    return sorted(found, key=_path_order)


def _path_order(path: str) -> list[str]:
    return path.split(os.sep)


def _hidden(name: str) -> bool:
    return name.startswith(("_", "."))


def _parent_hint(path: str) -> str | None:
    from streamsql.errors import nearest

    parent = os.path.dirname(path) or "."
    if not os.path.isdir(parent):
        return f"there is no folder {parent}"
    near = nearest(os.path.basename(path), os.listdir(parent))
    return f"did you mean {os.path.join(os.path.dirname(path), near[0])}?" if near else None


def _remote(url: str, compression: str | None) -> Iterator[InputFile]:
    found, path = filesystem(url)
    try:
        if _MAGIC.search(path):
            paths = found.glob(path)
        elif found.isdir(path):
            paths = [each for each in found.find(path) if not _hidden_below(each, path)]
        else:
            paths = [path] if found.exists(path) else []
        details = [(each, found.info(each)) for each in sorted(paths)]
    except OSError as error:
        raise DataError(f"cannot read {url}: {error}") from error
    for each, info in details:
        if info.get("type") != "directory":
            yield InputFile(
                found.unstrip_protocol(each), int(info.get("size") or 0), _modified(info), codec_of(each, compression)
            )


def _hidden_below(path: str, folder: str) -> bool:
    return any(_hidden(part) for part in path.removeprefix(folder).strip("/").split("/"))


def _modified(info: dict[str, Any]) -> float:
    value = info.get("mtime") or info.get("LastModified") or info.get("created") or 0.0
    return float(value.timestamp()) if hasattr(value, "timestamp") else float(value)
