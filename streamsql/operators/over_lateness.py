"""Which rows come too late for an OVER with a bounded frame: those not after the last row of their key computed."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from streamsql.batch import Times
from streamsql.record import record
from streamsql.state.fixed_width import BoolArray, Int64Array
from streamsql.state.frames import over_frames, places
from streamsql.state.linear import NumberExtreme
from streamsql.state.ordering import lexical_order

_EARLIEST = NumberExtreme(pa.int64(), largest=False)


@record(eq=False)
class Arrived:
    """Rows with their owner, event time, and the watermark when they arrived."""

    owners: Int64Array
    times: Times
    watermarks: Times

    def take(self, at: Int64Array | BoolArray) -> Arrived:
        return Arrived(self.owners[at], self.times[at], self.watermarks[at])

    def followed_by(self, other: Arrived) -> Arrived:
        return Arrived(
            np.concatenate([self.owners, other.owners]),
            np.concatenate([self.times, other.times]),
            np.concatenate([self.watermarks, other.watermarks]),
        )


def behind_their_key(waiting: Arrived, arriving: Arrived, computed: Times) -> BoolArray:
    """Which of the arriving rows are late; `computed`: of each, the time of the last row computed before this step.

    A waiting row, or one that arrived before in this step, has been computed once the watermark rose to its time after
    it had come. Whether that one was late itself need not be asked: another row then has the same effect.
    """
    late = computed >= arriving.times
    suspects = (~late & (arriving.times <= arriving.watermarks)).nonzero()[0]
    if not len(suspects):
        return np.asarray(late)
    asked = arriving.take(suspects)
    rows = waiting.followed_by(arriving)
    rows = rows.take(np.isin(rows.owners, asked.owners))
    order = lexical_order([rows.owners, rows.times])
    rows = rows.take(order)
    by_owner = lexical_order([asked.owners, asked.times])
    asked = asked.take(by_owner)
    low = places(rows.owners, rows.times, asked.owners, asked.times, "left")
    by_mark = lexical_order([asked.owners, asked.watermarks])
    high = np.empty(len(by_mark), np.int64)
    marked = asked.take(by_mark)
    high[by_mark] = places(rows.owners, rows.times, marked.owners, marked.watermarks, "right")
    earliest = over_frames(_EARLIEST, {"": rows.watermarks}, low, np.maximum(high, low))[""]
    late[suspects[by_owner]] = earliest < asked.watermarks
    return np.asarray(late)
