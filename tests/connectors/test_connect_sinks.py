"""File sinks: nothing under the final name before commit; changelogs, folders, appended files, stdout."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streamsql.errors import DataError, UsageError
from streamsql.expr import types as t
from streamsql.plugins import load_connector
from streamsql.ports import Sink
from tests.connectors.tables import batch, kinds, options, read, rows_of

AB = t.schema(("a", t.INT), ("b", t.STRING))
ENDINGS = ("jsonl", "csv", "parquet", "arrow", "jsonl.gz", "csv.zst")


def sink(path: Any, **more: Any) -> Sink:
    return load_connector("filesystem").sink(options(AB, path, **more))


def two() -> pa.RecordBatch:
    return batch(AB, a=[1, 2], b=["x", None])


@pytest.mark.parametrize("ending", ENDINGS)
def test_nothing_has_the_final_name_before_commit(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"t.{ending}"
    writing = sink(path)
    writing.open(AB, changelog=False)
    writing.write(two(), None)
    (hidden,) = os.listdir(tmp_path)
    assert hidden.startswith(f".t.{ending}.tmp-")
    writing.commit()
    assert os.listdir(tmp_path) == [f"t.{ending}"]
    assert rows_of(read(AB, path)) == two().to_pylist()


@pytest.mark.parametrize("ending", ENDINGS)
def test_abort_leaves_nothing_and_keeps_the_old_file(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"t.{ending}"
    path.write_text("old")
    writing = sink(path)
    writing.open(AB, changelog=False)
    writing.write(two(), None)
    writing.abort()
    assert os.listdir(tmp_path) == [f"t.{ending}"]
    assert path.read_text() == "old"


KILLED = """
import os, signal, sys
from streamsql.plugins import load_connector
from tests.connectors.tables import ALL_TYPES, all_types, options
sink = load_connector("filesystem").sink(options(ALL_TYPES, sys.argv[1]))
sink.open(ALL_TYPES, changelog=False)
for each in range(20):
    sink.write(all_types(), None)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_a_killed_run_leaves_no_final_file(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"t.{ending}"
    found = subprocess.run([sys.executable, "-c", KILLED, str(path)], cwd=Path(__file__).parents[2], check=False)
    assert found.returncode == -signal.SIGKILL
    assert not path.exists()
    with pytest.raises(UsageError, match="no files found"):
        read(AB, tmp_path, format="json")


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet", "arrow"])
def test_changelog_has_its_kinds_first(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"t.{ending}"
    writing = sink(path)
    writing.open(AB, changelog=True)
    writing.write(batch(AB, a=[1, 1, 1, 2], b=["x", "x", "y", "z"]), kinds(0, 1, 2, 3))
    writing.write(batch(AB, a=[3], b=["w"]), None)
    writing.commit()
    rows = rows_of(read(t.schema(("op", t.STRING), *((each.name, each.type) for each in AB)), path))
    assert [(row["op"], row["a"]) for row in rows] == [("+I", 1), ("-U", 1), ("+U", 1), ("-D", 2), ("+I", 3)]


def test_a_column_called_op_keeps_its_name(tmp_path: Path) -> None:
    schema = t.schema(("op", t.INT))
    writing = load_connector("filesystem").sink(options(schema, tmp_path / "t.jsonl"))
    writing.open(schema, changelog=True)
    writing.write(batch(schema, op=[7]), None)
    writing.commit()
    assert (tmp_path / "t.jsonl").read_text() == '{"_op":"+I","op":7}\n'


def test_raw_cannot_show_a_changelog(tmp_path: Path) -> None:
    line = t.schema(("line", t.STRING))
    writing = load_connector("filesystem").sink(options(line, tmp_path / "t.txt"))
    with pytest.raises(UsageError, match="format raw holds one STRING or BYTES column"):
        writing.open(line, changelog=True)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("ending", "header"), [("jsonl", 0), ("csv", 1)])
def test_unbounded_runs_append_step_by_step(tmp_path: Path, ending: str, header: int) -> None:
    path = tmp_path / f"t.{ending}"
    for run in (1, 2):
        writing = sink(path)
        writing.open(AB, changelog=False, bounded=False)
        writing.write(two(), None)
        assert len(path.read_text().splitlines()) == header + 2 * run
        writing.abort() if run == 1 else writing.commit()
    assert rows_of(read(AB, path)) == two().to_pylist() * 2


def test_unbounded_columnar_files_appear_at_commit(tmp_path: Path) -> None:
    writing = sink(tmp_path / "t.parquet")
    writing.open(AB, changelog=False, bounded=False)
    writing.write(two(), None)
    assert not (tmp_path / "t.parquet").exists()
    writing.commit()
    assert pq.read_table(tmp_path / "t.parquet").num_rows == 2


@pytest.mark.parametrize("existing", [True, False])
def test_folders_get_part_files(tmp_path: Path, existing: bool) -> None:
    folder = tmp_path / "out"
    if existing:
        folder.mkdir()
    for run in (1, 2):
        writing = sink(folder if existing else f"{folder}/", format="json", sink__rolling_policy__file_size="30b")
        writing.open(AB, changelog=False)
        for _ in range(3):
            writing.write(two(), None)
        assert len([each for each in os.listdir(folder) if not each.startswith(".")]) == 3 * (run - 1)
        writing.commit()
        assert len([each for each in os.listdir(folder) if not each.startswith(".")]) == 3 * run
    parts = sorted(os.listdir(folder))
    assert all(each.startswith("part-") and each.endswith(".jsonl") for each in parts)
    assert rows_of(read(AB, folder)) == two().to_pylist() * 6
    again = sink(folder, format="json")
    again.open(AB, changelog=False)
    again.write(two(), None)
    again.abort()
    assert sorted(os.listdir(folder)) == parts


class Terminal(io.TextIOBase):
    """A stdout that keeps bytes."""

    def __init__(self) -> None:
        self.buffer = io.BytesIO()


def test_stdout_is_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    writing = sink("-", format="json")
    writing.open(AB, changelog=False)
    writing.write(two(), None)
    assert [json.loads(line) for line in out.buffer.getvalue().splitlines()] == two().to_pylist()
    writing.commit()
    assert not out.buffer.closed


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        sink(tmp_path / "nowhere" / "t.jsonl").open(AB, changelog=False)


def test_failed_writes_name_the_file(tmp_path: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")
    writing = sink("/dev/full", format="json")
    writing.open(AB, changelog=False, bounded=False)
    with pytest.raises(DataError, match="cannot write /dev/full: No space left on device"):
        writing.write(two(), None)
    writing.abort()
