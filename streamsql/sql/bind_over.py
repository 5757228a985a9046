"""OVER: rankings, aggregates over frames, and functions that look at neighbouring rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field, replace
from typing import Any

from streamsql.errors import NotSupportedYet, Span, SqlError
from streamsql.expr import types as t
from streamsql.expr.aggregates import IGNORE_NULLS, AggregateCall, is_aggregate
from streamsql.expr.coercion import common_type
from streamsql.expr.nodes import ColumnRef, Expr, LiteralValue
from streamsql.expr.resolve import coerce
from streamsql.expr.types import SqlType
from streamsql.expr.windows import Frame
from streamsql.plan.logical import Field, OverAggregate, Plan, Project, RankOver, SortKey, TimeAttribute
from streamsql.record import record
from streamsql.sql.bind_aggregates import bind_aggregate
from streamsql.sql.bind_expressions import ExpressionBinder, is_processing_time
from streamsql.sql.context import Context
from streamsql.sql.dialect import WindowSpec, exp
from streamsql.sql.parse import span_of
from streamsql.sql.scope import column_ref

Tree = Any
ColumnFor = Callable[[Expr], Field]

RANKINGS = ("ROW_NUMBER", "RANK", "DENSE_RANK")
_BIGINT = t.BIGINT.with_nullable(False)
_DOUBLE = t.DOUBLE.with_nullable(False)


@record
class OverSpec:
    """A window with its expressions bound; `order`: expression, ascending, NULL first."""

    partition: tuple[Expr, ...]
    order: tuple[tuple[Expr, bool, bool], ...]
    frame: Frame

    def rewritten(self, rewrite: Callable[[Expr], Expr]) -> OverSpec:
        order = tuple((rewrite(expr), ascending, nulls) for expr, ascending, nulls in self.order)
        return OverSpec(tuple(map(rewrite, self.partition)), order, self.frame)


@record
class OverCall:
    """One call with OVER and the column of its results; `make` gives the call once its arguments are columns."""

    tree: Tree
    spec: OverSpec
    result: Field
    make: Callable[[ColumnFor], AggregateCall]


@record(frozen=False)
class OverCalls:
    """Collects the calls with OVER of one SELECT.

    `named` are the windows of its WINDOW clause; `binder` binds what stands inside OVER and the calls.
    """

    context: Context
    named: dict[str, Tree]
    binder: ExpressionBinder
    calls: list[OverCall] = field(default_factory=list)

    @property
    def results(self) -> frozenset[int]:
        """The ids of the columns that hold the results."""
        return frozenset(each.result.id for each in self.calls)

    def special(self, tree: Tree) -> Expr | None:
        """A call with OVER as a column; None for any other."""
        if tree.args.get("over") is None:
            return None
        known = next((each for each in self.calls if each.tree == tree), None)
        if known is None:
            spec = self._spec(tree)
            type_, make = self._call(tree, spec)
            name = "$rank" if tree.this in RANKINGS else f"$over{len(self.calls)}"
            known = OverCall(tree, spec, self.context.field(name, type_), make)
            self.calls.append(known)
        return column_ref(known.result, span_of(tree))

    def build(self, plan: Plan, rewrite: Callable[[Expr], Expr] = lambda each: each) -> Plan:
        """The results on top of `plan`, a node for each window, then one for each ranking.

        `rewrite` turns bound expressions into expressions over `plan`.
        """
        windows: dict[OverSpec, list[OverCall]] = {}
        for each in self.calls:
            if each.tree.this not in RANKINGS:
                windows.setdefault(each.spec, []).append(each)
        for spec, calls in windows.items():
            plan = self._window(plan, spec.rewritten(rewrite), calls, rewrite)
        for each in self.calls:
            if each.tree.this in RANKINGS:
                plan = self._ranking(plan, each, each.spec.rewritten(rewrite))
        return plan

    def _window(self, plan: Plan, spec: OverSpec, calls: list[OverCall], rewrite: Callable[[Expr], Expr]) -> Plan:
        columns = _Columns(plan, self.context)
        partition, order = columns.ids(spec.partition), columns.order(spec)
        made = tuple(each.make(lambda expr: columns.column(rewrite(expr))) for each in calls)
        plan = columns.plan()
        return OverAggregate(
            input=plan,
            partition=partition,
            order=order,
            frame=spec.frame,
            calls=made,
            fields=(*plan.fields, *(each.result for each in calls)),
            span=span_of(calls[0].tree),
        )

    def _ranking(self, plan: Plan, call: OverCall, spec: OverSpec) -> Plan:
        columns = _Columns(plan, self.context)
        partition, order = columns.ids(spec.partition), columns.order(spec)
        plan = columns.plan()
        return RankOver(
            input=plan,
            function=call.tree.this,
            partition=partition,
            order=order,
            rank=call.result,
            fields=(*plan.fields, call.result),
            span=span_of(call.tree),
        )

    def _spec(self, tree: Tree) -> OverSpec:
        spec = self._resolved(tree.args["over"])
        binder = replace(self.binder, clause="OVER")
        partition = tuple(binder.bind(each) for each in spec.args.get("partition_by") or ())
        order = []
        for each in spec.args.get("order_by") or ():
            key = sort_key(each, 0)
            order.append((binder.bind(each.this), key.ascending, key.nulls_first))
        from streamsql.sql.bind_frames import bind_frame

        return OverSpec(partition, tuple(order), bind_frame(spec, tuple(expr.type for expr, _, _ in order)))

    def _resolved(self, spec: Tree) -> Tree:
        base = spec.this
        if base is None:
            return spec
        if base.name not in self.named:
            raise SqlError(f"unknown window {base.name}", span=span_of(base), hint="declare it with WINDOW w AS (…)")
        own = {clause: spec.args[clause] for clause in ("partition_by", "order_by", "frame") if spec.args.get(clause)}
        known = self._resolved(self.named[base.name])
        if not own:
            return known
        if "partition_by" in own or known.args.get("frame") or ("order_by" in own and known.args.get("order_by")):
            hint = f"it takes over PARTITION BY and ORDER BY of {base.name}; write a window of its own"
            raise SqlError(f"this cannot be added to the window {base.name}", span=span_of(spec), hint=hint)
        return WindowSpec(**{**known.args, **own, "this": None})

    def _call(self, tree: Tree, spec: OverSpec) -> tuple[SqlType, Callable[[ColumnFor], AggregateCall]]:
        """The type of a call's result, and the call once its arguments are columns."""
        name, span = tree.this, span_of(tree)
        respects = tree.args.get("null_treatment") == "RESPECT" and name in _OF_FRAME
        if is_aggregate(name) and not respects:
            bound = bind_aggregate(tree, self.binder)
            return bound.signature.type, bound.call
        if name not in (*RANKINGS, *_PLACED) and not respects:
            hint = f"write an aggregate, or one of {', '.join((*RANKINGS, *_PLACED))}"
            raise SqlError(f"{name} is no window function", span=span, hint=hint)
        if not spec.order and name != "ROW_NUMBER":
            called = f"{name}()" if name in RANKINGS else f"{name}(…)"
            hint = f"write {called} OVER (PARTITION BY … ORDER BY …)"
            raise SqlError(f"{name} needs ORDER BY", span=span, hint=hint)
        for clause in ("distinct", "filter", "null_treatment", "within_group"):
            if tree.args.get(clause) and not (clause == "null_treatment" and (respects or name in _NULLS_SAID)):
                raise NotSupportedYet(f"{clause.replace('_', ' ').upper()} with {name}", span=span)
        bind = replace(self.binder, clause=f"an argument of {name}").bind
        args = tuple(bind(each) for each in tree.expressions)
        if name in RANKINGS:
            if args:
                raise SqlError(f"{name} takes no arguments", span=span)
            return _BIGINT, _placed(name, (), (), _BIGINT, span)
        return (_OF_FRAME if respects else _PLACED)[name](tree, args)


