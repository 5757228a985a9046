"""How the arguments of a call are checked and converted, and what type it returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from streamsql.errors import Span
from streamsql.expr import types as t
from streamsql.expr.coercion import NUMERIC, TIMES, coerce, common_type
from streamsql.expr.nodes import Expr
from streamsql.expr.types import FLOATS, INTEGERS, STRINGS, Kind, SqlType
from streamsql.record import record

Args = tuple[Expr, ...]


class Mismatch(Exception):
    """The arguments do not fit; `reason` says more than the signature does, if anything."""

    def __init__(self, reason: str = "", hint: str | None = None, span: Span | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.span = span


@record
class Bound:
    """Arguments after implicit conversion, and the type of the result."""

    args: Args
    type: SqlType


Rule = Callable[[Args], Bound]
Result = SqlType | Callable[[Args], SqlType]


@record
class Family:
    """A kind of parameter: the word that error messages use, and the conversion of an argument to it."""

    word: str
    convert: Callable[[Expr], Expr]


def _to(word: str, target: SqlType, *kinds: Kind) -> Family:
    def convert(arg: Expr) -> Expr:
        if arg.type.kind is Kind.NULL or arg.type.kind in kinds:
            return coerce(arg, target)
        raise Mismatch

    return Family(word, convert)


def _keep(word: str, default: SqlType, *kinds: Kind) -> Family:
    """Any of several types as it is; an untyped NULL takes the default."""

    def convert(arg: Expr) -> Expr:
        if arg.type.kind is Kind.NULL:
            return coerce(arg, default)
        if arg.type.kind not in kinds:
            raise Mismatch
        return arg

    return Family(word, convert)


FAMILIES = {
    each.word: each
    for each in (
        _keep("text", t.STRING, Kind.CHAR, Kind.VARCHAR),
        _to("int", t.INT, Kind.TINYINT, Kind.SMALLINT, Kind.INT),
        _to("bigint", t.BIGINT, *INTEGERS),
        _keep("integer", t.INT, *INTEGERS),
        _keep("number", t.INT, *NUMERIC),
        _to("double", t.DOUBLE, *NUMERIC),
        _keep("float", t.DOUBLE, *FLOATS),
        _to("boolean", t.BOOLEAN, Kind.BOOLEAN),
        _keep("bytes", t.BYTES, Kind.BINARY, Kind.VARBINARY),
        _keep("date or time", t.timestamp(3), *TIMES),
        _keep("timestamp", t.timestamp(3), Kind.TIMESTAMP, Kind.TIMESTAMP_LTZ),
        _keep("array", t.array(t.NULL), Kind.ARRAY),
        _keep("map", t.map_(t.NULL, t.NULL), Kind.MAP),
        _keep("collection", t.array(t.NULL), Kind.ARRAY, Kind.MAP, Kind.MULTISET),
        Family("any", lambda arg: arg),
    )
}


def any_nullable(args: Sequence[Expr]) -> bool:
    """NULL in, NULL out."""
    return any(each.type.nullable for each in args)


def takes(params: str, result: Result, *, nulls: bool | None = None) -> Rule:
    """A rule from words: `"text, int, int?"`; `?` marks optional ones, `+` after the last: one or more.

    The result is nullable where an argument is, unless `nulls` says always (True) or never (False).
    """
    words = [each.strip() for each in params.split(",")] if params else []
    repeated = bool(words) and words[-1].endswith("+")
    families = [FAMILIES[word.rstrip("?+")] for word in words]
    least = sum(not word.endswith("?") for word in words)
    most = None if repeated else len(words)

    def rule(args: Args) -> Bound:
        if len(args) < least or (most is not None and len(args) > most):
            raise Mismatch
        padded = families + families[-1:] * (len(args) - len(families)) if repeated else families
        converted = tuple(family.convert(arg) for family, arg in zip(padded, args, strict=False))
        type_ = result(converted) if callable(result) else result
        return Bound(converted, type_.with_nullable(any_nullable(converted) if nulls is None else nulls))

    return rule


def one_of(*rules: Rule) -> Rule:
    """The first rule that takes the arguments."""

    def rule(args: Args) -> Bound:
        last = Mismatch()
        for each in rules:
            try:
                return each(args)
            except Mismatch as mismatch:
                last = mismatch if mismatch.reason or not last.reason else last
        raise last

    return rule


def same_type(args: Args, what: str) -> Args:
    """All arguments as their common type."""
    shared = common_type(each.type for each in args)
    if shared is None:
        named = " and ".join(dict.fromkeys(str(each.type.with_nullable(True)) for each in args))
        raise Mismatch(f"{what} {named}: there is no common type", _common_hint(args))
    return tuple(coerce(each, shared) for each in args)


def _common_hint(args: Args) -> str:
    kinds = {each.type.kind for each in args}
    if kinds & set(STRINGS) and kinds & set(NUMERIC):
        return "write the number without quotes, or a CAST to the type that is meant"
    return "write a CAST to the type that is meant"


def first_type(args: Args) -> SqlType:
    """The result has the type of the first argument."""
    return args[0].type
