"""Lookups in tables outside: what a lookup join asks of a connector, and how its rows become those of a scan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch
from streamsql.errors import DataError
from streamsql.expr.context import EvalContext
from streamsql.expr.types import Schema, arrow_type
from streamsql.operators.base import Operator
from streamsql.operators.lookup_join import Lookup
from streamsql.operators.lookup_join import LookupJoin as LookupJoinOperator
from streamsql.plan.logical import Table
from streamsql.plan.lookup_join import LookupJoin
from streamsql.plan.lookup_options import lookup_options
from streamsql.plan.tree import fields_by_id, positions, schema_of
from streamsql.ports import LookupRows, LookupTable, ReadRequest, Source, SourceBatch
from streamsql.record import record
from streamsql.runtime.lookup_cache import LastKeys, WholeTable
from streamsql.runtime.rejects import RejectLog
from streamsql.runtime.source_reader import SourceReader
from streamsql.state.fixed_width import Int64Array, int64_array, take_rows, values_of
from streamsql.state.grouping import single_chunk
from streamsql.state.ordering import stable_order


@record
class OpenTables:
    """How tables are opened: to be read, and to be looked up."""

    source: Callable[[Table], Source]
    lookup: Callable[[Table], LookupTable] | None = None


def connect_lookup(
    operator: Operator,
    plan: LookupJoin,
    tables: OpenTables,
    context: EvalContext,
    rejects: RejectLog,
    closing: ExitStack,
) -> None:
    """Let the operator of a lookup join ask the table itself, or what its options keep of it. `closing` lets go of
    connections."""
    assert isinstance(operator, LookupJoinOperator)
    place = positions(plan.side.fields)
    types = [plan.side.fields[place[each.right]].type for each in plan.on]
    given = fields_by_id(plan.input.fields)
    found = _keeping(plan, tables, context, rejects, closing)
    if [arrow_type(given[each.left].type) for each in plan.on] == [arrow_type(each) for each in types]:
        operator.lookup = found
    else:
        operator.lookup = Narrowed(found, [arrow_type(each) for each in types])


def _keeping(
    plan: LookupJoin, tables: OpenTables, context: EvalContext, rejects: RejectLog, closing: ExitStack
) -> Lookup:
    scan, options = plan.side, lookup_options(plan.side.table)
    assert options is not None
    schema, place = schema_of(scan.fields), positions(scan.fields)
    keys = [place[each.right] for each in plan.on]
    if options.cache == "FULL":

        def read() -> Iterator[Batch]:
            reader = SourceReader(scan, tables.source(scan.table), context, rejects=rejects)
            return (step.batch for step in reader)

        return WholeTable(schema, keys, read, context.clock, options.reload)
    assert tables.lookup is not None
    asked = AskedTable(plan, tables.lookup, context, options.max_retries)
    closing.callback(asked.close)
    if options.cache == "NONE":
        return asked
    types = [schema.to_arrow().field(each).type for each in keys]
    return LastKeys(schema, types, asked, context.clock, options)


@record
class Narrowed:
    """Asks for integer keys in the types of the columns, which may be narrower; what does not fit has no row."""

    lookup: Lookup
    types: Sequence[pa.DataType]

    def find(self, keys: Sequence[pa.Array]) -> tuple[Int64Array, pa.RecordBatch]:
        """The rows of keys."""
        narrow = [each.cast(type_, safe=False) for each, type_ in zip(keys, self.types, strict=True)]
        fits = np.ones(len(keys[0]), np.bool_)
        for given, cast in zip(keys, narrow, strict=True):
            if given.type != cast.type:
                fits &= values_of(given) == values_of(cast)
        at = np.flatnonzero(fits)
        places, rows = self.lookup.find([take_rows(each, at) for each in narrow])
        return at[places], rows


class AskedTable:
    """'lookup.cache' = 'NONE': every call asks the connector; one that fails is tried again `max_retries` times."""

    def __init__(
        self, plan: LookupJoin, open_table: Callable[[Table], LookupTable], context: EvalContext, max_retries: int
    ) -> None:
        self._scan = plan.side
        self._open = open_table
        self._table: LookupTable | None = None
        self._tries = max_retries + 1
        names = {each.id: each.name for each in plan.side.physical}
        self._names = [names[each.right] for each in plan.on]
        self._columns = tuple(names.values())
        self._reader = SourceReader(plan.side, _NotRead(schema_of(plan.side.physical)), context)
        self._arrow = schema_of(plan.side.physical).to_arrow()

    def find(self, keys: Sequence[pa.Array]) -> tuple[Int64Array, pa.RecordBatch]:
        """The rows of keys, those of one key as the connector gives them."""
        found = self._ask(pa.RecordBatch.from_arrays(keys, names=self._names)) if len(keys[0]) else []
        if not found:
            return np.empty(0, np.int64), self._prepared(self._arrow.empty_table())
        places = np.concatenate([each.keys for each in found])
        rows = self._prepared(pa.Table.from_batches([each.rows.select(self._columns) for each in found]))
        order = stable_order([places])
        return (places, rows) if order is None else (places[order], rows.take(int64_array(order)))

    def close(self) -> None:
        """Let go of the connector's connection."""
        table, self._table = self._table, None
        if table is not None:
            table.close()

    def _prepared(self, rows: pa.Table) -> pa.RecordBatch:
        """The connector's rows as those of the scan."""
        whole = pa.RecordBatch.from_arrays([single_chunk(each) for each in rows.columns], names=list(self._columns))
        return self._reader.prepare(SourceBatch(whole)).batch.rows

    def _ask(self, keys: pa.RecordBatch) -> list[LookupRows]:
        failure: OSError | None = None
        for _ in range(self._tries):
            try:
                self._table = self._table or self._open(self._scan.table)
                return list(self._table.lookup(keys, self._columns))
            except OSError as error:
                failure = error
                self.close()
        tries = "once" if self._tries == 1 else f"{self._tries} times"
        raise DataError(
            f"a lookup in {self._scan.table.name} failed {tries}: {failure}", span=self._scan.span
        ) from failure


@record
class _NotRead:
    """The source of a table of which rows come another way."""

    schema: Schema
    bounded: bool = True

    def read(self, request: ReadRequest) -> Iterator[SourceBatch]:
        """Nothing."""
        return iter(())
