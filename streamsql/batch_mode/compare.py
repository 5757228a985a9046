"""Stream against batch: one plan's two answers, and whether what time decided explains their differences."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pyarrow as pa

from streamsql.batch_mode.difference import Difference, difference
from streamsql.batch_mode.query import BatchQuery
from streamsql.batch_mode.scans import OpenSource
from streamsql.expr.context import EvalContext
from streamsql.operators.base import Expired, LateRows, RowsBehind, SessionCut
from streamsql.plan.logical import Plan
from streamsql.record import record
from streamsql.runtime.decisions import Decision


@record(eq=False)
class StreamRun:
    """A finished stream run: the folded answer, the wall time it took, and what time decided on the way."""

    table: pa.Table
    seconds: float
    decisions: Sequence[Decision] = ()


@record
class Cause:
    """What one operator decided: rows dropped (from so many windows), rows of sessions cut off an
    earlier one, rows behind the watermark that met only what time had left, and state that expired by the clock, with
    the changes that came for it afterwards and were ignored."""

    operator: str
    plan: Plan
    late_rows: int
    windows_missed: int
    cut_rows: int
    behind_rows: int = 0
    expired: int = 0
    ignored_rows: int = 0


@record(eq=False)
class Comparison:
    """The two answers side by side.

    `found`: the rows in which they differ; `unexplained`: those that still differ when batch repeats the decisions.
    """

    stream_rows: int
    batch_rows: int
    stream_seconds: float
    batch_seconds: float
    causes: tuple[Cause, ...]
    found: Difference
    unexplained: Difference

    @property
    def exit_code(self) -> int:
        """0 only if nothing is unexplained."""
        return 1 if self.unexplained.rows else 0


def compare(plan: Plan, stream: StreamRun, open_source: OpenSource, context: EvalContext) -> Comparison:
    """Run the plan in batch, compare, and replay the stream's decisions if the answers differ.

    `plan` is the plan that the stream ran, `open_source` gives each of its tables afresh, once or twice.
    """
    query = BatchQuery(plan, open_source, context)
    started = time.perf_counter()
    batch = query.run()
    seconds = time.perf_counter() - started
    found = difference(stream.table, batch)
    unexplained = found
    if found.rows and stream.decisions:
        replayed = BatchQuery(plan, open_source, context, decisions=stream.decisions).run()
        unexplained = difference(stream.table, replayed)
    return Comparison(
        stream.table.num_rows,
        batch.num_rows,
        stream.seconds,
        seconds,
        causes(stream.decisions),
        found,
        unexplained,
    )


def causes(decisions: Sequence[Decision]) -> tuple[Cause, ...]:
    """The decisions summed up by operator, in the order of each one's first."""
    by_operator: dict[str, list[Decision]] = {}
    for each in decisions:
        by_operator.setdefault(each.operator, []).append(each)
    return tuple(_cause(operator, each) for operator, each in by_operator.items())


def _cause(operator: str, decisions: Sequence[Decision]) -> Cause:
    late = [each.what for each in decisions if isinstance(each.what, LateRows)]
    cuts = [each.what for each in decisions if isinstance(each.what, SessionCut)]
    return Cause(
        operator,
        decisions[0].plan,
        sum(each.rows.num_rows for each in late),
        sum(int(each.windows_missed.sum()) for each in late),
        sum(each.rows.num_rows for each in cuts),
        sum(each.what.rows for each in decisions if isinstance(each.what, RowsBehind)),
        sum(each.what.forgotten for each in decisions if isinstance(each.what, Expired)),
        sum(each.what.ignored for each in decisions if isinstance(each.what, Expired)),
    )
