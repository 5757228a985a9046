"""Jobs: the step loop, several roots, ends, failures, live sources, late rows, progress."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from streamsql.batch import Batch
from streamsql.durations import parse_duration
from streamsql.errors import DataError, UsageError
from streamsql.expr.context import EvalContext
from streamsql.operators.base import LateRows
from streamsql.ports import Reject
from streamsql.runtime.job import Job
from streamsql.runtime.metrics import Progress
from streamsql.runtime.output import CallbackOutput, CollectOutput, SinkOutput
from streamsql.runtime.settings import JobSettings
from streamsql.time import BEGIN_OF_TIME, END_OF_TIME, ManualClock


def run(
    roots: list[Any], sources: dict[str, Any], context: EvalContext, **options: Any
) -> tuple[Job, list[CollectOutput]]:
    outputs = [CollectOutput() for _ in roots]
    job = Job(roots, outputs, lambda table: sources[table.name], context, JobSettings(**options))
    job.run()
    return job, outputs


def ids(output: CollectOutput) -> list[list[int]]:
    """The ids of each step."""
    return [rows.column(rows.num_columns - 1).to_pylist() for rows, _ in output]


def test_rows_step_by_step_then_the_end_of_time(parts: SimpleNamespace) -> None:
    recorder = parts.Recorder()
    source = parts.ListSource(parts.events([5, 3, 9], [1, 2, 3]))
    job, (output,) = run(
        [parts.over("rec", recorder, parts.scan_node("t"))], {"t": source}, parts.context(), batch_rows=2
    )
    assert recorder.log == [(0, [1, 2], None), 5, (0, [3], None), 9, END_OF_TIME]
    assert ids(output) == [[1, 2], [3]]
    assert job.finished and output.ended and source.closed
    assert job.metrics.steps == 3 and job.metrics.rows == 3
    assert (job.metrics.nodes["rec"].rows_in, job.metrics.nodes["Scan t"].rows_out) == (3, 3)
    assert not job.step()


def test_a_scan_may_be_a_root_and_a_shared_node_runs_once(parts: SimpleNamespace) -> None:
    scan = parts.scan_node("t")
    recorder = parts.Recorder()
    shared = parts.over("shared", recorder, scan)
    roots = [scan, parts.over("left", parts.Echo(), shared), parts.over("right", parts.Echo(), shared)]
    _, outputs = run(roots, {"t": parts.ListSource(parts.events([5], [1]))}, parts.context())
    assert [ids(each) for each in outputs] == [[[1]]] * 3
    assert recorder.log == [(0, [1], None), 5, END_OF_TIME]


def test_batches_of_several_event_time_sources_carry_watermarks(parts: SimpleNamespace) -> None:
    recorder = parts.Recorder()
    node = parts.over("union", recorder, parts.scan_node("a"), parts.scan_node("b", 10))
    sources = {"a": parts.ListSource(parts.events([10, 20], [1, 2])), "b": parts.ListSource(parts.events([15], [3]))}
    run([node], sources, parts.context())
    assert recorder.log == [(0, [1, 2], [BEGIN_OF_TIME, 10]), (1, [3], [BEGIN_OF_TIME]), 15, END_OF_TIME]


def test_results_are_published_at_the_end_of_a_step_net_and_with_kinds(parts: SimpleNamespace) -> None:
    class Noisy(parts.Echo):  # type: ignore[misc, name-defined]
        def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
            ones = np.ones(len(batch), np.int8)
            yield Batch(batch.rows, ones)
            yield Batch(batch.rows.slice(0, 1), -ones[:1])

    _, (output,) = run(
        [parts.over("noisy", Noisy(), parts.scan_node("t"))],
        {"t": parts.ListSource(parts.events([1, 2], [1, 2]))},
        parts.context(),
    )
    assert ids(output) == [[2]] and output.kinds().tolist() == [0]


def test_reading_ahead_in_threads_gives_the_same_steps(parts: SimpleNamespace) -> None:
    left, right = parts.events(range(0, 30_000, 3), range(10_000)), parts.events(range(0, 20_000, 2), range(10_000))
    logs = []
    for read_ahead in (0, 1, 3):
        recorder = parts.Recorder()
        node = parts.over("union", recorder, parts.scan_node("a"), parts.scan_node("b", 10))
        sources = {"a": parts.ListSource(left), "b": parts.ListSource(right)}
        run([node], sources, parts.context(), batch_rows=4_096, read_ahead=read_ahead)
        logs.append(recorder.log)
    assert logs[0] == logs[1] == logs[2]
    assert sum(len(each[1]) for each in logs[0] if isinstance(each, tuple)) == 20_000


class FakeSink:
    """Remembers what it was told."""

    mode = "append"

    def __init__(self) -> None:
        self.calls: list[object] = []
        self.on_write: Any = lambda: None

    def open(self, schema: object, *, changelog: bool, bounded: bool = True) -> None:
        self.calls.append(("open", changelog))

    def write(self, rows: pa.RecordBatch, kinds: object) -> None:
        self.calls.append(rows.num_rows)
        self.on_write()

    def commit(self) -> None:
        self.calls.append("commit")

    def abort(self) -> None:
        self.calls.append("abort")


@pytest.mark.parametrize("read_ahead", [0, 2])
def test_good_rows_before_a_bad_record_are_published_then_everything_is_aborted(
    parts: SimpleNamespace, read_ahead: int
) -> None:
    sink, seen = FakeSink(), list[int]()
    source = parts.ListSource(parts.events([1] * 5_000, range(5_000)), error=DataError("line 5001 is not JSON"))
    scan = parts.scan_node("t")
    outputs = [SinkOutput(sink, changelog=False), CallbackOutput(lambda rows, _: seen.append(rows.num_rows))]  # type: ignore[arg-type]
    settings = JobSettings(batch_rows=4_096, read_ahead=read_ahead)
    job = Job([scan, scan], outputs, lambda _: source, parts.context(), settings)
    with pytest.raises(DataError, match="line 5001"):
        job.run()
    assert seen == [4_096, 904]
    assert sink.calls == [("open", False), 4_096, 904, "abort"]
    assert source.closed and job.stopped and not job.finished


def test_success_commits_each_sink_once(parts: SimpleNamespace) -> None:
    sink = FakeSink()
    scan = parts.scan_node("t")
    source = parts.ListSource(parts.events([1], [1]))
    Job([scan], [SinkOutput(sink, changelog=True)], lambda _: source, parts.context()).run()
    assert sink.calls == [("open", True), 1, "commit"]


def test_an_operator_that_fails_aborts(parts: SimpleNamespace) -> None:
    class Failing(parts.Echo):  # type: ignore[misc, name-defined]
        def on_step_end(self) -> Iterable[Batch]:
            raise DataError("division by zero")

    sink = FakeSink()
    node = parts.over("failing", Failing(), parts.scan_node("t"))
    source = parts.ListSource(parts.events([1], [1]))
    with pytest.raises(DataError):
        Job([node], [SinkOutput(sink, changelog=False)], lambda _: source, parts.context()).run()
    assert sink.calls == [("open", False), "abort"]


def test_stopping_a_bounded_job_aborts_after_the_step(parts: SimpleNamespace) -> None:
    sink = FakeSink()
    source = parts.ListSource(parts.events([1, 2], [1, 2]))
    job = Job(
        [parts.scan_node("t")],
        [SinkOutput(sink, changelog=False)],
        lambda _: source,
        parts.context(),
        JobSettings(batch_rows=1),
    )
    assert job.step()
    job.stop()
    assert not job.step()
    assert sink.calls == [("open", False), 1, "abort"] and job.stopped


def test_stopping_a_live_job_from_another_thread_keeps_what_was_published(parts: SimpleNamespace) -> None:
    published, moment = threading.Event(), threading.Event()

    def forever() -> Iterable[object]:
        yield parts.events([1], [1])
        while True:
            moment.wait(0.01)
            yield None

    sink = FakeSink()
    sources = {"a": parts.LiveSource(forever()), "b": parts.LiveSource([])}
    nodes = [parts.scan_node("a"), parts.scan_node("a too"), parts.scan_node("b", 10)]
    sources["a too"] = parts.LiveSource([])
    outputs = [SinkOutput(sink, changelog=False), CollectOutput(), CollectOutput()]  # type: ignore[arg-type]
    job = Job(nodes, outputs, lambda table: sources[table.name], parts.context())
    sink.on_write = published.set
    stopper = threading.Thread(target=lambda: (published.wait(5), job.stop()))
    stopper.start()
    job.run()
    stopper.join()
    assert sink.calls == [("open", False), 1, "commit"]
    assert job.stopped and not job.finished


def test_closing_a_job_that_never_began_does_nothing(parts: SimpleNamespace) -> None:
    sink = FakeSink()
    job = Job(
        [parts.scan_node("t")],
        [SinkOutput(sink, changelog=False)],
        lambda _: parts.ListSource(parts.events([], [])),
        parts.context(),
    )
    job.close()
    assert sink.calls == [] and not job.step()


def test_a_live_source_that_has_nothing_still_drives_the_clock(parts: SimpleNamespace) -> None:
    clock = ManualClock(0)

    class Ticker(parts.Recorder):  # type: ignore[misc, name-defined]
        def on_clock(self, now: int) -> Iterable[Batch]:
            self.log.append(f"clock {now}")
            return ()

    ticker = Ticker()
    source = parts.LiveSource([parts.events([1], [1]), lambda: clock.advance_to(70), None])
    run(
        [parts.over("tick", ticker, parts.scan_node("t", delay=None))],
        {"t": source},
        EvalContext(clock=clock),
        read_ahead=0,
    )
    assert ticker.log == [(0, [1], None), "clock 0", "clock 70", END_OF_TIME, "clock 70"]


def idle_job(parts: SimpleNamespace, script: list[object], clock: ManualClock) -> list[object]:
    """Two live sources in one thread; `b` may be idle for 10 µs of the clock's time."""
    recorder = parts.Recorder()
    options = {"scan.watermark.idle-timeout": "10 us"}
    node = parts.over("union", recorder, parts.scan_node("a"), parts.scan_node("b", 10, options=options))
    fast = parts.LiveSource(
        [parts.events([100], [1]), lambda: clock.advance_to(20), parts.events([200], [2]), None, None]
    )
    sources = {"a": fast, "b": parts.LiveSource(script)}
    job = Job([node], [CollectOutput()], lambda table: sources[table.name], EvalContext(clock=clock))
    from streamsql.runtime.read_ahead import DirectFeed

    job._feed = lambda inlet: DirectFeed(inlet.open)  # type: ignore[method-assign]
    job.run()
    return recorder.log


