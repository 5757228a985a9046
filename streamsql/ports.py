"""The protocols between the engine and the outside: sources, sinks, connectors, catalogs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from enum import IntEnum
from typing import Any, BinaryIO, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streamsql.expr.types import Schema
from streamsql.record import record
from streamsql.time import Clock, Time

Position = Mapping[str, Any]
"""Where a source stands after a batch, as JSON-able values: enough to go on from there after a restart."""


class RowKind(IntEnum):
    """The kind of a changelog row; `short` gives '+I', '-U', '+U', '-D'."""

    INSERT = 0
    UPDATE_BEFORE = 1
    UPDATE_AFTER = 2
    DELETE = 3

    @property
    def short(self) -> str:
        return ("+I", "-U", "+U", "-D")[self]


RowKinds = npt.NDArray[np.int8]


@record
class Comparison:
    """`column operator value` with an operator of = <> < <= > >=; the value is an Arrow scalar of the column's type."""

    column: str
    operator: str
    value: pa.Scalar


@record
class ReadRequest:
    """What the engine wants of a source.

    `columns`: names of its schema, in the order they are wanted (may be empty: only row counts matter).
    `batch_rows`: no batch is longer; a source may deliver shorter ones.
    `predicate`: rows for which a comparison is not TRUE may be left out (a hint: the engine filters again).
    `start`: go on after this position; None: from the beginning.
    """

    columns: tuple[str, ...]
    batch_rows: int = 65_536
    predicate: tuple[Comparison, ...] = ()
    start: Position | None = None


@record
class Reject:
    """A record that could not be read or used: where it came from (file, line), its text, and why."""

    reason: str
    where: str
    text: str = ""


@record
class SourceBatch:
    """What a source delivers: rows in arrival order, the position after them, records it had to reject on the way.

    `watermark`: after these rows the source's watermark is at least so far (µs), whatever the rows say. `watermarks`:
    what held before each row, where the source knows that and the rows do not say it. `conforming`: values lie as Arrow
    has their declared types, and no longer than these say (TIMESTAMP(3), VARCHAR(9)): the engine need not look.
    """

    rows: pa.RecordBatch
    position: Position = field(default_factory=dict)
    weights: npt.NDArray[np.int8] | None = None
    rejects: tuple[Reject, ...] = ()
    watermark: Time | None = None
    conforming: bool = False
    watermarks: npt.NDArray[np.int64] | None = None


class Source(Protocol):
    """Reads one table."""

    @property
    def schema(self) -> Schema: ...

    @property
    def bounded(self) -> bool: ...

    def read(self, request: ReadRequest) -> Iterator[SourceBatch]:
        """Batches in arrival order; ends when a bounded input is exhausted. An unbounded source yields an empty batch
        when nothing has arrived for a moment. Closing the iterator releases files and connections.

        Raises DataError for a record that cannot be read, after all good rows before it were delivered.
        """
        ...


@record(eq=False)
class LookupRows:
    """Rows that were looked up, and for each the place of its key among those that were asked for."""

    rows: pa.RecordBatch
    keys: npt.NDArray[np.int64]


class LookupTable(Protocol):
    """Finds rows of a table by key, as they are at the moment."""

    def lookup(self, keys: pa.RecordBatch, columns: tuple[str, ...]) -> Iterator[LookupRows]:
        """All rows that have one of the keys, with at least `columns`; those of one key in an order of the table's own.

        `keys` are named as columns of the table and have their declared types; they are distinct, and no value is NULL.
        Raises OSError for what another try may cure, DataError for anything else.
        """
        ...

    def close(self) -> None:
        """Let go of connections; after an OSError too, when a fresh table is opened."""
        ...


class TableData(Protocol):
    """Rows that a table of the plan brings with it."""

    def source(self) -> Source:
        """A fresh source over them."""
        ...


class RingingSource(Source, Protocol):
    """A live source that says when it has news, so that no thread of its own has to wait for it.

    Its `read` never waits: it yields an empty batch where there is nothing.
    """

    @property
    def ready(self) -> bool:
        """Whether reading on gives rows or the end."""
        ...

    def subscribe(self, ring: Callable[[], None]) -> None:
        """Call `ring`, from any thread, when there is news."""
        ...


SourceMode = Literal["append", "upsert", "changelog"]
"""What rows do: they are added; they take the place of the row of their primary key, weight -1 removes that (no other
column counts then); they are added and taken back by their weights."""

SinkMode = Literal["append", "upsert", "changelog"]


