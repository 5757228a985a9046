"""Tables that the plans of one job read several times are read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from streamsql.expr.nodes import Expr, substitute
from streamsql.plan.identity import Identities
from streamsql.plan.logical import Field, Plan, Project, Scan, Table, WatermarkSpec
from streamsql.plan.tree import reference, transform_up, walk_plan

_Use = tuple[Table, bool, bool]
"""Scans that may be one: the same table, with or without its watermark, rejecting rows without event time or not."""


def share_scans(plans: Sequence[Plan]) -> tuple[Plan, ...]:
    """The plans with one scan for each table and use of its time; each reader selects its columns of it.

    Conditions that were pushed into some of the scans only are left to the filters above.
    """
    identities = Identities(plans)
    uses: dict[_Use, dict[str, Scan]] = {}
    for scan in (node for plan in plans for node in walk_plan(plan) if isinstance(node, Scan)):
        uses.setdefault(_use(scan), {}).setdefault(identities.key(scan), scan)
    merged = {use: _merge(tuple(scans.values())) for use, scans in uses.items() if len(scans) > 1}

    def share(node: Plan) -> Plan:
        if not isinstance(node, Scan) or _use(node) not in merged:
            return node
        return _columns_of(merged[_use(node)], node)

    return tuple(transform_up(plan, share) for plan in plans)


def _use(scan: Scan) -> _Use:
    return scan.table, scan.watermark is not None, scan.time_used


def _merge(scans: tuple[Scan, ...]) -> Scan:
    """One scan with the columns of all, in the order of the table."""
    known: dict[str, Field] = {}
    computed: dict[str, Expr] = {}
    for scan in scans:
        for each in (*scan.physical, *(each for each, _ in scan.computed), *scan.fields):
            known.setdefault(each.name, each)
        for each, expr in scan.computed:
            computed.setdefault(each.name, _over(expr, scan, known))
    table = scans[0].table
    order = {column.name: index for index, column in enumerate(table.columns)}
    wanted = {each.name for scan in scans for each in scan.fields}
    in_order = sorted(known.values(), key=lambda each: order[each.name])
    return replace(
        scans[0],
        physical=tuple(each for each in in_order if each.name not in computed),
        computed=tuple(
            (known[column.name], computed[column.name])
            for column in (table.columns[index] for index, _ in table.computed)
            if column.name in computed
        ),
        fields=tuple(each for each in in_order if each.name in wanted),
        watermark=_watermark(scans[0], known),
        predicate=None,
    )


def _over(expr: Expr, scan: Scan, known: dict[str, Field]) -> Expr:
    """An expression of one scan over the columns that stand for all."""
    own = (*scan.physical, *(each for each, _ in scan.computed))
    return substitute(expr, {each.id: reference(known[each.name]) for each in own})


def _watermark(scan: Scan, known: dict[str, Field]) -> WatermarkSpec | None:
    mark = scan.watermark
    return None if mark is None else WatermarkSpec(mark.column, _over(mark.expr, scan, known))


def _columns_of(merged: Scan, scan: Scan) -> Plan:
    if merged.fields == scan.fields:
        return merged
    by_name = {each.name: each for each in merged.fields}
    exprs = tuple(reference(by_name[each.name]) for each in scan.fields)
    return Project(input=merged, fields=scan.fields, exprs=exprs, span=scan.span)
