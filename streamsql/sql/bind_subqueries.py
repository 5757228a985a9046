"""Subqueries that stand for a value: (query), EXISTS, IN, ANY and ALL, as columns joined to the rows around them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field, replace
from typing import Any

from streamsql.errors import NotSupportedYet, Span, SqlError
from streamsql.expr import types as t
from streamsql.expr.aggregates import AggregateArguments, AggregateCall, resolve_aggregate
from streamsql.expr.functions_plan import SINGLE
from streamsql.expr.nodes import ColumnRef, Expr, Literal
from streamsql.expr.resolve import resolve_call, resolve_case
from streamsql.expr.types import Kind
from streamsql.plan.logical import Aggregate, Field, Filter, Limit, Plan, Project, Values
from streamsql.plan.predicates import conjunction
from streamsql.record import record
from streamsql.sql.context import Context
from streamsql.sql.dialect import exp
from streamsql.sql.parse import span_of
from streamsql.sql.scope import Scope, column_ref

Tree = Any
QueryBinder = Callable[[Tree, Context], Plan]

ROWS = t.BIGINT.with_nullable(False)
_UNKNOWN = Literal(None, type=t.BOOLEAN)
TRUE, _FALSE = (Literal(each, type=t.BOOLEAN.with_nullable(False)) for each in (True, False))


@record
class Subquery:
    """A query and the columns that it gives each row around it: `calls` over all its rows, or its one row itself.

    `exists`: the one column is TRUE where the query has a row.
    """

    plan: Plan
    calls: tuple[AggregateCall, ...]
    fields: tuple[Field, ...]
    span: Span | None
    exists: bool


@record(frozen=False)
class Subqueries:
    """Collects the subqueries in expressions over one scope; `attach` joins them to the rows of that scope.

    `bound`: those that stand for a value already.
    """

    context: Context
    bind_query: QueryBinder
    scope: Scope
    pending: list[Subquery] = field(default_factory=list)
    bound: list[tuple[Tree, Expr]] = field(default_factory=list)

    @property
    def results(self) -> frozenset[int]:
        """The ids of the columns that the expressions read."""
        return frozenset(each.id for subquery in self.pending for each in subquery.fields)

    def bind(self, tree: Tree) -> Plan:
        """The plan of a subquery; it may read the columns of the scope."""
        while isinstance(tree, exp.Paren) or (isinstance(tree, exp.Subquery) and not _adds(tree)):
            tree = tree.this
        return self.bind_query(tree, self.context.inside(self.scope))

    def value(self, tree: Tree) -> Expr:
        """(query): the one value of its one row; NULL where it has none, an error where it has several."""
        known = next((expr for each, expr in self.bound if each == tree), None)
        if known is None:
            known = self._value(tree)
            self.bound.append((tree, known))
        return known

    def _value(self, tree: Tree) -> Expr:
        plan, span = self.bind(tree), span_of(tree)
        if len(plan.fields) != 1:
            raise SqlError(f"a subquery that stands for a value has one column, this has {len(plan.fields)}", span=span)
        column = plan.fields[0]
        if _has_one_row(plan):
            (result,) = self._add(plan, (), (replace(column, time=None),), span)
            return _nullable(result, span)
        pick = "FIRST_VALUE" if column.type.kind in (Kind.ROW, Kind.ARRAY, Kind.MAP, Kind.MULTISET) else "MIN"
        signature = resolve_aggregate(AggregateArguments(pick, (column_ref(column),), span=span))
        picked = AggregateCall(pick, (column.id,), signature.type, (column.type,), span=span)
        fields = (self.context.field("$value", signature.type), self.context.field("$rows", ROWS))
        value, rows = self._add(plan, (picked, AggregateCall("COUNT", (), ROWS)), fields, span)
        return resolve_call(SINGLE, (_nullable(value, span), _nullable(rows, span)), span)

    def exists(self, plan: Plan, span: Span | None) -> Expr:
        """Whether the plan has a row."""
        (found,) = self._add(plan, (), (self.context.field("$found", TRUE.type),), span, exists=True)
        return resolve_call("IS NOT NULL", (_nullable(found, span),), span)

    def any(self, operator: str, values: tuple[Expr, ...], plan: Plan, span: Span | None) -> Expr:
        """Whether a row of the plan compares so with the values: NULL where that depends on NULLs."""
        found = resolve_compared(operator, values, plan, span)
        condition = conjunction(found)
        met = self.exists(_where(plan, condition), span)
        if not condition.type.nullable:
            return met
        if operator == "=" and len(values) == 1:
            value, column = values[0], column_ref(plan.fields[0])
            open_ = self.exists(_where(plan, resolve_call("IS NULL", (column,))), span)
            if value.type.nullable:
                some = resolve_call("AND", (resolve_call("IS NULL", (value,)), self.exists(plan, span)))
                open_ = resolve_call("OR", (open_, some))
        else:
            open_ = self.exists(_where(plan, resolve_call("IS NULL", (condition,))), span)
        return resolve_case(((met, TRUE), (open_, _UNKNOWN)), _FALSE, span)

    def attach(
        self, plan: Plan, rewrite: Callable[[Expr], Expr] = lambda each: each, later: frozenset[int] = frozenset()
    ) -> Plan:
        """The rows of the scope with the columns of its subqueries; `rewrite` makes expressions such over `plan`.

        Subqueries that read columns of `later`, which the plan does not have yet, are left for another call.
        """
        rows, waiting = plan, list[Subquery]()
        for each in self.pending:
            if any(column.id in later for column in self.reads(each)):
                waiting.append(each)
                later |= {field.id for field in each.fields}
            else:
                plan = self.joined(plan, rows, each, rewrite)
        self.pending = waiting
        return plan

    def reads(self, subquery: Subquery) -> tuple[ColumnRef, ...]:
        """The columns of the scope, and of subqueries before it, that a subquery reads."""
        from streamsql.plan.decorrelate import outer_columns

        around = self.context.outer_ids()
        return tuple(each for each in outer_columns(subquery.plan) if each.id not in around)

    def joined(
        self, outer: Plan, rows: Plan, subquery: Subquery, rewrite: Callable[[Expr], Expr] = lambda each: each
    ) -> Plan:
        """`outer` with the columns of a subquery; `rows`: what it was before it got those of other subqueries."""
        from streamsql.sql.join_subqueries import join_subquery

        stands = {each.id: rewrite(each) for each in self.reads(subquery)}
        return join_subquery(outer, rows, subquery, stands, self.context.field)

    def _add(
        self,
        plan: Plan,
        calls: tuple[AggregateCall, ...],
        fields: tuple[Field, ...],
        span: Span | None,
        *,
        exists: bool = False,
    ) -> tuple[Field, ...]:
        self.pending.append(Subquery(plan, calls, fields, span, exists))
        return fields


def resolve_compared(operator: str, values: tuple[Expr, ...], plan: Plan, span: Span | None) -> list[Expr]:
    """That the values compare so with the columns of the plan, one by one."""
    if len(values) != len(plan.fields):
        raise SqlError(f"IN compares {len(values)} with {len(plan.fields)} columns", span=span)
    if len(values) > 1 and operator != "=":
        raise NotSupportedYet(f"{operator} between several values and a query", span=span)
    return [
        resolve_call(operator, (value, column_ref(each)), span) for value, each in zip(values, plan.fields, strict=True)
    ]


def _adds(tree: Tree) -> bool:
    return any(tree.args.get(each) for each in ("order", "limit", "offset", "with_"))


def _nullable(column: Field, span: Span | None) -> ColumnRef:
    return column_ref(replace(column, type=column.type.with_nullable(True)), span)


def _where(plan: Plan, condition: Expr) -> Plan:
    return Filter(input=plan, predicate=condition, fields=plan.fields, span=condition.span)


def _has_one_row(plan: Plan) -> bool:
    """Whether a query has one row at most by its form."""
    match plan:
        case Aggregate(keys=()) if plan.calls:
            return True
        case Limit(limit=int() as limit) if limit <= 1:
            return True
        case Values():
            return len(plan.rows) <= 1
        case Project() | Filter():
            return _has_one_row(plan.input)
        case _:
            return False