def test_an_idle_source_does_not_hold_time_back_and_is_judged_when_it_returns(parts: SimpleNamespace) -> None:
    log = idle_job(parts, [None, None, parts.events([50, 300], [3, 4])], ManualClock(0))
    assert log == [
        (0, [1], [BEGIN_OF_TIME]),
        (0, [2], [100]),
        200,
        (1, [3, 4], [200, 200]),
        END_OF_TIME,
    ]


def test_a_source_that_is_only_slow_holds_time_back(parts: SimpleNamespace) -> None:
    clock = ManualClock(0)
    script = [None, lambda: clock.advance_to(20), parts.events([50], [3]), None, None, None, None]
    log = idle_job(parts, script, clock)
    assert 50 in log and log.index(50) < log.index(END_OF_TIME)


def test_rejects_of_the_source_are_counted_by_table(parts: SimpleNamespace) -> None:
    source = parts.ListSource(parts.events([1], [1]))
    source.rejects = (Reject("not a number", "bids.csv:7", "a,b"),)
    job, _ = run([parts.scan_node("bids")], {"bids": source}, parts.context())
    assert job.rejects.to_table("bids").to_pylist() == [
        {"reason": "not a number", "where": "bids.csv:7", "text": "a,b"}
    ]


class DropsOdd:
    """Mixed into Echo: drops rows with odd ids as late."""

    on_late: Any

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        values = batch.rows.column(1).to_numpy()
        odd = batch.filter(values % 2 == 1)
        count = len(odd)
        nothing = np.zeros((0, 3), np.int64)
        marks = np.full(count, 1_000_000), np.full(count, 250), np.ones(count, np.int32)
        self.on_late(LateRows(odd.rows, odd.weights, *marks, nothing))
        return (batch.filter(values % 2 == 0),)


