"""A job: the loop that takes the next rows in arrival order through the graph, step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

from streamsql import compiled
from streamsql.batch import Batch
from streamsql.expr.context import EvalContext
from streamsql.memory_rows import Together
from streamsql.operators.base import Expired, ExpiryListener, LateListener, LateRows, Operator, RowsBehind, SessionCut
from streamsql.plan.logical import Plan, Scan, Table, Values
from streamsql.plan.lookup_join import LookupJoin
from streamsql.plan.physical import PhysicalNode
from streamsql.ports import LookupTable, Source
from streamsql.runtime.arrival import ArrivalOrder, Inlet, with_arrivals
from streamsql.runtime.decisions import Decision, DecisionLog
from streamsql.runtime.expiry import ExpiryLog
from streamsql.runtime.graph import topological
from streamsql.runtime.late import LateLog
from streamsql.runtime.metrics import JobMetrics, Progress, StateSize
from streamsql.runtime.output import Output
from streamsql.runtime.publisher import Publisher
from streamsql.runtime.read_ahead import DirectFeed, Doorbell, Feed, RingingFeed, Stopped, ThreadFeed
from streamsql.runtime.rejects import RejectLog
from streamsql.runtime.settings import JobSettings, idle_timeout
from streamsql.runtime.source_reader import SourceReader
from streamsql.runtime.task import SourceTask, Task, Upstream
from streamsql.time import END_OF_TIME, MILLISECOND, Time

_PROGRESS_EVERY = 100 * MILLISECOND
_READ_AHEAD_FROM = 4_096
"""Below so many rows a batch, handing it from thread to thread costs more than reading ahead saves."""


class Job:
    """Runs the roots of a physical plan over their sources; `outputs` run parallel to `roots`.

    One thread calls `step` or `run`; `stop` may be called from any. Between steps nothing is in flight. The outputs end
    `together`. Whatever goes wrong, all outputs are aborted and the sources closed before the error leaves.
    """

    def __init__(
        self,
        roots: Sequence[PhysicalNode],
        outputs: Sequence[Output],
        open_source: Callable[[Table], Source],
        context: EvalContext,
        settings: JobSettings | None = None,
        *,
        open_lookup: Callable[[Table], LookupTable] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        together: Together = nullcontext,
    ) -> None:
        self.settings = settings or JobSettings()
        self.late = LateLog()
        self.rejects = RejectLog()
        self.expiry = ExpiryLog()
        self.decisions = DecisionLog()
        self.finished = False
        """All sources have been read to their end and all results published."""
        self.stopped = False
        """The job ended because `stop` was called."""
        self.nodes = topological(roots)
        self._metrics = JobMetrics()
        self.context = context
        self._on_progress = on_progress
        self._together = together
        self._progress_at: Time = context.clock.now()
        self._doorbell = Doorbell()
        self._open_source = open_source
        self._open_lookup = open_lookup
        self._closing = ExitStack()
        self._started = False
        self.inlets = self._open_inlets(open_source)
        self._arrivals = ArrivalOrder(self.inlets, self._doorbell)
        self._sources, self.tasks = self._connect()
        self._ordered = any(each.operator.needs_arrivals for each in self.tasks.values())
        self._watches_clock = any(each.watches_clock for each in self.tasks.values()) or any(
            each.may_idle for each in self.inlets
        )
        self._publishers = [
            Publisher(output, root, self._upstream(root)) for root, output in zip(roots, outputs, strict=True)
        ]

    @property
    def bounded(self) -> bool:
        """Whether all sources have ends."""
        return not any(each.live for each in self.inlets)

    @property
    def metrics(self) -> JobMetrics:
        """Counts as of now."""
        for task in self.tasks.values():
            task.metrics.state_rows = sum(each.rows for each in task.operator.states().values())
        return replace(self._metrics, nodes={node.name: self._upstream(node).metrics for node in self.nodes})

    def state_sizes(self) -> dict[str, StateSize]:
        """How much each operator that has state keeps, by its name in EXPLAIN; found by walking over all of it."""
        from streamsql.state.held_bytes import held_bytes

        states = {name: tuple(task.operator.states().values()) for name, task in self.tasks.items()}
        return {
            name: StateSize(sum(each.rows for each in kept), held_bytes(kept)) for name, kept in states.items() if kept
        }

    @property
    def progress(self) -> Progress:
        """Where the job stands."""
        watermark = min((each.watermark for each in self.inlets), default=END_OF_TIME)
        return Progress(self._metrics.rows, watermark, self.late.total, self.rejects.total)

    def run(self) -> None:
        """Step until the sources end, or until `stop`."""
        while self.step():
            pass

    def step(self) -> bool:
        """Take the next rows through the graph and publish what they change; False when there is nothing more to do."""
        if self.finished or self.stopped:
            return False
        compiled.use(self.context.compiled)
        try:
            self._start()
            self._step()
            if self.finished or self.stopped:
                self._end()
        except BaseException:
            self._fail()
            raise
        return not (self.finished or self.stopped)

    @property
    def has_news(self) -> bool:
        """Whether `catch_up` has something to do: rows, the end of a source, or a clock to look at."""
        if self.finished or self.stopped:
            return False
        return self._watches_clock or any(each.waiting for each in self.inlets)

    def forget_left_out(self) -> None:
        """Keep no longer what was late or rejected: it has been read."""
        self.late.forget()
        self.rejects.forget()

    def catch_up(self) -> None:
        """Take everything through that is there now; for jobs whose live sources are read `at_once`, without waiting.

        At least one step is done, so that the clock gets its turn.
        """
        going_on = self.step()
        while going_on and any(each.waiting for each in self.inlets):
            going_on = self.step()

    def stop(self) -> None:
        """End after the current step: live jobs keep what they have published, bounded ones are aborted.

        May be called from any thread and from a signal handler.
        """
        self._doorbell.stop()

    def close(self) -> None:
        """Give up a job that has not ended: as `stop`, at once, in the thread that steps."""
        if not self._started:
            self.stopped = True
        elif not (self.finished or self.stopped):
            self.stop()
            self.step()

    def _start(self) -> None:
        if self._started:
            return
        self._started = True
        for each in self._publishers:
            each.open(bounded=self.bounded)
        for inlet in self.inlets:
            if not inlet.ended:
                inlet.start(self._feed(inlet))

    def _step(self) -> None:
        if self._doorbell.stopped:
            self.stopped = True
            return
        try:
            arrived = self._arrivals.next_step()
        except Stopped:
            self.stopped = True
            return
        self._run_graph(dict(with_arrivals(arrived) if self._ordered and arrived else arrived))
        for each in self._publishers:
            each.publish()
        passed: list[SourceTask | Task] = [*self._sources.values(), *self.tasks.values()]
        for task in passed:
            task.output = []  # it must not take memory during the next step
        self.finished = all(each.ended and each.buffer is None for each in self.inlets)
        self._report()

    def _run_graph(self, arrived: dict[int, Batch]) -> None:
        now = self.context.clock.now()
        for inlet in self.inlets:
            inlet.rest(now)
        for inlet, source in zip(self.inlets, self._sources.values(), strict=True):
            source.run(arrived.get(inlet.index))
        for task in self.tasks.values():
            task.run(now)
        self._metrics.steps += 1
        self._metrics.rows += sum(len(each) for each in arrived.values())

    def _end(self) -> None:
        self._close_feeds()
        if self.stopped and self.bounded:
            self._abort()
            return
        with self._together():
            for each in self._publishers:
                each.output.end()
        self._report(force=True)

    def _fail(self) -> None:
        self.stopped = True
        with ExitStack() as stack:
            stack.callback(self._close_feeds)
            stack.callback(self._abort)

    def _abort(self) -> None:
        with ExitStack() as stack:
            for each in reversed(self._publishers):
                stack.callback(each.output.abort)

    def _close_feeds(self) -> None:
        self._closing.close()
        for each in self.inlets:
            if each.feed is not None:
                each.feed.close()

    def _report(self, *, force: bool = False) -> None:
        if self._on_progress is None:
            return
        now = self.context.clock.now()
        if force or now - self._progress_at >= _PROGRESS_EVERY:
            self._progress_at = now
            self._on_progress(self.progress)

    def _open_inlets(self, open_source: Callable[[Table], Source]) -> list[Inlet]:
        scans = [node for node in self.nodes if node.operator is None]
        # Rows of several event-time sources are put in order by their watermarks, here and where streams meet.
        several = sum(isinstance(each.plan, Scan) and each.plan.watermark is not None for each in scans) > 1
        inlets = []
        for index, node in enumerate(scans):
            scan, source = _scan_of(node.plan, open_source)
            reader = SourceReader(
                scan,
                source,
                self.context,
                needs_watermarks=node.needs_watermarks or several,
                batch_rows=self.settings.batch_rows,
                rejects=self.rejects,
            )
            timeout = idle_timeout(scan.table.options) if reader.timed else None
            inlets.append(Inlet(index, node.name, reader, timeout, self.context.clock))
        return inlets

    def _feed(self, inlet: Inlet) -> Feed:
        source: Any = inlet.reader.source
        if getattr(source, "at_once", False):
            return DirectFeed(inlet.open)
        if inlet.live and hasattr(source, "subscribe"):
            return RingingFeed(inlet.open, source, self._doorbell)
        ahead = self.settings.read_ahead if self.settings.batch_rows >= _READ_AHEAD_FROM else 0
        if getattr(source, "in_memory", False):
            ahead = 0
        # Several live sources need a thread each: none may wait for another one's moment of silence.
        if inlet.live and len(self.inlets) > 1:
            ahead = max(1, ahead)
        return ThreadFeed(inlet.open, ahead, self._doorbell, inlet.name) if ahead else DirectFeed(inlet.open)

    def _connect(self) -> tuple[dict[str, SourceTask], dict[str, Task]]:
        sources = {each.name: SourceTask(each) for each in self.inlets}
        tasks: dict[str, Task] = {}
        may_idle = any(each.may_idle for each in self.inlets)
        for node in self.nodes:
            if node.operator is not None:
                inputs: list[Upstream] = [sources.get(each.name) or tasks[each.name] for each in node.inputs]
                tasks[node.name] = Task(node.name, node.operator, inputs, may_idle=may_idle)
                self._listen(node, node.operator)
        return sources, tasks

    def _upstream(self, node: PhysicalNode) -> SourceTask | Task:
        return self._sources.get(node.name) or self.tasks[node.name]

    def _listen(self, node: PhysicalNode, operator: Operator) -> None:
        if isinstance(node.plan, Scan):
            operator.on_unknown = partial(self.rejects.add_unknown, node.plan.table.name)
        if isinstance(node.plan, LookupJoin):
            from streamsql.runtime.lookup import OpenTables, connect_lookup

            tables = OpenTables(self._open_source, self._open_lookup)
            connect_lookup(operator, node.plan, tables, self.context, self.rejects, self._closing)
        log = self.late.listener(node)
        operator.on_late = log
        operator.on_expired = expired = self.expiry.listener(node.name)
        if self.settings.record_decisions:
            operator.on_late = _recorded(log, node, self.decisions)
            operator.on_cut = _noted(node, self.decisions)
            operator.on_behind = _noted(node, self.decisions)
            operator.on_expired = _both(expired, _noted(node, self.decisions))


def _recorded(log: LateListener, node: PhysicalNode, decisions: DecisionLog) -> LateListener:
    def on_late(late: LateRows) -> None:
        log(late)
        decisions.entries.append(Decision(node.name, node.plan, late))

    return on_late


def _noted(node: PhysicalNode, decisions: DecisionLog) -> Callable[[Expired | RowsBehind | SessionCut], None]:
    return lambda what: decisions.entries.append(Decision(node.name, node.plan, what))


def _both(one: ExpiryListener, other: ExpiryListener) -> ExpiryListener:
    def on_expired(what: Expired) -> None:
        one(what)
        other(what)

    return on_expired


def _scan_of(plan: Plan, open_source: Callable[[Table], Source]) -> tuple[Scan, Source]:
    if isinstance(plan, Values):
        from streamsql.runtime.values_source import ValuesSource, values_scan

        return values_scan(plan), ValuesSource(plan)
    assert isinstance(plan, Scan)
    return plan, open_source(plan.table)
