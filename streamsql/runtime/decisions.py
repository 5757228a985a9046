"""What time decided during a run, in order: rows dropped as late and sessions cut, for a comparison to replay."""

from __future__ import annotations

from dataclasses import dataclass, field

from streamsql.operators.base import LateRows, SessionCut
from streamsql.plan.logical import Plan


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """One call of an operator's late or cut listener; `plan` is the very node of the plan that was lowered."""

    operator: str
    plan: Plan
    what: LateRows | SessionCut


@dataclass(slots=True)
class DecisionLog:
    """The decisions of a job whose settings ask for them."""

    entries: list[Decision] = field(default_factory=list)

    def late(self, plan: Plan) -> list[LateRows]:
        """The rows that the operator of a plan node dropped, in order."""
        return [each.what for each in self.entries if each.plan is plan and isinstance(each.what, LateRows)]

    def cuts(self, plan: Plan) -> list[SessionCut]:
        """The session cuts of the operator of a plan node, in order."""
        return [each.what for each in self.entries if each.plan is plan and isinstance(each.what, SessionCut)]
