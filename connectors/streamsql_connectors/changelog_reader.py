"""Changes out of files: rows whose first column says their kind, and rows that stand for their primary key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing

import numpy as np
import pyarrow as pa

from streamsql.batch import Weights
from streamsql.errors import DataError
from streamsql.ports import Comparison, DecodedRows, FileReader, Position, RecordFile, RowKind
from streamsql.record import record

_ADDED = (RowKind.INSERT, RowKind.UPDATE_AFTER)
_KINDS = [kind.short for kind in RowKind]


@record
class OpReader:
    """Reads what was written as a changelog: column `op` holds +I, -U, +U or -D."""

    reader: FileReader
    op: str

    def read(
        self, file: RecordFile, columns: tuple[str, ...], predicate: tuple[Comparison, ...], start: Position | None
    ) -> Iterator[DecodedRows]:
        """As the reader of the whole rows does; DataError for a row without a kind."""
        delivered = 0
        chunks = self.reader.read(file, (self.op, *columns), predicate, start)
        with closing(chunks):  # type: ignore[type-var]
            for chunk in chunks:
                weights, known = self._weights(chunk.rows.column(0))
                yield DecodedRows(chunk.rows.slice(0, known).select(list(columns)), chunk.mark, chunk.rejects, weights)
                if known < chunk.rows.num_rows:
                    row = f"row {delivered + known + 1}" if start is None else "a row"
                    raise self._unknown(file, row, chunk.rows.column(0)[known].as_py())
                delivered += known

    def _weights(self, ops: pa.Array) -> tuple[Weights, int]:
        """The weights of the rows before the first whose kind is unknown, and how many those are."""
        import pyarrow.compute as pc

        found = pc.index_in(ops, pa.array(_KINDS))
        known = int(pc.index(pc.is_null(found), True).as_py()) if found.null_count else len(found)
        kinds = found.slice(0, known).to_numpy(zero_copy_only=False)
        return np.where(np.isin(kinds, _ADDED), 1, -1).astype(np.int8), known

    def _unknown(self, file: RecordFile, row: str, kind: str | None) -> DataError:
        what = f"{self.op} is missing" if kind is None else f"{self.op} is '{kind}'"
        return DataError(
            f"{file.name}: {row}: {what}, expected {', '.join(_KINDS)}",
            hint="'changelog' = 'op' is for files whose rows say what they do; leave it out for any others",
        )


@record
class UpsertReader:
    """Reads the last state of keys: a row whose `values` (all columns beside the key) are NULL deletes its key."""

    reader: FileReader
    values: Sequence[str]

    def read(
        self, file: RecordFile, columns: tuple[str, ...], predicate: tuple[Comparison, ...], start: Position | None
    ) -> Iterator[DecodedRows]:
        """No row may be left out by a predicate: the row of a key that does not match ends one that did."""
        import pyarrow.compute as pc

        wanted = (*columns, *(each for each in self.values if each not in columns))
        chunks = self.reader.read(file, wanted, (), start)
        with closing(chunks):  # type: ignore[type-var]
            for chunk in chunks:
                empty = [pc.is_null(chunk.rows.column(wanted.index(each))) for each in self.values]
                gone = np.all([each.to_numpy(zero_copy_only=False) for each in empty], axis=0)
                weights = np.where(gone, -1, 1).astype(np.int8)
                rows = chunk.rows.select(list(range(len(columns))))
                yield DecodedRows(rows, chunk.mark, chunk.rejects, weights)
