"""How many rows of a generated table without end are due."""

from __future__ import annotations

import math
import threading
import time

_SHORT_WAIT = 0.05


class Pace:
    """So many rows a second since the first; waits a moment where none is due."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._started = time.monotonic()
        self._delivered = 0
        self._never = threading.Event()

    def due(self) -> int:
        """Rows that may be delivered now, after at most a short wait."""
        due = self._due()
        if due == 0:
            self._never.wait(min(_SHORT_WAIT, 1 / self._rate))
            due = self._due()
        return due

    def deliver(self, rows: int) -> None:
        """Count rows as delivered."""
        self._delivered += rows

    def _due(self) -> int:
        elapsed = time.monotonic() - self._started
        return math.floor(elapsed * self._rate) + 1 - self._delivered
