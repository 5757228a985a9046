"""A query: lazy until its result is asked for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from streamsql.engine import Engine, scans
from streamsql.errors import located
from streamsql.plan.explain import explain
from streamsql.plan.logical import Plan
from streamsql.ports import RowKind
from streamsql.runtime.output import CollectOutput, Output, TableOutput

if TYPE_CHECKING:
    from streamsql.batch_mode.compare import Comparison


class Query:
    """One SELECT over the session's tables. Each result method runs it afresh over the rows present now.

    `text`: the SQL that it stands in, which errors show.
    """

    def __init__(self, engine: Engine, plan: Plan, text: str | None = None) -> None:
        self._engine = engine
        self._text = text
        with self._located():
            self._plan = engine.optimized(plan)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(each.name for each in self._plan.fields)

    def to_arrow(self) -> pa.Table:
        """The final result: the folded changelog, in the order that the query or its keys determine."""
        output = TableOutput()
        self._run(output)
        return output.to_table()

    def df(self) -> Any:
        """The final result as a pandas DataFrame; needs pandas."""
        return self.to_arrow().to_pandas()

    def pl(self) -> Any:
        """The final result as a polars DataFrame; needs polars."""
        import polars

        return polars.from_arrow(self.to_arrow())

    def batch(self) -> pa.Table:
        """What DuckDB says of the same query over the same input, as one bounded batch."""
        from streamsql.batch_mode.query import BatchQuery

        with self._located():
            return BatchQuery(self._plan, self._engine.bounded_source, self._engine.context).run()

    def changes(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """The changelog row by row: the row kind (+I, -U, +U, -D) and the values, for people and tests."""
        output = CollectOutput()
        self._run(output)
        for rows, kinds in output:
            values = zip(*(column.to_pylist() for column in rows.columns), strict=True)
            for index, row in enumerate(values):
                yield RowKind.INSERT.short if kinds is None else RowKind(int(kinds[index])).short, row

    def explain(self) -> str:
        """The plan: what each node computes, its changelog mode, keys, time attribute and what bounds its state."""
        return explain(self._plan)

    def compare(self) -> Comparison:
        """Run as stream and as batch, and explain every difference by what time decided."""
        from streamsql.batch_mode.compare import StreamRun, compare

        with self._located():
            for each in scans(self._plan):
                self._engine.bounded_source(each.table)
            begin = time.perf_counter()
            output = TableOutput()
            job = self._engine.job([self._plan], [output], record_decisions=True)
            self._engine.run(job)
            table = output.to_table()
            run = StreamRun(table, time.perf_counter() - begin, job.decisions.entries)
            return compare(self._plan, run, self._engine.bounded_source, self._engine.context)

    def _run(self, output: Output) -> None:
        with self._located():
            self._engine.run(self._engine.job([self._plan], [output]))

    def _located(self) -> AbstractContextManager[None]:
        return nullcontext() if self._text is None else located(self._text)
