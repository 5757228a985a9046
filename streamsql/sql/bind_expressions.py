"""Expressions in the tree to typed nodes: one small function per node class, found by table.

What binds JSON functions and rows compared with queries is imported where there are some.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from streamsql.errors import NotSupportedYet, Span, SqlError
from streamsql.expr import types as t
from streamsql.expr.aggregates import is_aggregate
from streamsql.expr.nodes import Call, ColumnRef, Expr, Literal
from streamsql.expr.resolve import coerce, resolve_call, resolve_case, resolve_cast
from streamsql.expr.types import Kind
from streamsql.plan.logical import Plan, TimeAttribute
from streamsql.record import record
from streamsql.sql import dialect as d
from streamsql.sql import literals
from streamsql.sql.dialect import exp
from streamsql.sql.parse import span_of
from streamsql.sql.scope import Scope, field_path
from streamsql.sql.type_names import bind_type

Tree = Any  # a node of the sqlglot tree

GROUP_WINDOWS = frozenset({"TUMBLE", "HOP", "SESSION"})
GROUPING_CALLS = frozenset({"GROUPING", "GROUPING_ID"})
WINDOW_AUXILIARIES = frozenset(
    f"{window}_{part}" for window in GROUP_WINDOWS for part in ("START", "END", "ROWTIME", "PROCTIME")
)


class SubqueryBinder(Protocol):
    """Binds subqueries that stand for a value."""

    def bind(self, tree: Tree) -> Plan: ...

    def value(self, tree: Tree) -> Expr: ...

    def exists(self, plan: Plan, span: Span | None) -> Expr: ...

    def any(self, operator: str, values: tuple[Expr, ...], plan: Plan, span: Span | None) -> Expr: ...


@record
class ExpressionBinder:
    """Binds expressions over a scope.

    `special` is asked first for every call: it answers for aggregates, window auxiliaries and the like, or gives None.
    `clause` names the clause for messages about what may not stand there. `subqueries`: where those may stand.
    """

    scope: Scope
    clause: str = "this place"
    special: Callable[[Tree], Expr | None] | None = None
    subqueries: SubqueryBinder | None = None

    def bind(self, tree: Tree) -> Expr:
        """The typed expression; raises SqlError with the position of what is wrong."""
        binder = _BINDERS.get(type(tree))
        if binder is None:
            raise NotSupportedYet(_describe(tree), span=span_of(tree))
        return binder(self, tree)

    def condition(self, tree: Tree) -> Expr:
        """A BOOLEAN expression, as WHERE, HAVING and FILTER need it."""
        expr = self.bind(tree)
        if expr.type.kind is Kind.NULL:
            return coerce(expr, t.BOOLEAN)
        if expr.type.kind is not Kind.BOOLEAN:
            raise SqlError(f"{self.clause} needs a condition, this is {expr.type}", span=span_of(tree))
        return expr


def _describe(tree: Tree) -> str:
    names = {
        exp.Any: "ANY (query)",
        exp.All: "ALL (query)",
        exp.AtTimeZone: "AT TIME ZONE",
        d.DefaultArgument: "DEFAULT as an argument",
    }
    return names.get(type(tree)) or (tree.key.upper() if hasattr(tree, "key") else str(tree))


def _column(binder: ExpressionBinder, tree: Tree) -> Expr:
    if isinstance(tree.this, exp.Star):
        raise SqlError("* is only possible as an item of SELECT and in COUNT(*)", span=span_of(tree))
    try:
        return binder.scope.resolve([part.name for part in tree.parts], span_of(tree))
    except SqlError as error:
        if len(tree.parts) == 1 and tree.this.args.get("quoted"):
            error.hint = f"{error.hint}; a text stands in single quotes: '{tree.name}'"
        raise


def _star(binder: ExpressionBinder, tree: Tree) -> Expr:
    raise SqlError("* is only possible as an item of SELECT and in COUNT(*)", span=span_of(tree))


def _literal(binder: ExpressionBinder, tree: Tree) -> Expr:
    make = literals.string if tree.is_string else literals.number
    return make(tree.this, span_of(tree))


def _hex(binder: ExpressionBinder, tree: Tree) -> Expr:
    value = bytes.fromhex(tree.this)
    type_ = t.SqlType(Kind.BINARY, len(value), nullable=False)
    return Literal(value, type=type_, span=span_of(tree))


def _boolean(binder: ExpressionBinder, tree: Tree) -> Expr:
    return Literal(bool(tree.this), type=t.BOOLEAN.with_nullable(False), span=span_of(tree))


def _placeholder(binder: ExpressionBinder, tree: Tree) -> Expr:
    literal: Literal | None = tree.args.get("literal")
    if literal is None:
        shown = f":{tree.this}" if tree.this else "?"
        hint = "give it one from Python: session.sql(text, params=…)"
        raise SqlError(f"the parameter {shown} has no value", span=span_of(tree), hint=hint)
    return replace(literal, span=span_of(tree))


def _null(binder: ExpressionBinder, tree: Tree) -> Expr:
    return Literal(None, type=t.NULL, span=span_of(tree))


def _paren(binder: ExpressionBinder, tree: Tree) -> Expr:
    return binder.bind(tree.this)


def _tuple(binder: ExpressionBinder, tree: Tree) -> Expr:
    return resolve_call("ROW", tuple(binder.bind(each) for each in tree.expressions), span_of(tree))


def _typed_literal(binder: ExpressionBinder, tree: Tree) -> Expr:
    return literals.typed(tree.args["kind"], tree.this.this, span_of(tree))


def _interval(binder: ExpressionBinder, tree: Tree) -> Expr:
    return interval_literal(tree)


def interval_literal(tree: Tree) -> Literal:
    """INTERVAL '…' unit [TO unit] as a literal of µs or months."""
    args = tree.args
    return literals.interval(tree.this.this, args["unit"], args.get("to"), bool(args.get("negative")), span_of(tree))


def _operator(name: str) -> Callable[[ExpressionBinder, Tree], Expr]:
    def bind(binder: ExpressionBinder, tree: Tree) -> Expr:
        if isinstance(tree.expression, exp.Any | exp.All):
            return _quantified(binder, tree, name)
        left, right = tree.this, tree.expression
        if name not in NEGATED:
            return resolve_call(name, (binder.bind(left), binder.bind(right)), span_of(tree))
        if isinstance(left, exp.Tuple) and isinstance(right, exp.Subquery):
            return _compared_row(binder, tree, name, left, right)
        if isinstance(right, exp.Tuple) and isinstance(left, exp.Subquery):
            return _compared_row(binder, tree, MIRRORED[name], right, left)
        return resolve_call(name, (binder.bind(left), binder.bind(right)), span_of(tree))

    return bind


def _compared_row(binder: ExpressionBinder, tree: Tree, name: str, row: Tree, query: Tree) -> Expr:
    from streamsql.sql.row_queries import compared_row

    return compared_row(name, _row(binder, row), query, _subqueries(binder, tree))


MIRRORED = {"=": "=", "<>": "<>", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
"""The comparison that says the same with its sides exchanged."""
NEGATED = {"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
"""The comparison that is true where another is false."""

COMPARISONS: dict[type, str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}


def _quantified(binder: ExpressionBinder, tree: Tree, operator: str) -> Expr:
    """`x < ANY (query)`; ALL is that the contrary holds for none."""
    span, universal = span_of(tree), isinstance(tree.expression, exp.All)
    if operator not in NEGATED:
        raise SqlError(f"ANY and ALL compare with =, <>, <, <=, > or >=, not {operator}", span=span)
    subqueries, values = _subqueries(binder, tree), _row(binder, tree.this)
    compared = NEGATED[operator] if universal else operator
    found = subqueries.any(compared, values, subqueries.bind(tree.expression.this), span)
    return resolve_call("NOT", (found,), span) if universal else found


def _subqueries(binder: ExpressionBinder, tree: Tree) -> SubqueryBinder:
    if binder.subqueries is None:
        raise NotSupportedYet(f"a subquery in {binder.clause}", span=span_of(tree))
    return binder.subqueries


def _row(binder: ExpressionBinder, tree: Tree) -> tuple[Expr, ...]:
    """The values that are compared with the columns of a query."""
    return tuple(binder.bind(each) for each in (tree.expressions if isinstance(tree, exp.Tuple) else [tree]))


def _subquery(binder: ExpressionBinder, tree: Tree) -> Expr:
    return _subqueries(binder, tree).value(tree)


def _exists(binder: ExpressionBinder, tree: Tree) -> Expr:
    subqueries = _subqueries(binder, tree)
    return subqueries.exists(subqueries.bind(tree.this), span_of(tree))


def _unary(name: str) -> Callable[[ExpressionBinder, Tree], Expr]:
    def bind(binder: ExpressionBinder, tree: Tree) -> Expr:
        return resolve_call(name, (binder.bind(tree.this),), span_of(tree))

    return bind


def _negate(binder: ExpressionBinder, tree: Tree) -> Expr:
    if isinstance(tree.this, exp.Literal) and not tree.this.is_string:
        return literals.negative_number(tree.this.this, span_of(tree))
    return resolve_call("-", (binder.bind(tree.this),), span_of(tree))


def _is_truth(binder: ExpressionBinder, tree: Tree) -> Expr:
    return resolve_call(f"IS {tree.args['value']}", (binder.bind(tree.this),), span_of(tree))


def _in(binder: ExpressionBinder, tree: Tree) -> Expr:
    if tree.args.get("query") is not None:
        subqueries = _subqueries(binder, tree)
        values = _row(binder, tree.this)
        return subqueries.any("=", values, subqueries.bind(tree.args["query"]), span_of(tree))
    items = tuple(binder.bind(each) for each in (tree.this, *tree.expressions))
    return resolve_call("IN", items, span_of(tree))


def _between(binder: ExpressionBinder, tree: Tree) -> Expr:
    value, low, high = (binder.bind(tree.args[each]) for each in ("this", "low", "high"))
    span = span_of(tree)
    forward = resolve_call("BETWEEN", (value, low, high), span)
    if not tree.args.get("symmetric"):
        return forward
    return resolve_call("OR", (forward, resolve_call("BETWEEN", (value, high, low), span)), span)


def _like(name: str) -> Callable[[ExpressionBinder, Tree], Expr]:
    def bind(binder: ExpressionBinder, tree: Tree) -> Expr:
        parts = [tree.this, tree.expression, tree.args.get("escape")]
        return resolve_call(name, tuple(binder.bind(each) for each in parts if each is not None), span_of(tree))

    return bind


def _case(binder: ExpressionBinder, tree: Tree) -> Expr:
    operand = tree.this and binder.bind(tree.this)
    branches = []
    for branch in tree.args["ifs"]:
        condition = binder.bind(branch.this)
        if operand is not None:
            condition = resolve_call("=", (operand, condition), span_of(branch.this))
        branches.append((condition, binder.bind(branch.args["true"])))
    default = tree.args.get("default")
    otherwise = Literal(None, type=t.NULL) if default is None else binder.bind(default)
    return resolve_case(tuple(branches), otherwise, span_of(tree))


def _cast(binder: ExpressionBinder, tree: Tree) -> Expr:
    arg, target, span = binder.bind(tree.this), tree.args["to"], span_of(tree)
    if (unit := target.args.get("unit")) and arg.type.kind in t.INTEGERS:
        return resolve_call("*", (arg, literals.interval("1", unit, None, False, span)), span)
    return resolve_cast(arg, bind_type(target), safe=isinstance(tree, exp.TryCast), span=span)


def _dot(binder: ExpressionBinder, tree: Tree) -> Expr:
    return field_path(binder.bind(tree.this), [tree.expression.name], span_of(tree))


def _bracket(binder: ExpressionBinder, tree: Tree) -> Expr:
    return resolve_call("[]", (binder.bind(tree.this), binder.bind(tree.expressions[0])), span_of(tree))


def _symbol(binder: ExpressionBinder, tree: Tree) -> Expr:
    return Literal(tree.this, type=t.char(len(tree.this)).with_nullable(False), span=span_of(tree))


def _call(binder: ExpressionBinder, tree: Tree) -> Expr:
    if binder.special is not None and (special := binder.special(tree)) is not None:
        return special
    name, span = tree.this, span_of(tree)
    _refuse_misplaced(binder, tree, span)
    if isinstance(tree, d.JsonCall):
        from streamsql.sql.bind_json import json_call

        return json_call(tree, binder.bind)
    if name == "JSON" and not tree.args.get("namespace"):
        hint = "elsewhere a JSON text is a STRING as it is"
        raise SqlError("JSON(text) can only be a value of JSON_OBJECT or JSON_ARRAY", span=span, hint=hint)
    args = tuple(binder.bind(each) for each in tree.expressions)
    if (defined := tree.args.get("defined")) is not None:
        bound: Expr = defined(args, span)
        return bound
    if name == "CURRENT_WATERMARK":
        _refuse_other_times(binder, args, span)
    return resolve_call(".".join([*(each.name for each in tree.args.get("namespace") or ()), name]), args, span)


def _is_json(binder: ExpressionBinder, tree: Tree) -> Expr:
    from streamsql.sql.bind_json import is_json

    return is_json(tree, binder.bind)


def _refuse_other_times(binder: ExpressionBinder, args: tuple[Expr, ...], span: Span | None) -> None:
    """CURRENT_WATERMARK asks for a column that is event time."""
    times = {field.id for field in binder.scope.fields if field.time is TimeAttribute.EVENT}
    if len(args) == 1 and not (isinstance(args[0], ColumnRef) and args[0].id in times):
        hint = "name the column that has the WATERMARK"
        raise SqlError("CURRENT_WATERMARK takes an event time", span=args[0].span or span, hint=hint)


def _refuse_misplaced(binder: ExpressionBinder, tree: Tree, span: Span | None) -> None:
    """Clauses and calls that only an aggregate or a window may carry."""
    name = tree.this
    if tree.args.get("over") is not None:
        hint = "write it in SELECT, or as a condition in QUALIFY"
        raise SqlError(f"{name}(…) OVER (…) cannot stand in {binder.clause}", span=span, hint=hint)
    if is_aggregate(name):
        instead = "filter aggregated rows with HAVING" if binder.clause == "WHERE" else None
        raise SqlError(f"the aggregate {name} cannot stand in {binder.clause}", span=span, hint=instead)
    if name in GROUPING_CALLS:
        raise SqlError(f"{name} cannot stand in {binder.clause}", span=span, hint="it needs GROUP BY in its SELECT")
    for clause, text in (("filter", "FILTER"), ("distinct", "DISTINCT"), ("within_group", "WITHIN GROUP")):
        if tree.args.get(clause):
            raise SqlError(f"{text} belongs to an aggregate, {name} is none", span=span)
    if name in WINDOW_AUXILIARIES:
        window = name.split("_")[0]
        hint = f"add GROUP BY {window}(…) with the same arguments"
        raise SqlError(f"{name} needs {window} in GROUP BY", span=span, hint=hint)
    if name in GROUP_WINDOWS and any(isinstance(each, d.IntervalLiteral) for each in tree.expressions):
        raise SqlError(f"{name}(…) as a group window can only stand in GROUP BY", span=span)


_BINDERS: dict[type, Callable[[ExpressionBinder, Any], Expr]] = {
    exp.Column: _column,
    exp.Star: _star,
    exp.Literal: _literal,
    exp.HexString: _hex,
    exp.Boolean: _boolean,
    exp.Null: _null,
    exp.Placeholder: _placeholder,
    exp.Paren: _paren,
    exp.Tuple: _tuple,
    d.TypedLiteral: _typed_literal,
    d.IntervalLiteral: _interval,
    exp.Add: _operator("+"),
    exp.Sub: _operator("-"),
    exp.Mul: _operator("*"),
    exp.Div: _operator("/"),
    exp.Mod: _operator("%"),
    exp.Neg: _negate,
    exp.Or: _operator("OR"),
    exp.And: _operator("AND"),
    exp.Not: _unary("NOT"),
    exp.DPipe: _operator("||"),
    **{kind: _operator(name) for kind, name in COMPARISONS.items()},
    exp.NullSafeNEQ: _operator("IS DISTINCT FROM"),
    exp.NullSafeEQ: _operator("IS NOT DISTINCT FROM"),
    d.IsNull: _unary("IS NULL"),
    d.IsTruth: _is_truth,
    exp.In: _in,
    exp.Subquery: _subquery,
    exp.Exists: _exists,
    exp.Between: _between,
    d.Like: _like("LIKE"),
    d.SimilarTo: _like("SIMILAR TO"),
    exp.Case: _case,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Dot: _dot,
    exp.Bracket: _bracket,
    d.Symbol: _symbol,
    d.Call: _call,
    d.JsonCall: _call,
    d.IsJson: _is_json,
}


def is_processing_time(expr: Expr) -> bool:
    """PROCTIME() itself: a column that is one is a processing-time attribute."""
    return isinstance(expr, Call) and expr.function == "PROCTIME"
