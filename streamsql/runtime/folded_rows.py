"""The rows that changes add up to: memory grows with the rows, not with their changes."""

from __future__ import annotations

from streamsql.batch import Batch
from streamsql.runtime.changelog import Key, accumulate

COMPACT_ROWS = 65_536


class FoldedRows:
    """Takes changes step by step; those of rows that came and went are forgotten from time to time.

    `key`: columns of which each value has one row at a time.
    """

    def __init__(self, key: Key | None = None) -> None:
        self._key = key
        self.changes: list[Batch] = []
        """What adds up to the rows: with weights as soon as one change had weights."""
        self._pending = 0
        self._updating = False
        self._limit = COMPACT_ROWS

    def add(self, changed: Batch) -> None:
        """Take the changes of a step."""
        self.changes.append(changed)
        self._updating = self._updating or changed.weights is not None
        self._pending += len(changed)
        if self._updating and self._pending > self._limit:
            self._fold()

    def rows(self) -> list[Batch]:
        """The rows that are there now."""
        if self._updating and self._pending:
            self._fold()
        return self.changes

    def _fold(self) -> None:
        self.changes = accumulate(self.changes, self._key) or []
        self._limit = max(COMPACT_ROWS, 2 * sum(len(each) for each in self.changes))
        self._pending = 0
