"""The tables of the benchmark, generated in memory, for streamsql and for DuckDB."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
from streamsql_connectors.nexmark_columns import SCHEMAS
from streamsql_connectors.nexmark_events import KINDS, NexmarkChunk, NexmarkSettings
from streamsql_connectors.nexmark_rows import flat_rows

from benchmarks.nexmark.queries import FOLDER
from streamsql.session import Session, connect
from streamsql.sql import statements as s

Tables = Mapping[str, list[pa.RecordBatch]]

SIDE_ROWS = 10_000
SIDE_INPUT = "CREATE TABLE side_input (id BIGINT, note STRING);"
CLOCK = "manual:2025-01-01 00:00:00"
"""Processing time stands still, so that answers can be compared."""


def generate(settings: NexmarkSettings, tables: Iterable[str]) -> Tables:
    """Batches of each table, in the order in which they come."""
    return {name: _side_input() if name == "side_input" else _events(settings, name) for name in tables}


def _events(settings: NexmarkSettings, name: str) -> list[pa.RecordBatch]:
    kind = next(each for each in KINDS if each == name)
    assert settings.events is not None
    chunks = range(-(-settings.events // (settings.rounds_of_chunk * settings.round)))
    batches = [flat_rows(NexmarkChunk(settings, kind, number), SCHEMAS[kind]) for number in chunks]
    rows = settings.rows(kind, settings.events) - sum(each.num_rows for each in batches[:-1])
    return [*batches[:-1], batches[-1].slice(0, rows)]


def _side_input() -> list[pa.RecordBatch]:
    ids = pa.array(np.arange(SIDE_ROWS))
    return [pa.record_batch({"id": ids, "note": ids.cast(pa.string())})]


def rows_of(tables: Tables) -> int:
    return sum(batch.num_rows for batches in tables.values() for batch in batches)


def session_over(tables: Tables, *, step_rows: int = 65_536) -> Session:
    """A session in which the tables are in memory and processing time stands still."""
    session = connect(settings={"streamsql.batch-size": str(step_rows), "streamsql.clock": CLOCK})
    declarations = (FOLDER / "tables.sql").read_text() + SIDE_INPUT
    for statement in session.statements(declarations):
        assert isinstance(statement, s.CreateTable)
        in_memory = replace(statement.table, connector=None, options={})
        session.apply(replace(statement, table=in_memory))
    for name, batches in tables.items():
        for each in batches:
            session.tables.memory(name).append(each)
    return session
