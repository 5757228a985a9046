"""Slow functions over columns whose values repeat: the same answers, found once for each distinct value."""

from __future__ import annotations

import pyarrow as pa
import pytest

from streamsql.errors import DataError, Span
from streamsql.expr import types as t
from streamsql.expr.compile import compile_expr, compile_exprs, compile_predicate
from streamsql.expr.context import EvalContext
from streamsql.expr.distinct_values import FEW_ROWS, LONGEST_WAIT, DistinctValues
from streamsql.expr.nodes import ColumnRef, Expr, Literal
from streamsql.expr.resolve import resolve_call, resolve_case, resolve_cast

URL = ColumnRef(id=5, type=t.STRING, name="url")
TIME = ColumnRef(id=6, type=t.timestamp(3), name="ts")
PLACES = {5: 0, 6: 1}
ROWS = 4 * FEW_ROWS
URLS = ["https://a/one/two?id=7", "b/c", "", None, "//", "id=12&x", "ß/ü/id=3"]


def text(value: str) -> Literal:
    return Literal(value=value, type=t.STRING)


def whole(value: int) -> Literal:
    return Literal(value=value, type=t.INT)


def rows(texts: list[str | None]) -> pa.RecordBatch:
    times = pa.array([index % 7 * 86_400_000_000 for index in range(len(texts))], pa.timestamp("us"))
    return pa.RecordBatch.from_arrays([pa.array(texts, pa.string()), times], names=["url", "ts"])


def repeating(count: int = ROWS) -> pa.RecordBatch:
    return rows([URLS[(index + index // 7) % len(URLS)] for index in range(count)])


IDENTIFIER = resolve_call("REGEXP_EXTRACT", (URL, text("id=([0-9]+)"), whole(1)))
SLOW = {
    "arrow": IDENTIFIER,
    "part": resolve_call("SPLIT_INDEX", (URL, text("/"), whole(1))),
    "duckdb": resolve_call("MD5", (URL,)),
    "nested inside": resolve_call("CARDINALITY", (resolve_call("SPLIT", (URL, text("/"))),)),
    "null is a value": resolve_call("COALESCE", (IDENTIFIER, text("none"))),
    "time": resolve_call("DATE_FORMAT", (TIME, text("yyyy-MM-dd"))),
    "boolean": resolve_call("=", (resolve_call("REPLACE", (URL, text("/"), text(""))), text("bc"))),
    "number": resolve_cast(IDENTIFIER, t.BIGINT),
}


def by_row(expr: Expr, batch: pa.RecordBatch) -> list[object]:
    """In batches too small to be looked through."""
    kernel = compile_expr(expr, PLACES, EvalContext())
    steps = range(0, batch.num_rows, FEW_ROWS // 2)
    return [each for start in steps for each in kernel(batch.slice(start, FEW_ROWS // 2)).to_pylist()]


@pytest.mark.parametrize("name", SLOW)
def test_the_answers_are_those_of_each_row(name: str) -> None:
    batch = repeating()
    result = compile_expr(SLOW[name], PLACES, EvalContext())(batch)
    assert result.to_pylist() == by_row(SLOW[name], batch)


def test_literal_answers() -> None:
    batch = rows((["https://a/one/two?id=7", "b/c", "", None] * FEW_ROWS)[:ROWS])
    parts = compile_exprs([SLOW["part"], IDENTIFIER, SLOW["null is a value"]], PLACES, EvalContext())
    assert [kernel(batch)[:4].to_pylist() for kernel in parts] == [
        ["", "c", None, None],
        ["7", None, None, None],
        ["7", "none", "none", "none"],
    ]


def test_a_failure_names_the_value() -> None:
    failing = resolve_cast(resolve_call("REPLACE", (URL, text("/"), text(""))), t.INT, span=Span(3, 8))
    with pytest.raises(DataError) as error:
        compile_expr(failing, PLACES, EvalContext())(rows(["1/2", "3x"] * FEW_ROWS))
    assert error.value.message == "cannot cast '3x' to INT"
    assert error.value.span == Span(3, 8)


def test_rows_that_a_condition_leaves_out_do_not_fail() -> None:
    number = resolve_cast(IDENTIFIER, t.INT)
    guarded = resolve_case([(resolve_call("IS NULL", (IDENTIFIER,)), whole(-1))], number)
    batch = repeating()
    result = compile_expr(guarded, PLACES, EvalContext())(batch).to_pylist()
    assert result[:7] == [7, -1, -1, -1, -1, 12, 3]
    assert result == by_row(guarded, batch)


def test_a_filter_and_a_projection_look_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    look = DistinctValues._look
    monkeypatch.setattr(DistinctValues, "_look", lambda self, column: looked.append(len(column)) or look(self, column))
    context, batch = EvalContext(), repeating()
    predicate = compile_predicate(resolve_call("IS NOT NULL", (IDENTIFIER,)), PLACES, context)
    first, second = compile_exprs([IDENTIFIER, SLOW["part"]], PLACES, context)
    mask = predicate(batch)
    again = pa.RecordBatch.from_arrays(batch.columns, names=batch.schema.names)
    assert first(again).is_valid().to_pylist() == mask.tolist()
    assert len(second(again)) == ROWS
    assert looked == [ROWS]


def test_values_that_do_not_repeat_are_left_alone_and_tried_again() -> None:
    values = DistinctValues()
    tries = []
    for number in range(3 * LONGEST_WAIT):
        column = pa.array([f"{number} {index}" for index in range(FEW_ROWS)])
        waiting = values._wait
        assert values.of(column) is None
        if not waiting:
            tries.append(number)
    assert tries == [0, 2, 5, 10, 19, 36, 69, 134]
    values._wait = 0
    assert values.of(pa.array(["a", "b"] * FEW_ROWS)) is not None
