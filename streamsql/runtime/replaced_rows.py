"""Results whose state expires: a row takes the place of the one under its key, which no one remembers to take back."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch
from streamsql.runtime.changelog import Key
from streamsql.state.keyed_rows import KeyedRows


class ReplacedRows:
    """Makes the changes of a result with a unique key exact; () is the key of a result of one row."""

    def __init__(self, schema: pa.Schema, key: Key) -> None:
        self._schema = schema
        self._alone = not key
        stored = schema.append(pa.field("$one", pa.int8())) if self._alone else schema
        self._stored_schema = stored
        self._rows = KeyedRows(stored, key or (len(schema),))

    def exact(self, changed: Batch) -> Batch:
        """What the changes of a step do to the rows that are there."""
        columns = list(changed.rows.columns)
        if self._alone:
            columns.append(pa.array(np.zeros(len(changed), np.int8)))
        rows = pa.RecordBatch.from_arrays(columns, schema=self._stored_schema)
        changes = self._rows.apply(rows, changed.sign() > 0)
        width = len(self._schema)
        marks = None if changed.watermarks is None else changed.watermarks.take(changes.of_rows)
        return Batch(changes.rows.select(list(range(width))), changes.weights, marks)
