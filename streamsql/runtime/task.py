"""A task runs one operator in each step: its inputs' changes, then the watermark, the clock and the end of the step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from streamsql.batch import Batch
from streamsql.operators.base import Expired, Operator
from streamsql.runtime.changelog import consolidate
from streamsql.runtime.metrics import NodeMetrics
from streamsql.runtime.watermarks import TimedInput, merged_watermark
from streamsql.time import BEGIN_OF_TIME, Time, shift


class Upstream(TimedInput, Protocol):
    """What a task reads: the batches that came out in this step, and how far time has come."""

    @property
    def output(self) -> Sequence[Batch]: ...


class SourceTask:
    """Where a source's rows enter the graph."""

    def __init__(self, inlet: TimedInput) -> None:
        self.output: list[Batch] = []
        self.watermark: Time = BEGIN_OF_TIME
        self.idle = False
        self.metrics = NodeMetrics()
        self._inlet = inlet

    def run(self, batch: Batch | None) -> None:
        """Deliver the rows of this step."""
        self.output = [] if batch is None else [batch]
        self.watermark, self.idle = self._inlet.watermark, self._inlet.idle
        if batch is not None:
            self.metrics.rows_out += len(batch)


class Task:
    """Runs an operator; keeps its watermark, the smallest of its inputs that are not idle.

    `output`, `watermark` and `idle` are what tasks further down see, after `run`, of the current step.
    """

    def __init__(self, name: str, operator: Operator, inputs: Sequence[Upstream], *, may_idle: bool = False) -> None:
        self.name = name
        self.operator = operator
        self.output: list[Batch] = []
        self.watermark: Time = BEGIN_OF_TIME
        self.idle = False
        self.current: Time = BEGIN_OF_TIME
        self.metrics = NodeMetrics()
        self._inputs = inputs
        ports = operator.timed_ports
        self._timed = inputs if ports is None else [inputs[each] for each in ports]
        self._may_idle = may_idle
        kind = type(operator)
        self._on_clock = None if kind.on_clock is Operator.on_clock else operator.on_clock
        self._on_step_end = None if kind.on_step_end is Operator.on_step_end else operator.on_step_end

    @property
    def watches_clock(self) -> bool:
        """Whether the operator may have something to say though nothing has come."""
        return self._on_clock is not None

    def run(self, now: Time) -> None:
        """One step: everything that the operator has to say to it is in `output` afterwards."""
        if self.operator.expires:
            self._expire(now)
        found: list[Batch] = []
        for port, upstream in enumerate(self._inputs):
            if upstream.output:
                found += self._on_changes(upstream.output, port)
        watermark = merged_watermark(self._timed, self.current)
        if watermark > self.current:
            self.resume(watermark)
            found += self.operator.on_watermark(watermark)
        if self._on_clock is not None:
            found += self._on_clock(now)
        if self._on_step_end is not None:
            found += self._on_step_end()
        self.output = [each for each in found if each.rows.num_rows] if found else found
        for each in self.output:
            self.metrics.rows_out += each.rows.num_rows
        if self._may_idle:
            self.idle = all(each.idle for each in self._timed)

    def _expire(self, now: Time) -> None:
        forgotten = self.operator.expire(now)
        if forgotten and self.operator.on_expired is not None:
            self.operator.on_expired(Expired(forgotten))

    def resume(self, current: Time) -> None:
        """Let time be `current`, as when it rises or a snapshot is restored."""
        self.current = current
        self.watermark = shift(current, self.operator.watermark_shift)

    def _on_changes(self, batches: Sequence[Batch], port: int) -> list[Batch]:
        if self.operator.net_input:
            batches = [each for each in (consolidate(batches),) if len(each)]
        if self._may_idle:
            batches = [self._not_before_current(each) for each in batches]
        found: list[Batch] = []
        for batch in batches:
            self.metrics.rows_in += batch.rows.num_rows
            found += self.operator.on_batch(batch, port)
        return found

    def _not_before_current(self, batch: Batch) -> Batch:
        """Rows of an input that was idle are also late for what has closed without it."""
        marks = batch.watermarks
        return batch if marks is None else replace(batch, watermarks=marks.at_least(self.current))
