"""The tables of a session: declared ones, inputs given from outside, in-memory rows, and what runs left behind."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from streamsql.declared_at import DeclaredAt
from streamsql.errors import SqlError, StreamSqlError, UsageError
from streamsql.expr.nodes import ColumnRef
from streamsql.expr.types import Schema
from streamsql.materialized_views import MaterializedViews, view_of
from streamsql.memory_rows import Deliver, Together, put_together
from streamsql.owner import Owner
from streamsql.plan.logical import Table, WatermarkSpec
from streamsql.plan.lookup_options import lookup_options
from streamsql.plugins import load_catalog, load_connector, load_format
from streamsql.ports import Connector, LookupTable, Sink, Source, SourceMode, TableOptions
from streamsql.record import record
from streamsql.runtime.settings import ENGINE_OPTIONS, idle_timeout
from streamsql.sql.context import ForeignFunction, UserFunction, View
from streamsql.sql.mentions import reads
from streamsql.time import Clock

if TYPE_CHECKING:
    from streamsql.materialized import MaterializedView
    from streamsql.memory import MemoryTable
    from streamsql.runtime.live import LiveRun

LATE = "$late"
REJECTS = "$rejects"
CHANGELOG = "changelog"
"""The option of tables in files that says what their rows do; it stays when another file is given."""


@record
class Input:
    """Data given for a table name from outside: where it lies and, if said, its format."""

    path: str
    format: str | None = None

    def options(self) -> dict[str, str]:
        return {"path": self.path, **({} if self.format is None else {"format": self.format})}


@record(eq=False)
class Leftover:
    """Rows that a run left out, with the SQL types of their columns."""

    schema: Schema
    rows: pa.Table


class SessionTables:
    """Finds tables and views by name, and opens their sources and sinks.

    Inputs given from outside replace the connector of a table declared under their name; for a name that is not
    declared, a table with the columns of the data appears. `on_inferred` is told of each table whose columns were found
    in its data.
    """

    def __init__(self, clock: Clock, *, seed: int = 0, catalog: str = "memory") -> None:
        self.clock, self.seed = clock, seed
        self.owner = Owner()
        self.views = MaterializedViews()
        self.runs: weakref.WeakSet[LiveRun] = weakref.WeakSet()
        self._catalog = load_catalog(catalog)
        self._memory: dict[str, MemoryTable] = {}
        self._registered: dict[str, Table] = {}
        self._inputs: dict[str, Input] = {}
        self._declared_at: dict[str, DeclaredAt] = {}
        self._leftovers: dict[str, Leftover] = {}
        self.functions: dict[str, UserFunction | ForeignFunction] = {}
        self.on_inferred: Callable[[Table], None] | None = None

    def lookup(self, name: str) -> Table | View | None:
        """The table or view of that name; `t$late` and `t$rejects` once `t` is known."""
        found: Table | View | None = self._catalog.get(name)
        if isinstance(found, Table):
            return self.as_now(found)
        found = found or self._registered.get(name)
        if found is not None:
            return found
        if name in self._inputs:
            table = Table(name=name, columns=(), connector="filesystem", inferred=True)
            return self.declare(table)
        return self._leftover(name)

    def as_now(self, table: Table) -> Table:
        """The table with what is known of its rows at this moment."""
        view = view_of(table)
        if view is not None:
            mark = None if view.time is None else _own_time(view.time, table)
            return replace(table, updating=view.updating, unique_keys=view.unique_keys, watermark=mark)
        if table.connector is None and table.data is None:
            return replace(table, updating=self.memory(table.name).updating)
        return table

    def function(self, name: str) -> UserFunction | ForeignFunction | None:
        """The function that was defined under that upper-case name."""
        return self.functions.get(name)

    def define(self, function: UserFunction | ForeignFunction, *, if_not_exists: bool = False) -> None:
        """Make a function callable."""
        if function.name not in self.functions:
            self.functions[function.name] = function
        elif not if_not_exists:
            raise SqlError(f"there is a function {function.name} already", hint=f"DROP FUNCTION {function.name} first")

    def names(self) -> tuple[str, ...]:
        """All names that can be read."""
        return tuple(dict.fromkeys((*self._catalog.names(), *self._registered, *self._inputs)))

    def register(self, table: Table) -> None:
        """Make the data of a table readable under its name, in place of what was registered under it before."""
        self._refuse_existing(table.name, "table", False)
        self._registered[table.name] = table

    def declare(self, table: Table, *, if_not_exists: bool = False, at: DeclaredAt | None = None) -> Table:
        """Put a table into the catalog, its columns inferred where it declares none.

        `at`: the text that declares it, which errors show when the table cannot be opened later.
        """
        existing = self._refuse_existing(table.name, "table", if_not_exists)
        if isinstance(existing, Table):
            return existing
        given = self._inputs.get(table.name)
        if given is not None:
            table = replace(table, connector="filesystem", options=_redirected(table.options, given))
        elif at is not None:
            self._declared_at[table.name] = at
        with self._located(table):
            idle_timeout(table.options)  # a wrong one is refused here, whether a query uses it or not
            connector = None if table.connector is None else load_connector(table.connector)
            if table.inferred and connector is not None:
                schema = connector.infer(self._options(table, inferring=True))
                table = replace(table, columns=schema.columns)
            if connector is not None:
                table = self._changing(table, connector)
            lookup_options(table)
        if connector is None:
            self._memory[table.name] = memory_table(table, self.views.together)
        self._catalog.put(table.name, table)
        if table.inferred and self.on_inferred is not None:
            self.on_inferred(table)
        return table

    def declare_view(self, view: View, *, if_not_exists: bool = False) -> None:
        """Put a view into the catalog; SqlError where the name is taken, also by an input."""
        if view.name in self._inputs:
            raise SqlError(f"{view.name} is given as an input, which cannot stand in for a view")
        if self._refuse_existing(view.name, "view", if_not_exists) is None:
            self._catalog.put(view.name, view)

    def materialize(
        self, name: str, make: Callable[[], MaterializedView], sources: frozenset[str], *, if_not_exists: bool = False
    ) -> None:
        """Make a materialised view of the tables and views `sources`, and put it into the catalog."""
        if name in self._inputs:
            raise SqlError(f"{name} is given as an input, which cannot stand in for a view")
        if self._refuse_existing(name, "materialized view", if_not_exists) is None:
            with self.views.reading():
                view = make()
                self.views.add(view)
                self._catalog.put(name, Table(name, view.schema.columns, data=view, materialized=True, reads=sources))

    def _changing(self, table: Table, connector: Connector) -> Table:
        """The table with what its rows may do to each other."""
        changes = getattr(connector, "changes", None)
        mode: SourceMode = "append" if changes is None else changes(self._options(table))
        if mode == "upsert" and not table.primary_key:
            hint = "write PRIMARY KEY (…) NOT ENFORCED among the columns"
            raise SqlError(f"table {table.name} is changed by key, but declares no PRIMARY KEY", hint=hint)
        looked_up = mode == "append" and hasattr(connector, "lookup")
        return replace(
            table,
            updating=mode != "append",
            by_key=mode != "append" and bool(table.primary_key),
            lookup_cache=getattr(connector, "lookup_cache", None) if looked_up else None,
        )

    def _refuse_existing(self, name: str, kind: str, if_not_exists: bool) -> Table | View | None:
        existing: Table | View | None = self._catalog.get(name)
        if existing is not None and not if_not_exists:
            hint = f"DROP it first, or write CREATE {kind.upper()} IF NOT EXISTS"
            raise SqlError(f"{name} exists already", hint=hint)
        return existing

    def drop(self, name: str) -> None:
        """Take a table or view away; nothing happens where there is none. SqlError where a view reads it."""
        readers = self._readers(name)
        if readers:
            listed, read = ", ".join(readers), "reads" if len(readers) == 1 else "read"
            raise SqlError(f"{name} cannot be dropped: {listed} {read} it", hint=f"DROP {listed} first")
        self._registered.pop(name, None)
        found = self._catalog.get(name)
        view = view_of(found) if isinstance(found, Table) else None
        if view is not None:
            self.views.remove(view)
        if found is not None:
            self._catalog.drop(name)
            self._memory.pop(name, None)
            self._declared_at.pop(name, None)

    def _readers(self, name: str) -> list[str]:
        """The views that read a table or view, materialised or not."""
        return [each for each in self._catalog.names() if each != name and name in reads(self._catalog.get(each))]

    def add_input(self, name: str, given: Input) -> None:
        """Data from outside for a table name; UsageError when the name is taken."""
        if name in self._inputs:
            raise UsageError(f"input {name} is given twice")
        self._inputs[name] = given

    def memory(self, name: str) -> MemoryTable:
        """The rows of an in-memory table."""
        if name not in self._memory:
            raise UsageError(f"{name} is not an in-memory table")
        return self._memory[name]

    def is_open(self, table: Table) -> bool:
        """Whether more rows may be pushed into the table while it is read."""
        return table.connector is None and table.data is None and self.memory(table.name).is_open

    def leave(self, name: str, schema: Schema, rows: pa.Table) -> None:
        """Keep late or rejected rows under the name of their table, such as `t$late`, after those of earlier runs."""
        before = self._leftovers.get(name)
        if before is not None:
            columns = {each.name: each for each in (*before.schema, *schema)}
            schema = Schema(tuple(columns.values()))
            rows = pa.concat_tables([before.rows, rows], promote_options="default").select(schema.names)
        self._leftovers[name] = Leftover(schema, rows)

    def _leftover(self, name: str) -> Table | None:
        base, mark, kind = name.rpartition("$")
        if not mark or f"${kind}" not in (LATE, REJECTS) or self.lookup(base) is None:
            return None
        found = self._leftovers.get(name)
        if found is None:
            what = "dropped late rows" if kind == "late" else "read the records"
            raise SqlError(
                f"there is no {name} yet: no query before this one could have {what} of {base}",
                hint=f"{name} shows what earlier statements of the same script or session left out",
            )
        from streamsql.memory import MemoryTable

        table = MemoryTable(found.schema)
        for batch in found.rows.to_batches():
            table.append(batch)
        self._memory[name] = table
        return Table(name=name, columns=table.schema.columns)

    def size(self, table: Table) -> int | None:
        """How many rows a table in memory has now; None: unknown, or it is open for more."""
        if table.data is not None or table.connector is not None or self.is_open(table):
            return None
        return self.memory(table.name).rows

    def open_source(self, table: Table, *, follow: bool = False) -> Source:
        """A fresh source of the table's physical columns; `follow` an in-memory one as long as it is open."""
        view = view_of(table)
        if follow and view is not None:
            return view.follow()
        if table.data is not None:
            return table.data.source()
        if table.connector is None:
            takes_back = table.updating or table.ended is not None
            return self.memory(table.name).source(follow=follow, takes_back=takes_back, deliver=_delivery(table))
        with self._located(table):
            return load_connector(table.connector).source(self._options(table))

    def open_lookup(self, table: Table) -> LookupTable:
        """The table's rows by key."""
        assert table.connector is not None
        with self._located(table):
            connector: Any = load_connector(table.connector)
            found: LookupTable = connector.lookup(self._options(table))
            return found

    def open_for_view(self, table: Table) -> Source:
        """A fresh source for a materialised view: what comes later too, but for tables that lie outside the session."""
        view = view_of(table)
        if view is not None:
            return view.follow(at_once=True)
        if table.connector is None and table.data is None:
            return self.memory(table.name).followed_at_once(_delivery(table))
        source = self.open_source(table)
        if not source.bounded:
            hint = "INSERT its rows into an in-memory table, and read that"
            raise SqlError(f"a materialized view cannot read {table.name}, which has no end", hint=hint)
        return source

    def open_sink(self, table: Table, *, overwrite: bool = False) -> Sink:
        """A fresh sink for the table's physical columns; `overwrite`: in place of the rows that are there."""
        if view_of(table) is not None:
            raise UsageError(f"{table.name} is a materialized view: rows cannot be inserted into it")
        if table.data is not None:
            raise UsageError(f"{table.name} is an object of the Python program: rows cannot be inserted into it")
        if table.name in self._inputs:
            raise UsageError(f"{table.name} is given as an input: rows cannot be inserted into it")
        if table.connector is None:
            from streamsql.memory_sink import MemorySink

            sink: Sink = MemorySink(self.memory(table.name))
        else:
            with self._located(table):
                sink = load_connector(table.connector).sink(replace(self._options(table), overwrite=overwrite))
        if overwrite and not getattr(sink, "overwrites", False):
            where = f"connector {table.connector}" if table.connector else "an in-memory table"
            raise UsageError(f"{where} cannot be overwritten", hint=f"write INSERT INTO {table.name}")
        return sink

    @contextmanager
    def _located(self, table: Table) -> Iterator[None]:
        """Errors within show where the table was declared."""
        try:
            yield
        except StreamSqlError as error:
            if table.name in self._declared_at:
                self._declared_at[table.name].locate(error)
            raise

    def _options(self, table: Table, *, inferring: bool = False) -> TableOptions:
        return TableOptions(
            name=table.name,
            schema=None if inferring else table.physical(),
            options={key: value for key, value in table.options.items() if key not in ENGINE_OPTIONS},
            clock=self.clock,
            seed=self.seed,
            partition_keys=table.partition_keys,
            primary_key=table.primary_key,
        )


