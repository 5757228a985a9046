"""Names and argument types to typed calls: what the binder asks for every function, operator, cast and CASE."""

from __future__ import annotations

from collections.abc import Sequence

from streamsql.errors import Span, SqlError
from streamsql.expr import types as t
from streamsql.expr.casting import can_cast, cast_can_fail, may_give_null
from streamsql.expr.coercion import coerce, common_type
from streamsql.expr.functions import ALIASES, FUNCTIONS, candidates
from streamsql.expr.nodes import Call, Case, Cast, Expr, Literal
from streamsql.expr.rewrites import REWRITES
from streamsql.expr.signatures import Args, Mismatch
from streamsql.expr.types import Kind, SqlType

__all__ = ["coerce", "common_type", "function_names", "is_function", "resolve_call", "resolve_case", "resolve_cast"]


def is_function(name: str) -> bool:
    """Whether a scalar function of this name can be called."""
    return bool(candidates(name.upper())) or name.upper() in REWRITES


def resolve_call(name: str, args: tuple[Expr, ...], span: Span | None = None) -> Expr:
    """The typed call of a function or operator, its arguments converted; SqlError if it does not exist or fit.

    The result may be another expression than a Call of that name: `IF` is a CASE, `YEAR(x)` an `EXTRACT`.
    """
    key = ALIASES.get(name.upper(), name.upper())
    try:
        rewrite = REWRITES.get(key)
        if rewrite is not None and (rewritten := rewrite(args, span, resolve_call)) is not None:
            return rewritten
        return _first_fit(name, key, args, span)
    except Mismatch as mismatch:
        from streamsql.expr.call_errors import misfit

        raise misfit(name, key, args, mismatch, mismatch.span or span) from None


def _first_fit(name: str, key: str, args: Args, span: Span | None) -> Expr:
    entries = candidates(key)
    if not entries:
        from streamsql.expr.call_errors import unknown_function

        raise unknown_function(name, function_names(), span)
    reason = Mismatch()
    for function in entries:
        try:
            bound = function.rule(args)
        except Mismatch as mismatch:
            reason = mismatch if mismatch.reason else reason
            continue
        return Call(function=function.name, args=bound.args, type=bound.type, span=span)
    raise reason


def function_names() -> list[str]:
    """Flink's functions by the names that a call writes; not the operators."""
    return [each for each in (*FUNCTIONS, *ALIASES, *REWRITES) if each.replace("_", "").isalnum()]


def resolve_cast(arg: Expr, type_: SqlType, *, safe: bool = False, span: Span | None = None) -> Expr:
    """CAST or TRY_CAST to a type; SqlError where there is no such conversion."""
    if not can_cast(arg.type, type_):
        from streamsql.expr.cast_hints import cast_hint

        message = f"cannot cast {arg.type.with_nullable(True)} to {type_.with_nullable(True)}"
        raise SqlError(message, span=span, hint=cast_hint(arg.type, type_))
    lossy = may_give_null(arg.type, type_) or (safe and cast_can_fail(arg.type, type_))
    target = type_.with_nullable(arg.type.nullable or lossy or arg.type.kind is Kind.NULL)
    if arg.type.same_as(target):
        return arg
    if isinstance(arg, Literal) and arg.value is None:
        return Literal(value=None, type=target.with_nullable(True), span=span or arg.span)
    return Cast(arg=arg, type=target, safe=safe, span=span or arg.span)


def resolve_case(branches: Sequence[tuple[Expr, Expr]], otherwise: Expr | None, span: Span | None = None) -> Expr:
    """A searched CASE, its results converted to their common type; a missing ELSE is NULL."""
    last = otherwise or Literal(value=None, type=t.NULL, span=span)
    for condition, _ in branches:
        if condition.type.kind not in (Kind.BOOLEAN, Kind.NULL):
            raise SqlError(f"a WHEN condition is BOOLEAN, this is {condition.type}", span=condition.span or span)
    results = (*(value for _, value in branches), last)
    shared = common_type(each.type for each in results)
    if shared is None:
        named = " and ".join(dict.fromkeys(str(each.type.with_nullable(True)) for each in results))
        raise SqlError(
            f"the results of this CASE have no common type: {named}", span=span, hint="CAST them to one type"
        )
    shared = shared.with_nullable(any(each.type.nullable for each in results))
    pairs = tuple((coerce(condition, t.BOOLEAN), coerce(value, shared)) for condition, value in branches)
    return Case(branches=pairs, otherwise=coerce(last, shared), type=shared, span=span)
