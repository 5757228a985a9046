"""Rows of a part of a join, with NULL for the columns that the part does not have."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from streamsql.expr.nodes import Literal
from streamsql.expr.types import SqlType
from streamsql.plan.logical import Field, Plan, Project
from streamsql.plan.tree import fields_by_id, reference


def padded(plan: Plan, fields: Sequence[Field], field: Callable[[str, SqlType], Field]) -> Plan:
    """The columns `fields`, by id, of a plan, NULL for those that it has not; all under new ids."""
    known = fields_by_id(plan.fields)
    exprs = tuple(reference(known[each.id]) if each.id in known else Literal(None, type=each.type) for each in fields)
    return Project(input=plan, exprs=exprs, fields=tuple(field(each.name, each.type) for each in fields))
