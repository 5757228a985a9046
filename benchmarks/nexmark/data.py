"""The tables of the benchmark, generated in memory, for streamsql and for DuckDB."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from streamsql_connectors.nexmark_columns import SCHEMAS
from streamsql_connectors.nexmark_events import KINDS, NexmarkChunk, NexmarkSettings
from streamsql_connectors.nexmark_rows import flat_rows

from benchmarks.measure import KERNELS_READY
from benchmarks.nexmark.queries import FOLDER
from streamsql.plan.logical import Table
from streamsql.session import Session, connect
from streamsql.sql import statements as s

Tables = Mapping[str, list[pa.RecordBatch]]

TIME = "dateTime"
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


def only(tables: Tables, columns: Mapping[str, set[str]]) -> Tables:
    """The same rows with only these columns of each table."""

    def pruned(name: str, batch: pa.RecordBatch) -> pa.RecordBatch:
        wanted = columns[name] | {TIME}
        return batch.select([each for each in batch.schema.names if each in wanted])

    return {name: [pruned(name, each) for each in batches] for name, batches in tables.items()}


def rows_of(tables: Tables) -> int:
    return sum(batch.num_rows for batches in tables.values() for batch in batches)


def _with_columns(table: Table, names: Sequence[str]) -> str:
    """The statement that declares one of the three streams with some of its columns, the time among them."""
    columns = ", ".join(f"`{each.name}` {each.type}" for each in table.columns if each.name in names)
    return f"CREATE TABLE {table.name} ({columns}, WATERMARK FOR `{TIME}` AS `{TIME}` - INTERVAL '4' SECOND);"


def session_over(tables: Tables, *, step_rows: int = 65_536) -> Session:
    """A session in which the tables, with the columns that they have, are in memory; processing time stands still.

    Its first job waits for compiled kernels, later ones find them.
    """
    session = connect(settings={**KERNELS_READY, "streamsql.batch-size": str(step_rows), "streamsql.clock": CLOCK})
    declarations = (FOLDER / "tables.sql").read_text() + SIDE_INPUT
    for statement in session.statements(declarations):
        assert isinstance(statement, s.CreateTable)
        in_memory = replace(statement.table, connector=None, options={})
        if (given := tables.get(in_memory.name)) and len(given[0].schema) < len(in_memory.columns):
            (statement,) = session.statements(_with_columns(in_memory, given[0].schema.names))
            session.apply(statement)
        else:
            session.apply(replace(statement, table=in_memory))
    for name, batches in tables.items():
        for each in batches:
            session.tables.memory(name).append(each)
    return session
