"""A bound relation: a plan, and the names by which its columns can be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from streamsql.plan.logical import Field, Plan
from streamsql.plan.tree import fields_by_id
from streamsql.record import record
from streamsql.sql.scope import Scope


@record
class Bound:
    """A relation: the plan that delivers it and the names by which it can be read."""

    plan: Plan
    scope: Scope


def under_names(plan: Plan, scope: Scope) -> Bound:
    """A plan that delivers the columns of a scope, perhaps with other types: it is read under the scope's names."""
    delivered = fields_by_id(plan.fields)

    def now(fields: Sequence[Field]) -> tuple[Field, ...]:
        return tuple(replace(delivered[each.id], name=each.name) for each in fields)

    relations = tuple(replace(each, fields=now(each.fields)) for each in scope.relations)
    return Bound(plan, replace(scope, relations=relations, merged=now(scope.merged)))
