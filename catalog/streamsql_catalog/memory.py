"""A catalog that lives as long as its session."""

from __future__ import annotations

from typing import Any


class MemoryCatalog:
    """Names in the order in which they were put."""

    def __init__(self) -> None:
        self._entries: dict[str, Any] = {}

    def get(self, name: str) -> Any | None:
        """What was put under the name, or None."""
        return self._entries.get(name)

    def put(self, name: str, value: Any) -> None:
        """Keep a value, in place of one put under the same name before."""
        self._entries[name] = value

    def drop(self, name: str) -> None:
        """Forget a name; nothing happens where it is not known."""
        self._entries.pop(name, None)

    def names(self) -> tuple[str, ...]:
        """All names, the oldest first."""
        return tuple(self._entries)
