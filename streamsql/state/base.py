"""What every piece of operator state can do: say its size, be saved and be restored."""

from __future__ import annotations

from abc import ABC, abstractmethod

import pyarrow as pa


class State(ABC):
    """State that lives across steps. Operators declare it by assigning it to an attribute."""

    @abstractmethod
    def save(self) -> dict[str, pa.Table]:
        """The whole state as named tables that do not share memory with what later steps write."""

    @abstractmethod
    def load(self, tables: dict[str, pa.Table]) -> None:
        """Become the state that `save` described; called on a fresh object only."""

    @property
    @abstractmethod
    def rows(self) -> int:
        """How many rows, groups or pairs are kept."""
