"""TPC-H at any scale: what it costs to keep each query up to date while the tables fill, beside one batch in DuckDB."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

import click
import pyarrow as pa

from benchmarks.tpch.data import tables
from benchmarks.tpch.mirror import Mirror
from benchmarks.tpch.queries import NUMBERS, STANDARD, statements


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor seconds that a view took for so many rows of the tables that it reads, and DuckDB once for all."""

    rows: int
    kept: float
    batch: float
    equal: bool


@click.command()
@click.option("--scale", default=0.1, show_default=True, help="Scale factor: 1 is 6 million lineitems.")
@click.option("--steps", default=10, show_default=True, help="Steps in which the rows of each table come.")
@click.option("--query", "queries", type=click.IntRange(1, 22), multiple=True, help="Only this one; may be repeated.")
def main(scale: float, steps: int, queries: tuple[int, ...]) -> None:
    """Fill the tables in steps with a view that keeps the query, and compare its rows with DuckDB's answer."""
    data = tables(scale)
    click.echo(f"TPC-H at scale {scale:g}, each table in {steps} steps, processor seconds\n")
    click.echo("| query | rows | kept up to date | rows a second | DuckDB, once | equal |\n|---|---|---|---|---|---|")
    costs = []
    for number in queries or NUMBERS:
        cost = _cost(number, data, steps)
        costs.append(cost)
        _show(str(number), cost)
    kept, batch = sum(each.kept for each in costs), sum(each.batch for each in costs)
    _show("all", Cost(sum(each.rows for each in costs), kept, batch, all(each.equal for each in costs)))


def _show(query: str, cost: Cost) -> None:
    equal = "yes" if cost.equal else "NO"
    rate = cost.rows / cost.kept
    click.echo(f"| {query} | {cost.rows:,} | {cost.kept:.2f} s | {rate:,.0f} | {cost.batch:.3f} s | {equal} |")


def _cost(number: int, data: Mapping[str, pa.Table], steps: int) -> Cost:
    text = " ".join(statements(number, STANDARD[number]))
    read = {name: rows for name, rows in data.items() if re.search(rf"\b{name}\b", text)}
    mirror = Mirror(STANDARD, numbers=(number,))
    begin = time.process_time()
    for step in range(steps):
        for name, rows in read.items():
            first, last = (rows.num_rows * each // steps for each in (step, step + 1))
            mirror.append(name, rows.slice(first, last - first), None)
    seconds = time.process_time() - begin
    for name, rows in read.items():
        mirror.batch_add(name, rows)
    begin = time.process_time()
    computed = mirror.computed(number)
    batch = time.process_time() - begin
    equal = mirror.kept(number) == computed
    mirror.close()
    return Cost(sum(each.num_rows for each in read.values()), seconds, batch, equal)


if __name__ == "__main__":
    main()
