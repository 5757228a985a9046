"""The watermarks beside the rows as one more column, for expressions that read them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch
from streamsql.time import BEGIN_OF_TIME, END_OF_TIME, MILLISECOND


def plain_rows(batch: Batch) -> pa.RecordBatch:
    """The rows as they are."""
    return batch.rows


def rows_with_watermark(arrow: pa.DataType, batch: Batch) -> pa.RecordBatch:
    """The watermark in whole milliseconds as the last column, of that type; NULL before the first one."""
    known = batch.watermarks
    marks = np.full(len(batch), BEGIN_OF_TIME) if known is None else known.values
    unknown = (marks == BEGIN_OF_TIME) | (marks == END_OF_TIME)
    column = pa.array(marks // MILLISECOND * MILLISECOND, mask=unknown).cast(arrow)
    names = [str(index) for index in range(batch.rows.num_columns + 1)]
    return pa.RecordBatch.from_arrays([*batch.rows.columns, column], names=names)
