"""Where a job's results go: collected in memory, folded to a table, into a sink, or to a function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch, Weights
from streamsql.errors import DataError, Span
from streamsql.expr.types import Schema
from streamsql.ports import RowKind, RowKinds, Sink
from streamsql.runtime.changelog import Key, fold
from streamsql.runtime.folded_rows import FoldedRows
from streamsql.time import BEGIN_OF_TIME, Time

if TYPE_CHECKING:
    from streamsql.runtime.replaced_rows import ReplacedRows

Changes = tuple[pa.RecordBatch, RowKinds | None]


class Output(Protocol):
    """Receives the result of one root, step by step; `key`: positions of a unique key, if there is one."""

    def open(self, schema: Schema, key: Key | None) -> None:
        """Before the first step; again after a restore."""
        ...

    def publish(self, rows: pa.RecordBatch, kinds: RowKinds | None) -> None:
        """The net changes of one step, at least one row; `kinds` None: all INSERT."""
        ...

    def end(self) -> None:
        """The run has ended well."""
        ...

    def abort(self) -> None:
        """The run failed or was interrupted."""
        ...


class RawOutput:
    """An output that takes the net changes of a step as they are, with the watermarks of their rows."""

    watermark: Time = BEGIN_OF_TIME
    """How far the result's time has come; set at the end of each step."""

    def take_changes(self, changed: Batch) -> None:
        """The net changes of one step, at least one row."""
        raise NotImplementedError


class CollectOutput:
    """Keeps the changes of every step."""

    def __init__(self) -> None:
        self.steps: list[Changes] = []
        self.schema: Schema | None = None
        self.key: Key | None = None
        self.ended = False
        self.replaces = False
        """Set by the job: a row takes the place of the one under its key."""

    def open(self, schema: Schema, key: Key | None) -> None:
        self.schema, self.key = schema, key

    def publish(self, rows: pa.RecordBatch, kinds: RowKinds | None) -> None:
        self.steps.append((rows, kinds))

    def end(self) -> None:
        self.ended = True

    def abort(self) -> None:
        pass

    def __iter__(self) -> Iterator[Changes]:
        """The changes, step by step."""
        return iter(self.steps)

    def drain(self) -> list[Changes]:
        """What came since the last call, which is then forgotten."""
        steps, self.steps = self.steps, []
        return steps

    def to_table(self) -> pa.Table:
        """The final table; see `changelog.fold` for its order."""
        assert self.schema is not None
        changes = [Batch(rows, weights_of(kinds)) for rows, kinds in self.steps]
        if self.replaces and self.key is not None:
            from streamsql.runtime.replaced_rows import ReplacedRows

            replaced = ReplacedRows(self.schema.to_arrow(), self.key)
            changes = [replaced.exact(each) for each in changes]
        return fold(changes, self.schema.to_arrow(), self.key)

    def kinds(self) -> RowKinds:
        """The kinds of all changes, in order."""
        each = [np.zeros(rows.num_rows, np.int8) if kinds is None else kinds for rows, kinds in self.steps]
        return np.concatenate(each) if each else np.zeros(0, np.int8)

    def changes(self) -> pa.Table:
        """The rows of all changes, in order, without their kinds."""
        assert self.schema is not None
        return pa.Table.from_batches([rows for rows, _ in self.steps], self.schema.to_arrow())


class TableOutput:
    """Keeps only the rows that are there now: memory grows with the result, not with its changes."""

    def __init__(self) -> None:
        self.schema: Schema | None = None
        self.key: Key | None = None
        self.ended = False
        self.replaces = False
        """Set by the job: a row takes the place of the one under its key."""
        self._folded = FoldedRows()
        self._replaced: ReplacedRows | None = None

    def open(self, schema: Schema, key: Key | None) -> None:
        self.schema, self.key = schema, key
        self._folded = FoldedRows(key)
        if self.replaces and key is not None:
            from streamsql.runtime.replaced_rows import ReplacedRows

            self._replaced = ReplacedRows(schema.to_arrow(), key)

    def publish(self, rows: pa.RecordBatch, kinds: RowKinds | None) -> None:
        changed = Batch(rows, weights_of(kinds))
        self._folded.add(changed if self._replaced is None else self._replaced.exact(changed))

    def end(self) -> None:
        self.ended = True

    def abort(self) -> None:
        pass

    def to_table(self) -> pa.Table:
        """The table as of now; see `changelog.fold` for its order."""
        assert self.schema is not None
        return fold(self._folded.changes, self.schema.to_arrow(), self.key)


class SinkOutput:
    """Writes to a table's sink; `changelog`: with the row kinds as a column `op`.

    `bounded` is set by the job before it opens the output: whether its sources have ends.
    `target`: the columns that are written, of which those that are NOT NULL get no NULL.
    """

    def __init__(self, sink: Sink, *, changelog: bool, target: Schema | None = None, span: Span | None = None) -> None:
        columns = () if target is None else target.columns
        self._required = [(position, each.name) for position, each in enumerate(columns) if not each.type.nullable]
        self._span = span
        self.sink = sink
        self.rows = 0
        self.bounded = True
        self._changelog = changelog

    def open(self, schema: Schema, key: Key | None) -> None:
        self.sink.open(schema, changelog=self._changelog, bounded=self.bounded)

    def publish(self, rows: pa.RecordBatch, kinds: RowKinds | None) -> None:
        self._check(rows)
        self.rows += rows.num_rows
        self.sink.write(rows, kinds)

    def _check(self, rows: pa.RecordBatch) -> None:
        for position, name in self._required:
            if rows.column(position).null_count:
                hint = f"leave such rows out: WHERE {name} IS NOT NULL, or give a value: COALESCE({name}, …)"
                raise DataError(f"{name} is NOT NULL, a row has NULL for it", span=self._span, hint=hint)

    def end(self) -> None:
        self.sink.commit()

    def abort(self) -> None:
        self.sink.abort()


class CallbackOutput:
    """Calls a function with the changes of each step, in the engine's thread."""

    def __init__(self, callback: Callable[[pa.RecordBatch, RowKinds | None], None]) -> None:
        self._callback = callback

    def open(self, schema: Schema, key: Key | None) -> None:
        pass

    def publish(self, rows: pa.RecordBatch, kinds: RowKinds | None) -> None:
        self._callback(rows, kinds)

    def end(self) -> None:
        pass

    def abort(self) -> None:
        pass


def weights_of(kinds: RowKinds | None) -> Weights | None:
    """+1 for rows that are added, -1 for rows that are taken back."""
    if kinds is None:
        return None
    added = (kinds == RowKind.INSERT) | (kinds == RowKind.UPDATE_AFTER)
    return np.where(added, 1, -1).astype(np.int8)
