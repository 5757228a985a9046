"""Walking and rebuilding plans: what every rule needs of the tree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import count

from streamsql.expr.nodes import ColumnRef, Expr
from streamsql.expr.types import Column, Schema
from streamsql.plan.logical import (
    Field,
    Filter,
    Join,
    Plan,
    Project,
    Scan,
    UnaryPlan,
    Union,
    Unnest,
    WatermarkSpec,
    WindowAggregate,
    WindowAssign,
)
from streamsql.plan.lookup_join import LookupJoin


def with_inputs(plan: Plan, inputs: tuple[Plan, ...]) -> Plan:
    """The same node over other inputs, given in the order of `plan.inputs`."""
    if all(new is old for new, old in zip(inputs, plan.inputs, strict=True)):
        return plan
    match plan:
        case Union():
            return replace(plan, branches=inputs)
        case Join():
            return replace(plan, left=inputs[0], right=inputs[1])
        case UnaryPlan():
            return replace(plan, input=inputs[0])
        case _:
            return plan


def transform_up(plan: Plan, change: Callable[[Plan], Plan]) -> Plan:
    """Apply `change` to every node, inputs first."""
    return change(with_inputs(plan, tuple(transform_up(each, change) for each in plan.inputs)))


def walk_plan(plan: Plan) -> Iterator[Plan]:
    """Inputs before the nodes that read them, left before right: the way the data flows."""
    for each in plan.inputs:
        yield from walk_plan(each)
    yield plan


def expressions(plan: Plan) -> tuple[Expr, ...]:
    """The expressions that the node itself evaluates."""
    match plan:
        case Filter():
            return (plan.predicate,)
        case Project():
            return plan.exprs
        case Unnest():
            return (plan.expr,)
        case Join() | LookupJoin():
            return () if plan.residual is None else (plan.residual,)
        case Scan():
            watermark = () if plan.watermark is None else (plan.watermark.expr,)
            return (*(expr for _, expr in plan.computed), *watermark)
        case _:
            return ()


def map_expressions(plan: Plan, change: Callable[[Expr], Expr]) -> Plan:
    """The node with `change` applied to each of its expressions, inputs left alone."""
    match plan:
        case Filter():
            return replace(plan, predicate=change(plan.predicate))
        case Project():
            return replace(plan, exprs=tuple(change(each) for each in plan.exprs))
        case Unnest():
            return replace(plan, expr=change(plan.expr))
        case Join() | LookupJoin():
            return plan if plan.residual is None else replace(plan, residual=change(plan.residual))
        case Scan():
            mark = plan.watermark
            return replace(
                plan,
                computed=tuple((each, change(expr)) for each, expr in plan.computed),
                watermark=None if mark is None else WatermarkSpec(mark.column, change(mark.expr)),
            )
        case _:
            return plan


def reference(field: Field) -> ColumnRef:
    """The expression that reads a field."""
    return ColumnRef(type=field.type, id=field.id, name=field.name)


def field_ids(fields: Iterable[Field]) -> frozenset[int]:
    return frozenset(each.id for each in fields)


def fields_by_id(fields: Iterable[Field]) -> Mapping[int, Field]:
    return {each.id: each for each in fields}


def positions(fields: Iterable[Field]) -> dict[int, int]:
    """Where each column id stands in a record batch of these fields."""
    return {each.id: index for index, each in enumerate(fields)}


def schema_of(fields: Iterable[Field]) -> Schema:
    return Schema(tuple(Column(each.name, each.type) for each in fields))


def select(plan: Plan, fields: tuple[Field, ...]) -> Plan:
    """The plan with exactly these of its fields, in this order; the plan itself where they are that already."""
    if plan.fields == fields:
        return plan
    return Project(input=plan, fields=fields, exprs=tuple(reference(each) for each in fields), span=plan.span)


def fresh_ids(*plans: Plan) -> Iterator[int]:
    """Column ids that none of the plans uses."""
    used = (each.id for plan in plans for node in walk_plan(plan) for each in _all_fields(node))
    return count(max(used, default=-1) + 1)


def _all_fields(plan: Plan) -> Iterator[Field]:
    yield from plan.fields
    match plan:
        case Scan():
            yield from plan.physical
            yield from (each for each, _ in plan.computed)
        case Unnest():
            yield from plan.elements
            yield from () if plan.ordinality is None else (plan.ordinality,)
        case WindowAssign() | WindowAggregate():
            yield from plan.bounds
        case LookupJoin():
            yield from _all_fields(plan.side)
        case _:
            return
