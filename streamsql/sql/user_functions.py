"""Functions that SQL defines: CREATE FUNCTION, and what their calls stand for."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from streamsql.errors import NotSupportedYet, Span, SqlError
from streamsql.expr import types as t
from streamsql.expr.aggregates import is_aggregate
from streamsql.expr.casting import can_cast
from streamsql.expr.coercion import NUMERIC, common_type
from streamsql.expr.functions import ALIASES, FUNCTIONS
from streamsql.expr.nodes import ColumnRef, Expr, substitute, transform, walk
from streamsql.expr.properties import is_volatile
from streamsql.expr.resolve import coerce, resolve_cast
from streamsql.expr.rewrites import REWRITES
from streamsql.expr.types import Kind, SqlType
from streamsql.plan.logical import Field
from streamsql.record import record
from streamsql.sql import dialect as d
from streamsql.sql.bind_expressions import ExpressionBinder
from streamsql.sql.bind_relations import table_name
from streamsql.sql.context import Environment, UserFunction
from streamsql.sql.parse import span_of
from streamsql.sql.scope import Relation, Scope
from streamsql.sql.type_names import bind_type

Tree = Any


@record
class DefinedCall:
    """What a call of a SQL function stands for, given its arguments."""

    function: UserFunction

    def __call__(self, args: tuple[Expr, ...], span: Span | None) -> Expr:
        return call_function(self.function, args, span)


def attach_functions(tree: Tree, environment: Environment) -> None:
    """Note on each call the SQL function that its name means now; a view keeps what it was made with."""
    for call in tree.find_all(d.Call):
        if not call.args.get("namespace") and (function := environment.function(call.this)) is not None:
            call.set("defined", DefinedCall(function) if isinstance(function, UserFunction) else function)


def define_function(tree: Tree, text: str) -> UserFunction:
    """The function of a CREATE FUNCTION, its body checked as far as the types of its parameters are known."""
    name, span = table_name(tree.this).upper(), span_of(tree.this)
    body = tree.args.get("body")
    if body is None or tree.args.get("language") not in (None, "SQL"):
        code = tree.args["class_name"].this if tree.args.get("class_name") else tree.args.get("language")
        raise NotSupportedYet(
            f"a function in another language ({code})",
            span=span,
            hint=f"write its body in SQL: CREATE FUNCTION {name}(x INT) RETURNS INT RETURN x + 1; or in Python, with"
            " @streamsql.udf and --functions FILE.py",
        )
    refuse_built_in(name, span)
    function = UserFunction(name, _parameters(tree), _type(tree.args.get("returns")), body, _text_of(body, text))
    _refuse_recursion(function)
    if all(type_ is not None for _, type_ in function.parameters):
        _bound_body(function, tuple(_field(index, each) for index, each in enumerate(function.parameters)))
    return function


def refuse_built_in(name: str, span: Span | None = None) -> None:
    """SqlError where a function of that upper-case name is there from the start."""
    if name in FUNCTIONS or name in ALIASES or name in REWRITES or is_aggregate(name):
        raise SqlError(f"{name} is a built-in function", span=span, hint="choose another name")


def _parameters(tree: Tree) -> tuple[tuple[str, SqlType | None], ...]:
    listed = tree.args.get("parameters") or ()
    twice = [name for name, times in Counter(each.this.name for each in listed).items() if times > 1]
    if twice:
        raise SqlError(f"the parameter {twice[0]} is declared twice", span=span_of(tree.this))
    return tuple((each.this.name, _type(each.args.get("data_type"))) for each in listed)


def _type(tree: Tree | None) -> SqlType | None:
    return None if tree is None else bind_type(tree)


def _text_of(tree: Tree, text: str) -> str:
    span = span_of(tree)
    return "" if span is None else text[span.start : span.end]


def _refuse_recursion(function: UserFunction) -> None:
    """Functions know those made before them, so the only way round in a circle is a call of itself."""
    for call in function.body.find_all(d.Call):
        if call.this == function.name and not call.args.get("namespace"):
            raise SqlError(f"{function.name} calls itself: a function cannot be recursive", span=span_of(call))


def _field(index: int, parameter: tuple[str, SqlType | None]) -> Field:
    """A parameter as a column of the body's scope."""
    name, type_ = parameter
    return Field(-1 - index, name, type_ or t.NULL)


def call_function(function: UserFunction, args: tuple[Expr, ...], span: Span | None) -> Expr:
    """What a call stands for: the body, the arguments in place of the parameters."""
    if len(args) != len(function.parameters):
        raise _misfit(function, f"{function.name} takes {len(function.parameters)} arguments, not {len(args)}", span)
    given = tuple(_argument(function, index, arg) for index, arg in enumerate(args))
    fields = tuple(
        replace(_field(index, each), type=arg.type)
        for index, (each, arg) in enumerate(zip(function.parameters, given, strict=True))
    )
    try:
        body = _bound_body(function, fields)
    except SqlError as error:
        message = f"in {function.usage} AS {function.text}: {error.message}"
        raise SqlError(message, span=span, hint=error.hint) from None
    _refuse_drawing_twice(function, body, given, span)
    here = transform(body, lambda each: replace(each, span=span))
    return substitute(here, {field.id: arg for field, arg in zip(fields, given, strict=True)})


def _argument(function: UserFunction, index: int, arg: Expr) -> Expr:
    name, type_ = function.parameters[index]
    if type_ is None:
        return arg
    shared = common_type((arg.type, type_))
    if shared is None or not shared.same_as(type_):
        given = arg.type.with_nullable(True)
        raise SqlError(
            f"{name} of {function.usage} is {type_.with_nullable(True)}, this is {given}",
            span=arg.span,
            hint=f"write CAST(… AS {type_.with_nullable(True)})",
        )
    return coerce(arg, type_)


def _bound_body(function: UserFunction, fields: tuple[Field, ...]) -> Expr:
    """The body over its parameters as columns; nothing else is in its sight."""
    binder = ExpressionBinder(Scope((Relation(None, fields),)), f"the body of {function.name}")
    body = binder.bind(function.body)
    if function.returns is None:
        return body
    target = function.returns.with_nullable(True)
    both_numbers = body.type.kind in NUMERIC and target.kind in NUMERIC
    shared = common_type((body.type, target))
    fits = both_numbers or body.type.kind is Kind.NULL or (shared is not None and shared.same_as(target))
    if not fits or not can_cast(body.type, target):
        given = body.type.with_nullable(True)
        raise SqlError(
            f"the body of {function.name} is {given}, the function returns {target}",
            span=span_of(function.body),
            hint=f"write CAST({function.text} AS {target}) or RETURNS {given}",
        )
    return resolve_cast(body, target, span=span_of(function.body))


def _refuse_drawing_twice(function: UserFunction, body: Expr, args: tuple[Expr, ...], span: Span | None) -> None:
    uses = Counter(each.id for each in walk(body) if isinstance(each, ColumnRef))
    for index, arg in enumerate(args):
        if uses[-1 - index] > 1 and is_volatile(arg):
            name = function.parameters[index][0]
            raise SqlError(
                f"{function.usage} reads {name} more than once, and this gives another value each time",
                span=arg.span or span,
                hint="compute the argument in a subquery",
            )


def _misfit(function: UserFunction, message: str, span: Span | None) -> SqlError:
    return SqlError(message, span=span, hint=f"expected {function.usage}")
