"""The fingerprint of a graph: text by which a snapshot knows the query that it belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import zip_longest

from streamsql.expr.nodes import Expr
from streamsql.expr.text import expr_text
from streamsql.plan.logical import Field, Plan, Table
from streamsql.plan.physical import PhysicalNode


def fingerprint(nodes: Sequence[PhysicalNode]) -> str:
    """One line a node: its name, its inputs, and everything else that its plan says but where tables lie."""
    return "\n".join(_line(each) for each in nodes)


def first_difference(saved: str, current: str) -> str | None:
    """The first line in which two fingerprints differ, both ways; None if they are equal."""
    for old, new in zip_longest(saved.split("\n"), current.split("\n")):
        if old != new:
            return f"  in the snapshot: {old or '(nothing)'}\n  in this query:   {new or '(nothing)'}"
    return None


def _line(node: PhysicalNode) -> str:
    inputs = ", ".join(each.name for each in node.inputs)
    return f"{node.name}({inputs}): {'; '.join(_facts(node.plan))}"


_INPUTS = ("input", "left", "right", "branches")


def _facts(plan: Plan) -> Iterator[str]:
    for each in fields(plan):
        value = getattr(plan, each.name)
        if each.compare and each.name not in _INPUTS:
            yield f"{each.name} {_text(value)}"


def _text(value: object) -> str:
    match value:
        case Expr():
            return expr_text(value)
        case Field():
            return f"{value.name} {value.type}"
        case Table():
            return value.name
        case Plan():
            return f"({'; '.join(_facts(value))})"
        case tuple():
            return f"({', '.join(_text(each) for each in value)})"
        case _:
            return repr(value)
