"""Snapshots: restored after any step, a job goes on as if nothing had happened."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from streamsql.batch import Batch
from streamsql.errors import DataError, UsageError
from streamsql.operators.base import LateRows
from streamsql.runtime.checkpoint import from_files, read_snapshot, restore, snapshot, to_files, write_snapshot
from streamsql.runtime.job import Job
from streamsql.runtime.output import CollectOutput
from streamsql.runtime.settings import JobSettings
from streamsql.state.base import State


class Rows(State):
    """A list of ids."""

    def __init__(self) -> None:
        self.ids: list[int] = []

    def save(self) -> dict[str, pa.Table]:
        return {"ids": pa.table({"id": pa.array(self.ids, pa.int64())})}

    def load(self, tables: dict[str, pa.Table]) -> None:
        self.ids = tables["ids"].column(0).to_pylist()

    @property
    def rows(self) -> int:
        return len(self.ids)


def node_of(parts: SimpleNamespace, name: str = "Hold") -> Any:
    class Hold(parts.Echo):  # type: ignore[misc, name-defined]
        """Gives out its rows when the watermark has reached their id; rows behind it are late."""

        def __init__(self) -> None:
            self.held = Rows()

        def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
            assert batch.watermarks is not None
            ids, marks = batch.rows.column(1).to_numpy(), batch.watermarks.values
            late = batch.filter(ids <= marks)
            if len(late):
                count = len(late)
                nothing = np.zeros((0, 3), np.int64)
                lateness = (marks - ids)[ids <= marks]
                self.on_late(
                    LateRows(late.rows, None, marks[ids <= marks], lateness, np.ones(count, np.int32), nothing)
                )
            self.held.ids.extend(ids[ids > marks].tolist())
            return ()

        def on_watermark(self, time: int) -> Iterable[Batch]:
            ready = sorted(each for each in self.held.ids if each <= time)
            self.held.ids = [each for each in self.held.ids if each > time]
            return (Batch(parts.events(ready, ready)),)

    return parts.over(name, Hold(), parts.scan_node("a"), parts.scan_node("b", 10))


A, B = ([10, 5, 20, None, 11, 40], [10, 5, 20, 0, 11, 40]), ([12, 30, 18, 29], [12, 30, 18, 29])


def job_of(parts: SimpleNamespace, output: CollectOutput, name: str = "Hold", batch_rows: int = 2) -> Job:
    sources = {"a": parts.ListSource(parts.events(*A)), "b": parts.ListSource(parts.events(*B))}
    settings = JobSettings(batch_rows=batch_rows)
    return Job([node_of(parts, name)], [output], lambda table: sources[table.name], parts.context(), settings)


def finished(job: Job, output: CollectOutput) -> tuple[list[int], Any, Any]:
    job.run()
    return (
        output.changes().column(1).to_pylist(),
        job.late.to_table("Hold").to_pylist(),
        job.rejects.to_table("a").to_pylist(),
    )


@pytest.mark.parametrize("batch_rows", [1, 2, 3])
def test_restored_between_all_steps_nothing_changes(parts: SimpleNamespace, batch_rows: int) -> None:
    whole = CollectOutput()
    expected = finished(job_of(parts, whole, batch_rows=batch_rows), whole)
    assert expected[0] == [10, 12, 20, 30, 40]
    assert sorted(each["id"] for each in expected[1]) == [5, 11, 18, 29]
    assert [each["where"] for each in expected[2]] == ["row 4"]
    output = CollectOutput()
    job = job_of(parts, output, batch_rows=batch_rows)
    while job.step():
        saved = from_files(to_files(snapshot(job)))
        job.close()
        job = job_of(parts, output, batch_rows=batch_rows)
        restore(job, saved)
    assert finished(job, output) == expected


def test_a_snapshot_lies_in_a_folder(parts: SimpleNamespace, tmp_path: Path) -> None:
    output = CollectOutput()
    job = job_of(parts, output)
    job.step()
    write_snapshot(snapshot(job), tmp_path / "s" / "1")
    saved = read_snapshot(tmp_path / "s" / "1")
    assert saved.header["sources"]["Scan a"]["rows"] == 2
    assert sorted(each.name for each in (tmp_path / "s").iterdir()) == ["1"]
    with pytest.raises(DataError, match=r"header\.json is missing"):
        from_files({})


def test_another_query_is_refused_naming_the_difference(parts: SimpleNamespace) -> None:
    job = job_of(parts, CollectOutput())
    other = job_of(parts, CollectOutput(), name="WindowAggregate")
    with pytest.raises(
        UsageError, match=r"another query\n  in the snapshot: Hold.*\n  in this query:   WindowAggregate"
    ):
        restore(other, snapshot(job))