class Sink(Protocol):
    """Writes one table. Nothing is visible under the final name before `commit`, for targets that can do so."""

    @property
    def mode(self) -> SinkMode: ...

    def open(self, schema: Schema, *, changelog: bool, bounded: bool = True) -> None:
        """Prepare to write rows of `schema`; `changelog`: row kinds must be shown (a first column `op`).

        Not `bounded`: the run has no end of its own, so plain JSON lines and CSV files are appended to step by step.
        """
        ...

    def write(self, rows: pa.RecordBatch, kinds: RowKinds | None) -> None:
        """Write the rows of one step in order; `kinds` None: all INSERT."""
        ...

    def commit(self) -> None:
        """The input has ended well: finish and publish."""
        ...

    def abort(self) -> None:
        """The run failed: leave nothing half-written under the final name. May follow `open` at any time."""
        ...


@record
class TableOptions:
    """What a connector gets to know of a table.

    `schema`: the declared physical columns, None where they are to be inferred. `overwrite`: what its sink writes takes
    the place of what is there; the attribute `overwrites` of a sink says that it does so.
    """

    name: str
    schema: Schema | None
    options: Mapping[str, str]
    clock: Clock
    seed: int = 0
    partition_keys: tuple[str, ...] = ()
    primary_key: tuple[str, ...] = ()
    overwrite: bool = False


@record
class OptionInfo:
    """An option of a connector or format, for those who list and complete them.

    `type`: a word such as boolean, or the words it may be, `gzip | zstd`. `default` None: nothing is set.
    """

    name: str
    type: str
    text: str
    default: str | None = None
    required: bool = False


class Connector(Protocol):
    """One kind of table, found by name through the entry-point group `streamsql.connectors`.

    One whose tables may change has a method `changes(table) -> SourceMode` too, which looks at the options only.
    One that finds rows by key has a method `lookup(table) -> LookupTable` too, and an attribute `lookup_cache`: which
    of 'NONE', 'PARTIAL' and 'FULL' is kept of them where a table's options do not say.

    `options`: but for `connector` itself. All three methods raise UsageError for unknown, missing or malformed options,
    naming the known ones, and DataError for files that cannot be read.
    """

    options: tuple[OptionInfo, ...]

    def source(self, table: TableOptions) -> Source: ...

    def sink(self, table: TableOptions) -> Sink: ...

    def infer(self, table: TableOptions) -> Schema:
        """The columns of the data itself, for a table that declares none."""
        ...


@record
class RecordFile:
    """A file to decode: its name in messages, and how to open its bytes from the start, already decompressed."""

    name: str
    open: Callable[[], BinaryIO]
    seekable: bool = True


@record
class DecodedRows:
    """Rows of a file in order; `mark`: where the reader can start again to deliver this very chunk first.

    `weights`: +1 for rows that are added, -1 for those that are taken back; None: all are added.
    """

    rows: pa.RecordBatch
    mark: Position
    rejects: tuple[Reject, ...] = ()
    weights: npt.NDArray[np.int8] | None = None


class FileReader(Protocol):
    """Decodes files of one format into rows of one schema."""

    def read(
        self, file: RecordFile, columns: tuple[str, ...], predicate: tuple[Comparison, ...], start: Position | None
    ) -> Iterator[DecodedRows]:
        """Chunks of any length with exactly `columns`; `start`: the mark of the chunk to begin with."""
        ...


class FileWriter(Protocol):
    """Encodes rows of one schema into an open file, which it does not close."""

    def write(self, rows: pa.RecordBatch) -> None: ...

    def finish(self) -> None:
        """Write what belongs at the end (a footer); called once, after the last row."""
        ...


class Format(Protocol):
    """How records lie in files, found by name through the entry-point group `streamsql.formats`.

    One whose records are changes has an attribute `changelog` that is True; its writer then gets the kinds of the rows
    as a first column `op`. One that has no place for the kinds has an attribute `append_only`.

    `options`: their names without the `<format>.` prefix. All three methods raise UsageError for bad options.
    """

    options: tuple[OptionInfo, ...]
    appendable: bool
    """Whether a second writer may go on at the end of a finished file."""

    def reader(self, schema: Schema, options: Mapping[str, str]) -> FileReader: ...

    def writer(self, schema: Schema, options: Mapping[str, str], target: BinaryIO, *, start: bool) -> FileWriter:
        """`start`: the file is empty, so a header belongs at its beginning."""
        ...

    def infer(self, file: RecordFile, options: Mapping[str, str]) -> Schema:
        """The columns that a file seems to have."""
        ...


class Catalog(Protocol):
    """Keeps tables, views and functions by name; what it keeps is opaque to it."""

    def get(self, name: str) -> Any | None: ...

    def put(self, name: str, value: Any) -> None: ...

    def drop(self, name: str) -> None: ...

    def names(self) -> tuple[str, ...]: ...