def _own_time(place: int, table: Table) -> WatermarkSpec:
    """A column of a view as its time; the watermarks themselves are kept beside the rows."""
    column = table.columns[place]
    return WatermarkSpec(place, ColumnRef(place, column.name, type=column.type))


def _delivery(table: Table) -> Deliver:
    """How rows in memory are delivered: as they are, or as versions."""
    if table.ended is None:
        return put_together
    from streamsql.memory_versions import put_versions

    return partial(put_versions, table.ended)


def memory_table(table: Table, together: Together) -> MemoryTable:
    """Room for the rows of a declared table."""
    from streamsql.memory import MemoryTable

    names = table.physical().names
    return MemoryTable(
        table.physical(), [names.index(each) for each in table.primary_key], together, timed=table.watermark is not None
    )


def _redirected(options: Mapping[str, str], given: Input) -> dict[str, str]:
    """The table's options with path and format replaced; what only the old connector knew is left out.

    How the format is written stays (such as `csv.field-delimiter`) as long as it is the same format.
    """
    kept = {key: value for key, value in options.items() if key in (*ENGINE_OPTIONS, CHANGELOG)}
    format_ = given.format or options.get("format")
    if format_ is None:
        return {**kept, **given.options()}
    if options.get("format") in (None, format_):
        known = [each.name for each in load_format(format_).options]
        kept |= {key: value for key, value in options.items() if key.removeprefix(f"{format_}.") in known}
    return {**kept, **given.options(), "format": format_}
