"""Taking rows back from open sessions, which may shrink, split or vanish."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch, Times
from streamsql.operators.lateness import Mask
from streamsql.state.fixed_width import BoolArray, Int64Array, int64_array, values_of
from streamsql.state.grouping import group_rows, normalize_key
from streamsql.state.kept_rows import KeptRows
from streamsql.state.net_rows import left_over
from streamsql.state.ordering import lexical_order
from streamsql.state.session_index import SessionIndex
from streamsql.time import Time

_EARLIEST = -(1 << 62)
"""A watermark so far back that nothing is late, and that a gap can be taken from."""


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
    sessions: SessionIndex, kept: KeptRows, batch: Batch, keys: Sequence[int], time: int, watermarks: Times
) -> Mask:
    """Remove for each row the oldest one that equals it from its open session; True where there was none.

    As if row by row. `keys` and `time` are positions. Kept rows have the batch's columns, then the arrival number.
    """
    late = np.zeros(len(batch), np.bool_)
    watermarks = np.maximum(watermarks, _EARLIEST)
    bounds = [0, *(np.flatnonzero(np.diff(watermarks)) + 1).tolist(), len(batch)]
    for start, stop in pairwise(bounds):
        rows, watermark = batch.rows.slice(start, stop - start), int(watermarks[start])
        within = sessions.alive(values_of(rows.column(time)), watermark)
        for some in _in_turn(rows, keys, within):
            late[start + some] = _take_back(sessions, kept, rows.take(int64_array(some)), keys, time, watermark)
    return late


def _in_turn(rows: pa.RecordBatch, keys: Sequence[int], within: BoolArray) -> Iterator[Int64Array]:
    """Rows that can be taken back together: of keys whose rows no watermark has passed, since what is left of a session
    without them may be closed for the next row of its key."""
    every = np.arange(rows.num_rows)
    if bool(within.all()):
        yield every
        return
    group = (
        group_rows([normalize_key(rows.column(each)) for each in keys])[0] if keys else np.zeros(len(every), np.int64)
    )
    alone = np.isin(group, group[~within])
    if not bool(alone.all()):
        yield every[~alone]
    yield from every[alone][:, np.newaxis]


def _take_back(
    sessions: SessionIndex, kept: KeptRows, rows: pa.RecordBatch, keys: Sequence[int], time: int, watermark: Time
) -> BoolArray:
    times = values_of(rows.column(time))
    slot = sessions.around([rows.column(each) for each in keys], times, watermark)
    found = np.flatnonzero(slot >= 0)
    late = slot < 0
    if not len(found):
        return late
    own = np.unique(slot[found])
    slots, owner = sessions.all_slots(own)
    place, held = kept.take(slots)
    arrival = lexical_order([values_of(held.column(held.num_columns - 1))])
    held, session = held.take(int64_array(arrival)), owner[place[arrival]]
    wanted = np.searchsorted(own, slot[found])
    stay, missing = _matched(held, session, rows.take(int64_array(found)), wanted)
    late[found[missing]] = True
    left, session = held.take(int64_array(stay)), session[stay]
    kept.add(sessions.rebuild(own, slots, session, values_of(left.column(time)), watermark), left)
    return late


def _matched(
    held: pa.RecordBatch, session: Int64Array, rows: pa.RecordBatch, wanted: Int64Array
) -> tuple[Int64Array, Int64Array]:
    """The positions of the held rows that stay, and of the rows that none of those of their session equals."""
    pairs = zip(held.columns, rows.columns, strict=False)
    columns = [normalize_key(pa.concat_arrays([many, one.cast(many.type)])) for many, one in pairs]
    same, _ = group_rows([int64_array(np.concatenate([session, wanted])), *columns])
    count = held.num_rows
    left = left_over(same, np.repeat([1, -1], [count, rows.num_rows]))
    return left[left < count], left[left >= count] - count
