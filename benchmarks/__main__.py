"""Everything the README and docs/performance.md quote, as Markdown tables."""

from __future__ import annotations

import click

from benchmarks import by_key, end_to_end, files, flights, in_memory, joins, projections
from benchmarks.measure import show


@click.command()
@click.option("--rows", default=5_000_000, show_default=True, help="Rows of the in-memory and file benchmarks.")
def main(rows: int) -> None:
    """Run all benchmarks: medians of 5 runs in turn with DuckDB."""
    show(f"In memory, {rows:,} rows, batches of 65,536", in_memory.run(rows, 65_536))
    show(f"In memory, {rows:,} rows, batches of 1,000", in_memory.run(rows, 1_000))
    fewer = rows // 5
    show(f"In memory, {fewer:,} rows, a step for each 1,000 rows", in_memory.run(fewer, 1_000, 1_000))
    show(f"Projections, {rows:,} rows, batches of 65,536", projections.run(rows))
    show(f"Joins, {rows:,} rows with {rows * 3 // 50:,}, batches of 65,536", joins.run(rows))
    show(f"By key, {rows:,} rows, batches of 65,536", by_key.run(rows))
    flights.run()
    files.run(fewer)
    end_to_end.run(rows)


if __name__ == "__main__":
    main()
