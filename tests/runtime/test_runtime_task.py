"""Tasks: what an operator is told in a step, watermarks of several inputs, idle inputs."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace

import numpy as np

from streamsql.batch import Batch
from streamsql.expr.types import BIGINT, Schema, schema
from streamsql.operators.base import Operator
from streamsql.row_watermarks import GivenWatermarks
from streamsql.runtime.changelog_text import parse_changes
from streamsql.runtime.task import Task
from streamsql.runtime.watermarks import merged_watermark
from streamsql.time import BEGIN_OF_TIME, END_OF_TIME

SCHEMA = schema(("n", BIGINT))


def upstream(watermark: int, *texts: str, idle: bool = False) -> SimpleNamespace:
    output = [parse_changes(each, SCHEMA.to_arrow()) for each in texts]
    return SimpleNamespace(output=output, watermark=watermark, idle=idle)


def test_the_merged_watermark_is_the_smallest_that_is_not_idle() -> None:
    inputs = [upstream(5), upstream(3), upstream(1, idle=True)]
    assert merged_watermark(inputs, BEGIN_OF_TIME) == 3
    assert merged_watermark(inputs, 4) == 4
    assert merged_watermark([upstream(1, idle=True)], 2) == 2


def test_time_does_not_end_while_an_idle_input_may_come_back() -> None:
    assert merged_watermark([upstream(END_OF_TIME), upstream(1, idle=True)], 7) == 7
    assert merged_watermark([upstream(END_OF_TIME), upstream(END_OF_TIME)], 7) == END_OF_TIME


class Diary(Operator):
    """Writes down every call."""

    schema: Schema = SCHEMA

    def __init__(self) -> None:
        self.calls: list[object] = []

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        self.calls.append((port, batch.rows.column(0).to_pylist()))
        return ()

    def on_watermark(self, time: int) -> Iterable[Batch]:
        self.calls.append(f"watermark {time}")
        return ()

    def on_clock(self, now: int) -> Iterable[Batch]:
        self.calls.append(f"clock {now}")
        return ()

    def on_step_end(self) -> Iterable[Batch]:
        self.calls.append("end")
        return (parse_changes("+I 1", SCHEMA.to_arrow()), parse_changes("", SCHEMA.to_arrow()))


def test_changes_of_all_ports_then_watermark_then_clock_then_end() -> None:
    diary = Diary()
    diary.watermark_shift = -2
    left, right = upstream(4, "+I 1", "+I 2"), upstream(6, "+I 3")
    task = Task("diary", diary, [left, right])
    task.run(50)
    assert diary.calls == [(0, [1]), (0, [2]), (1, [3]), "watermark 4", "clock 50", "end"]
    assert [len(each) for each in task.output] == [1]
    assert task.watermark == 2
    left.output = right.output = []
    task.run(51)
    assert diary.calls[6:] == ["clock 51", "end"]
    left.watermark = right.watermark = END_OF_TIME
    task.run(52)
    assert diary.calls[8] == f"watermark {END_OF_TIME}" and task.watermark == END_OF_TIME


def test_an_operator_that_asks_for_it_sees_only_net_changes(parts: SimpleNamespace) -> None:
    recorder = parts.Recorder()
    recorder.net_input = True
    task = Task("net", recorder, [upstream(0, "+I 1\n+I 2", "-D 1"), upstream(0, "+I 3", "-D 3")])
    task.run(0)
    assert recorder.log == [(0, [2], None), 0]


def test_rows_of_an_input_that_was_idle_carry_the_watermark_that_went_on_without_it(parts: SimpleNamespace) -> None:
    recorder = parts.Recorder()
    left, right = upstream(100), upstream(10, idle=True)
    task = Task("union", recorder, [left, right], may_idle=True)
    task.run(0)
    late = parse_changes("+I 7\n+I 8", SCHEMA.to_arrow())
    right.output, right.idle = [Batch(late.rows, None, GivenWatermarks(np.array([10, 120])))], False
    right.watermark = 120
    task.run(0)
    assert recorder.log == [100, (1, [7, 8], [100, 120])]
    assert task.watermark == 100


def test_a_task_is_idle_when_all_its_inputs_are(parts: SimpleNamespace) -> None:
    left, right = upstream(1, idle=True), upstream(2, idle=True)
    task = Task("union", parts.Echo(), [left, right], may_idle=True)
    task.run(0)
    assert task.idle
    left.idle = False
    task.run(0)
    assert not task.idle
