"""Where the rows of a SELECT go: a terminal, a pipe, a file; as they come or as the final table."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

import pyarrow as pa
from streamsql.plugins import load_connector

from streamsql.expr.types import Schema
from streamsql.plan.logical import Plan
from streamsql.plan.traits import traits
from streamsql.ports import RowKinds, Sink, TableOptions
from streamsql.runtime.output import Output, SinkOutput, TableOutput
from streamsql.time import SystemClock


@dataclass(frozen=True, slots=True)
class Destination:
    """Where results go. `path` None: stdout. `result`: as the command line says it, None where it says nothing."""

    path: str | None = None
    result: str | None = None
    alone: bool = True
    """Whether the script has no other SELECT; else each is printed as one block when it is complete."""

    @property
    def terminal(self) -> bool:
        return self.path is None and sys.stdout.isatty()


def result_output(plan: Plan, destination: Destination) -> Output:
    """An output for an optimised query."""
    append_only = traits(plan).append_only
    final = destination.result == "table" or (destination.result is None and destination.terminal)
    changelog = destination.result == "changelog" or (not append_only and not final)
    sink = result_sink(destination)
    if destination.terminal or (final and not append_only) or not destination.alone:
        return CompleteOutput(sink, final=final, changelog=changelog)
    return SinkOutput(sink, changelog=changelog)


def result_sink(destination: Destination) -> Sink:
    """What writes rows: the terminal's tables, JSON lines on stdout, or a file in the format of its ending."""
    if destination.terminal:
        from streamsql_repl.render import TerminalSink

        return TerminalSink()
    options = {"path": destination.path or "-"}
    if options["path"] == "-":
        options["format"] = "json"
    table = TableOptions(name="the result", schema=None, options=options, clock=SystemClock())
    return load_connector("filesystem").sink(table)


def write_table(table: pa.Table, schema: Schema, sink: Sink) -> None:
    """A whole result into a sink."""
    sink.open(schema, changelog=False)
    try:
        for batch in table.to_batches():
            sink.write(batch, None)
        sink.commit()
    except BaseException:
        sink.abort()
        raise


@dataclass(slots=True)
class CompleteOutput:
    """Keeps a result until it is complete, then writes it: the final table, or all changes as one block."""

    sink: Sink
    final: bool
    changelog: bool
    _table: TableOutput = field(default_factory=TableOutput)
    _schema: Schema | None = None
    _changes: list[tuple[pa.RecordBatch, RowKinds | None]] = field(default_factory=list)

    def open(self, schema: Schema, key: tuple[int, ...] | None) -> None:
        self._schema = schema
        self._table.open(schema, key)

    def publish(self, rows: pa.RecordBatch, kinds: RowKinds | None) -> None:
        if self.final:
            self._table.publish(rows, kinds)
        else:
            self._changes.append((rows, kinds))

    def end(self) -> None:
        assert self._schema is not None
        if self.final:
            self._table.end()
            write_table(self._table.to_table(), self._schema, self.sink)
            return
        self.sink.open(self._schema, changelog=self.changelog)
        for rows, kinds in self._changes:
            self.sink.write(rows, kinds)
        self.sink.commit()

    def abort(self) -> None:
        self._changes = []
