"""The hint STATE_TTL after SELECT: how long the state of a table's rows lives, in joins and GROUP BY."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any

from streamsql.durations import DURATION_HINT, duration_of
from streamsql.errors import NotSupportedYet, Span, SqlError, did_you_mean
from streamsql.plan.logical import Aggregate, Join, Plan
from streamsql.record import record
from streamsql.sql import dialect as d
from streamsql.sql.parse import span_of
from streamsql.sql.scope import Scope
from streamsql.time import Duration

Tree = Any
_FORM = "write /*+ STATE_TTL('orders' = '1 d', 'o' = '2 h') */"


@record
class StateHints:
    """By table name or alias: how long state lives, 0 for ever, and where the hint stands."""

    ttls: Mapping[str, tuple[Duration, Span | None]] = field(default_factory=dict)

    def of(self, scope: Scope) -> Duration | None:
        """For the rows of a relation, which a join of several is not."""
        if len(scope.relations) != 1:
            return None
        names = (scope.relations[0].alias, scope.relations[0].table)
        found = (self.ttls[each][0] for each in names if each is not None and each in self.ttls)
        return next(found, None)

    def join(self, plan: Plan, left: Scope, right: Scope) -> Plan:
        """A join of two relations, told how long it keeps their rows."""
        return replace(plan, state_ttl=(self.of(left), self.of(right))) if isinstance(plan, Join) else plan

    def aggregate(self, plan: Plan, scope: Scope) -> Plan:
        """A GROUP BY over a relation, told how long it keeps a group."""
        ttl = self.of(scope)
        return replace(plan, state_ttl=ttl) if ttl is not None and isinstance(plan, Aggregate) else plan

    def check(self, scope: Scope) -> None:
        """SqlError for a name that is none of the SELECT's tables."""
        relations = scope.relations
        known = {name for each in relations for name in (each.alias, each.table) if name is not None}
        for name, (_, span) in self.ttls.items():
            if name not in known:
                hint = did_you_mean(name, tuple(sorted(known)), kind="tables and aliases here")
                raise SqlError(f"STATE_TTL names the unknown table {name}", span=span, hint=hint)


def state_hints(tree: Tree) -> StateHints:
    """The hints of a SELECT."""
    hints = tree.args.get("hint")
    ttls: dict[str, tuple[Duration, Span | None]] = {}
    for hint in hints.expressions if hints is not None else ():
        if hint.this != "STATE_TTL":
            raise NotSupportedYet(f"the hint {hint.this} after SELECT", span=span_of(hint) or span_of(tree), hint=_FORM)
        for option in hint.expressions:
            span = span_of(option) or span_of(hint)
            if not isinstance(option, d.Option):
                raise SqlError("STATE_TTL takes a time for each table", span=span, hint=_FORM)
            name, text = option.this.this, option.expression.this
            ttl = duration_of(text)
            if ttl is None:
                raise SqlError(f"STATE_TTL: '{text}' is no duration", span=span, hint=DURATION_HINT)
            if name in ttls:
                raise SqlError(f"STATE_TTL names {name} twice", span=span, hint="write one time for it")
            ttls[name] = (ttl, span)
    return StateHints(ttls)
