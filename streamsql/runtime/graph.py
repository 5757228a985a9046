"""The graph of a job: its nodes in an order in which each comes after its inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from streamsql.expr.nodes import ColumnRef
from streamsql.plan.logical import Filter, Project
from streamsql.plan.physical import PhysicalNode
from streamsql.plan.time_joins import ProcessingTimeJoin


def topological(roots: Sequence[PhysicalNode]) -> list[PhysicalNode]:
    """Every node once, inputs first; sources in the order in which the roots read them."""
    found: dict[int, PhysicalNode] = {}
    for root in roots:
        for node in _inputs_first(root, found):
            found[id(node)] = node
    return list(found.values())


def _inputs_first(node: PhysicalNode, found: dict[int, PhysicalNode]) -> Iterator[PhysicalNode]:
    if id(node) not in found:
        for each in _in_reading_order(node):
            yield from _inputs_first(each, found)
        yield node


def _in_reading_order(node: PhysicalNode) -> Sequence[PhysicalNode]:
    """The right side of a processing-time join first: what a left row meets must be there before it."""
    return node.inputs[::-1] if isinstance(node.plan, ProcessingTimeJoin) else node.inputs


def emits_net_changes(node: PhysicalNode) -> bool:
    """Whether no row is both added and taken back in one batch of the node's output.

    So it is for operators that say so, and still is after filtering, or projecting all columns, of such a node.
    """
    if node.operator is None or node.operator.net_output:
        return node.operator is not None
    plan = node.plan
    if isinstance(plan, Project):
        kept = {each.id for each in plan.exprs if isinstance(each, ColumnRef)}
        return kept >= {each.id for each in plan.input.fields} and emits_net_changes(node.inputs[0])
    return isinstance(plan, Filter) and emits_net_changes(node.inputs[0])
