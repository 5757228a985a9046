"""What a failed kernel tells: which operation, and the values of the first row that it failed on."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from streamsql.errors import DataError
from streamsql.expr.function import ArrowFunction, Datum
from streamsql.expr.nodes import Call, Cast, Expr
from streamsql.expr.types import Kind

_FAILURES = (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowCapacityError)


def explained(kernel: ArrowFunction, expr: Expr) -> ArrowFunction:
    """The kernel, raising DataError with the expression's span and a sample of the values instead of Arrow's errors."""

    def evaluate(*args: Datum) -> Datum:
        try:
            return kernel(*args)
        except _FAILURES as error:
            message = _message(expr, error, _sample(kernel, args))
            raise DataError(message, span=expr.span, hint=_hint(expr, message)) from error

    return evaluate


def _sample(kernel: ArrowFunction, args: tuple[Datum, ...]) -> list[Any]:
    """The arguments of the first row that fails, by halving."""
    lengths = [len(each) for each in args if not isinstance(each, pa.Scalar)]
    low, high = 0, lengths[0] if lengths else 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _fails(kernel, _slice(args, low, middle)) else (middle, high)
    return [each if isinstance(each, pa.Scalar) else each[low] for each in args]


def _slice(args: tuple[Datum, ...], start: int, stop: int) -> list[Datum]:
    return [each if isinstance(each, pa.Scalar) else each.slice(start, stop - start) for each in args]


def _fails(kernel: ArrowFunction, args: list[Datum]) -> bool:
    try:
        kernel(*args)
    except _FAILURES:
        return True
    return False


def _message(expr: Expr, error: Exception, values: list[Any]) -> str:
    shown = [show(each) for each in values]
    match expr:
        case Cast(type=type_):
            return f"cannot cast {shown[0]} to {type_.with_nullable(True)}"
        case Call(function=name):
            call = (
                f"{shown[0]} {name} {shown[1]}" if len(shown) == 2 and not name.isidentifier() else _call(name, shown)
            )
            if "divide by zero" in str(error).lower():
                return f"division by zero: {call}"
            if "overflow" in str(error):
                return f"integer overflow: {call} does not fit {expr.type.with_nullable(True)}"
            if isinstance(error, pa.ArrowCapacityError):
                return f"{call} is too long: a column holds 2 GB a batch at most"
            return str(error) if name.startswith("$") else f"{call} failed: {error}"
        case _:
            return str(error)


def _hint(expr: Expr, message: str) -> str | None:
    if isinstance(expr, Cast):
        return "TRY_CAST gives NULL where CAST fails"
    if message.startswith("division by zero"):
        return "NULLIF(…, 0) as the divisor gives NULL instead"
    if message.startswith("integer overflow") and expr.type.kind is not Kind.BIGINT:
        return "CAST an operand to BIGINT"
    return None


def _call(name: str, shown: list[str]) -> str:
    return f"-({shown[0]})" if name == "NEGATE" else f"{name}({', '.join(shown)})"


def show(scalar: pa.Scalar) -> str:
    """A value as SQL shows it, cut where it is long."""
    if not scalar.is_valid:
        return "NULL"
    value = scalar.as_py() if not pa.types.is_timestamp(scalar.type) else str(scalar)
    text = f"'{value}'" if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "…'"
