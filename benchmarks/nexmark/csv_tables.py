"""The benchmark's tables as CSV files, and the declarations by which both engines read them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.csv
from streamsql_connectors.nexmark_columns import SCHEMAS
from streamsql_connectors.nexmark_events import KINDS

from benchmarks.nexmark.data import Tables
from benchmarks.nexmark.queries import FOLDER, Query
from streamsql.expr import types as t
from streamsql.expr.types import Schema

_SIDE_INPUT = t.schema(("id", t.BIGINT), ("note", t.STRING))


def write_tables(tables: Tables, folder: Path) -> None:
    """A file for each table, without a header, since Flink would take one for a row."""
    options = pa.csv.WriteOptions(include_header=False)
    for name, batches in tables.items():
        table = pa.Table.from_batches(batches)
        for index, each in enumerate(table.schema):
            if pa.types.is_timestamp(each.type):
                table = table.set_column(index, each.name, table.column(index).cast(pa.timestamp("ms")))
        pa.csv.write_csv(table, folder / f"{name}.csv", options)


def declarations(query: Query, folder: Path) -> list[str]:
    """CREATE TABLE for each table that a query reads."""
    return [_declaration(name, folder) for name in query.reads]


def _declaration(name: str, folder: Path) -> str:
    schema: Schema = next((SCHEMAS[kind] for kind in KINDS if kind == name), _SIDE_INPUT)
    columns = [f"`{each.name}` {each.type}" for each in schema]
    if "dateTime" in schema.names:
        columns.append("WATERMARK FOR `dateTime` AS `dateTime` - INTERVAL '4' SECOND")
    options = f"'connector' = 'filesystem', 'path' = '{folder / name}.csv', 'format' = 'csv'"
    return f"CREATE TABLE {name} ({', '.join(columns)}) WITH ({options})"


def script(query: Query, folder: Path, variant: str) -> list[str]:
    """The statements of a query; what it writes goes below the folder. `variant`: where to look for its text first."""
    preferred = FOLDER / variant / f"{query.name}.sql"
    text = preferred.read_text() if preferred.exists() else query.sql
    text = text.replace("'path' = '", f"'path' = '{folder}/")
    return [each.strip() for each in _without_comments(text).split(";") if each.strip()]


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith("--"))
