"""Calls of Python functions from SQL: their arguments checked and converted, their results checked by batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from itertools import count
from typing import Any

import pyarrow as pa

from streamsql.errors import FunctionError, Span, SqlError
from streamsql.expr.casting import can_cast
from streamsql.expr.coercion import NUMERIC, coerce, common_type
from streamsql.expr.context import EvalContext
from streamsql.expr.failures import show
from streamsql.expr.function import Datum, Function
from streamsql.expr.nodes import Call, Expr
from streamsql.expr.resolve import resolve_cast
from streamsql.expr.signatures import Args, Bound, Mismatch
from streamsql.expr.types import FLOATS, INTEGERS, Kind, SqlType, arrow_type, from_arrow
from streamsql.expr.vectors import broadcast, over_arrays
from streamsql.python_functions import Udf
from streamsql.record import record

_numbers = count(1)


@record(eq=False)
class PythonFunction:
    """A Python function under its name in SQL."""

    udf: Udf[..., Any]
    entry: Function = field(init=False)

    def __post_init__(self) -> None:
        udf, text = self.udf, f"python_{next(_numbers)}"
        entry = Function(
            udf.name,
            udf.usage,
            self._bound,
            self._kernel,
            lambda call, args, context: f"{text}_{len(args)}({', '.join(args)})",
            can_fail=True,
            volatile=not udf.deterministic,
            per_row=not udf.deterministic,
        )
        object.__setattr__(self, "entry", entry)

    @property
    def name(self) -> str:
        return self.udf.name

    @property
    def usage(self) -> str:
        return self.udf.usage

    def __call__(self, args: tuple[Expr, ...], span: Span | None) -> Expr:
        """The call over these arguments; SqlError where they do not fit."""
        try:
            bound = self._bound(args)
        except Mismatch as mismatch:
            given = ", ".join(str(each.type.with_nullable(True)) for each in args)
            message = f"{self.name}({given}) does not fit: expected {self.usage}"
            raise SqlError(message, span=span, hint=mismatch.hint) from None
        return Call(function=self.name, args=bound.args, type=bound.type, own=self.entry, span=span)

    def _bound(self, args: Args) -> Bound:
        udf = self.udf
        if not udf.required <= len(args) <= len(udf.parameters):
            raise Mismatch
        converted = tuple(_converted(arg, type_) for arg, type_ in zip(args, udf.parameters, strict=False))
        skipped = zip(converted, udf.takes_null, strict=False)
        nullable = udf.returns.nullable or any(arg.type.nullable and not takes for arg, takes in skipped)
        return Bound(converted, udf.returns.with_nullable(nullable))

    def _kernel(self, call: Call, context: EvalContext) -> Callable[..., Datum]:
        run = _Vectorized(self.udf, call) if self.udf.vectorized else _ByRow(self.udf, call)
        if self.udf.deterministic:
            return over_arrays(run)
        return lambda rows, *args: run(*(broadcast(each, rows) for each in args), rows=rows)


def _converted(arg: Expr, type_: SqlType) -> Expr:
    exact = arg.type.kind in (*INTEGERS, Kind.DECIMAL) and type_.kind is Kind.DECIMAL
    shared = common_type((arg.type, type_))
    if shared is not None and shared.same_as(type_):
        return coerce(arg, type_.with_nullable(arg.type.nullable))
    if exact or (arg.type.kind in NUMERIC and type_.kind in FLOATS and can_cast(arg.type, type_)):
        return resolve_cast(arg, type_)
    raise Mismatch(hint=f"write CAST(… AS {type_.with_nullable(True)})")


@record
class _ByRow:
    """Calls a function for each row."""

    udf: Udf[..., Any]
    call: Call

    def __call__(self, *args: pa.Array, rows: int = 1) -> pa.Array:
        rows = len(args[0]) if args else rows
        columns = [_values(each) for each in args]
        results: list[Any] = []
        for index in range(rows):
            values = [each[index] for each in columns]
            skipped = any(
                value is None and not takes for value, takes in zip(values, self.udf.takes_null, strict=False)
            )
            results.append(None if skipped else self._result(values, args, index))
        return pa.array(results, arrow_type(self.udf.returns))

    def _result(self, values: list[Any], args: tuple[pa.Array, ...], index: int) -> Any:
        try:
            result = self.udf.function(*values)
        except Exception as error:
            what = f"raised {type(error).__name__}: {error}"
            raise _failure(self.udf, self.call, args, index, what) from error
        try:
            return _checked(result, self.udf.returns)
        except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
            what = f"returned {result!r}, it declares {self.udf.returns}"
            raise _failure(self.udf, self.call, args, index, what) from error


@record
class _Vectorized:
    """Calls a function with Arrow arrays."""

    udf: Udf[..., Any]
    call: Call

    def __call__(self, *args: pa.Array, rows: int = 1) -> pa.Array:
        rows = len(args[0]) if args else rows
        try:
            result = self.udf.function(*args)
        except Exception as error:
            raise self._wrong(f"raised {type(error).__name__}: {error}") from error
        if isinstance(result, pa.ChunkedArray):
            result = result.combine_chunks()
        if not isinstance(result, pa.Array):
            raise self._wrong(f"returned {type(result).__name__}, not an Arrow array")
        if len(result) != rows:
            raise self._wrong(f"returned {len(result)} values for {rows} rows")
        result = self._declared(result)
        if result.null_count and not self.call.type.nullable:
            raise self._wrong(f"returned NULL, it declares {self.udf.returns}")
        return result

    def _declared(self, result: pa.Array) -> pa.Array:
        """The result in its declared layout; Arrow's arithmetic may have made its integers wider."""
        declared = self.udf.returns
        if result.type == arrow_type(declared):
            return result
        given = from_arrow(result.type)
        shared = common_type((given, declared))
        fits = shared is not None and shared.same_as(declared)
        try:
            if fits or (given.kind in INTEGERS and declared.kind in INTEGERS):
                return result.cast(arrow_type(declared))
        except pa.ArrowInvalid as error:
            raise self._wrong(f"returned {result.type}, it declares {declared}: {error}") from error
        raise self._wrong(f"returned {result.type}, it declares {declared}")

    def _wrong(self, what: str) -> FunctionError:
        return FunctionError(f"the Python function {self.udf.name} {what}", span=self.call.span)


def _values(array: pa.Array) -> list[Any]:
    values: list[Any] = array.to_pylist()
    return [None if each is None else dict(each) for each in values] if pa.types.is_map(array.type) else values


def _checked(result: Any, type_: SqlType) -> Any:
    """The result as Arrow takes it; raises where it is not of the type."""
    if result is None:
        if not type_.nullable:
            raise ValueError("None")
        return None
    if isinstance(result, dict) and type_.kind is Kind.MAP:
        result = list(result.items())
    if type_.kind in INTEGERS and (isinstance(result, bool) or not hasattr(result, "__index__")):
        raise TypeError(result)
    pa.scalar(result, arrow_type(type_))
    return result


def _failure(udf: Udf[..., Any], call: Call, args: tuple[pa.Array, ...], index: int, what: str) -> FunctionError:
    shown = ", ".join(show(each[index]) for each in args)
    return FunctionError(f"the Python function {udf.name}({shown}) {what}", span=call.span)
