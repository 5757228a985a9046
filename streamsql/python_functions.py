"""Scalar functions written in Python: from type hints to an entry of the function table that SQL can call."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Generic, ParamSpec, TypeVar, overload

import pyarrow as pa

from streamsql.errors import UsageError
from streamsql.expr import types as t
from streamsql.expr.types import SqlType
from streamsql.record import record
from streamsql.sql.type_names import type_of

Params = ParamSpec("Params")
Result = TypeVar("Result")

_TYPES: dict[Any, SqlType] = {
    int: t.BIGINT,
    float: t.DOUBLE,
    str: t.STRING,
    bool: t.BOOLEAN,
    bytes: t.BYTES,
    Decimal: t.decimal(38, 18),
    date: t.DATE,
    datetime: t.timestamp(6),
    time: t.time(6),
    timedelta: t.INTERVAL_DAY,
}
_HINTS = "int, float, str, bool, bytes, Decimal, date, datetime, time, timedelta, list[…], dict[…, …], … | None"


@record(eq=False)
class Udf(Generic[Params, Result]):
    """A Python function with the SQL types of its arguments and result; still callable as the function it was.

    `takes_null`: for each parameter, whether the function is called where it is NULL; else the result is NULL.
    """

    name: str
    function: Callable[Params, Result]
    parameters: tuple[SqlType, ...]
    takes_null: tuple[bool, ...]
    required: int
    returns: SqlType
    vectorized: bool
    deterministic: bool

    def __call__(self, *args: Params.args, **kwargs: Params.kwargs) -> Result:
        return self.function(*args, **kwargs)

    @property
    def usage(self) -> str:
        """How SQL calls it, for messages."""
        shown = [str(each.with_nullable(True)) for each in self.parameters]
        optional = [f"{each}?" for each in shown[self.required :]]
        return f"{self.name}({', '.join([*shown[: self.required], *optional])})"


@overload
def udf(function: Callable[Params, Result], /) -> Udf[Params, Result]: ...
@overload
def udf(
    *,
    name: str | None = None,
    args: Sequence[str] | None = None,
    returns: str | None = None,
    vectorized: bool = False,
    deterministic: bool = True,
) -> Callable[[Callable[Params, Result]], Udf[Params, Result]]: ...
def udf(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    args: Sequence[str] | None = None,
    returns: str | None = None,
    vectorized: bool = False,
    deterministic: bool = True,
) -> Any:
    """Make a Python function one that SQL can call, once `session.create_function` has been given it.

    Types come from the hints, or as SQL types from `args` and `returns`. It is called for each row; `vectorized`: with
    an Arrow array for each argument, to return one as long. A parameter whose hint allows None gets None for NULL;
    where any other is NULL, the result is NULL and the function is not called (arrays come as they are). Not
    `deterministic`: equal arguments may give other results, so it is called once a row, and refused where rows can be
    taken back.

    >>> @udf
    ... def shout(text: str, times: int = 1) -> str:
    ...     return text.upper() + "!" * times
    >>> shout.usage, str(shout.returns), shout("hi")
    ('SHOUT(STRING, BIGINT?)', 'STRING NOT NULL', 'HI!')
    """

    def decorate(function: Callable[..., Any]) -> Udf[..., Any]:
        return _made(function, name, args, returns, vectorized, deterministic)

    return decorate if function is None else decorate(function)


def _made(
    function: Callable[..., Any],
    name: str | None,
    args: Sequence[str] | None,
    returns: str | None,
    vectorized: bool,
    deterministic: bool,
) -> Udf[..., Any]:
    called = str(name or getattr(function, "__name__", "")).upper()
    if not called.replace("_", "").isalnum():
        raise UsageError(f"{called or 'the function'} is no name for a function", hint="give it one: udf(name=…)")
    listed = [each for each in inspect.signature(function).parameters.values() if each.kind not in _KEYWORD_ONLY]
    if any(each.kind is inspect.Parameter.VAR_POSITIONAL for each in listed):
        raise UsageError(f"{called} takes *args: a function called by SQL has a fixed list of parameters")
    hints = typing.get_type_hints(function) if args is None or returns is None else {}
    if args is None:
        typed = [_from_hint(called, each.name, hints.get(each.name)) for each in listed]
    else:
        typed = [type_of(each) for each in args]
    if len(typed) > len(listed):
        raise UsageError(f"{called}: {len(typed)} types in args, the function takes {len(listed)} arguments")
    result = type_of(returns) if returns is not None else _from_hint(called, "the result", hints.get("return"))
    return Udf(
        called,
        function,
        tuple(each.with_nullable(True) for each in typed),
        tuple(vectorized or each.nullable for each in typed),
        sum(each.default is inspect.Parameter.empty for each in listed),
        result,
        vectorized,
        deterministic,
    )


_KEYWORD_ONLY = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD)


def _from_hint(function: str, what: str, hint: Any) -> SqlType:
    """The SQL type of a hint; NOT NULL unless it allows None."""
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType) and len(inside) == 2 and type(None) in inside:
        other = inside[0] if inside[1] is type(None) else inside[1]
        return _from_hint(function, what, other).with_nullable(True)
    if origin is list:
        return t.array(_from_hint(function, what, inside[0]).with_nullable(True)).with_nullable(False)
    if origin is dict:
        key, value = (_from_hint(function, what, each).with_nullable(True) for each in inside)
        return t.map_(key, value).with_nullable(False)
    if hint in _TYPES:
        return _TYPES[hint].with_nullable(False)
    shown = "no type hint" if hint is None else f"the type hint {getattr(hint, '__name__', hint)}"
    if isinstance(hint, type) and issubclass(hint, pa.Array):
        raise UsageError(f"{function}: {what} is an Arrow array", hint="say args=[…] and returns=… as SQL types")
    raise UsageError(f"{function}: {what} has {shown}", hint=f"write one of {_HINTS}, or args=[…] and returns=…")
