"""The `print` connector: a sink that shows each change on stdout."""

from __future__ import annotations

import sys

import pyarrow as pa

from streamsql.errors import UsageError
from streamsql.expr.types import Schema
from streamsql.ports import OptionInfo, RowKinds, Sink, SinkMode, Source, TableOptions
from streamsql_connectors.changelog_text import changelog_lines
from streamsql_connectors.options import boolean, names_of, option, refuse_unknown


class PrintConnector:
    """Options: `print-identifier`, a text before each row, and `standard-error`."""

    options: tuple[OptionInfo, ...] = (
        OptionInfo("print-identifier", "text", "stands before each row"),
        OptionInfo("standard-error", "boolean", "write to stderr, not to stdout", "false"),
    )

    def source(self, table: TableOptions) -> Source:
        """There is nothing to read."""
        raise UsageError(f"table {table.name}: print can only be written to")

    def sink(self, table: TableOptions) -> Sink:
        """Writes `+I[1, a]`, `-U[…]`, `+U[…]`, `-D[…]`."""
        refuse_unknown(table.options, ("connector", *names_of(self.options)), f"table {table.name} (print)")
        identifier = table.options.get("print-identifier", "")
        to_stderr = option(table.options, "standard-error", boolean, False)
        return PrintSink(f"{identifier}> " if identifier else "", to_stderr=to_stderr)

    def infer(self, table: TableOptions) -> Schema:
        """There is nothing to look at."""
        raise UsageError(f"table {table.name}: a print table must declare its columns")


class PrintSink:
    """Writes at once; there is nothing to commit or to take back."""

    mode: SinkMode = "changelog"

    def __init__(self, prefix: str, *, to_stderr: bool) -> None:
        self._prefix = prefix
        self._stream = sys.stderr if to_stderr else sys.stdout
        self._schema = Schema(())

    def open(self, schema: Schema, *, changelog: bool, bounded: bool = True) -> None:
        """Row kinds are shown whether there are changes or not."""
        self._schema = schema

    def write(self, rows: pa.RecordBatch, kinds: RowKinds | None) -> None:
        """One line a row."""
        self._stream.write(changelog_lines(rows, kinds, self._schema, self._prefix).decode())
        self._stream.flush()

    def commit(self) -> None:
        """All rows are out."""

    def abort(self) -> None:
        """What is out is out."""
