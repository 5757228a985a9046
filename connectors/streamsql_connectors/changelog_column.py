"""Row kinds as a first column of the data, for files and streams that show a changelog."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from streamsql.expr.types import Column, Kind, Schema, SqlType
from streamsql.ports import RowKind, RowKinds

_SHORT = [kind.short for kind in RowKind]
_OP = SqlType(Kind.VARCHAR, nullable=False)


def with_op(schema: Schema) -> Schema:
    """The schema with a first column `op`, which is called `_op` where `op` is taken (and so on)."""
    name = "op"
    while name in schema.names:
        name = f"_{name}"
    return Schema((Column(name, _OP), *schema.columns))


def short_kinds(kinds: RowKinds | None, rows: int) -> pa.Array:
    """'+I', '-U', '+U' or '-D' for each row; all '+I' where kinds is None."""
    return pa.array(_SHORT).take(pa.array(np.zeros(rows, np.int8) if kinds is None else kinds))


def add_op(rows: pa.RecordBatch, kinds: RowKinds | None, schema: Schema) -> pa.RecordBatch:
    """The rows with their kinds as the first column; `schema` is what `with_op` gave."""
    ops = short_kinds(kinds, rows.num_rows)
    return pa.RecordBatch.from_arrays([ops, *rows.columns], schema=schema.to_arrow())
