"""Calls of aggregate functions: arguments, FILTER and order bound, ready to become columns of a plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from streamsql.errors import SqlError
from streamsql.expr.aggregates import (
    SKETCH_CODES,
    AggregateArguments,
    AggregateCall,
    AggregateSignature,
    Ordering,
    canonical_name,
    resolve_aggregate,
)
from streamsql.expr.nodes import Expr
from streamsql.expr.resolve import coerce, resolve_call
from streamsql.plan.logical import Field
from streamsql.record import record
from streamsql.sql.bind_expressions import ExpressionBinder
from streamsql.sql.dialect import JsonCall, exp
from streamsql.sql.parse import span_of

Tree = Any


@record
class BoundAggregate:
    """A call with its arguments converted to what the function takes; `condition` is that of FILTER."""

    tree: Tree
    signature: AggregateSignature
    args: tuple[Expr, ...]
    condition: Expr | None

    def call(self, column: Callable[[Expr], Field]) -> AggregateCall:
        """The call over columns, which `column` finds or makes for expressions."""
        columns = tuple(column(each) for each in self.args)
        return AggregateCall(
            function=canonical_name(self.tree.this),
            args=tuple(each.id for each in columns),
            type=self.signature.type,
            arg_types=tuple(each.type for each in columns),
            distinct=bool(self.tree.args.get("distinct")),
            filter=None if self.condition is None else column(self.condition).id,
            options=self.signature.options,
            order=self.signature.order,
            optional=self.signature.optional,
            span=span_of(self.tree),
        )


def bind_aggregate(tree: Tree, binder: ExpressionBinder) -> BoundAggregate:
    """The call; `binder` binds what stands inside of it."""
    signature = resolve_aggregate(_arguments(tree, replace(binder, clause=f"an argument of {tree.this}")))
    code = SKETCH_CODES.get(canonical_name(tree.this))
    given = (resolve_call(code, signature.args[:1], span_of(tree)),) if code else signature.args
    args = tuple(coerce(arg, type_) for arg, type_ in zip(given, signature.arg_types, strict=True))
    condition = tree.args.get("filter")
    bound = None if condition is None else replace(binder, clause="FILTER").condition(condition)
    return BoundAggregate(tree, signature, args, bound)


def _arguments(tree: Tree, inner: ExpressionBinder) -> AggregateArguments:
    span, name = span_of(tree), tree.this
    star = len(tree.expressions) == 1 and isinstance(tree.expressions[0], exp.Star)
    if star and name != "COUNT":
        raise SqlError(f"{name}(*) does not exist, only COUNT(*)", span=span)
    if isinstance(tree, JsonCall) and tree.expressions:
        from streamsql.sql.bind_json import aggregate_parts

        args = aggregate_parts(tree, inner.bind)
    else:
        args = () if star else tuple(inner.bind(each) for each in tree.expressions)
    order = []
    for each in tree.args.get("within_group") or ():
        nulls = each.args.get("nulls")
        ascending = not each.args.get("descending")
        order.append((inner.bind(each.this), Ordering(ascending, ascending if nulls is None else nulls == "FIRST")))
    nulls = tree.args.get("null_treatment") or tree.args.get("on_null")
    return AggregateArguments(name, args, bool(tree.args.get("distinct")), tuple(order), nulls, span)
