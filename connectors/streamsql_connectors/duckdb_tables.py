"""The `duckdb` connector: tables in DuckDB database files, to be read, looked up and written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from streamsql.errors import DataError, UsageError, did_you_mean
from streamsql.expr.types import Column, Schema, from_arrow
from streamsql.ports import (
    LookupRows,
    LookupTable,
    OptionInfo,
    ReadRequest,
    RowKind,
    RowKinds,
    Sink,
    SinkMode,
    Source,
    SourceBatch,
    TableOptions,
)
from streamsql.record import record
from streamsql_connectors.options import names_of, refuse_unknown, required

_CONFIG = {"enable_external_access": "false", "python_enable_replacements": "false"}
"""What lies in the file may be a view: it must not open other files."""


@record
class Place:
    """A table in a database file; `table` may name its schema too: `sales.orders`."""

    path: str
    table: str

    @property
    def name(self) -> str:
        """The table in SQL."""
        return ".".join(quoted(each) for each in self.table.split("."))

    @contextmanager
    def open(self, *, write: bool = False) -> Iterator[Any]:
        """A connection for one thread. OSError where someone else has the file; else DataError with DuckDB's text."""
        import duckdb

        if not write and not Path(self.path).exists():
            raise UsageError(f"file not found: {self.path}")
        try:
            with duckdb.connect(self.path, read_only=not write, config=dict(_CONFIG)) as connection:
                connection.execute("SET TimeZone = 'UTC'")
                yield connection
        except duckdb.ConnectionException as error:
            hint = "close the program's own connection to it first"
            raise UsageError(f"{self.path} is open in this program in another way", hint=hint) from error
        except duckdb.IOException as error:
            raise OSError(f"{self.path}: {_first_line(error)}") from error
        except duckdb.CatalogException as error:
            raise UsageError(f"{self.path}: {_first_line(error)}") from error
        except duckdb.Error as error:
            raise DataError(f"{self.path}: {_first_line(error)}") from error


class DuckDbConnector:
    """`path` is a database file and `table` a table or view in it, `schema.table` for one that is not in `main`."""

    options: tuple[OptionInfo, ...] = (
        OptionInfo("path", "text", "a DuckDB database file", required=True),
        OptionInfo("table", "text", "a table or view in it, schema.table for one of another schema", required=True),
    )
    lookup_cache = "NONE"

    def source(self, table: TableOptions) -> Source:
        """The rows as they are when reading begins."""
        place = _place(self, table)
        if table.schema is None:
            raise UsageError(f"table {table.name} has no columns")
        return DuckDbSource(place, table.schema)

    def lookup(self, table: TableOptions) -> LookupTable:
        """The file is opened for each call, so that others may write to it in between."""
        return DuckDbLookup(_place(self, table))

    def sink(self, table: TableOptions) -> Sink:
        """Appends rows, or with PRIMARY KEY puts them in the place of those of their keys, when the run has ended."""
        return DuckDbSink(_place(self, table), table.primary_key, overwrite=table.overwrite)

    def infer(self, table: TableOptions) -> Schema:
        """The table's columns."""
        place = _place(self, table)
        with _as_data_errors(), place.open() as connection:
            found = connection.sql(f"SELECT * FROM {place.name} LIMIT 0").to_arrow_table().schema
        return Schema(tuple(Column(each.name, from_arrow(each.type)) for each in found))


@record
class DuckDbSource:
    """Reads a table once, in the order of its rows; a position counts rows."""

    place: Place
    schema: Schema
    bounded: bool = True

    def read(self, request: ReadRequest) -> Iterator[SourceBatch]:
        """Batches of at most `batch_rows`."""
        for name in request.columns:
            if name not in self.schema.names:
                raise UsageError(f"unknown column {name}", hint=did_you_mean(name, self.schema.names, kind="columns"))
        done = int((request.start or {}).get("rows", 0))
        columns = ", ".join(quoted(each) for each in request.columns) or "NULL"
        with _as_data_errors(), self.place.open() as connection:
            rows = connection.sql(f"SELECT {columns} FROM {self.place.name} OFFSET {done}")
            for batch in rows.to_arrow_reader(request.batch_rows):
                for begin in range(0, batch.num_rows, request.batch_rows):
                    part = batch.slice(begin, request.batch_rows)
                    done += part.num_rows
                    yield SourceBatch(part if request.columns else part.select([]), {"rows": done})


