"""What is left of the changes of an in-memory table, and the changes that need not be remembered for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from streamsql.memory_rows import Stored
from streamsql.state.grouping import group_rows, normalize_key
from streamsql.state.net_rows import left_over

COMPACT_FROM = 65_536
"""Below so many rows, forgetting those that were taken back is not worth the while."""


def present(stored: Sequence[Stored]) -> tuple[Stored, ...]:
    """What is left of changes."""
    signs = [np.ones(each.rows.num_rows, np.int8) if each.weights is None else each.weights for each in stored]
    if not any((each < 0).any() for each in signs):
        return tuple(stored)
    rows = pa.concat_batches([each.rows for each in stored])
    groups, _ = group_rows([normalize_key(each) for each in rows.columns])
    return (Stored(rows.take(pa.array(left_over(groups, np.concatenate(signs)))), conforming=True),)


def net_rows(stored: Sequence[Stored]) -> int:
    """How many rows are left of changes, less those that took back what is not there."""
    return sum(each.rows.num_rows if each.weights is None else int(each.weights.sum(dtype=np.int64)) for each in stored)


class Compaction:
    """When the changes of a table are to be compacted: as soon as half of them were in vain, so that each change costs
    its share of it once."""

    def __init__(self) -> None:
        self.end = 0
        """The changes up to this number are not remembered one by one."""
        self._limit = COMPACT_FROM

    def due(self, rows: int) -> bool:
        """Whether so many changes are too many."""
        return rows > self._limit

    def done(self, rows: int, end: int | None) -> None:
        """So many are left; those up to `end` were put together, if any were."""
        self.end = self.end if end is None else end
        self._limit = max(COMPACT_FROM, 2 * rows)
