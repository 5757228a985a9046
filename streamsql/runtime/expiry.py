"""What the time to live of state took away: entries forgotten, and changes that came for them afterwards."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from streamsql.operators.base import Expired


class ExpiryLog:
    """Counts by operator, by its name in EXPLAIN; snapshots keep them."""

    def __init__(self) -> None:
        self.counts: dict[str, Expired] = {}

    def listener(self, operator: str) -> Callable[[Expired], None]:
        """The function that an operator's task calls."""
        return lambda what: self._add(operator, what)

    def save(self) -> dict[str, pa.Table]:
        """For a snapshot: the counts of each operator."""
        return {
            name: pa.table({"forgotten": [each.forgotten], "ignored": [each.ignored]})
            for name, each in self.counts.items()
        }

    def load(self, tables: dict[str, pa.Table]) -> None:
        """Take over what `save` gave."""
        for name, table in tables.items():
            self._add(name, Expired(table["forgotten"][0].as_py(), table["ignored"][0].as_py()))

    def _add(self, operator: str, what: Expired) -> None:
        known = self.counts.get(operator, Expired())
        self.counts[operator] = Expired(known.forgotten + what.forgotten, known.ignored + what.ignored)
