"""The real flight departures: the examples' queries over a file given by DEPARTURES, else over the month shipped."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb

from benchmarks.measure import measure, show
from streamsql.session import connect

EXAMPLES = Path(__file__).parent.parent / "examples" / "flights"
HOURLY = (
    "SELECT epoch_us(sched_dep) // 3600000000 AS hour, origin, COUNT(*), AVG(dep_delay) FROM '{path}' GROUP BY 1, 2"
)


def run() -> None:
    """Hourly delays, beside DuckDB on the same file."""
    path = os.environ.get("DEPARTURES", str(EXAMPLES / "departures_january.parquet"))
    script = (EXAMPLES / "hourly_delays.sql").read_text()
    rows = int(duckdb.sql(f"SELECT COUNT(*) FROM '{path}'").fetchall()[0][0])

    def ours() -> None:
        session = connect()
        session.add_input("departures", path)
        query = session.sql(script)
        assert query is not None
        query.to_arrow()

    def theirs() -> None:
        with duckdb.connect() as connection:
            connection.sql(HOURLY.format(path=path)).to_arrow_table()

    show(f"Flights: departures by origin and hour, {rows:,} rows of parquet", [measure("hourly", rows, ours, theirs)])
