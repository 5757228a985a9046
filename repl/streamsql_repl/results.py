"""Where the rows of a SELECT go: a terminal, a pipe, a file; as they come or as the final table."""

from __future__ import annotations

import sys
from dataclasses import field

import pyarrow as pa
from streamsql_connectors.filesystem import ENDINGS
from streamsql_connectors.streams import STANDARD

from streamsql.errors import UsageError
from streamsql.expr.types import Schema
from streamsql.plan.logical import Plan
from streamsql.plan.traits import traits
from streamsql.plugins import load_connector
from streamsql.ports import RowKinds, Sink, TableOptions
from streamsql.record import record
from streamsql.runtime.output import Output, SinkOutput, TableOutput
from streamsql.time import SystemClock


@record
class Destination:
    """Where results go. `path` None: stdout. `result`: as the command line says it, None where it says nothing.

    `alone`: the script has no other SELECT; else each is printed as one block when it is complete.
    """

    path: str | None = None
    result: str | None = None
    alone: bool = True

    @property
    def terminal(self) -> bool:
        """Whether tables are drawn."""
        return self.path is None and on_terminal()

    @property
    def standard(self) -> bool:
        """Whether rows go to stdout."""
        return self.path in (None, STANDARD)


def on_terminal() -> bool:
    """Whether a person reads stdout."""
    return sys.stdout is not None and sys.stdout.isatty()


def result_output(plan: Plan, destination: Destination, *, batch: bool = False, bounded: bool = True) -> Output:
    """An output for an optimised query. A query without end prints its rows as they come, on a terminal too.

    One of several SELECTs is kept until it is complete, so that its rows come as one block.
    """
    terminal = destination.terminal and bounded
    append_only = batch or traits(plan).append_only
    final = destination.result == "table" or (destination.result is None and terminal)
    changelog = destination.result == "changelog" or not (append_only or final)
    sink = _terminal_sink() if terminal else file_sink(destination.path)
    is_block = destination.standard and not (destination.alone or terminal)
    if (final and not append_only) or is_block:
        return CompleteOutput(sink, final=final, changelog=changelog)
    return SinkOutput(sink, changelog=changelog)


def _terminal_sink() -> Sink:
    from streamsql_repl.render import TerminalSink

    return TerminalSink()


def file_sink(path: str | None) -> Sink:
    """What writes rows to a file in the format of its ending; JSON lines to stdout, which is None or `-`."""
    options = {"path": path or STANDARD}
    if options["path"] == STANDARD:
        options["format"] = "json"
    elif not _ending_is_known(options["path"]):
        raise UsageError(f"--output {path}: its ending tells no format", hint=f"known endings: {', '.join(ENDINGS)}")
    table = TableOptions(name="the result", schema=None, options=options, clock=SystemClock())
    return load_connector("filesystem").sink(table)


def _ending_is_known(path: str) -> bool:
    return path.lower().removesuffix(".gz").removesuffix(".zst").endswith(tuple(ENDINGS))


@record(frozen=False)
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
        self.sink.open(schema, changelog=self.changelog)

    def publish(self, rows: pa.RecordBatch, kinds: RowKinds | None) -> None:
        if self.final:
            self._table.publish(rows, kinds)
        else:
            self._changes.append((rows, kinds))

    def end(self) -> None:
        """Write everything, or leave nothing behind."""
        if self.final:
            self._changes = [(rows, None) for rows in self._table.to_table().to_batches() if rows.num_rows]
        try:
            for rows, kinds in self._changes:
                self.sink.write(rows, kinds)
            self.sink.commit()
        except BaseException:
            self.sink.abort()
            raise

    def abort(self) -> None:
        self._changes = []
        self.sink.abort()
