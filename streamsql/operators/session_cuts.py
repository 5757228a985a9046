"""Which sessions lie so near to one that had closed before that batch processing would have merged them."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pyarrow as pa

from streamsql.operators.base import SessionCut
from streamsql.state.fixed_width import Int64Array
from streamsql.state.key_index import KeyIndex
from streamsql.state.session_index import ClosedSessions
from streamsql.time import Duration, Time


class SessionCuts:
    """Remembers all closed sessions of a run, to number those that follow one within the gap: 1, 2, …"""

    def __init__(self, key_types: list[pa.DataType], gap: Duration) -> None:
        self._keys = KeyIndex(key_types or [pa.int8()])
        self._gap = gap
        self._closed: dict[int, list[tuple[Time, Time, int]]] = defaultdict(list)

    def generations(self, closed: ClosedSessions, order: Int64Array) -> Int64Array:
        """How many closed sessions lie before each in its chain; `order`: the order in which they close."""
        spans = zip(closed.starts[order].tolist(), closed.ends[order].tolist(), strict=True)
        generations = np.zeros(len(order), np.int64)
        for position, (start, end) in zip(order.tolist(), spans, strict=True):
            known = self._closed[self._key(closed, position)]
            near = [generation for first, last, generation in known if start <= last and first <= end]
            generations[position] = max(near, default=-1) + 1
            known.append((start, end, int(generations[position])))
        return generations

    def _key(self, closed: ClosedSessions, position: int) -> int:
        columns = [each.slice(position, 1) for each in closed.keys] or [pa.array([0], pa.int8())]
        return int(self._keys.lookup_or_insert(columns)[0])


def session_cut(generations: Int64Array, owners: Int64Array, rows: pa.RecordBatch) -> SessionCut | None:
    """The rows of sessions that were cut off; `owners` are positions in `generations`."""
    generation = generations[owners]
    cut = generation > 0
    return SessionCut(rows.filter(pa.array(cut)), generation[cut]) if bool(cut.any()) else None
