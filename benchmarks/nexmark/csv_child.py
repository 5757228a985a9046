"""One script over CSV files in a process of its own: `python -m benchmarks.nexmark.csv_child REQUEST`.

The request and the answer are those of flink_runner.py.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from benchmarks.nexmark import memory
from benchmarks.nexmark.data import CLOCK
from benchmarks.nexmark.stream import run
from streamsql.session import connect


def main(request: dict[str, Any]) -> dict[str, float]:
    """Seconds and processor seconds from the first statement to the last result."""
    session = connect(settings={"streamsql.clock": CLOCK})
    begin, cpu = time.perf_counter(), time.process_time()
    run(session, ";\n".join(request["statements"]))
    seconds, cpu_seconds = time.perf_counter() - begin, time.process_time() - cpu
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_bytes": memory.peak()}


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