def _placed(
    name: str, args: tuple[Expr, ...], options: tuple[LiteralValue, ...], type_: SqlType, span: Span | None
) -> Callable[[ColumnFor], AggregateCall]:
    def make(column: ColumnFor) -> AggregateCall:
        columns = tuple(column(each) for each in args)
        return AggregateCall(
            function=name,
            args=tuple(each.id for each in columns),
            type=type_,
            arg_types=tuple(each.type for each in columns),
            options=options,
            span=span,
        )

    return make


Placed = tuple[SqlType, Callable[[ColumnFor], AggregateCall]]


def _share(tree: Tree, args: tuple[Expr, ...]) -> Placed:
    if args:
        raise SqlError(f"{tree.this} takes no arguments", span=span_of(tree))
    return _DOUBLE, _placed(tree.this, (), (), _DOUBLE, span_of(tree))


def _ntile(tree: Tree, args: tuple[Expr, ...]) -> Placed:
    if len(args) != 1:
        raise SqlError("NTILE takes the number of buckets", span=span_of(tree), hint="write NTILE(4)")
    return _BIGINT, _placed("NTILE", (), (_constant(tree, 0, least=1),), _BIGINT, span_of(tree))


def _nth(tree: Tree, args: tuple[Expr, ...]) -> Placed:
    if len(args) != 2:
        raise SqlError("NTH_VALUE takes a value and a number", span=span_of(tree), hint="write NTH_VALUE(value, 2)")
    type_ = args[0].type.with_nullable(True)
    return type_, _placed("NTH_VALUE", args[:1], (_constant(tree, 1, least=1), *_nulls(tree)), type_, span_of(tree))


