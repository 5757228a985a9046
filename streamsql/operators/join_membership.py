"""Which left rows of a semi or anti join show, by what the right input has."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from streamsql.state.fixed_width import BoolArray, Int64Array
from streamsql.state.key_counts import KeyCounts


class Membership(ABC):
    """Which left rows show, by the code of their key (-1: a NULL is in it) and what the right input has."""

    shows_unkeyed = True
    """Left rows without key may show, and are kept."""

    @abstractmethod
    def holds(self, codes: Int64Array, right: KeyCounts) -> BoolArray:
        """For which codes rows show."""

    def turns(self, right: KeyCounts, rows: int, nulls: int) -> bool:
        """Whether so many more rows, and NULLs among them, may change it for codes that are not among them."""
        return False


class Exists(Membership):
    """EXISTS and IN: the key is there. A NULL equals nothing."""

    shows_unkeyed = False

    def holds(self, codes: Int64Array, right: KeyCounts) -> BoolArray:
        return np.asarray(right.of(codes) > 0)


class NotExists(Membership):
    """NOT EXISTS: the key is not there."""

    def holds(self, codes: Int64Array, right: KeyCounts) -> BoolArray:
        return np.asarray(right.of(codes) == 0)


class NotIn(Membership):
    """NOT IN: the key certainly is not there. A NULL on either side leaves that open, but for an empty right side."""

    def holds(self, codes: Int64Array, right: KeyCounts) -> BoolArray:
        if right.nulls:
            return np.zeros(len(codes), np.bool_)
        return np.asarray(np.where(codes < 0, right.total == 0, right.of(codes) == 0))

    def turns(self, right: KeyCounts, rows: int, nulls: int) -> bool:
        emptied = (right.total == 0) != (right.total + rows == 0)
        return emptied or (right.nulls == 0) != (right.nulls + nulls == 0)
