"""What the evaluation of an expression depends on besides its row: time zone, clock, seed."""

from __future__ import annotations

from dataclasses import field, replace
from typing import Any

from streamsql.record import record
from streamsql.time import Clock, Duration, SystemClock, Time


@record
class EvalContext:
    """Settings that are fixed for a run.

    `start` is what NOW() and CURRENT_* give in a bounded run (µs); None: the clock is asked for each batch.
    `time_zone` is the session's, an IANA name, never the machine's. `shared`: what kernels that run
    in one thread share of what they found in the rows at hand, by what it is about. `state_ttl`: how long state
    lives by the clock. `compiled`: whether compiled kernels are used, as `streamsql.compiled.use` takes it.
    """

    time_zone: str = "UTC"
    clock: Clock = field(default_factory=SystemClock)
    start: Time | None = None
    seed: int = 0
    shared: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)
    state_ttl: Duration | None = None
    compiled: str = "auto"

    def now(self) -> Time:
        """The time that NOW() gives."""
        return self.clock.now() if self.start is None else self.start

    def own(self) -> EvalContext:
        """The same settings for kernels that run in a thread of their own."""
        return replace(self, shared={})