def test_late_rows_are_counted_by_operator_and_readable_by_table(parts: SimpleNamespace) -> None:
    operator = type("Odd", (DropsOdd, parts.Echo), {})()
    node = parts.over("WindowAggregate", operator, parts.scan_node("bids"))
    source = {"bids": parts.ListSource(parts.events([1, 2, 3], [1, 2, 3]))}
    job, _ = run([node], source, parts.context(), batch_rows=2, record_decisions=True)
    assert job.late.counts() == {"WindowAggregate": 2}
    late = job.late.to_table("bids")
    assert late.column_names == ["ts", "id", "_operator", "_watermark", "_lateness", "_windows_missed", "_op"]
    assert late.column("id").to_pylist() == [1, 3]
    assert str(late.column("_watermark")[0]) == "1970-01-01 00:00:01"
    assert late.column("_lateness").cast(pa.int64()).to_pylist() == [250, 250]
    assert late.column("_op").to_pylist() == ["+I", "+I"]
    (batch,) = job.late.batches()
    assert (batch.source, batch.operator, batch.rows.num_rows) == ("bids", "WindowAggregate", 2)
    assert [(each.plan is node.plan, each.what.rows.num_rows) for each in job.decisions.entries] == [
        (True, 1),
        (True, 1),
    ]
    assert job.progress == Progress(3, END_OF_TIME, 2, 0)


def test_progress_is_reported_by_the_clock_and_at_the_end(parts: SimpleNamespace) -> None:
    clock, seen = ManualClock(0), list[Progress]()

    class Slow(parts.Echo):  # type: ignore[misc, name-defined]
        def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
            clock.advance_to(clock.now() + 60_000)
            return (batch,)

    node = parts.over("slow", Slow(), parts.scan_node("t"))
    source = parts.ListSource(parts.events([1, 2, 3, 4], [1, 2, 3, 4]))
    Job(
        [node],
        [CollectOutput()],
        lambda _: source,
        EvalContext(clock=clock),
        JobSettings(batch_rows=1),
        on_progress=seen.append,
    ).run()
    assert [each.rows for each in seen] == [2, 4, 4]


def test_durations_and_batch_sizes_are_checked() -> None:
    assert parse_duration("1 min", "x") == 60_000_000
    with pytest.raises(UsageError, match="option 'x': 'soon' is no duration"):
        parse_duration("soon", "x")
    with pytest.raises(UsageError, match="at least 1"):
        JobSettings(batch_rows=0)
