"""Writing a partitioned table: part files in a folder for each combination of key values."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streamsql.errors import UsageError
from streamsql.expr.types import BYTES_KINDS, FLOATS, Schema
from streamsql.ports import RowKinds, SinkMode
from streamsql.record import record
from streamsql_connectors.file_sink import FileSink
from streamsql_connectors.partition_paths import partition_folder

_MOST_CODES = 1 << 62
_MOST_OPEN = 100
"""So many part files are written at once; those not written to for longest are finished."""

Texts = tuple[str | None, ...]


@record
class PartitionKeys:
    """The key columns of a table; `null_name`: the folder of rows whose key is NULL."""

    names: tuple[str, ...]
    null_name: str


class PartitionSink:
    """One FileSink a partition, made by `sink_of` for a folder below the table's. The keys are not in the files.
    Only partitions that get rows are overwritten."""

    mode: SinkMode = "changelog"
    replaces: str | None = None
    overwrites = True

    def __init__(self, keys: PartitionKeys, sink_of: Callable[[str], FileSink]) -> None:
        self._keys = keys
        self._sink_of = sink_of
        self._sinks: dict[str, FileSink] = {}
        self._open: dict[str, None] = {}
        self._schema = Schema(())
        self._changelog, self._bounded = False, True

    def open(self, schema: Schema, *, changelog: bool, bounded: bool = True) -> None:
        """Check the keys; part files begin with the first row of their partition."""
        for column in schema:
            if column.name in self._keys.names and (
                column.type.children or column.type.kind in (*BYTES_KINDS, *FLOATS)
            ):
                raise UsageError(f"a table cannot be partitioned by {column.name}, which is {column.type}")
        if len(schema) == len(self._keys.names):
            raise UsageError("a partitioned table needs a column that is no key")
        self._schema, self._changelog, self._bounded = schema, changelog, bounded

    def write(self, rows: pa.RecordBatch, kinds: RowKinds | None) -> None:
        """Append the rows of a step to their partitions, in order."""
        if not rows.num_rows:
            return
        others = [index for index, each in enumerate(self._schema) if each.name not in self._keys.names]
        for texts, picked in _partitions(rows, self._schema, self._keys.names):
            part = rows.take(pa.array(picked)) if len(picked) < rows.num_rows else rows
            folder = partition_folder(self._keys.names, texts, self._keys.null_name)
            self._sink(folder).write(part.select(others), None if kinds is None else kinds[picked])

    def commit(self) -> None:
        """Finish and publish all part files."""
        for each in self._sinks.values():
            each.finish()
        for each in self._sinks.values():
            each.commit()

    def abort(self) -> None:
        """Remove what has no final name yet."""
        for each in self._sinks.values():
            each.abort()

    def _sink(self, folder: str) -> FileSink:
        found = self._sinks.get(folder)
        if found is None:
            found = self._sinks[folder] = self._sink_of(folder)
            rest = Schema(tuple(each for each in self._schema if each.name not in self._keys.names))
            found.open(rest, changelog=self._changelog, bounded=self._bounded)
        self._open.pop(folder, None)
        self._open[folder] = None
        if len(self._open) > _MOST_OPEN:
            longest = next(iter(self._open))
            self._open.pop(longest)
            self._sinks[longest].finish()
        return found


def _partitions(
    rows: pa.RecordBatch, schema: Schema, keys: tuple[str, ...]
) -> Iterator[tuple[Texts, npt.NDArray[np.int64]]]:
    """The key texts of each partition among the rows, in order of appearance, and its rows' numbers in order."""
    from streamsql_connectors.formats.text_render import render_scalar

    columns = []
    codes, width = np.zeros(rows.num_rows, np.int64), 1
    for position in (schema.names.index(key) for key in keys):
        column = render_scalar(rows.column(position), schema.types[position]).dictionary_encode("encode")
        columns.append(column)
        if width * len(column.dictionary) > _MOST_CODES:
            codes, width = np.unique(codes, return_inverse=True)[1], rows.num_rows
        width *= len(column.dictionary)
        codes = codes * len(column.dictionary) + column.indices.to_numpy()
    order = np.argsort(codes, kind="stable")
    ends = np.flatnonzero(np.diff(codes[order], append=-1)) + 1
    starts = np.concatenate([np.zeros(1, np.int64), ends[:-1]])
    for start, end in sorted(zip(starts.tolist(), ends.tolist(), strict=True), key=lambda each: order[each[0]]):
        picked = order[start:end]
        yield tuple(column[int(picked[0])].as_py() for column in columns), picked
