"""The rows of an in-memory table with a primary key as the versions of its keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from streamsql.memory_rows import Stored, put_together
from streamsql.ports import SourceBatch


def put_versions(ended: str, some: Sequence[Stored], columns: Sequence[str], done: int) -> SourceBatch:
    """What was written, without the rows that it took the place of. The column `ended` says of a row that it is one
    that was deleted: from its time on its key has no version."""
    place = list(columns).index(ended)
    found = put_together(some, [each for each in columns if each != ended], done)
    weights = np.ones(found.rows.num_rows, np.int8) if found.weights is None else found.weights
    arrays = [*found.rows.columns]
    arrays.insert(place, pa.array(weights < 0))
    rows = pa.RecordBatch.from_arrays(arrays, names=list(columns))
    kept = ~np.concatenate([_replaced(each) for each in some])
    marks = None if found.watermarks is None else found.watermarks[kept]
    return replace(found, rows=rows.filter(pa.array(kept)), weights=None, watermarks=marks)


def _replaced(stored: Stored) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.zeros(stored.rows.num_rows, np.bool_) if stored.replaced is None else stored.replaced
