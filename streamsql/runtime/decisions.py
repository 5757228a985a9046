"""What time decided during a run, in order: rows dropped as late, sessions cut, state expired, for a comparison."""

from __future__ import annotations

from dataclasses import field

from streamsql.operators.base import Expired, LateRows, RowsBehind, SessionCut
from streamsql.plan.logical import Plan
from streamsql.record import record


@record(eq=False)
class Decision:
    """One call of an operator's listener; `plan` is the very node of the plan that was lowered."""

    operator: str
    plan: Plan
    what: Expired | LateRows | RowsBehind | SessionCut


@record(frozen=False)
class DecisionLog:
    """The decisions of a job whose settings ask for them."""

    entries: list[Decision] = field(default_factory=list)
