"""Small plans by hand: columns by name, ids given out in order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from streamsql.expr import types as t
from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.context import EvalContext
from streamsql.expr.nodes import ColumnRef, Expr, Literal
from streamsql.expr.resolve import resolve_call
from streamsql.expr.types import Column, SqlType
from streamsql.plan.logical import (
    Aggregate,
    Field,
    Filter,
    Limit,
    Plan,
    Project,
    Scan,
    Sort,
    SortKey,
    Table,
    TimeAttribute,
    Union,
    WatermarkSpec,
    Window,
    WindowAggregate,
    WindowAssign,
)
from streamsql.time import MILLISECOND, SECOND, ManualClock

CONTEXT = EvalContext(clock=ManualClock(0), start=0)
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
TS = t.timestamp(3)


class Builder:
    """Gives out column ids; one builder makes one plan."""

    def __init__(self) -> None:
        self._ids = count(1)

    def field(self, name: str, type_: SqlType = t.BIGINT, time: TimeAttribute | None = None) -> Field:
        return Field(next(self._ids), name, type_, time)

    def scan(
        self,
        name: str = "t",
        columns: Sequence[tuple[str, SqlType]] = (("k", t.STRING), ("v", t.BIGINT), ("ts", TS)),
        watermark: str | None = "ts",
        delay: int = 5 * SECOND,
    ) -> Scan:
        """A table with a watermark on column `watermark`; None: without."""
        fields = tuple(
            self.field(each, type_, TimeAttribute.EVENT if each == watermark else None) for each, type_ in columns
        )
        spec = None
        if watermark is not None:
            late = Literal(type=t.INTERVAL_DAY.with_nullable(False), value=delay)
            spec = WatermarkSpec(one(fields, watermark).id, call("-", ref(fields, watermark), late))
        table = Table(name, tuple(Column(each, type_) for each, type_ in columns), connector="filesystem")
        return Scan(table=table, physical=fields, fields=fields, watermark=spec)

    def project(self, plan: Plan, **items: Expr | str) -> Project:
        """Items by output name: a column of the input (its id is kept) or an expression."""
        exprs, fields = [], []
        for name, item in items.items():
            if isinstance(item, str):
                given = one(plan.fields, item)
                exprs.append(column(given))
                fields.append(Field(given.id, name, given.type, given.time))
            else:
                exprs.append(item)
                fields.append(self.field(name, item.type))
        return Project(input=plan, exprs=tuple(exprs), fields=tuple(fields))

    def assign(self, plan: Plan, window: Window, time: str = "ts", partition: Sequence[str] = ()) -> WindowAssign:
        bounds = self.bounds()
        return WindowAssign(
            input=plan,
            window=window,
            time=one(plan.fields, time),
            bounds=bounds,
            partition=tuple(one(plan.fields, each).id for each in partition),
            fields=(*plan.fields, *bounds),
        )

    def bounds(self) -> tuple[Field, Field, Field]:
        type_ = TS.with_nullable(False)
        return (
            self.field("window_start", type_),
            self.field("window_end", type_),
            self.field("window_time", type_, TimeAttribute.EVENT),
        )

    def aggregate(self, plan: Plan, keys: Sequence[str], **calls: tuple[str, str | None]) -> Aggregate:
        """`n=("COUNT", None), s=("SUM", "v")`."""
        made = [aggregate_call(plan, *each) for each in calls.values()]
        results = tuple(self.field(name, each.type) for name, each in zip(calls, made, strict=True))
        key_fields = tuple(one(plan.fields, each) for each in keys)
        return Aggregate(
            input=plan, keys=tuple(each.id for each in key_fields), calls=tuple(made), fields=(*key_fields, *results)
        )

    def window_aggregate(
        self, plan: Plan, window: Window, keys: Sequence[str], time: str = "ts", **calls: tuple[str, str | None]
    ) -> WindowAggregate:
        grouped, bounds = self.aggregate(plan, keys, **calls), self.bounds()
        return WindowAggregate(
            input=plan,
            window=window,
            time=one(plan.fields, time),
            keys=grouped.keys,
            calls=grouped.calls,
            bounds=bounds,
            fields=(*grouped.fields, *bounds),
        )

    def union(self, *branches: Plan) -> Union:
        fields = tuple(self.field(each.name, each.type, each.time) for each in branches[0].fields)
        return Union(branches=branches, fields=fields)


def aggregate_call(plan: Plan, function: str, argument: str | None = None) -> AggregateCall:
    if argument is None:
        return AggregateCall(function=function, args=(), type=t.BIGINT.with_nullable(False))
    given = one(plan.fields, argument)
    type_ = t.BIGINT.with_nullable(False) if function == "COUNT" else given.type
    return AggregateCall(function=function, args=(given.id,), type=type_, arg_types=(given.type,))


def filtered(plan: Plan, predicate: Expr) -> Filter:
    return Filter(input=plan, predicate=predicate, fields=plan.fields)


def sorted_by(plan: Plan, *keys: str) -> Sort:
    """`"-v"` is descending."""
    order = tuple(
        SortKey(one(plan.fields, each.lstrip("-")).id, not each.startswith("-"), not each.startswith("-"))
        for each in keys
    )
    return Sort(input=plan, keys=order, fields=plan.fields)


def limited(plan: Plan, limit: int | None, offset: int = 0) -> Limit:
    return Limit(input=plan, limit=limit, offset=offset, fields=plan.fields)


def one(fields: Sequence[Field], name: str) -> Field:
    """The last field of that name."""
    return [each for each in fields if each.name == name][-1]


def column(field: Field) -> ColumnRef:
    return ColumnRef(type=field.type, id=field.id, name=field.name)


def ref(plan: Plan | Sequence[Field], name: str) -> ColumnRef:
    return column(one(plan.fields if isinstance(plan, Plan) else plan, name))


def number(value: int) -> Literal:
    return Literal(type=t.BIGINT.with_nullable(False), value=value)


def text(value: str) -> Literal:
    return Literal(type=t.STRING.with_nullable(False), value=value)


def at(seconds: float) -> Literal:
    """A TIMESTAMP so many seconds after 1970-01-01."""
    return Literal(type=TS.with_nullable(False), value=int(seconds * 1000) * MILLISECOND)


def call(function: str, *args: Expr) -> Expr:
    return resolve_call(function, args, None)
