"""Which sub-plans are the same computation, whatever ids their columns have, and what each is called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.nodes import ColumnRef, Expr, transform
from streamsql.plan.logical import Attached, Field, Plan, SortKey, WatermarkSpec
from streamsql.plan.tree import walk_plan


class Identities:
    """Keys and names of the nodes of some plans; sub-plans of the same structure have the same key and name."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        self._plans = plans  # keeps the nodes alive, so that their addresses stay theirs
        self._keys: dict[int, str] = {}
        self._names: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        for node in (each for plan in plans for each in walk_plan(plan)):
            self.name(node)

    def key(self, plan: Plan) -> str:
        """Equal for nodes that deliver the same columns and rows; the node must live as long as this object.

        A text, not the plan itself: constants that are equal may still differ (0.0 and -0.0), NaN equals nothing.
        """
        known = self._keys.get(id(plan))
        if known is None:
            known = self._keys[id(plan)] = repr(_renumbered(plan, {}))
        return known

    def name(self, plan: Plan) -> str:
        """`WindowAggregate`; the second one in the order of the data flow is `WindowAggregate[2]`."""
        key = self.key(plan)
        if key not in self._names:
            kind = type(plan).__name__
            self._counts[kind] += 1
            self._names[key] = kind if self._counts[kind] == 1 else f"{kind}[{self._counts[kind]}]"
        return self._names[key]


def _renumbered(value: Any, ids: dict[int, int]) -> Any:
    """A plan, or a part of one, with column ids in order of appearance."""

    def number(id_: int) -> int:
        return ids.setdefault(id_, len(ids))

    match value:
        case Plan():
            return _renumbered_node(value, ids)
        case Expr():
            return transform(
                value, lambda each: replace(each, id=number(each.id), name="") if isinstance(each, ColumnRef) else each
            )
        case Field():
            return replace(value, id=number(value.id))
        case SortKey():
            return replace(value, column=number(value.column))
        case Attached():
            return Attached(number(value.start), number(value.end))
        case WatermarkSpec():
            return WatermarkSpec(number(value.column), _renumbered(value.expr, ids))
        case AggregateCall():
            condition = None if value.filter is None else number(value.filter)
            return replace(value, args=tuple(number(each) for each in value.args), filter=condition)
        case tuple():
            return tuple(_renumbered(each, ids) for each in value)
        case _:
            return value


_ID_TUPLES = ("keys", "partition")
"""Attributes of plan nodes that are column ids; elsewhere a bare number is a number."""


def _renumbered_node(plan: Plan, ids: dict[int, int]) -> Plan:
    inputs = tuple(_renumbered(each, ids) for each in plan.inputs)
    changed: dict[str, Any] = {}
    for each in fields(plan):
        value = getattr(plan, each.name)
        if each.name in ("input", "branches"):
            value = inputs if each.name == "branches" else inputs[0]
        elif each.name in _ID_TUPLES:
            value = tuple(
                ids.setdefault(item, len(ids)) if isinstance(item, int) else _renumbered(item, ids) for item in value
            )
        elif each.name not in ("span", "table"):
            value = _renumbered(value, ids)
        changed[each.name] = value
    return type(plan)(**changed)
