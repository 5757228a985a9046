"""WHERE and HAVING: the rows for which a predicate is TRUE."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streamsql.batch import Batch
from streamsql.expr.types import Schema
from streamsql.operators.base import Operator
from streamsql.operators.project import RowsOf
from streamsql.operators.watermark_column import plain_rows

Predicate = Callable[[pa.RecordBatch], npt.NDArray[np.bool_]]


class Filter(Operator):
    """Passes on the rows where the predicate holds (NULL counts as not); rows that are taken back are judged alike.

    `columns`: positions of the input columns that the output has; None: all of them.
    """

    def __init__(
        self,
        schema: Schema,
        predicate: Predicate,
        columns: Sequence[int] | None = None,
        rows_of: RowsOf = plain_rows,
    ) -> None:
        self.schema = schema
        self._rows_of = rows_of
        self._predicate = predicate
        self._columns = None if columns is None else list(columns)

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        mask = self._predicate(self._rows_of(batch))
        kept = int(np.count_nonzero(mask))
        if not kept:
            return ()
        if self._columns is not None:
            batch = batch.with_rows(batch.rows.select(self._columns))
        return (batch if kept == len(batch) else batch.filter(mask),)