def _first_or_last(tree: Tree, args: tuple[Expr, ...]) -> Placed:
    """FIRST_VALUE and LAST_VALUE RESPECT NULLS: of the first and last row of the frame, whatever its value."""
    if len(args) != 1:
        raise SqlError(f"{tree.this} takes one argument", span=span_of(tree))
    type_ = args[0].type.with_nullable(True)
    function, options = ("NTH_VALUE", (1,)) if tree.this == "FIRST_VALUE" else ("LAST_OF_FRAME", ())
    return type_, _placed(function, args, options, type_, span_of(tree))


def _nulls(tree: Tree) -> tuple[str, ...]:
    return (IGNORE_NULLS,) if tree.args.get("null_treatment") == "IGNORE" else ()


def _neighbour(tree: Tree, args: tuple[Expr, ...]) -> Placed:
    """LAG and LEAD: the value so many rows before or after, else the default, else NULL."""
    name, span = tree.this, span_of(tree)
    if not 1 <= len(args) <= 3:
        raise SqlError(f"{name} takes 1 to 3 arguments", span=span, hint=f"write {name}(value[, distance[, default]])")
    distance = _constant(tree, 1, least=0) if len(args) > 1 else 1
    values = (args[0], *args[2:])
    type_ = common_type(tuple(each.type for each in values))
    if type_ is None:
        raise SqlError(f"{name}: {args[0].type} and {args[2].type} have no common type", span=args[2].span or span)
    nullable = len(values) == 1 or any(each.type.nullable for each in values)
    type_ = type_.with_nullable(nullable)
    return type_, _placed(name, tuple(coerce(each, type_) for each in values), (distance, *_nulls(tree)), type_, span)


def _constant(tree: Tree, position: int, *, least: int) -> int:
    item = tree.expressions[position]
    if not (isinstance(item, exp.Literal) and item.is_int and int(item.this) >= least):
        raise SqlError(f"{tree.this} takes a constant whole number from {least} on here", span=span_of(item))
    return int(item.this)


_PLACED: dict[str, Callable[[Tree, tuple[Expr, ...]], Placed]] = {
    "PERCENT_RANK": _share,
    "CUME_DIST": _share,
    "NTILE": _ntile,
    "NTH_VALUE": _nth,
    "LAG": _neighbour,
    "LEAD": _neighbour,
}
_NULLS_SAID = ("NTH_VALUE", "LAG", "LEAD")
"""The functions that take IGNORE NULLS; each of these respects them otherwise."""
_OF_FRAME = {"FIRST_VALUE": _first_or_last, "LAST_VALUE": _first_or_last}


class _Columns:
    """Expressions as columns of a plan, computed by a projection where they are none yet."""

    def __init__(self, plan: Plan, context: Context) -> None:
        self._plan = plan
        self._context = context
        self._new: list[tuple[Expr, Field]] = []

    def column(self, expr: Expr) -> Field:
        found = next((each for each in self._plan.fields if isinstance(expr, ColumnRef) and each.id == expr.id), None)
        if found is not None:
            return found
        for known, column in self._new:
            if known == expr and known.type == expr.type:
                return column
        time = TimeAttribute.PROCESSING if is_processing_time(expr) else None
        column = self._context.field(f"${len(self._new)}", expr.type, time)
        self._new.append((expr, column))
        return column

    def ids(self, exprs: tuple[Expr, ...]) -> tuple[int, ...]:
        return tuple(self.column(each).id for each in exprs)

    def order(self, spec: OverSpec) -> tuple[SortKey, ...]:
        return tuple(SortKey(self.column(expr).id, ascending, nulls) for expr, ascending, nulls in spec.order)

    def plan(self) -> Plan:
        if not self._new:
            return self._plan
        return Project(
            input=self._plan,
            exprs=(*(column_ref(each) for each in self._plan.fields), *(expr for expr, _ in self._new)),
            fields=(*self._plan.fields, *(column for _, column in self._new)),
        )


def sort_key(tree: Tree, column: int) -> SortKey:
    """ASC or DESC, NULLS FIRST or LAST; NULL counts as the smallest value where nothing is said."""
    ascending = not tree.args.get("descending")
    nulls = tree.args.get("nulls")
    return SortKey(column, ascending, nulls == "FIRST" if nulls else ascending)
