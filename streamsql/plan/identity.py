"""Which sub-plans are the same computation, whatever ids their columns have, and what each is called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import fields, replace
from typing import Any

from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.nodes import ColumnRef, Expr, Literal, transform
from streamsql.plan.logical import Attached, Field, JoinKey, Plan, Project, Scan, SortKey, WatermarkSpec
from streamsql.plan.tree import walk_plan


class Identities:
    """Keys and names of the nodes of some plans; sub-plans of the same structure have the same key and name.

    Keys compare only with keys of the same object.
    """

    def __init__(self, plans: Sequence[Plan]) -> None:
        self._plans = plans  # keeps the nodes alive, so that their addresses stay theirs
        self._keys: dict[int, int] = {}
        self._known: dict[Hashable, int] = {}
        self._names: dict[int, str] = {}
        self._counts: Counter[str] = Counter()
        for node in (each for plan in plans for each in walk_plan(plan)):
            self.name(node)

    def key(self, plan: Plan) -> int:
        """Equal for nodes that deliver the same values; the node must live as long as this object.

        The names of columns count only where a projection gives them.
        """
        known = self._keys.get(id(plan))
        if known is None:
            structure = (tuple(self.key(each) for each in plan.inputs), _structure(plan))
            known = self._keys[id(plan)] = self._known.setdefault(structure, len(self._known))
        return known

    def name(self, plan: Plan) -> str:
        """`WindowAggregate`; the second one in the order of the data flow is `WindowAggregate[2]`."""
        key = self.key(plan)
        if key not in self._names:
            kind = type(plan).__name__
            self._counts[kind] += 1
            self._names[key] = kind if self._counts[kind] == 1 else f"{kind}[{self._counts[kind]}]"
        return self._names[key]


_ID_TUPLES = ("keys", "partition")
"""Attributes of plan nodes that hold column ids; elsewhere a bare number is a number."""


def _structure(plan: Plan) -> Hashable:
    """What the node itself says, with the columns of its inputs numbered by where they come from."""
    numbers: dict[int, int] = {}
    anonymous = not isinstance(plan, Project | Scan)

    def number(id_: int) -> int:
        return numbers.setdefault(id_, len(numbers))

    def renamed(field: Field) -> Field:
        return replace(field, id=number(field.id), name="" if anonymous else field.name)

    places = tuple(number(each.id) for below in plan.inputs for each in below.fields)
    said = (
        _numbered(getattr(plan, each.name), number, renamed, ids=each.name in _ID_TUPLES)
        for each in fields(plan)
        if each.compare and each.name not in ("input", "branches", "left", "right")
    )
    return (type(plan), places, *said)


def _numbered(value: Any, number: Callable[[int], int], renamed: Callable[[Field], Field], *, ids: bool = False) -> Any:
    """A part of a node with its column ids replaced. `ids`: bare numbers are column ids."""
    match value:
        case Expr():
            return transform(value, lambda each: _numbered_leaf(each, number))
        case Field():
            return renamed(value)
        case SortKey():
            return replace(value, column=number(value.column))
        case Attached():
            return Attached(number(value.start), number(value.end))
        case JoinKey():
            return replace(value, left=number(value.left), right=number(value.right))
        case WatermarkSpec():
            return WatermarkSpec(number(value.column), _numbered(value.expr, number, renamed))
        case AggregateCall():
            condition = None if value.filter is None else number(value.filter)
            return replace(value, args=tuple(number(each) for each in value.args), filter=condition)
        case tuple():
            return tuple(_numbered(each, number, renamed, ids=ids) for each in value)
        case int() if ids:
            return number(value)
        case _:
            return value


def _numbered_leaf(expr: Expr, number: Callable[[int], int]) -> Expr:
    match expr:
        case ColumnRef():
            return replace(expr, id=number(expr.id))
        case Literal(value=float() as value):
            # 0.0 equals -0.0, and NaN nothing: their texts tell them apart.
            return replace(expr, value=repr(value))
        case _:
            return expr
