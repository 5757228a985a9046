"""A query in Flink, run by an interpreter that has PyFlink: `PYTHON flink_runner.py REQUEST` prints JSON.

It imports nothing of this project. The request: `statements` (the last is a query or an INSERT) and `parallelism`, to
be timed; or `answer`: statements whose last is a query of which the final rows are wanted, and `key`: positions of the
columns by which a row takes the place of another, where Flink does not say which one goes.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any


def main(request: dict[str, Any]) -> Any:
    """What the request asks for."""
    return answer(request["answer"], request["key"]) if "answer" in request else timed(request)


def answer(statements: list[str], key: list[int] | None) -> list[list[str | None]]:
    """The final rows as texts; a watermark goes out after every row."""
    from pyflink.common import RowKind
    from pyflink.table import EnvironmentSettings, TableEnvironment

    tables = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    tables.get_config().set("parallelism.default", "1")
    tables.get_config().set("pipeline.auto-watermark-interval", "0 ms")
    *declarations, query = statements
    for each in declarations:
        tables.execute_sql(each)
    counts: Counter[tuple[str | None, ...]] = Counter()
    latest: dict[tuple[str | None, ...], tuple[str | None, ...]] = {}
    with tables.execute_sql(query).collect() as changes:
        for row in changes:
            values = tuple(None if value is None else str(value) for value in row)
            added = row.get_row_kind() in (RowKind.INSERT, RowKind.UPDATE_AFTER)
            if key is None:
                counts[values] += 1 if added else -1
            elif added:
                latest[tuple(values[each] for each in key)] = values
    rows = counts.elements() if key is None else latest.values()
    return [list(each) for each in rows]


def timed(request: dict[str, Any]) -> dict[str, float]:
    """Net seconds of the job, as Flink gives them, and processor seconds of its JVM while the job ran."""
    from pyflink.table import EnvironmentSettings, TableEnvironment

    tables = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    tables.get_config().set("parallelism.default", str(request["parallelism"]))
    *declarations, last = request["statements"]
    for each in declarations:
        tables.execute_sql(each)
    inserts = last.lstrip().upper().startswith("INSERT")
    sink = "" if inserts else "CREATE TABLE results WITH ('connector' = 'blackhole') AS "
    machine = _java()
    before = _processor_seconds(machine)
    client = tables.execute_sql(sink + last).get_job_client()
    result = client.get_job_execution_result().result()
    return {
        "seconds": result.get_net_runtime() / 1_000,
        "cpu_seconds": _processor_seconds(machine) - before,
        "peak_bytes": _peak(machine),
    }


def _java() -> Path:
    """The JVM that PyFlink started: a child of this process, or a child's child."""
    parents = {os.getpid()}
    for process in sorted(Path("/proc").glob("[0-9]*"), key=lambda each: int(each.name)):
        name, _, rest = _stat(process).rpartition(")")
        if name and int(rest.split()[1]) in parents:
            if name.endswith("(java"):
                return process
            parents.add(int(process.name))
    raise RuntimeError("PyFlink has started no JVM")


def _stat(process: Path) -> str:
    try:
        return (process / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _processor_seconds(process: Path) -> float:
    fields = _stat(process).rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak(process: Path) -> int:
    (line,) = [each for each in (process / "status").read_text().splitlines() if each.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
