"""UPDATE and DELETE carried out: computed over the rows present now, then applied all at once."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from streamsql.engine import Engine
from streamsql.errors import SqlError
from streamsql.expr.types import Schema
from streamsql.memory import MemoryTable
from streamsql.runtime.output import TableOutput
from streamsql.sql.statements import Change


def change_table(engine: Engine, memory: MemoryTable, change: Change) -> None:
    """Take the rows back that the statement's plan finds, and add the ones that replace them; all or nothing."""
    output = TableOutput()
    engine.run(engine.job([engine.optimized(change.plan)], [output]))
    found = output.to_table().combine_chunks()
    if not found.num_rows:
        return
    columns = [each.combine_chunks() if isinstance(each, pa.ChunkedArray) else each for each in found.columns]
    width, schema = len(memory.schema), memory.schema.to_arrow()
    sides = [columns[:width], columns[width:]] if change.replaces else [columns]
    if change.replaces:
        _refuse_missing(memory.schema, columns[width:], change)
    rows = pa.concat_batches([pa.RecordBatch.from_arrays(each, schema=schema) for each in sides])
    # All old rows go before new ones come: a new key may be the old key of another row.
    memory.append(rows, np.repeat(np.array([-1, 1], np.int8)[: len(sides)], found.num_rows))


def _refuse_missing(schema: Schema, columns: list[pa.Array], change: Change) -> None:
    for column, values in zip(schema, columns, strict=True):
        if not column.type.nullable and values.null_count:
            hint = "leave such rows out in WHERE, or give a value: COALESCE(…, …)"
            raise SqlError(
                f"{change.table.name}.{column.name} is NOT NULL, a row would get NULL", span=change.span, hint=hint
            )
