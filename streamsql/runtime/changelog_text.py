"""Changes as text, one a line: `+I 1 a`, so that tests and examples say what they mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch
from streamsql.ports import RowKind, RowKinds

_KINDS = {each.short: each for each in RowKind}


def parse_changes(text: str, schema: pa.Schema) -> Batch:
    """A batch from lines of a row kind and one word a column (NULL for NULL), read as the column's type.

    Lines of only +I make a batch without weights.

    >>> batch = parse_changes("+I 1 a\\n-D 2 NULL", pa.schema([("n", pa.int64()), ("s", pa.string())]))
    >>> batch.rows.to_pylist(), batch.weights.tolist()
    ([{'n': 1, 's': 'a'}, {'n': 2, 's': None}], [1, -1])
    """
    lines = [line.split() for line in text.strip().splitlines() if line.strip()]
    arrays = [
        pa.array([None if line[index + 1] == "NULL" else line[index + 1] for line in lines], pa.string()).cast(
            field.type
        )
        for index, field in enumerate(schema)
    ]
    weights = np.array([1 if line[0] in ("+I", "+U") else -1 for line in lines], np.int8)
    rows = pa.RecordBatch.from_arrays(arrays, schema=schema)
    return Batch(rows, None if all(line[0] == "+I" for line in lines) else weights)


def format_changes(rows: pa.RecordBatch, kinds: RowKinds | None = None) -> str:
    """The lines that `parse_changes` reads; kinds None: all +I.

    >>> format_changes(pa.record_batch({"n": [1, None]}), np.array([2, 3]))
    '+U 1\\n-D NULL'
    """
    shorts = ["+I"] * rows.num_rows if kinds is None else [RowKind(int(each)).short for each in kinds]
    columns: Sequence[list[object]] = [column.to_pylist() for column in rows.columns]
    lines = zip(shorts, *columns, strict=True)
    return "\n".join(" ".join("NULL" if each is None else str(each) for each in line) for line in lines)
