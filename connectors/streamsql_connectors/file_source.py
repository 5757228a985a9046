"""Reading the files of a table: chunks cut to batches, each with the position after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pyarrow as pa

from streamsql.errors import DataError, UsageError, did_you_mean
from streamsql.expr.types import Schema
from streamsql.ports import FileReader, Position, ReadRequest, Reject, SourceBatch
from streamsql.record import record
from streamsql_connectors.files import InputFile
from streamsql_connectors.partitions import Partitions
from streamsql_connectors.streams import STANDARD


@record
class FileSource:
    """A bounded source of files, read one after the other; `partitions` are columns that their paths tell.

    A position: `file` and `path` say how many files were read to their end before this one and which it is, `size` and
    `mtime` how it was, `rows` how many of its rows were delivered, `chunk` and `skip` where decoding goes on.
    """

    schema: Schema
    files: tuple[InputFile, ...]
    reader: FileReader
    partitions: Partitions
    bounded: bool = True

    def read(self, request: ReadRequest) -> Iterator[SourceBatch]:
        """Rows in the order of the files and of their lines."""
        for name in request.columns:
            if name not in self.schema.names:
                raise UsageError(f"unknown column {name}", hint=did_you_mean(name, self.schema.names, kind="columns"))
        if request.batch_rows < 1:
            raise UsageError(f"batch_rows is {request.batch_rows}, but must be at least 1")
        place = _Place.of(request.start)
        if place is not None:
            place.check(self.files)
        first = 0 if place is None else place.file
        for index in range(first, len(self.files)):
            if not self.partitions.wanted(index, request.predicate):
                continue
            yield from self._read_file(index, request, place if index == first else None)

    def _read_file(self, index: int, request: ReadRequest, place: _Place | None) -> Iterator[SourceBatch]:
        file = self.files[index]
        record_file = file.record_file()
        start = None if place is None else place.chunk
        delivered, skip = (0, 0) if place is None else (place.rows, place.skip)
        after_start = {"file": index, "path": file.path, "size": file.size, "mtime": file.mtime}
        in_paths = self.partitions.values
        columns = tuple(each for each in request.columns if each not in in_paths)
        predicate = tuple(each for each in request.predicate if each.column not in in_paths)
        chunks = self.reader.read(record_file, columns, predicate, start)
        with closing(chunks):  # type: ignore[type-var]
            for chunk in chunks:
                passed = skip
                # A position lies behind some delivery of its chunk, so the rejects of that chunk are known already.
                rejects = chunk.rejects if place is None else ()
                rows = (
                    chunk.rows if len(columns) == len(request.columns) else self._completed(index, request, chunk.rows)
                )
                for first, count in _cuts(rows.num_rows, request.batch_rows, skip, rejects):
                    delivered += count
                    passed += count
                    position = {**after_start, "rows": delivered, "chunk": chunk.mark, "skip": passed}
                    weights = None if chunk.weights is None else chunk.weights[first : first + count]
                    yield SourceBatch(rows.slice(first, count), position, weights, rejects)
                    rejects = ()
                skip, place = max(0, skip - chunk.rows.num_rows), None

    def _completed(self, index: int, request: ReadRequest, rows: pa.RecordBatch) -> pa.RecordBatch:
        """The rows with the columns that the path tells."""
        columns = self.partitions.columns(index, rows.num_rows)
        columns.update(zip(rows.schema.names, rows.columns, strict=True))
        return pa.RecordBatch.from_arrays([columns[each] for each in request.columns], names=list(request.columns))


def _cuts(rows: int, size: int, skip: int, rejects: tuple[Reject, ...]) -> Iterator[tuple[int, int]]:
    """First row and length of each piece, the first `skip` rows left out; one empty piece for rejects alone."""
    if rows == 0 and rejects:
        yield 0, 0
    for first in range(skip, rows, size):
        yield first, min(size, rows - first)


@record
class _Place:
    """A position, read back."""

    file: int
    path: str
    size: int
    mtime: float
    rows: int
    chunk: Any
    skip: int

    @classmethod
    def of(cls, position: Position | None) -> _Place | None:
        if not position:
            return None
        try:
            return cls(**position)
        except TypeError as error:
            raise UsageError(f"not a position in files: {error}") from None

    def check(self, files: tuple[InputFile, ...]) -> None:
        """DataError where the files are not those that the position was taken in."""
        if self.file >= len(files) or files[self.file].path != self.path:
            raise DataError(f"cannot go on in {self.path}: the files of this table are not the same any more")
        file = files[self.file]
        if self.path != STANDARD and (file.size, file.mtime) != (self.size, self.mtime):
            raise DataError(f"cannot go on in {self.path}: the file has changed since")
