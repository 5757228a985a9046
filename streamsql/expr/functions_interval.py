"""EXTRACT from an interval: its days, hours, minutes and seconds, or its years and months."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from streamsql.expr import types as t
from streamsql.expr.context import EvalContext
from streamsql.expr.function import ArrowFunction, Function, literal
from streamsql.expr.nodes import Call, Literal
from streamsql.expr.signatures import Args, Bound, Mismatch
from streamsql.expr.types import Kind
from streamsql.expr.vectors import numbers, over_arrays, with_nulls

_PARTS: dict[Kind, dict[str, tuple[int, int]]] = {
    Kind.INTERVAL_DAY: {
        "DAY": (86_400_000_000, 0),
        "HOUR": (3_600_000_000, 24),
        "MINUTE": (60_000_000, 60),
        "SECOND": (1_000_000, 60),
        "MILLISECOND": (1_000, 1_000),
        "MICROSECOND": (1, 1_000_000),
        "EPOCH": (1_000_000, 0),
    },
    Kind.INTERVAL_MONTH: {"YEAR": (12, 0), "MONTH": (1, 12)},
}
"""How large a unit is, and how many of them make the next one (0: all are counted)."""


def _rule(args: Args) -> Bound:
    if len(args) != 2 or args[1].type.kind not in _PARTS or not isinstance(args[0], Literal):
        raise Mismatch
    word, known = str(args[0].value).upper().removesuffix("S"), _PARTS[args[1].type.kind]
    if word not in known:
        interval = args[1].type.with_nullable(True)
        raise Mismatch(f"an {interval} has no {word}", f"units: {', '.join(known)}", args[0].span)
    unit = Literal(value=word, type=t.char(len(word)).with_nullable(False), span=args[0].span)
    return Bound((unit, args[1]), t.BIGINT.with_nullable(args[1].type.nullable))


def _part(call: Call) -> tuple[int, int]:
    return _PARTS[call.args[1].type.kind][str(literal(call, 0))]


def _kernel(call: Call, context: EvalContext) -> ArrowFunction:
    """Cut towards zero: a negative interval has negative parts."""
    size, of_next = _part(call)

    def evaluate(interval: pa.Array) -> pa.Array:
        amount = numbers(interval).astype(np.int64)
        count = np.sign(amount) * (np.abs(amount) // size)
        return with_nulls(np.fmod(count, of_next) if of_next else count, pa.int64(), interval)

    kernel = over_arrays(evaluate)
    return lambda unit, interval: kernel(interval)


def _sql(call: Call, args: Sequence[str], context: EvalContext) -> str:
    size, of_next = _part(call)
    count = f"(CAST({args[1]} AS BIGINT) // {size})"
    return f"{count} % {of_next}" if of_next else count


ENTRIES: tuple[Function, ...] = (
    Function("EXTRACT INTERVAL", "EXTRACT(unit FROM interval)", _rule, _kernel, _sql, "EXTRACT"),
)
