"""`python -m benchmarks.nexmark`: each query measured in a process of its own, beside DuckDB and Flink's figures."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import click

from benchmarks.nexmark import latency, report
from benchmarks.nexmark.chart import chart
from benchmarks.nexmark.check import Checked, check_all
from benchmarks.nexmark.child import Look, Measured, Request
from benchmarks.nexmark.flink import beside_flink, flink_table
from benchmarks.nexmark.flink_check import check_with_flink
from benchmarks.nexmark.growth import GROWTH, growth_table, steps_table
from benchmarks.nexmark.queries import Query, chosen


@click.command()
@click.option("--queries", help="Such as q0,q5; all without it.")
@click.option(
    "--events",
    type=int,
    help="Events of all kinds, 46 of 50 are bids: 5,000,000; of --check, --flink 1,000,000, of both 20,000.",
)
@click.option("--runs", default=3, show_default=True, help="Timed runs of each query, in turn with DuckDB.")
@click.option("--seed", default=0, show_default=True, help="Other random values for other numbers.")
@click.option("--out-of-order", default=0.0, show_default=True, help="The share of events that come up to 2 s late.")
@click.option("--late", default=0.0, show_default=True, help="The share of events that come 10 to 20 s late.")
@click.option("--duckdb/--no-duckdb", default=True, help="Run DuckDB batch on the same data.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write all that was measured to a file.")
@click.option("--chart", "chart_file", type=click.Path(path_type=Path), help="Draw the ratios as SVG.")
@click.option("--batch-sizes", help="Rates in steps of so many rows, such as 1000,65536,262144.")
@click.option("--growth", is_flag=True, help="Rates, state and memory over 1, 5 and 20 million events.")
@click.option("--latency", "latencies", is_flag=True, help="From a row's arrival to its result, at three rates.")
@click.option("--seconds", default=10.0, show_default=True, help="How long each latency is measured.")
@click.option("--flink", "flink_python", help="A Python with apache-flink: both engines on the same CSV files.")
@click.option("--parallelism", default=1, show_default=True, help="Of Flink.")
@click.option("--check", is_flag=True, help="Whether answers are right, or with --flink those of Flink.")
def main(
    queries: str | None,
    events: int | None,
    runs: int,
    seed: int,
    out_of_order: float,
    late: float,
    duckdb: bool,
    json_file: Path | None,
    chart_file: Path | None,
    batch_sizes: str | None,
    growth: bool,
    latencies: bool,
    seconds: float,
    flink_python: str | None,
    parallelism: int,
    check: bool,
) -> None:
    """Nexmark in memory: rates, memory, state, and ratios to DuckDB batch and to Flink."""
    request = Request("", events or 5_000_000, runs=runs, seed=seed, disorder_share=out_of_order, late_share=late)
    alone = replace(request, duckdb=False)
    if check and flink_python is not None:
        sys.exit(_told(check_with_flink(chosen(queries), events or 20_000, seed, flink_python)))
    elif check:
        sys.exit(_told(check_all(chosen(queries), events or 1_000_000, seed)))
    elif flink_python is not None:
        settings = replace(request, events=events or 1_000_000).settings
        for line in flink_table(beside_flink(chosen(queries), settings, flink_python, parallelism)):
            print(line, flush=True)
    elif latencies:
        asked = chosen(queries or latency.QUERIES)
        print(
            latency.latency_table([latency.measure_latency(q, r, seconds, seed) for q in asked for r in latency.RATES])
        )
    elif growth:
        counts = GROWTH if events is None else (events // 20, events // 4, events)
        print(growth_table({count: _all(chosen(queries), replace(alone, events=count)) for count in counts}))
    elif batch_sizes is not None:
        sizes = [int(each) for each in batch_sizes.split(",")]
        print(steps_table({size: _all(chosen(queries), replace(alone, step_rows=size)) for size in sizes}))
    else:
        _measure(chosen(queries), replace(request, duckdb=duckdb), json_file, chart_file)


def _measure(queries: Sequence[Query], request: Request, json_file: Path | None, chart_file: Path | None) -> None:
    measured = _all(queries, request)
    print(f"\n### Nexmark, {request.events:,} events in memory, steps of {request.step_rows:,} rows\n")
    print(report.table(measured))
    if json_file is not None:
        report.to_json(measured, json_file, request)
    if chart_file is not None:
        chart_file.write_text(chart(measured, request.events))


def _all(queries: Sequence[Query], request: Request) -> list[Measured]:
    found = []
    for query in queries:
        found.append(in_child(replace(request, query=query.name)))
        rate, cpu_rate = found[-1].rate / 1e6, found[-1].cpu_rate / 1e6
        click.echo(f"{query.name}: {rate:.2f} M rows/s, {cpu_rate:.2f} M rows a processor second", err=True)
    return found


def in_child(request: Request) -> Measured:
    """Measure in a fresh process, so that memory is that of one query."""
    command = [sys.executable, "-m", "benchmarks.nexmark.child", json.dumps(asdict(request))]
    found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return Measured(**{**found, "looks": [Look(**each) for each in found["looks"]]})


def _told(checks: Iterable[Checked]) -> int:
    wrong = 0
    for each in checks:
        wrong += each.problem is not None
        verdict = "right" if each.problem is None else f"WRONG: {each.problem}"
        click.echo(f"{each.query}, {each.stream}, {each.events:,} events, {each.how}: {each.rows:,} rows, {verdict}")
    return 1 if wrong else 0


if __name__ == "__main__":
    main()
