"""The benchmark measures what it says."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from streamsql_connectors.nexmark_events import NexmarkSettings

from benchmarks.nexmark.chart import chart
from benchmarks.nexmark.child import Look, Measured, Request, measure
from benchmarks.nexmark.csv_child import main as run_csv
from benchmarks.nexmark.csv_tables import declarations, script, write_tables
from benchmarks.nexmark.data import generate
from benchmarks.nexmark.flink import BesideFlink, Side, flink_table
from benchmarks.nexmark.growth import growth_table, steps_table
from benchmarks.nexmark.latency import latency_table, measure_latency
from benchmarks.nexmark.queries import FOLDER, QUERIES, chosen
from benchmarks.nexmark.report import table, times_flink, to_json


def test_one_query_measured(tmp_path: Path) -> None:
    request = Request("q4", 2_000, step_rows=100, runs=1)
    measured = measure(request)
    assert measured.rows == 1_960 and measured.changes > 5
    assert len(measured.seconds) == len(measured.duckdb_seconds) == 1
    assert len(measured.looks) == 20 and measured.looks[-1].rows > measured.looks[0].rows >= 98
    assert measured.state.state_rows > 1_960 and measured.state.state_bytes > 8 * 1_960
    assert times_flink(measured) == pytest.approx(measured.rate / 504e3)
    lines = table([measured]).splitlines()
    assert lines[2].startswith("| q4 | ") and lines[3].startswith("| geometric mean | ")
    to_json([measured], tmp_path / "measured.json", request)
    written = json.loads((tmp_path / "measured.json").read_text())
    assert (written["events"], written["queries"][0]["query"]) == (2_000, "q4")


def made(query: str, rows: int, seconds: float, duckdb_seconds: float) -> Measured:
    looks = [Look(rows // 2, 5, 2_000_000, 3_000_000), Look(rows, 10, 4_000_000, 5_000_000)]
    return Measured(query, rows, 1, 0, 0, looks, [seconds], [seconds], [duckdb_seconds], [duckdb_seconds])


def test_tables_and_chart() -> None:
    fast, slow = made("q0", 8_456_000, 0.5, 0.25), made("q6", 1_000_000, 2.0, 1.0)
    assert [fast.rate, fast.times_duckdb, times_flink(fast), times_flink(slow)] == [16_912_000, 0.5, 2.0, None]
    assert growth_table({2: [slow], 1: [made("q6", 500_000, 0.5, 1.0)]}).splitlines()[2] == (
        "| q6 | 1.00 | 0.50 | 0.50 |  | 2.0, 3 | 2.0, 3 | 4.0, 5 |"
    )
    assert steps_table({1: [slow], 1_000: [fast]}).splitlines()[2] == "| q6 | 0.500 | 16.912 |"
    drawn = ElementTree.fromstring(chart([fast, slow], 5_000_000))
    titles = [each.text for each in drawn.iter("{http://www.w3.org/2000/svg}title")]
    assert titles == ["Flink: 2.00×", "DuckDB batch: 0.50×", "DuckDB batch: 0.50×"]


def test_scripts_over_csv_files_for_both_engines(tmp_path: Path) -> None:
    query = QUERIES["q14"]
    write_tables(generate(NexmarkSettings(events=1_000), query.reads), tmp_path)
    create, *statements = [*declarations(query, tmp_path), *script(query, tmp_path, "queries")]
    assert create.startswith("CREATE TABLE bid (`auction` BIGINT, ") and "WATERMARK FOR `dateTime`" in create
    assert len(statements) == 2 and len(script(query, tmp_path, "flink")) == 1  # Flink has no functions in SQL
    run_csv({"statements": [create, "SELECT * FROM bid"]})
    assert run_csv({"statements": [create, *statements]})["seconds"] > 0
    view, timed = script(QUERIES["q12"], tmp_path, "queries")
    for number in range(8):  # what a script declared is dropped before what it was made of, whatever its name
        run_csv({"statements": [create, *(each.replace("timed_bid", f"view_{number}") for each in (view, timed))]})
    logged = script(QUERIES["q10"], tmp_path / "log", "queries")
    run_csv({"statements": [create, *logged]})
    assert len(list((tmp_path / "log" / "bid_log").glob("dt=2015-07-15/hm=00*/*.csv"))) == 1


def test_beside_flink_as_a_table() -> None:
    both = BesideFlink("q0", 1_000, Side(0.5, 0.5, 1_000_000), Side(2.0, 4.0, 2_000_000))
    alone = BesideFlink("q6", 1_000, Side(0.5, 0.5, 1_000_000), None)
    assert list(flink_table([both, alone]))[2:] == [
        "| q0 | 2 | 0 | 4.0 | 0.50 | 4.00 | 1 | 2 |",
        "| q6 | 2 | refused |  | 0.50 |  | 1 |  |",
        "| geometric mean | | | 4.0 | | | | |",
    ]


def test_latency_is_of_each_pushed_row() -> None:
    measured = measure_latency(QUERIES["q3"], 5_000, 0.2)
    assert measured.rows == 64 and 0 < measured.p50 <= measured.p99 <= measured.p999
    assert latency_table([measured]).splitlines()[2].startswith("| q3 | 5,000 | ")


def test_every_query_has_its_files_and_a_line_that_says_what_it_asks() -> None:
    assert list(QUERIES) == [f"q{number}" for number in range(24)] == [each.name for each in chosen(None)]
    for query in QUERIES.values():
        assert query.sql.startswith("-- ") and query.duckdb.startswith(("SELECT", "WITH", "COPY"))
    assert len(list((FOLDER / "cep").glob("*.sql"))) == 4
