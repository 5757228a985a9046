"""The process that a session belongs to."""

from __future__ import annotations

import os
from dataclasses import field

from streamsql.errors import UsageError
from streamsql.record import record


@record(frozen=False)
class Owner:
    """Refuses the use of a session where it cannot work: in a forked child, and after it was closed."""

    process: int = field(default_factory=os.getpid)
    closed: bool = False

    def check(self) -> None:
        """UsageError unless the session is open and of this process."""
        if os.getpid() != self.process:
            hint = "connect in the child, or start it with multiprocessing's 'spawn'"
            raise UsageError("this session belongs to the process that was forked", hint=hint)
        if self.closed:
            raise UsageError("the session is closed", hint="streamsql.connect() makes a new one")
