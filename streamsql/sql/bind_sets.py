"""UNION, INTERSECT and EXCEPT, with and without ALL: by how often each side has a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streamsql.errors import Span, SqlError
from streamsql.expr import types as t
from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.functions_plan import COPIES
from streamsql.expr.nodes import Expr, Literal
from streamsql.expr.resolve import coerce, common_type, resolve_call
from streamsql.expr.types import SqlType
from streamsql.plan.logical import Aggregate, Field, Filter, Plan, Project, Union, Unnest
from streamsql.sql.context import Context
from streamsql.sql.dialect import exp
from streamsql.sql.parse import span_of
from streamsql.sql.scope import column_ref

Tree = Any

_COUNT = t.BIGINT.with_nullable(False)
_NONE = Literal(0, type=_COUNT)


def set_operation(tree: Tree, left: Plan, right: Plan, context: Context) -> Plan:
    """Columns go together by position, under the names of the left side; NULL is equal to NULL."""
    clause, distinct, span = tree.key.upper(), bool(tree.args.get("distinct")), span_of(tree)
    fields = _common_fields(clause, left, right, span, context)
    types = [each.type for each in fields]
    sides = _cast_columns(left, types, context), _cast_columns(right, types, context)
    if not isinstance(tree, exp.Union):
        return _by_counts(clause, sides, fields, context, span, distinct=distinct)
    plan: Plan = Union(branches=sides, fields=fields)
    if distinct:
        keys = tuple(each.id for each in fields)
        plan = Aggregate(input=plan, keys=keys, calls=(), clause=clause, fields=fields, span=span)
    return plan


def _common_fields(clause: str, left: Plan, right: Plan, span: Span | None, context: Context) -> tuple[Field, ...]:
    if len(left.fields) != len(right.fields):
        raise SqlError(
            f"{clause} of {len(left.fields)} and {len(right.fields)} columns",
            span=span,
            hint="both sides have the same columns; CAST(NULL AS type) stands in for one that is missing",
        )
    fields = []
    for a, b in zip(left.fields, right.fields, strict=True):
        type_ = common_type((a.type, b.type))
        if type_ is None:
            raise SqlError(
                f"{clause}: {a.name} is {a.type} on one side, {b.type} on the other",
                span=span,
                hint="columns go together by position; CAST one of them to the type of the other",
            )
        fields.append(context.field(a.name, type_, a.time if a.time is b.time else None))
    return tuple(fields)


def _cast_columns(plan: Plan, types: Sequence[SqlType], context: Context) -> Plan:
    """The columns of `plan` as other types, in a projection only where one differs."""
    if all(field.type.same_as(type_) for field, type_ in zip(plan.fields, types, strict=True)):
        return plan
    exprs = tuple(coerce(column_ref(field), type_) for field, type_ in zip(plan.fields, types, strict=True))
    fields = tuple(
        field if field.type.same_as(type_) else context.field(field.name, type_)
        for field, type_ in zip(plan.fields, types, strict=True)
    )
    return Project(input=plan, exprs=exprs, fields=fields)


def _by_counts(
    clause: str,
    sides: tuple[Plan, Plan],
    fields: tuple[Field, ...],
    context: Context,
    span: Span | None,
    *,
    distinct: bool,
) -> Plan:
    """Rows grouped by all columns, with how often each side has them, and the groups that this leaves."""
    # A row of both sides is of no one time.
    fields = tuple(context.field(each.name, each.type) for each in fields)
    marks = [context.field(name, t.BOOLEAN.with_nullable(False)) for name in ("$left", "$right")]
    both = Union(
        branches=tuple(_marked(side, marks, place) for place, side in enumerate(sides)), fields=(*fields, *marks)
    )
    counts = tuple(context.field(name, _COUNT) for name in ("$lefts", "$rights"))
    grouped = Aggregate(
        input=both,
        keys=tuple(each.id for each in fields),
        calls=tuple(AggregateCall("COUNT", (), _COUNT, filter=each.id) for each in marks),
        clause=clause,
        fields=(*fields, *counts),
        span=span,
    )
    lefts, rights = (column_ref(each) for each in counts)
    if distinct:
        there = resolve_call(">" if clause == "INTERSECT" else "=", (rights, _NONE))
        condition = resolve_call("AND", (resolve_call(">", (lefts, _NONE)), there))
        kept: Plan = Filter(input=grouped, predicate=condition, fields=grouped.fields)
    else:
        times = resolve_call("LEAST", (lefts, rights)) if clause == "INTERSECT" else resolve_call("-", (lefts, rights))
        kept = _repeated(grouped, times, context)
    return Project(input=kept, exprs=tuple(column_ref(each) for each in fields), fields=fields)


def _marked(side: Plan, marks: Sequence[Field], place: int) -> Plan:
    flags = tuple(Literal(index == place, type=each.type) for index, each in enumerate(marks))
    exprs: tuple[Expr, ...] = (*(column_ref(each) for each in side.fields), *flags)
    return Project(input=side, exprs=exprs, fields=(*side.fields, *marks))


def _repeated(plan: Plan, times: Expr, context: Context) -> Plan:
    copy = context.field("$copy", t.BOOLEAN.with_nullable(False))
    return Unnest(input=plan, expr=resolve_call(COPIES, (times,)), elements=(copy,), fields=(*plan.fields, copy))
