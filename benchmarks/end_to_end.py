"""Whole `streamsql run` processes: JSON lines against DuckDB, peak memory over parquet, start-up."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from benchmarks.data import bids
from benchmarks.measure import RUNS

COLUMNS = "auction BIGINT, bidder BIGINT, price BIGINT, ts TIMESTAMP(3)"
GROUPED = """CREATE TABLE bids ({columns}) WITH ('connector' = 'filesystem', 'path' = '{path}');
SELECT bidder, COUNT(*) AS n, SUM(price) AS total FROM bids GROUP BY bidder;"""
TUMBLED = """CREATE TABLE bids ({columns}, WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
WITH ('connector' = 'filesystem', 'path' = '{path}');
SELECT window_start, auction, COUNT(*) AS n, SUM(price) AS total FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts),
INTERVAL '10' SECOND)) GROUP BY window_start, window_end, auction;"""
IN_DUCKDB = """import duckdb, sys
duckdb.sql("COPY (SELECT bidder, COUNT(*) AS n, SUM(price) AS total FROM read_json(sys.argv[1], format = "
    "'newline_delimited', columns = {{auction: 'BIGINT', bidder: 'BIGINT', price: 'BIGINT', ts: 'TIMESTAMP'}}) "
    "GROUP BY bidder) TO '{out}' (FORMAT json)".replace("sys.argv[1]", repr(sys.argv[1])))"""
BARE_IMPORT = "import click, numpy, pyarrow, sqlglot"
WORD_COUNT = Path(__file__).parent.parent / "examples" / "wordcount"


def run(rows: int) -> None:
    """Print all three."""
    with tempfile.TemporaryDirectory() as folder:
        _json_lines(Path(folder), min(rows, 2_000_000))
        _memory(Path(folder), rows)
        _start_up(Path(folder))


def _json_lines(folder: Path, rows: int) -> None:
    data, path, out = bids(rows), folder / "bids.jsonl", folder / "out.jsonl"
    duckdb.register("data", data)
    duckdb.sql(f"COPY data TO '{path}' (FORMAT json)")
    script = _script(folder, GROUPED, path)
    ours = [sys.executable, "-m", "streamsql_repl", "run", script, "--result", "table", "--output", str(out)]
    theirs = [sys.executable, "-c", IN_DUCKDB.format(out=out), str(path)]
    runs = [(_used(ours), _used(theirs)) for _ in range(RUNS + 1)][1:]
    print(f"\n### JSON lines end to end, whole processes: {rows:,} rows, {path.stat().st_size / 1e6:.0f} MB\n")
    print("| | streamsql s | DuckDB s | times DuckDB |\n|---|---|---|---|")
    for index, name in enumerate(("elapsed", "processor time")):
        pairs = [(mine[index], other[index]) for mine, other in runs]
        medians = [statistics.median(each) for each in zip(*pairs, strict=True)]
        ratio = statistics.median(other / mine for mine, other in pairs)
        print(f"| {name} | {medians[0]:.2f} | {medians[1]:.2f} | {ratio:.2f} |")


def _memory(folder: Path, rows: int) -> None:
    print("\n### Peak memory of TUMBLE over a parquet file\n\n| rows | file | peak MB |\n|---|---|---|")
    for count in (rows // 5, rows, rows * 2):
        path = folder / f"bids_{count}.parquet"
        pq.write_table(bids(count), path, row_group_size=1 << 18)
        script = _script(folder, TUMBLED, path)
        command = [sys.executable, "-m", "streamsql_repl", "run", script, "--output", str(folder / "out.parquet")]
        print(f"| {count:,} | {path.stat().st_size / 1e6:.0f} MB | {_peak(command):.0f} |")


def _start_up(folder: Path) -> None:
    words = folder / "words.txt"
    lines = (WORD_COUNT / "words.txt").read_text().splitlines(keepends=True)
    words.write_text("".join(lines[200:210]))
    script, out = str(WORD_COUNT / "wordcount.sql"), str(folder / "counts.jsonl")
    command = [sys.executable, "-m", "streamsql_repl", "run", script, "--input", f"lines={words}", "--output", out]
    print("\n### Start-up\n\n| what | seconds |\n|---|---|")
    for name, each in {
        "word count on 10 lines": command,
        BARE_IMPORT: [sys.executable, "-c", BARE_IMPORT],
        "import streamsql": [sys.executable, "-c", "import streamsql"],
        "python alone": [sys.executable, "-c", ""],
    }.items():
        _seconds(each)
        print(f"| {name} | {statistics.median(_seconds(each) for _ in range(RUNS)):.2f} |")


def _script(folder: Path, text: str, data: Path) -> str:
    path = folder / "query.sql"
    path.write_text(text.format(columns=COLUMNS, path=data))
    return str(path)


def _seconds(command: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def _used(command: list[str]) -> tuple[float, float]:
    """Seconds that a process took, and the processor time of all its threads."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    elapsed = _seconds(command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return elapsed, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _peak(command: list[str]) -> float:
    """Peak resident memory of a process, in MB, as the operating system counts it."""
    code = (
        "import resource, subprocess, sys\nsubprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", code, *command], check=True, capture_output=True, text=True)
    unit = 1_024 if sys.platform != "darwin" else 1
    return int(done.stdout) * unit / 1e6
