"""Plans run as bounded queries in DuckDB, with results going where those of a stream go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext

from streamsql.expr.context import EvalContext
from streamsql.memory_rows import Together
from streamsql.plan.logical import Plan, Table
from streamsql.ports import Source
from streamsql.runtime.late import LateLog
from streamsql.runtime.output import Output
from streamsql.runtime.rejects import RejectLog


class BatchJob:
    """Runs optimised plans one after the other; `outputs` run parallel to `plans`, and all end well or none does.

    To who starts it, it looks like a stream's job: bounded, never stopped, and no row is late.
    """

    bounded = True
    stopped = False

    def __init__(
        self,
        plans: Sequence[Plan],
        outputs: Sequence[Output],
        open_source: Callable[[Table], Source],
        context: EvalContext,
        *,
        together: Together = nullcontext,
    ) -> None:
        self.plans = tuple(plans)
        self.late = LateLog()
        self.rejects = RejectLog()
        self._outputs = tuple(outputs)
        self._open_source = open_source
        self._context = context
        self._together = together

    def run(self) -> None:
        """Run all plans, then publish their results."""
        with ExitStack() as failed:
            for plan, output in zip(self.plans, self._outputs, strict=True):
                failed.callback(output.abort)
                self._run(plan, output)
            failed.pop_all()
        with self._together():
            for output in self._outputs:
                output.end()

    def _run(self, plan: Plan, output: Output) -> None:
        from streamsql.batch_mode.query import BatchQuery

        query = BatchQuery(plan, self._open_source, self._context, rejects=self.rejects)
        table = query.run()
        output.open(query.schema, None)
        for rows in table.to_batches():
            if rows.num_rows:
                output.publish(rows, None)

    def stop(self) -> None:
        """A batch ends at its end or not at all."""
        raise KeyboardInterrupt
