"""Taking rows back from open sessions, which may shrink, split or vanish."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch
from streamsql.state.fixed_width import int64_array, values_of
from streamsql.state.grouping import group_rows, normalize_key
from streamsql.state.kept_rows import KeptRows
from streamsql.state.session_index import SessionIndex
from streamsql.time import Time


def by_sign(batch: Batch) -> Iterator[Batch]:
    """Stretches of added rows (weights None) and of rows taken back (weights -1), in order."""
    if batch.weights is None:
        if len(batch):
            yield batch
        return
    bounds = np.flatnonzero(np.diff(batch.weights, prepend=0, append=0)).tolist()
    for start, stop in pairwise(bounds):
        part = batch.slice(start, stop - start)
        yield Batch(part.rows, None, part.watermarks) if int(batch.weights[start]) > 0 else part


def take_back(
    sessions: SessionIndex, kept: KeptRows, row: Batch, keys: Sequence[int], time: int, watermark: Time
) -> bool:
    """Remove the oldest row that equals `row`, a batch of one, from its open session; False if there is none.

    `keys` and `time` are positions. Kept rows have the row's columns and more behind them.
    """
    at = int(values_of(row.rows.column(time))[0])
    slots = sessions.slots_around([row.rows.column(each) for each in keys], at, watermark)
    if not len(slots):
        return False
    owners, rows = kept.take(slots)
    equal = _equal_rows(rows, row.rows)
    if not len(equal):
        kept.add(slots[owners], rows)
        return False
    left = rows.take(int64_array(np.delete(np.arange(rows.num_rows), equal[0])))
    watermark = max(watermark, -(1 << 62))
    kept.add(sessions.rebuild(slots, values_of(left.column(time)), watermark), left)
    return True


def _equal_rows(rows: pa.RecordBatch, row: pa.RecordBatch) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    pairs = zip(row.columns, rows.columns, strict=False)
    columns = [normalize_key(pa.concat_arrays([one.cast(many.type), many])) for one, many in pairs]
    same, _ = group_rows(columns)
    return np.flatnonzero(same[1:] == same[0])
