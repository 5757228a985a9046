"""Which sessions lie so near to one that had closed before that batch processing would have merged them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import field

import numpy as np
import pyarrow as pa

from streamsql.operators.base import SessionCut
from streamsql.record import record
from streamsql.state.fixed_width import Int64Array, int64_array
from streamsql.state.grouping import group_rows, normalize_key
from streamsql.state.key_index import KeyIndex
from streamsql.state.ordering import lexical_order
from streamsql.state.session_index import ClosedSessions
from streamsql.time import Time


class SessionCuts:
    """Remembers where all closed sessions of a run lay, to number those that come near one: 1, 2, …"""

    def __init__(self, key_types: list[pa.DataType]) -> None:
        self._keys = KeyIndex(key_types) if key_types else None
        self._chains: dict[int, _Chains] = defaultdict(_Chains)

    def cut(self, closed: ClosedSessions, owners: Int64Array, rows: pa.RecordBatch) -> SessionCut | None:
        """The rows of sessions that were cut off; `owners`: the position in `closed` of each row's session."""
        generation = self._generations(closed)[owners]
        cut = generation > 0
        return SessionCut(rows.filter(pa.array(cut)), generation[cut]) if bool(cut.any()) else None

    def _generations(self, closed: ClosedSessions) -> Int64Array:
        """How many sessions of its chain had closed before each."""
        order = lexical_order([closed.closed_at, closed.ends])
        spans = (each[order].tolist() for each in (self._key_ids(closed), closed.starts, closed.ends))
        generations = np.empty(len(order), np.int64)
        generations[order] = [self._chains[key].add(start, end) for key, start, end in zip(*spans, strict=True)]
        return generations

    def _key_ids(self, closed: ClosedSessions) -> Int64Array:
        if self._keys is None:
            return np.zeros(len(closed.starts), np.int64)
        ids, first = group_rows([normalize_key(each) for each in closed.keys])
        at = int64_array(first)
        return self._keys.lookup_or_insert([each.take(at) for each in closed.keys])[ids]


@record(frozen=False)
class _Chains:
    """The closed sessions of a key: those that touch each other, even through others, make up a chain.

    Chains lie apart, in order of time; of each its bounds, and the number of its sessions (or of the longest chain that
    went into it).
    """

    starts: list[Time] = field(default_factory=list)
    ends: list[Time] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)

    def add(self, start: Time, end: Time) -> int:
        """Put in a session; how many lie before it in its chain."""
        touched = slice(bisect_left(self.ends, start), bisect_right(self.starts, end))
        before = max(self.lengths[touched], default=0)
        self.starts[touched] = [min([*self.starts[touched][:1], start])]
        self.ends[touched] = [max([*self.ends[touched][-1:], end])]
        self.lengths[touched] = [before + 1]
        return before
