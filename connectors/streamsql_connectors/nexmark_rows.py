"""Rows of a chunk of Nexmark events, as a table declares them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from streamsql.expr.types import Column, Schema, arrow_type
from streamsql_connectors.datagen_columns import Integers
from streamsql_connectors.nexmark_columns import COLUMNS
from streamsql_connectors.nexmark_events import KINDS, EventKind, NexmarkChunk, NexmarkSettings


def flat_rows(chunk: NexmarkChunk, schema: Schema) -> pa.RecordBatch:
    """The events of one kind, with the columns of the schema."""
    arrays = [COLUMNS[chunk.kind][each.name](chunk).cast(arrow_type(each.type)) for each in schema]
    return _batch(arrays, schema, chunk.rows)


def event_rows(settings: NexmarkSettings, number: int, schema: Schema) -> pa.RecordBatch:
    """All events in order: columns `event_type` and, for each kind, a ROW that is NULL where the event is another."""
    rounds = settings.rounds_of_chunk
    kinds = np.tile(np.repeat(np.arange(len(KINDS)), settings.proportions), rounds)
    arrays = [
        pa.array(kinds).cast(arrow_type(each.type))
        if each.name not in KINDS
        else _spread(NexmarkChunk(settings, _kind(each.name), number), each, kinds)
        for each in schema
    ]
    return _batch(arrays, schema, len(kinds))


def _kind(name: str) -> EventKind:
    return next(each for each in KINDS if each == name)


def _spread(chunk: NexmarkChunk, column: Column, kinds: Integers) -> pa.Array:
    fields = tuple(Column(*each) for each in zip(column.type.names, column.type.children, strict=True))
    rows = flat_rows(chunk, Schema(fields)).to_struct_array()
    mine = kinds == KINDS.index(chunk.kind)
    return rows.take(pa.array(np.cumsum(mine) - 1, mask=~mine))


def _batch(arrays: list[pa.Array], schema: Schema, rows: int) -> pa.RecordBatch:
    if not arrays:
        return pa.RecordBatch.from_struct_array(pa.Array.from_buffers(pa.struct([]), rows, [None]))
    return pa.RecordBatch.from_arrays(arrays, schema=schema.to_arrow())
