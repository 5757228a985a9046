"""Results of aggregates, which the binder had to invent names for, are called as the query calls them."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from streamsql.expr.nodes import ColumnRef, Expr, transform
from streamsql.plan.logical import Field, Plan, Project
from streamsql.plan.tree import walk_plan

INVENTED = "$agg"
"""What invented names of aggregates begin with: `$agg0`."""


def name_results(plan: Plan) -> Plan:
    """Give `$agg0` the name `n` all the way down where the query says `COUNT(*) AS n`: for EXPLAIN and late rows.

    The projection that renamed the column may then have nothing left to do.
    """
    names: dict[int, str] = {}
    for node in walk_plan(plan):
        if isinstance(node, Project):
            names.update(_given(node))
    return _named(plan, names) if names else plan


def _given(plan: Project) -> dict[int, str]:
    """Names that the projection gives to invented ones."""
    invented = {each.id for each in plan.input.fields if each.name.startswith(INVENTED)}
    pairs = zip(plan.exprs, plan.fields, strict=True)
    return {
        each.id: each.name
        for expr, each in pairs
        if isinstance(expr, ColumnRef) and expr.id == each.id and each.id in invented
    }


def _named(value: Any, names: dict[int, str]) -> Any:
    """A plan, or a part of one, with names given to columns by id."""
    match value:
        case Plan():
            changed = {each.name: _named(getattr(value, each.name), names) for each in fields(value)}
            return type(value)(**changed)
        case Field():
            return replace(value, name=names[value.id]) if _lacks_name(value.name, value.id, names) else value
        case Expr():
            return transform(value, lambda each: _named_reference(each, names))
        case tuple():
            return tuple(_named(each, names) for each in value)
        case _:
            return value


def _named_reference(expr: Expr, names: dict[int, str]) -> Expr:
    if isinstance(expr, ColumnRef) and _lacks_name(expr.name, expr.id, names):
        return replace(expr, name=names[expr.id])
    return expr


def _lacks_name(name: str, id_: int, names: dict[int, str]) -> bool:
    return name.startswith(INVENTED) and id_ in names
