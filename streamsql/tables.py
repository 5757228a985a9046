"""The tables of a session: declared ones, inputs given from outside, in-memory rows, and what runs left behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pyarrow as pa

from streamsql.errors import SqlError, UsageError
from streamsql.expr.types import from_arrow_schema
from streamsql.memory import MemoryTable
from streamsql.plan.logical import Table
from streamsql.plugins import load_catalog, load_connector
from streamsql.ports import Connector, Sink, Source, TableOptions
from streamsql.runtime.settings import ENGINE_OPTIONS
from streamsql.sql.context import View
from streamsql.time import Clock

LATE = "$late"
REJECTS = "$rejects"


@dataclass(frozen=True, slots=True)
class Input:
    """Data given for a table name from outside: where it lies and, if said, its format."""

    path: str
    format: str | None = None

    def options(self) -> dict[str, str]:
        return {"path": self.path, **({} if self.format is None else {"format": self.format})}


class SessionTables:
    """Finds tables and views by name, and opens their sources and sinks.

    Inputs given from outside replace the connector of a table declared under their name; for a name that is not
    declared, a table with the columns of the data appears.
    """

    def __init__(self, clock: Clock, *, seed: int = 0, catalog: str = "memory") -> None:
        self.clock, self.seed = clock, seed
        self._catalog = load_catalog(catalog)
        self._memory: dict[str, MemoryTable] = {}
        self._inputs: dict[str, Input] = {}
        self._used_inputs: set[str] = set()
        self._leftovers: dict[str, pa.Table] = {}

    def lookup(self, name: str) -> Table | View | None:
        """The table or view of that name; `t$late` and `t$rejects` once `t` is known."""
        found: Table | View | None = self._catalog.get(name)
        if isinstance(found, Table) and found.connector is None:
            return replace(found, updating=self._memory[name].updating)
        if found is not None:
            return found
        if name in self._inputs:
            table = Table(name=name, columns=(), connector="filesystem", inferred=True)
            return self.declare(table)
        return self._leftover(name)

    def names(self) -> tuple[str, ...]:
        """All names that can be read."""
        return tuple(dict.fromkeys((*self._catalog.names(), *self._inputs)))

    def declare(self, table: Table, *, if_not_exists: bool = False) -> Table:
        """Put a table into the catalog, its columns inferred where it declares none."""
        existing = self._refuse_existing(table.name, "table", if_not_exists)
        if isinstance(existing, Table):
            return existing
        given = self._inputs.get(table.name)
        if given is not None:
            self._used_inputs.add(table.name)
            table = replace(table, connector="filesystem", options=_redirected(table.options, given))
        if table.inferred:
            schema = self._connector(table).infer(self._options(table, inferring=True))
            table = replace(table, columns=schema.columns)
        if table.connector is None:
            self._memory[table.name] = MemoryTable(table.physical())
        self._catalog.put(table.name, table)
        return table

    def declare_view(self, view: View, *, if_not_exists: bool = False) -> None:
        if self._refuse_existing(view.name, "view", if_not_exists) is None:
            self._catalog.put(view.name, view)

    def _refuse_existing(self, name: str, kind: str, if_not_exists: bool) -> Table | View | None:
        existing: Table | View | None = self._catalog.get(name)
        if existing is not None and not if_not_exists:
            hint = f"DROP it first, or write CREATE {kind.upper()} IF NOT EXISTS"
            raise SqlError(f"{name} exists already", hint=hint)
        return existing

    def drop(self, name: str) -> None:
        """Take a table or view away; nothing happens where there is none."""
        if self._catalog.get(name) is not None:
            self._catalog.drop(name)
            self._memory.pop(name, None)

    def add_input(self, name: str, given: Input) -> None:
        """Data from outside for a table name; UsageError when the name is taken."""
        if name in self._inputs:
            raise UsageError(f"input {name} is given twice")
        self._inputs[name] = given

    def unused_inputs(self) -> tuple[str, ...]:
        """Inputs that no statement has used so far."""
        return tuple(name for name in self._inputs if name not in self._used_inputs)

    def memory(self, name: str) -> MemoryTable:
        """The rows of an in-memory table."""
        if name not in self._memory:
            raise UsageError(f"{name} is not an in-memory table")
        return self._memory[name]

    def leave(self, tables: Mapping[str, pa.Table]) -> None:
        """Keep late or rejected rows under their table names, after those of earlier runs."""
        for name, rows in tables.items():
            before = self._leftovers.get(name)
            if before is not None:
                rows = pa.concat_tables([before, rows], promote_options="default")
            self._leftovers[name] = rows

    def _leftover(self, name: str) -> Table | None:
        base, mark, kind = name.rpartition("$")
        if not mark or f"${kind}" not in (LATE, REJECTS) or self.lookup(base) is None:
            return None
        rows = self._leftovers.get(name)
        if rows is None:
            raise SqlError(
                f"{name} is empty: no query that ran before has dropped rows of {base}",
                hint=f"{name} shows what earlier statements of the same script or session left out",
            )
        table = MemoryTable(from_arrow_schema(rows.schema))
        for batch in rows.to_batches():
            table.append(batch)
        self._memory[name] = table
        return Table(name=name, columns=table.schema.columns)

    def open_source(self, table: Table) -> Source:
        """A fresh source of the table's physical columns."""
        if table.connector is None:
            return self.memory(table.name).source()
        return self._connector(table).source(self._options(table))

    def open_sink(self, table: Table) -> Sink:
        """A fresh sink for the table's physical columns."""
        if table.connector is None:
            return self.memory(table.name).sink()
        return self._connector(table).sink(self._options(table))

    def _connector(self, table: Table) -> Connector:
        return load_connector(str(table.connector))

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


def _redirected(options: Mapping[str, str], given: Input) -> dict[str, str]:
    """The table's options with path and format replaced; what only the old connector knew is left out."""
    kept = {key: value for key, value in options.items() if key in ENGINE_OPTIONS}
    format_ = given.format or options.get("format")
    if given.format is None and "format" in options:
        kept.update({key: value for key, value in options.items() if key.startswith(f"{format_}.")})
    return {**kept, **given.options()}
