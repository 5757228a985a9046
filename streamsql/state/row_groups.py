"""How the rows of a batch fall into groups before they are aggregated: in the order of first rows, or in any order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from streamsql.record import record
from streamsql.state.fixed_width import Int64Array, take_rows
from streamsql.state.grouping import group_rows
from streamsql.state.slot_groups import key_slots

_SLOTS_PER_ROW = 3
"""With more slots than so many a row, walking over the empty ones costs more than numbering the groups."""
_FEWEST_SLOTS = 256


@record(eq=False)
class RowGroups:
    """The group of each row.

    `ids`: for each row a number below `size`; `counts`: the rows of each number, weights aside. `used`: the numbers
    that have rows, ascending; None: all have. `keys`: the key columns of the numbers in use.
    """

    ids: Int64Array
    size: int
    counts: Int64Array
    used: Int64Array | None
    keys: tuple[pa.Array, ...]

    def dense_ids(self) -> Int64Array:
        """The ids as positions among the numbers in use."""
        if self.used is None:
            return self.ids
        position = np.empty(self.size, np.int64)
        position[self.used] = np.arange(len(self.used))
        return position[self.ids]


Grouping = Callable[[Sequence[pa.Array], int], RowGroups]
"""From normalised key columns and a row count to groups; without keys all rows are one group."""


def by_first_row(keys: Sequence[pa.Array], count: int) -> RowGroups:
    """Groups in the order of their first rows."""
    if not keys:
        ids, first = np.zeros(count, np.int64), np.zeros(min(count, 1), np.int64)
    else:
        ids, first = group_rows(keys)
    size = len(first)
    counts = np.bincount(ids, minlength=size)
    return RowGroups(ids, size, counts, None, tuple(take_rows(each, first) for each in keys))


def in_any_order(keys: Sequence[pa.Array], count: int) -> RowGroups:
    """Groups in the order of their keys where these are integers that lie close together, else by first rows."""
    slots = key_slots(keys, max(_SLOTS_PER_ROW * count, _FEWEST_SLOTS)) if keys and count else None
    if slots is None:
        return by_first_row(keys, count)
    counts = np.bincount(slots.of_rows, minlength=slots.width)
    used = counts.nonzero()[0]
    if len(used) == slots.width:
        return RowGroups(slots.of_rows, slots.width, counts, None, slots.keys(used))
    return RowGroups(slots.of_rows, slots.width, counts, used, slots.keys(used))
