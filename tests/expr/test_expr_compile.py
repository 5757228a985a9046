"""Kernels over awkward batches, guarded evaluation, folding."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from streamsql.errors import DataError, Span
from streamsql.expr import types as t
from streamsql.expr.compile import compile_expr, compile_predicate
from streamsql.expr.context import EvalContext
from streamsql.expr.fold import fold
from streamsql.expr.nodes import Case, ColumnRef, Expr, Literal
from streamsql.expr.properties import can_fail, is_constant, is_volatile
from streamsql.expr.resolve import resolve_call, resolve_case, resolve_cast
from streamsql.time import ManualClock

CONTEXT = EvalContext()
A = ColumnRef(id=10, type=t.INT, name="a")
B = ColumnRef(id=11, type=t.INT, name="b")
S = ColumnRef(id=12, type=t.STRING, name="s")
POSITIONS = {10: 0, 11: 2, 12: 1}


def batch(a: list[int | None], b: list[int | None]) -> pa.RecordBatch:
    texts = [None if each is None else str(each) for each in a]
    columns = [pa.array(a, pa.int32()), pa.array(texts, pa.string()), pa.array(b, pa.int32())]
    return pa.RecordBatch.from_arrays(columns, names=["x", "x", "x"])


def number(value: int | None) -> Literal:
    return Literal(value=value, type=t.INT if value is not None else t.NULL)


def run(expr: Expr, rows: pa.RecordBatch) -> list[object]:
    result = compile_expr(expr, POSITIONS, CONTEXT)(rows)
    assert isinstance(result, pa.Array) and len(result) == rows.num_rows
    return result.to_pylist()  # type: ignore[no-any-return]


QUOTIENT = resolve_call("/", (A, B))
NOT_ZERO = resolve_call("<>", (B, number(0)))
ROWS = batch([7, 8, 9, None], [2, 0, None, 0])


def test_case_evaluates_only_the_rows_it_selects() -> None:
    guarded = resolve_case([(NOT_ZERO, QUOTIENT)], number(-1))
    assert isinstance(guarded, Case) and can_fail(guarded)
    assert run(guarded, ROWS) == [3, -1, -1, -1]


def test_and_or_coalesce_evaluate_only_the_rows_left_open() -> None:
    large = resolve_call(">", (QUOTIENT, number(1)))
    assert run(resolve_call("AND", (NOT_ZERO, large)), ROWS) == [True, False, None, False]
    assert run(resolve_call("OR", (resolve_call("NOT", (NOT_ZERO,)), large)), ROWS) == [True, True, None, True]
    safe = resolve_call("COALESCE", (resolve_call("NULLIF", (A, number(8))), QUOTIENT, number(0)))
    assert run(safe, batch([7, 8, 9, None], [0, 2, 0, None])) == [7, 4, 9, 0]


def test_a_reached_row_fails_with_its_values_and_span() -> None:
    failing = resolve_call("/", (A, B), Span(3, 8))
    with pytest.raises(DataError) as error:
        run(failing, ROWS)
    assert error.value.message == "division by zero: 8 / 0"
    assert error.value.span == Span(3, 8)


@pytest.mark.parametrize("start", [0, 1, 3])
@pytest.mark.parametrize("length", [0, 1, 2])
def test_slices_and_empty_batches(start: int, length: int) -> None:
    rows = batch([1, None, 3, 4, None], [5, 6, None, 8, 9])
    expected = [
        None if a is None or b is None else a + b
        for a, b in zip([1, None, 3, 4, None], [5, 6, None, 8, 9], strict=True)
    ]
    assert run(resolve_call("+", (A, B)), rows.slice(start, length)) == expected[start : start + length]


@pytest.mark.parametrize(
    "expr",
    [
        resolve_call("UPPER", (S,)),
        resolve_call("MD5", (S,)),
        resolve_call("SPLIT", (S, Literal(value=",", type=t.char(1)))),
        resolve_cast(S, t.INT),
        resolve_cast(S, t.decimal(5, 2)),
        resolve_cast(S, t.timestamp(3)),
        resolve_cast(resolve_cast(A, t.DOUBLE), t.STRING),
        resolve_call("ROUND", (resolve_cast(A, t.DOUBLE), number(1))),
        resolve_call("CHR", (A,)),
        resolve_call("ASCII", (S,)),
        resolve_call("IN", (A, number(1), number(None))),
        resolve_call("/", (resolve_cast(A, t.decimal(5, 2)), resolve_cast(B, t.decimal(5, 2)))),
        resolve_case([(resolve_call(">", (QUOTIENT, number(0))), S)], None),
    ],
    ids=lambda expr: getattr(expr, "function", type(expr).__name__) + " " + str(expr.type),
)
def test_all_null_and_empty(expr: Expr) -> None:
    assert run(expr, batch([None, None], [None, None])) == [None, None]
    assert run(expr, batch([], [])) == []


def test_constants_become_columns() -> None:
    assert run(number(5), ROWS) == [5, 5, 5, 5]
    assert run(Literal(value=None, type=t.STRING), ROWS) == [None] * 4


def test_predicate_takes_null_as_false() -> None:
    mask = compile_predicate(resolve_call(">", (B, number(0))), POSITIONS, CONTEXT)
    assert mask(ROWS).tolist() == [True, False, False, False]
    assert mask(ROWS.slice(1)).tolist() == [False, False, False]
    assert mask(ROWS).dtype == np.bool_
    always = compile_predicate(Literal(value=True, type=t.BOOLEAN), POSITIONS, CONTEXT)
    assert always(ROWS).all() and len(always(ROWS)) == 4


def test_fold_leaves_what_fails_or_is_volatile() -> None:
    total = fold(resolve_call("+", (number(1), resolve_call("*", (number(2), number(3))))), CONTEXT)
    assert isinstance(total, Literal) and total.value == 7
    failing = resolve_call("/", (number(1), number(0)))
    assert fold(failing, CONTEXT) == failing
    now = resolve_call("NOW", ())
    assert fold(now, CONTEXT) == now and is_volatile(now) and not is_constant(now)
    below = fold(resolve_call("+", (A, resolve_call("+", (number(1), number(2))))), CONTEXT)
    assert below == resolve_call("+", (A, number(3)))


def test_clocks() -> None:
    context = EvalContext(clock=ManualClock(5_000_000), start=1_000_000)
    rows = ROWS.slice(0, 1)
    now = compile_expr(resolve_call("NOW", ()), {}, context)(rows)
    proctime = compile_expr(resolve_call("PROCTIME", ()), {}, context)(rows)
    assert now.cast(pa.int64()).to_pylist() == [1_000_000]
    assert proctime.cast(pa.int64()).to_pylist() == [5_000_000]


def test_time_zone_of_the_session() -> None:
    tokyo = EvalContext(time_zone="Asia/Tokyo")
    moment = Literal(value=0, type=t.timestamp_ltz(3))
    hour = resolve_call("HOUR", (moment,))
    text = resolve_cast(moment, t.STRING)
    rows = ROWS.slice(0, 1)
    assert compile_expr(hour, {}, tokyo)(rows).to_pylist() == [9]
    assert compile_expr(text, {}, tokyo)(rows).to_pylist() == ["1970-01-01 09:00:00.000"]


def test_can_fail() -> None:
    assert can_fail(QUOTIENT) and can_fail(resolve_call("+", (A, B))) and can_fail(resolve_cast(S, t.INT))
    assert not can_fail(resolve_call("/", (A, number(2))))
    assert not can_fail(resolve_cast(S, t.INT, safe=True))
    assert not can_fail(resolve_call("+", (resolve_cast(A, t.DOUBLE), resolve_cast(B, t.DOUBLE))))
