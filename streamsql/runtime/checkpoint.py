"""Snapshots: everything a job needs to go on later, taken between two steps: Arrow IPC and JSON, never pickle."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch
from streamsql.errors import DataError, UsageError
from streamsql.record import record
from streamsql.row_watermarks import GivenWatermarks
from streamsql.runtime.arrival import Inlet
from streamsql.runtime.fingerprint import fingerprint, first_difference
from streamsql.runtime.job import Job

FORMAT = 2
HEADER = "header.json"
_WEIGHTS, _WATERMARKS = "$weights", "$watermarks"

TableKey = tuple[str, ...]


@record(eq=False)
class Snapshot:
    """`header`: JSON-able facts. `tables`: ("state", operator, attribute, part), ("buffer", source), ("late", operator)
    and ("rejects", table)."""

    header: Mapping[str, Any]
    tables: Mapping[TableKey, pa.Table]


def snapshot(job: Job) -> Snapshot:
    """The job as it stands between two steps; the results that it has published are not in it."""
    tables: dict[TableKey, pa.Table] = {}
    for name, task in job.tasks.items():
        for attribute, state in task.operator.states().items():
            parts = state.save()
            tables.update({("state", name, attribute, part): table for part, table in parts.items()})
    for inlet in job.inlets:
        if inlet.buffer is not None:
            tables["buffer", inlet.name] = _buffer_table(inlet.buffer)
    tables.update({("late", name): table for name, table in job.late.save().items()})
    tables.update({("rejects", name): table for name, table in job.rejects.save().items()})
    tables.update({("expiry", name): table for name, table in job.expiry.save().items()})
    header = {
        "format": FORMAT,
        "engine": _engine_version(),
        "fingerprint": fingerprint(job.nodes),
        "clock": job.context.clock.now(),
        "sources": {each.name: _source_header(each) for each in job.inlets},
        "watermarks": {name: task.current for name, task in job.tasks.items()},
    }
    return Snapshot(header, tables)


def restore(job: Job, saved: Snapshot) -> None:
    """Put a fresh job where another one stood; refuses a snapshot of another query, naming the difference."""
    _check(job, saved.header)
    for name, task in job.tasks.items():
        for attribute, state in task.operator.states().items():
            state.load(_under(saved.tables, "state", name, attribute))
        task.resume(saved.header["watermarks"][name])
    for inlet in job.inlets:
        _restore_source(inlet, saved)
    job.late.load(_under(saved.tables, "late"))
    job.rejects.load(_under(saved.tables, "rejects"))
    job.expiry.load(_under(saved.tables, "expiry"))


def to_files(saved: Snapshot) -> dict[str, bytes]:
    """The snapshot as files of a folder, by name."""
    names = {key: f"{index}.arrow" for index, key in enumerate(saved.tables)}
    header = {**saved.header, "tables": [{"file": name, "key": key} for key, name in names.items()]}
    files = {names[key]: _to_ipc(table) for key, table in saved.tables.items()}
    return {HEADER: json.dumps(header, indent=1).encode(), **files}


def from_files(files: Mapping[str, bytes]) -> Snapshot:
    """The snapshot that `to_files` wrote."""
    if HEADER not in files:
        raise DataError(f"this is no snapshot: {HEADER} is missing")
    header = json.loads(files[HEADER])
    tables = {tuple(each["key"]): pa.ipc.open_stream(files[each["file"]]).read_all() for each in header.pop("tables")}
    return Snapshot(header, tables)


def write_snapshot(saved: Snapshot, folder: Path) -> None:
    """Write into a new folder, which appears under its name only when complete."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    for name, content in to_files(saved).items():
        (partial / name).write_bytes(content)
    os.rename(partial, folder)


def read_snapshot(folder: Path) -> Snapshot:
    """The snapshot in a folder."""
    try:
        return from_files({each.name: each.read_bytes() for each in folder.iterdir()})
    except OSError as error:
        raise DataError(f"cannot read the snapshot {folder}: {error}") from error


def _check(job: Job, header: Mapping[str, Any]) -> None:
    if header["format"] != FORMAT:
        raise UsageError(f"the snapshot has format {header['format']}, this version reads format {FORMAT}")
    difference = first_difference(header["fingerprint"], fingerprint(job.nodes))
    if difference is not None:
        raise UsageError(f"the snapshot belongs to another query\n{difference}")


def _source_header(inlet: Inlet) -> dict[str, Any]:
    reader = inlet.reader
    return {
        "position": None if inlet.position is None else dict(inlet.position),
        "watermark": reader.watermark,
        "rows": reader.rows_read,
        "ended": inlet.ended,
        "weighted": inlet.buffer is not None and inlet.buffer.weights is not None,
    }


def _restore_source(inlet: Inlet, saved: Snapshot) -> None:
    facts = saved.header["sources"][inlet.name]
    inlet.position, inlet.ended = facts["position"], facts["ended"]
    inlet.reader.watermark, inlet.reader.rows_read = facts["watermark"], facts["rows"]
    table = saved.tables.get(("buffer", inlet.name))
    if table is not None:
        inlet.buffer = _buffer(table, weighted=facts["weighted"])


def _buffer_table(batch: Batch) -> pa.Table:
    rows = pa.Table.from_batches([batch.rows]).append_column(_WEIGHTS, pa.array(batch.sign()))
    return rows if batch.watermarks is None else rows.append_column(_WATERMARKS, pa.array(batch.watermarks.values))


def _buffer(table: pa.Table, *, weighted: bool) -> Batch:
    rows = table.combine_chunks().to_batches()[0]
    names = rows.schema.names
    timed = names[-1] == _WATERMARKS
    width = len(names) - (2 if timed else 1)
    weights = np.asarray(rows.column(width).to_numpy()) if weighted else None
    watermarks = GivenWatermarks(np.asarray(rows.column(width + 1).to_numpy())) if timed else None
    return Batch(rows.select(list(range(width))), weights, watermarks)


def _under(tables: Mapping[TableKey, pa.Table], *prefix: str) -> dict[str, pa.Table]:
    """The tables whose keys are `prefix` and one more name, by that name."""
    length = len(prefix)
    return {key[-1]: table for key, table in tables.items() if key[:length] == prefix and len(key) == length + 1}


def _to_ipc(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def _engine_version() -> str:
    try:
        return version("streamsql-engine")
    except PackageNotFoundError:
        return "unknown"
