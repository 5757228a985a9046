"""A query: lazy until its result is asked for."""

from __future__ import annotations

import sys
import time
import weakref
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa

from streamsql.changes import Changes, Row, row_type, rows_of
from streamsql.engine import Engine, scans
from streamsql.errors import UsageError, located
from streamsql.expr.nodes import Literal
from streamsql.expr.types import STRING, Schema
from streamsql.materialized_views import view_of
from streamsql.operators.base import Expired
from streamsql.plan.logical import Field, Plan, Values
from streamsql.plan.traits import traits
from streamsql.plan.tree import schema_of
from streamsql.runtime.job import Job
from streamsql.runtime.live import LiveRun
from streamsql.runtime.output import TableOutput
from streamsql.text_table import text_table

if TYPE_CHECKING:
    import pandas
    import polars

    from streamsql.batch_mode.compare import Comparison

BUFFER_ROWS = 65_536


def one_text(engine: Engine, text: str) -> Query:
    """A query whose result is one row with a text, in a column `result`."""
    type_ = STRING.with_nullable(False)
    return Query(engine, Values(fields=(Field(1, "result", type_),), rows=((Literal(text, type=type_),),)))


class Query:
    """One SELECT over the session's tables.

    `to_arrow`, `df`, `pl`, `show`, `compare` and `for row in query` run it afresh over the rows present now.
    `changes` also follows tables that are open for pushing. `text`: the SQL that it stands in, which errors show.
    `expired`: what state the last run that has ended forgot by the clock, by the operator's name in EXPLAIN.
    """

    def __init__(self, engine: Engine, plan: Plan, text: str | None = None) -> None:
        self._engine = engine
        self._text = text
        self.expired: Mapping[str, Expired] = {}
        self._runs: weakref.WeakSet[LiveRun] = weakref.WeakSet()
        with located(text):
            self._bound, self._plan = plan, engine.optimized(plan)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the result's columns."""
        return self.schema.names

    @property
    def schema(self) -> Schema:
        """The result's columns with their SQL types; `schema.to_arrow()` gives Arrow's."""
        return schema_of(self._plan.fields)

    @property
    def reads(self) -> tuple[str, ...]:
        """The names of the tables that it reads."""
        return tuple(dict.fromkeys(each.table.name for each in scans(self._plan)))

    def to_arrow(self) -> pa.Table:
        """The final result: the folded changelog, in the order that the query or its keys determine."""
        output = TableOutput()
        with self._running():
            job = self._engine.job([self._plan], [output])
            self._engine.run(job)
        self.expired = job.expiry.counts
        return output.to_table()

    def to_arrow_reader(self) -> pa.RecordBatchReader:
        """The final result batch by batch: as it is computed where the query only appends, else when it is done."""
        schema = self.schema.to_arrow()
        if traits(self._plan).append_only:
            return pa.RecordBatchReader.from_batches(schema, self._batches(follow=False))
        return self.to_arrow().to_reader()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The final result for whatever reads Arrow streams: DuckDB, polars, pandas, pyarrow."""
        return self.to_arrow_reader().__arrow_c_stream__(requested_schema)

    def df(self) -> pandas.DataFrame:
        """The final result as a pandas DataFrame; needs pandas."""
        return self.to_arrow().to_pandas()

    def pl(self) -> polars.DataFrame:
        """The final result as a polars DataFrame; needs polars."""
        import polars

        frame = polars.from_arrow(self.to_arrow())
        assert isinstance(frame, polars.DataFrame)
        return frame

    def show(self, rows: int = 20) -> None:
        """Print the final result, its first `rows` rows."""
        sys.stdout.write(text_table(self.to_arrow(), self.schema, rows))

    def batch(self) -> pa.Table:
        """What DuckDB says of the same query over the same input, as one bounded batch."""
        from streamsql.batch_mode.query import BatchQuery

        with self._running(), self._engine.tables.views.reading():
            return BatchQuery(self._plan, self._engine.bounded_source, self._engine.context).run()

    def changes(self, *, follow: bool = True, buffer_rows: int = BUFFER_ROWS) -> Changes:
        """Start the query and iterate over its changes: what follows from the rows present now, then from new ones.

        It ends when all its tables have been read to their end; one that is open for pushing ends with its `close()`.
        A query that reads materialised views is kept as they are, and goes on until it is stopped.
        Not `follow`: the rows present now are all. The engine waits when `buffer_rows` rows have not been taken.
        """
        with located(self._text):
            plan = self._engine.live_plan(self._bound, self._plan) if follow else self._plan
        return Changes(self._start(plan, follow, buffer_rows), self.columns, self._text)

    def stop(self) -> None:
        """End all iterations over this query's changes after their current step; may be called from any thread."""
        for each in tuple(self._runs):
            each.stop()

    def __iter__(self) -> Iterator[Row]:
        """The rows of the result: as they come where the query only appends, else the final ones."""
        make = row_type(self.columns)
        if self._one_by_one():
            for batch in self._batches(follow=True):
                yield from rows_of(batch, make)
        else:
            for batch in self.to_arrow().to_batches():
                yield from rows_of(batch, make)

    async def __aiter__(self) -> AsyncIterator[Row]:
        """As `__iter__`, without blocking the event loop while nothing comes."""
        import asyncio

        if self._one_by_one():
            async with self.changes() as changes:
                async for change in changes:
                    yield change.row
        else:
            for row in await asyncio.to_thread(lambda: list(self)):
                yield row

    def explain(self) -> str:
        """The plan: what each node computes, its changelog mode, keys, time attribute and what bounds its state."""
        from streamsql.plan.explain import explain

        return explain(self._plan)

    def compare(self) -> Comparison:
        """Run as stream and as batch, and explain every difference by what time decided."""
        from streamsql.batch_mode.compare import StreamRun, compare

        with self._running(), self._engine.tables.views.reading():
            for each in scans(self._plan):
                self._engine.bounded_source(each.table)
            begin = time.perf_counter()
            output = TableOutput()
            job = self._engine.job([self._plan], [output], record_decisions=True)
            self._engine.run(job)
            table = output.to_table()
            run = StreamRun(table, time.perf_counter() - begin, job.decisions.entries)
            return compare(self._plan, run, self._engine.bounded_source, self._engine.context)

    def _start(self, plan: Plan, follow: bool, buffer_rows: int) -> LiveRun:
        if buffer_rows < 1:
            raise UsageError(f"buffer_rows must be at least 1, not {buffer_rows}")
        with self._running():
            run = (
                self._follow_views(buffer_rows)
                if follow and self._reads_views
                else self._run_live(plan, follow, buffer_rows)
            )
        self._runs.add(run)
        self._engine.tables.runs.add(run)
        return run

    def _run_live(self, plan: Plan, follow: bool, buffer_rows: int) -> LiveRun:
        engine = self._engine
        return LiveRun(lambda output: engine.job([plan], [output], follow=follow), self._keep_left_out, buffer_rows)

    def _keep_left_out(self, job: Job) -> None:
        self._engine.keep_left_out(job)
        self.expired = job.expiry.counts

    def _follow_views(self, buffer_rows: int) -> LiveRun:
        """All that it reads is read in step with the views, as if it were one of them."""
        engine = self._engine
        plan, view = engine.followed(self._bound)
        return LiveRun(
            lambda output: engine.job([plan], [output], follow=True),
            lambda job: engine.tables.views.remove(view),
            buffer_rows,
        )

    @property
    def _reads_views(self) -> bool:
        return any(view_of(each.table) is not None for each in scans(self._plan))

    def _batches(self, *, follow: bool) -> Iterator[pa.RecordBatch]:
        with Changes(self._start(self._plan, follow, BUFFER_ROWS), self.columns, self._text) as changes:
            for batch in changes.batches():
                yield batch.select(range(1, batch.num_columns))

    @contextmanager
    def _running(self) -> Iterator[None]:
        """Within, the query runs: in an open session, its errors showing the SQL."""
        self._engine.tables.owner.check()
        with located(self._text):
            yield

    def _one_by_one(self) -> bool:
        """Whether rows that have come never change; refuses to wait for the end of a stream that has none yet."""
        if self._reads_views:
            return False
        if traits(self._plan).append_only:
            return True
        followed = [each.table.name for each in scans(self._plan) if self._engine.tables.is_open(each.table)]
        if followed:
            raise UsageError(
                f"the rows of this query change as long as {followed[0]} is open for pushing",
                hint="iterate over query.changes(), or ask for the rows as of now with query.to_arrow()",
            )
        return False
