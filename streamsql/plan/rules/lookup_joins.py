"""Processing-time joins with a table outside look its rows up, instead of reading it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace

from streamsql.expr.nodes import Cast, ColumnRef, Expr
from streamsql.expr.resolve import resolve_call
from streamsql.expr.types import INTEGERS
from streamsql.plan.logical import Filter, Join, JoinKey, Plan, Project, Scan
from streamsql.plan.lookup_join import LookupJoin
from streamsql.plan.lookup_options import LOOKUP_OPTIONS
from streamsql.plan.predicates import conjunction, conjuncts
from streamsql.plan.time_joins import ProcessingTimeJoin
from streamsql.plan.tree import field_ids, fields_by_id, reference, transform_up
from streamsql.record import record


def lookup_joins(plan: Plan) -> Plan:
    """Turn a ProcessingTimeJoin into a LookupJoin where its right side is a table whose connector offers lookups.

    Columns may be selected and rows filtered on the way: conditions are then asked of what was looked up. At least one
    column of the table must be compared by `=`, with a value of its type or a wider integer. A table with a WATERMARK
    is a stream, and read as one, unless it has an option of lookups.
    """
    return transform_up(plan, lambda node: _looked_up(node) if isinstance(node, ProcessingTimeJoin) else node)


def _looked_up(plan: ProcessingTimeJoin) -> Plan:
    found = _side(plan.right)
    if found is None or not _offers_lookups(found.scan):
        return plan
    columns = field_ids(found.scan.physical)
    stored = {each: found.widened.get(each.right, each.right) for each in plan.on if not each.null_safe}
    keys = {each: column for each, column in stored.items() if column in columns}
    others = [each for each in plan.on if each not in keys]
    if not keys or any(each.right in found.widened for each in others):
        return plan
    terms = (*found.terms, *(_equality(plan, each) for each in others))
    terms += () if plan.residual is None else conjuncts(plan.residual)
    return LookupJoin(
        input=plan.left,
        side=found.scan,
        kind=plan.kind,
        on=tuple(replace(each, right=column) for each, column in keys.items()),
        residual=conjunction(terms) if terms else None,
        fields=plan.fields,
        span=plan.span,
    )


@record
class _Side:
    """The table that a plan reads, the conditions on its rows, and computed columns that are an integer made wider."""

    scan: Scan
    terms: tuple[Expr, ...] = ()
    widened: Mapping[int, int] = field(default_factory=dict)


def _side(plan: Plan) -> _Side | None:
    """What a plan reads; None where it computes anything that lookups do not."""
    match plan:
        case Scan():
            return _Side(plan)
        case Filter():
            below = _side(plan.input)
            return None if below is None else replace(below, terms=(*below.terms, *conjuncts(plan.predicate)))
        case Project():
            below = _side(plan.input)
            return None if below is None else _selected(plan, below)
        case _:
            return None


def _selected(plan: Project, below: _Side) -> _Side | None:
    widened = dict(below.widened)
    for each, expr in zip(plan.fields, plan.exprs, strict=True):
        match expr:
            case ColumnRef(id=id_) if id_ == each.id:
                continue
            case Cast(arg=ColumnRef(id=id_) as arg) if arg.type.kind in INTEGERS and expr.type.kind in INTEGERS:
                if INTEGERS.index(arg.type.kind) > INTEGERS.index(expr.type.kind):
                    return None
                widened[each.id] = id_
            case _:
                return None
    return replace(below, widened=widened)


def _offers_lookups(scan: Scan) -> bool:
    table = scan.table
    asked = any(each in table.options for each in LOOKUP_OPTIONS)
    return table.lookup_cache is not None and (table.watermark is None or asked)


def _equality(plan: Join, key: JoinKey) -> Expr:
    left, right = fields_by_id(plan.left.fields)[key.left], fields_by_id(plan.right.fields)[key.right]
    return resolve_call("IS NOT DISTINCT FROM" if key.null_safe else "=", (reference(left), reference(right)))
