"""How the rows of a batch fall into groups before they are aggregated: in the order of first rows, or in any order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
import pyarrow as pa

from streamsql.record import record
from streamsql.state.fixed_width import Int64Array, take_rows
from streamsql.state.grouping import group_rows
from streamsql.state.slot_groups import KeyGrid, key_slots

_SLOTS_PER_ROW = 3
"""With more slots than so many a row, walking over the empty ones costs more than numbering the groups."""
_FEWEST_SLOTS = 256


class RowGroups(ABC):
    """The group of each row.

    `ids`: for each row a number below `size`; `counted`: the rows of each number, where someone has counted them.
    `used`: the numbers that have rows, ascending; None: all have. `keys`: the key columns of the numbers in use.
    """

    ids: Int64Array
    counted: Int64Array | None

    @property
    @abstractmethod
    def size(self) -> int: ...

    @property
    @abstractmethod
    def used(self) -> Int64Array | None: ...

    @property
    @abstractmethod
    def keys(self) -> tuple[pa.Array, ...]: ...

    @abstractmethod
    def with_counts(self, counts: Int64Array) -> RowGroups:
        """The same groups, their rows counted."""

    @cached_property
    def counts(self) -> Int64Array:
        """The rows of each number, weights aside."""
        return np.bincount(self.ids, minlength=self.size) if self.counted is None else self.counted

    def dense_ids(self) -> Int64Array:
        """The ids as positions among the numbers in use."""
        if self.used is None:
            return self.ids
        position = np.empty(self.size, np.int64)
        position[self.used] = np.arange(len(self.used))
        return position[self.ids]


@record(eq=False)
class NumberedGroups(RowGroups):
    """Groups under numbers of which each has rows."""

    ids: Int64Array
    size: int
    keys: tuple[pa.Array, ...]
    counted: Int64Array | None = None
    used: None = None

    def with_counts(self, counts: Int64Array) -> NumberedGroups:
        return replace(self, counted=counts)


@record(eq=False)
class SlottedGroups(RowGroups):
    """Groups under the slots of a grid of keys."""

    ids: Int64Array
    grid: KeyGrid
    counted: Int64Array | None = None

    @property
    def size(self) -> int:
        return self.grid.width

    @cached_property
    def used(self) -> Int64Array | None:
        used = self.counts.nonzero()[0]
        return None if len(used) == self.size else used

    @property
    def keys(self) -> tuple[pa.Array, ...]:
        return self.grid.keys(np.arange(self.size) if self.used is None else self.used)

    def with_counts(self, counts: Int64Array) -> SlottedGroups:
        return replace(self, counted=counts)


Grouping = Callable[[Sequence[pa.Array], int], RowGroups]
"""From normalised key columns and a row count to groups; without keys all rows are one group."""


def by_first_row(keys: Sequence[pa.Array], count: int) -> RowGroups:
    """Groups in the order of their first rows."""
    if not keys:
        ids, first = np.zeros(count, np.int64), np.zeros(min(count, 1), np.int64)
    else:
        ids, first = group_rows(keys)
    return NumberedGroups(ids, len(first), tuple(take_rows(each, first) for each in keys))


def in_any_order(keys: Sequence[pa.Array], count: int) -> RowGroups:
    """Groups in the order of their keys where these are integers that lie close together, else by first rows."""
    slots = key_slots(keys, max(_SLOTS_PER_ROW * count, _FEWEST_SLOTS)) if keys and count else None
    if slots is None:
        return by_first_row(keys, count)
    return SlottedGroups(*slots)
