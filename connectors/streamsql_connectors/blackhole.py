"""The `blackhole` connector: a sink that counts rows and forgets them."""

from __future__ import annotations

import pyarrow as pa

from streamsql.errors import UsageError
from streamsql.expr.types import Schema
from streamsql.ports import OptionInfo, RowKinds, Sink, SinkMode, Source, TableOptions
from streamsql_connectors.options import refuse_unknown


class BlackholeConnector:
    """Has no options."""

    options: tuple[OptionInfo, ...] = ()

    def source(self, table: TableOptions) -> Source:
        """There is nothing to read."""
        raise UsageError(f"table {table.name}: blackhole can only be written to")

    def sink(self, table: TableOptions) -> Sink:
        """Counts."""
        refuse_unknown(table.options, ("connector",), f"table {table.name} (blackhole)")
        return BlackholeSink()

    def infer(self, table: TableOptions) -> Schema:
        """There is nothing to look at."""
        raise UsageError(f"table {table.name}: a blackhole table must declare its columns")


class BlackholeSink:
    """`rows`: how many rows, of any kind, were written."""

    mode: SinkMode = "changelog"

    def __init__(self) -> None:
        self.rows = 0

    def open(self, schema: Schema, *, changelog: bool, bounded: bool = True) -> None:
        """Begin to count."""
        self.rows = 0

    def write(self, rows: pa.RecordBatch, kinds: RowKinds | None) -> None:
        """Count the rows of a step."""
        self.rows += rows.num_rows

    def commit(self) -> None:
        """Nothing was kept."""

    def abort(self) -> None:
        """Nothing was kept."""
