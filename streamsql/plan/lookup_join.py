"""LookupJoin: the plan node of a join with a table outside, of which only the rows of the keys that come are asked."""

from __future__ import annotations

from streamsql.expr.nodes import Expr
from streamsql.plan.logical import JoinKey, JoinKind, Scan, UnaryPlan
from streamsql.record import record


@record(kw_only=True)
class LookupJoin(UnaryPlan):
    """Each row of the input with the rows of `side` that have its key when it arrives; INNER or LEFT.

    `side` is no input: its rows are looked up, by the physical columns that `on` names on the right; an integer key on
    the left may be of a wider type. `fields` as those of a Join; the times of the input stay what they are.
    """

    side: Scan
    kind: JoinKind
    on: tuple[JoinKey, ...]
    residual: Expr | None = None
