"""A plan run as one query in DuckDB, which computes only: rows come from the stream's own sources."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from streamsql.batch_mode.conform import conform
from streamsql.batch_mode.connection import open_cursor
from streamsql.batch_mode.foreign import make_callable
from streamsql.batch_mode.lower import begin, lower
from streamsql.batch_mode.relation import Lowering, Relation, column
from streamsql.batch_mode.scans import OpenSource, ScanInput, ScanSettings
from streamsql.errors import DataError
from streamsql.expr.context import EvalContext
from streamsql.expr.types import Column, Schema
from streamsql.plan.final_order import final_order
from streamsql.plan.logical import Plan
from streamsql.plan.sharing import share
from streamsql.runtime.decisions import Decision
from streamsql.runtime.rejects import RejectLog
from streamsql.runtime.row_order import row_order


class BatchQuery:
    """One plan as a bounded query.

    `decisions`: what a stream run decided, applied at the operators that did it. `rejects` fills while `run` reads.
    Raises NoBatchForm for a plan that DuckDB cannot run.
    """

    def __init__(
        self,
        plan: Plan,
        open_source: OpenSource,
        context: EvalContext,
        *,
        decisions: Sequence[Decision] = (),
        rejects: RejectLog | None = None,
    ) -> None:
        self.schema = Schema(tuple(Column(each.name, each.type) for each in plan.fields))
        self.rejects = RejectLog() if rejects is None else rejects
        self._context = context
        self._open_source = open_source
        (plan,) = share((plan,))
        self._plan = plan
        self._lowering = begin(plan, context, decisions)
        self._order = final_order(plan)
        self.sql = _finished(plan, lower(plan, self._lowering), self._lowering, ordered=self._order is None)

    def run(self) -> pa.Table:
        """The answer, with exactly the Arrow types of `schema`, in the order of the stream's answer."""
        settings = ScanSettings(self._context, self._lowering.source_count > 1, self.rejects)
        with open_cursor(self._context) as connection, self._inputs(settings, connection) as inputs:
            make_callable(self._plan, connection)
            try:
                found = connection.sql(self.sql).to_arrow_table()
            except duckdb.Error as error:
                raise _as_data_error(error, inputs) from error
        answer = conform(found, self.schema)
        if self._order is None:
            return answer
        return answer.take(pa.array(row_order(answer.combine_chunks(), self._order)))

    @contextmanager
    def _inputs(self, settings: ScanSettings, connection: duckdb.DuckDBPyConnection) -> Iterator[list[ScanInput]]:
        inputs: list[ScanInput] = []
        try:
            for name, scan in self._lowering.scans.items():
                inputs.append(ScanInput(scan, self._open_source(scan.table), settings))
                connection.register(name, inputs[-1].stream())
            for name, table in self._lowering.tables.items():
                connection.register(name, table)
            yield inputs
        finally:
            for each in inputs:
                each.close()


def _finished(plan: Plan, relation: Relation, lowering: Lowering, *, ordered: bool) -> str:
    """The whole query: fields by position, as names and even ids may repeat."""
    items = ", ".join(f"{column(each.id)} AS r{index}" for index, each in enumerate(plan.fields))
    order = f" ORDER BY {relation.arrival}" if ordered and not relation.sorted else ""
    return lowering.text(f"SELECT {items} FROM {relation.name}{order}")


def _as_data_error(error: duckdb.Error, inputs: Sequence[ScanInput]) -> BaseException:
    """The source's own error where there was one; else a row that an expression failed on, else DuckDB's error."""
    for each in inputs:
        if each.error is not None:
            return each.error
    if isinstance(error, duckdb.DataError | duckdb.InvalidInputException):
        return DataError(f"batch run failed: {_message(error)}")
    return error


def _message(error: duckdb.Error) -> str:
    """DuckDB's first line without its category and without advice on DuckDB's own settings."""
    line = str(error).splitlines()[0].split(" Use TRY(")[0]
    if malformed := re.search("cannot cast '.*' to [A-Z_]+(\\([0-9, ]+\\))?", line):
        return malformed[0]
    return line.split(" Error: ", 1)[-1]
