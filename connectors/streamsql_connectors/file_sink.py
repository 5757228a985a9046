"""Writing a table to files: under a temporary name first, so that a failed run leaves nothing half-written."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pyarrow as pa

from streamsql.errors import DataError, UsageError
from streamsql.expr.types import Schema
from streamsql.ports import FileWriter, Format, RowKinds, SinkMode
from streamsql.record import record
from streamsql.time import Clock, Duration, Time
from streamsql_connectors.changelog_column import add_op, with_op
from streamsql_connectors.files import files_in
from streamsql_connectors.output_files import Appended, OutputFile, Place, place_for, remove
from streamsql_connectors.streams import STANDARD, filesystem, is_url

_EXTENSIONS = {
    "json": ".jsonl",
    "csv": ".csv",
    "parquet": ".parquet",
    "arrow": ".arrow",
    "raw": ".txt",
    "avro": ".avro",
    "debezium-json": ".jsonl",
}
PART_BYTES = 128 << 20
ROLLOVER: Duration = 30 * 60_000_000
_CODEC_ENDINGS = {"gzip": ".gz", "zstd": ".zst", None: ""}


@record
class FileLayout:
    """Where a sink writes and how: `codec` is gzip, zstd or None; part files are about `part_bytes` long, and in a run
    without end no older than `rollover`. `overwrite`: the files that are in the folder are removed at the end.
    `with_op`: row kinds are shown, also of rows that are only added."""

    path: str
    codec: str | None
    format_name: str
    format: Format
    options: Mapping[str, str]
    part_bytes: int = PART_BYTES
    rollover: Duration = ROLLOVER
    overwrite: bool = False
    with_op: bool = False

    @property
    def folder(self) -> bool:
        """Whether part files are written: the path ends with / or is a folder."""
        return self.path.endswith("/") or (not is_url(self.path) and os.path.isdir(self.path))


class FileSink:
    """A sink that writes one file, part files into a folder, or stdout.

    Of a bounded run all files appear at `commit`, under their final names. An unbounded run appends to plain JSON
    lines, CSV and raw files after each write; other files appear at `commit`, part files also when they are long
    enough.
    """

    overwrites = True

    def __init__(self, layout: FileLayout, clock: Clock) -> None:
        self.mode: SinkMode = "append" if getattr(layout.format, "append_only", False) else "changelog"
        self._layout = layout
        self._clock = clock
        self._begun: Time = 0
        self._schema = Schema(())
        self._changelog = False
        self._bounded = True
        self._opening: Place | None = None
        self._writing: tuple[OutputFile, FileWriter] | None = None
        self._finished: list[OutputFile] = []

    @property
    def replaces(self) -> str | None:
        """What loses its content by a bounded run; None for stdout, and for folders that only get more parts."""
        kept = self._layout.folder and not self._layout.overwrite
        return None if self._layout.path == STANDARD or kept else self._layout.path

    def open(self, schema: Schema, *, changelog: bool, bounded: bool = True) -> None:
        """Check the place and begin; nothing appears under a final name yet."""
        if self._layout.overwrite and (not bounded or self._layout.path == STANDARD):
            why = "it is stdout" if bounded else "the inputs of the query have no end"
            raise UsageError(f"INSERT OVERWRITE cannot write {self._layout.path}: {why}", hint="write INSERT INTO")
        self._bounded = bounded
        self._changelog = changelog or self._layout.with_op or getattr(self._layout.format, "changelog", False)
        self._schema = with_op(schema) if self._changelog else schema
        self._begin()

    def write(self, rows: pa.RecordBatch, kinds: RowKinds | None) -> None:
        """Append the rows of a step."""
        if self._writing is None:
            self._begin()
        assert self._writing is not None
        file, writer = self._writing
        shown = add_op(rows, kinds, self._schema) if self._changelog else _named(rows, self._schema)
        with self._errors():
            writer.write(shown)
            if file.immediate:
                file.stream.flush()
        if self._layout.folder and self._is_full(file):
            self.finish()
            if not self._bounded:
                self._publish()

    def _is_full(self, file: OutputFile) -> bool:
        old = not self._bounded and self._clock.now() - self._begun >= self._layout.rollover
        return old or file.written() >= self._layout.part_bytes

    def finish(self) -> None:
        """Write the last file to its end; it gets its final name at `commit`. More rows begin another part."""
        if self._writing is None:
            return
        file, writer = self._writing
        with self._errors():
            writer.finish()
            file.finish()
        self._finished.append(file)
        self._writing = None

    def commit(self) -> None:
        """Finish the last file and give all files their final names."""
        self.finish()
        replaced = files_in(self._layout.path) if self._layout.overwrite and self._layout.folder else ()
        self._publish()
        with self._errors():
            for each in replaced:
                remove(each.path)

    def abort(self) -> None:
        """Remove what has no final name yet."""
        if self._opening is not None:
            self._opening.discard()
        if self._writing is not None:
            self._finished.append(self._writing[0])
            self._writing = None
        for each in self._finished:
            each.discard()
        self._finished = []

    def _begin(self) -> None:
        # Remembered before there is a file: a signal may come at any moment.
        self._opening, codec = self._place()
        file = OutputFile(self._opening, codec)
        try:
            writer = self._layout.format.writer(self._schema, self._layout.options, file.stream, start=file.empty)
        except BaseException:
            file.discard()
            raise
        self._writing = file, writer
        self._opening = None
        self._begun = self._clock.now()

    def _place(self) -> tuple[Place, str | None]:
        """Where the next file goes, and how it is compressed."""
        layout = self._layout
        if layout.path != STANDARD and not layout.folder:
            appends = not self._bounded and layout.format.appendable and layout.codec is None
            if appends and not is_url(layout.path):
                return Appended(layout.path), None
        return place_for(_part_path(layout) if layout.folder else layout.path), layout.codec

    def _publish(self) -> None:
        with self._errors():
            for each in self._finished:
                each.publish()
        self._finished = []

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            raise DataError(f"cannot write {self._layout.path}: {error.strerror or error}") from error


def _named(rows: pa.RecordBatch, schema: Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(rows.columns, schema=schema.to_arrow()) if rows.num_columns else rows


def _part_path(layout: FileLayout) -> str:
    """A name that no other part has: those of several runs may share a folder, and sort in the order of writing."""
    folder = layout.path.rstrip("/")
    ending = _EXTENSIONS.get(layout.format_name, f".{layout.format_name}") + _CODEC_ENDINGS[layout.codec]
    number = sum("part-" in each for each in _names_in(folder or "/"))
    return f"{folder}/part-{number:05d}-{os.urandom(4).hex()}{ending}"


def _names_in(folder: str) -> list[str]:
    if is_url(folder):
        found, path = filesystem(folder)
        return [str(each) for each in found.ls(path, detail=False)] if found.exists(path) else []
    try:
        os.makedirs(folder, exist_ok=True)
        return os.listdir(folder)
    except OSError as error:
        raise UsageError(f"cannot write into {folder}: {error.strerror}") from error