@record
class DuckDbLookup:
    """Finds rows by a join of the table with the keys."""

    place: Place

    def lookup(self, keys: pa.RecordBatch, columns: tuple[str, ...]) -> Iterator[LookupRows]:
        """The rows of keys, those of one key in the order of the table."""
        names = [f"k{index}" for index in range(keys.num_columns)]
        asked = pa.Table.from_arrays([*keys.columns, pa.array(np.arange(keys.num_rows))], names=[*names, "place"])
        equal = " AND ".join(f"t.{quoted(own)} = k.{key}" for own, key in zip(keys.schema.names, names, strict=True))
        wanted = ", ".join(f"t.{quoted(each)} AS c{index}" for index, each in enumerate(columns))
        with self.place.open() as connection:
            connection.register("asked_keys", asked)
            numbered = f"(SELECT *, row_number() OVER () AS row_place FROM {self.place.name})"
            found = connection.sql(
                f"SELECT k.place, {wanted} FROM {numbered} AS t JOIN asked_keys AS k ON {equal} "
                "ORDER BY k.place, t.row_place"
            ).to_arrow_table()
        for batch in found.to_batches():
            rows = pa.RecordBatch.from_arrays(batch.columns[1:], names=list(columns))
            yield LookupRows(rows, np.asarray(batch.column(0).to_numpy()))

    def close(self) -> None:
        """Nothing is held between calls."""


class DuckDbSink:
    """Writes into a table, which is made where there is none: in one transaction, or in one a step in a run without
    end."""

    def __init__(self, place: Place, key: tuple[str, ...], *, overwrite: bool) -> None:
        self.mode: SinkMode = "upsert" if key else "append"
        self.overwrites = True
        self._place = place
        self._key = key
        self._overwrite = overwrite
        self._each_step = False
        self._open: Any = None
        self._connection: Any = None

    def open(self, schema: Schema, *, changelog: bool, bounded: bool = True) -> None:
        """Begin; row kinds are not stored."""
        self._each_step = not bounded
        self._open = self._place.open(write=True)
        with _as_data_errors():
            self._connection = self._open.__enter__()
        empty = schema.to_arrow().empty_table()
        self._connection.register("no_rows", empty)
        self._connection.execute("BEGIN")
        self._run(f"CREATE TABLE IF NOT EXISTS {self._place.name} AS SELECT * FROM no_rows")
        if self._overwrite:
            self._run(f"DELETE FROM {self._place.name}")

    def write(self, rows: pa.RecordBatch, kinds: RowKinds | None) -> None:
        """The keys of the step go, then its new rows come."""
        if self._key and rows.num_rows:
            self._connection.register("new_rows", pa.Table.from_batches([rows]))
            equal = " AND ".join(f"t.{quoted(each)} IS NOT DISTINCT FROM n.{quoted(each)}" for each in self._key)
            self._run(f"DELETE FROM {self._place.name} AS t WHERE EXISTS (SELECT 1 FROM new_rows AS n WHERE {equal})")
        if kinds is not None:
            rows = rows.filter(pa.array((kinds == RowKind.INSERT) | (kinds == RowKind.UPDATE_AFTER)))
        if rows.num_rows:
            self._connection.register("new_rows", pa.Table.from_batches([rows]))
            names = ", ".join(quoted(each) for each in rows.schema.names)
            self._run(f"INSERT INTO {self._place.name} ({names}) SELECT {names} FROM new_rows")
        if self._each_step:
            self._run("COMMIT")
            self._run("BEGIN")

    def commit(self) -> None:
        """Publish everything."""
        self._run("COMMIT")
        self._close()

    def abort(self) -> None:
        """Leave the table as it was."""
        if self._connection is not None:
            self._run("ROLLBACK")
            self._close()

    def _run(self, sql: str) -> None:
        import duckdb

        try:
            self._connection.execute(sql)
        except duckdb.Error as error:
            raise DataError(f"cannot write to {self._place.path}: {_first_line(error)}") from error

    def _close(self) -> None:
        self._connection = None
        self._open.__exit__(None, None, None)


def quoted(name: str) -> str:
    """A name in DuckDB's SQL.

    >>> quoted('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def _as_data_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(str(error)) from error


def _place(connector: DuckDbConnector, table: TableOptions) -> Place:
    owner = f"table {table.name} (duckdb)"
    refuse_unknown(table.options, ("connector", *names_of(connector.options)), owner)
    return Place(required(table.options, "path", owner), required(table.options, "table", owner))


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
