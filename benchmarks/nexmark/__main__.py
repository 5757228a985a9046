"""`python -m benchmarks.nexmark`: each query measured in a process of its own, beside DuckDB and Flink's figures."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import click

from benchmarks.nexmark import report
from benchmarks.nexmark.child import Look, Measured, Request
from benchmarks.nexmark.queries import Query, chosen


@click.command()
@click.option("--queries", help="Such as q0,q5; all without it.")
@click.option("--events", default=5_000_000, show_default=True, help="Events of all kinds: 46 of 50 are bids.")
@click.option("--batch-size", default=65_536, show_default=True, help="Rows of a step.")
@click.option("--runs", default=3, show_default=True, help="Timed runs of each query, in turn with DuckDB.")
@click.option("--seed", default=0, show_default=True, help="Other random values for other numbers.")
@click.option("--out-of-order", default=0.0, show_default=True, help="The share of events that come up to 2 s late.")
@click.option("--late", default=0.0, show_default=True, help="The share of events that come 10 to 20 s late.")
@click.option("--duckdb/--no-duckdb", default=True, help="Run DuckDB batch on the same data.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write all that was measured to a file.")
def main(
    queries: str | None,
    events: int,
    batch_size: int,
    runs: int,
    seed: int,
    out_of_order: float,
    late: float,
    duckdb: bool,
    json_file: Path | None,
) -> None:
    """Nexmark in memory: rates, memory, state, and ratios to DuckDB batch and to Flink."""
    request = Request("", events, batch_size, runs, seed, out_of_order, late, duckdb)
    measured = list(_all(chosen(queries), request))
    print(f"\n### Nexmark, {events:,} events in memory, steps of {batch_size:,} rows\n\n{report.table(measured)}")
    if json_file is not None:
        report.to_json(measured, json_file, events=events, step_rows=batch_size, seed=seed)


def _all(queries: Sequence[Query], request: Request) -> Iterator[Measured]:
    for query in queries:
        measured = in_child(replace(request, query=query.name))
        rate = f"{measured.rate / 1e6:.2f} M rows/s, {measured.cpu_rate / 1e6:.2f} M rows a processor second"
        click.echo(f"{query.name}: {rate}", err=True)
        yield measured


def in_child(request: Request) -> Measured:
    """Measure in a fresh process, so that memory is that of one query."""
    command = [sys.executable, "-m", "benchmarks.nexmark.child", json.dumps(asdict(request))]
    found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return Measured(**{**found, "looks": [Look(**each) for each in found["looks"]]})


if __name__ == "__main__":
    main()
