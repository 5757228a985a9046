"""What the plans of one job have in common is computed once: equal sub-plans, and tables that several parts read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from streamsql.expr.nodes import Expr, substitute
from streamsql.plan.identity import Identities
from streamsql.plan.logical import Field, Plan, Project, Scan, SinkPlan, Table, WatermarkSpec
from streamsql.plan.predicates import is_bare
from streamsql.plan.tree import reference, transform_up, walk_plan, with_inputs


def share(plans: Sequence[Plan]) -> tuple[Plan, ...]:
    """The plans with equal sub-plans made identical, down to column ids, and one scan for each table and use of it.

    Doing it again changes nothing.
    """
    return _share_scans(_share_subplans(plans))


def _share_subplans(plans: Sequence[Plan]) -> tuple[Plan, ...]:
    identities = Identities(plans)
    first: dict[int, Plan] = {}

    def shared(plan: Plan) -> Plan:
        key = identities.key(plan)
        if key in first:
            return _under_ids_of(first[key], plan)
        result = with_inputs(plan, tuple(shared(each) for each in plan.inputs))
        return first.setdefault(key, result) if _costs_something(plan) else result

    return tuple(shared(each) for each in plans)


def _costs_something(plan: Plan) -> bool:
    """Selecting columns costs nothing; and two equal INSERTs are two."""
    return not isinstance(plan, SinkPlan) and not (isinstance(plan, Project) and all(map(is_bare, plan.exprs)))


def _under_ids_of(plan: Plan, like: Plan) -> Plan:
    """The columns of a plan under the ids and names of another of the same structure."""
    if plan.fields == like.fields:
        return plan
    return Project(input=plan, fields=like.fields, exprs=tuple(reference(each) for each in plan.fields), span=like.span)


_Use = tuple[Table, bool, bool]
"""Scans that may be one: the same table, with or without its watermark, rejecting rows without event time or not."""


def _share_scans(plans: Sequence[Plan]) -> tuple[Plan, ...]:
    """Each reader selects its columns of the one scan. Conditions that only some had are left to the filters above."""
    uses: dict[_Use, dict[Scan, None]] = {}
    for scan in (node for plan in plans for node in walk_plan(plan) if isinstance(node, Scan)):
        uses.setdefault(_use(scan), {}).setdefault(scan)
    merged = {use: _merge(tuple(scans)) for use, scans in uses.items() if len(scans) > 1}

    def selected(node: Plan) -> Plan:
        if not isinstance(node, Scan) or _use(node) not in merged:
            return node
        return _columns_of(merged[_use(node)], node)

    return tuple(transform_up(plan, selected) for plan in plans)


def _use(scan: Scan) -> _Use:
    return scan.table, scan.watermark is not None, scan.time_used


def _merge(scans: tuple[Scan, ...]) -> Scan:
    """One scan with the columns of all, in the order of the table."""
    known: dict[str, Field] = {}
    computed: dict[str, Expr] = {}
    for scan in scans:
        for each in (*scan.physical, *(each for each, _ in scan.computed)):
            known.setdefault(each.name, each)
        for each, expr in scan.computed:
            computed.setdefault(each.name, _over(expr, scan, known))
    table = scans[0].table
    order = {column.name: index for index, column in enumerate(table.columns)}
    in_order = sorted(known.values(), key=lambda each: order[each.name])
    wanted = {each.name for scan in scans for each in scan.fields}
    evaluated = [table.columns[index].name for index, _ in table.computed]
    mark = scans[0].watermark
    return replace(
        scans[0],
        physical=tuple(each for each in in_order if each.name not in computed),
        computed=tuple((known[name], computed[name]) for name in evaluated if name in computed),
        fields=tuple(each for each in in_order if each.name in wanted),
        watermark=None if mark is None else WatermarkSpec(mark.column, _over(mark.expr, scans[0], known)),
        predicate=None,
        checked=any(each.checked for each in scans),
    )


def _over(expr: Expr, scan: Scan, known: dict[str, Field]) -> Expr:
    """An expression of one scan over the columns that stand for those of all."""
    own = (*scan.physical, *(each for each, _ in scan.computed))
    return substitute(expr, {each.id: reference(known[each.name]) for each in own if each.name in known})


def _columns_of(merged: Scan, scan: Scan) -> Plan:
    if merged.fields == scan.fields:
        return merged
    by_name = {each.name: each for each in merged.fields}
    exprs = tuple(reference(by_name[each.name]) for each in scan.fields)
    return Project(input=merged, fields=scan.fields, exprs=exprs, span=scan.span)
