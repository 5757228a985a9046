"""RAND, RAND_INTEGER, UUID: Java's numbers from a seed, whatever the batches; the session's seed makes runs alike."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from streamsql.errors import DataError, Span
from streamsql.expr import types as t
from streamsql.expr.compile import compile_expr
from streamsql.expr.context import EvalContext
from streamsql.expr.nodes import ColumnRef, Expr, Literal
from streamsql.expr.resolve import resolve_call

K = ColumnRef(id=0, type=t.INT, name="k")


def number(value: int) -> Literal:
    return Literal(value=value, type=t.INT)


def drawn(
    expr: Expr, cuts: list[int], context: EvalContext | None = None, values: list[Any] | None = None
) -> list[Any]:
    """The results over batches of these lengths."""
    kernel = compile_expr(expr, {0: 0}, context or EvalContext())
    batch = pa.RecordBatch.from_arrays([pa.array(values or range(1, sum(cuts) + 1), pa.int32())], names=["k"])
    found, start = [], 0
    for length in cuts:
        found += kernel(batch.slice(start, length)).to_pylist()
        start += length
    return found


@pytest.mark.parametrize("cuts", [[4], [1, 1, 2], [0, 3, 1]])
def test_a_seed_gives_javas_numbers(cuts: list[int]) -> None:
    doubles = [0.7275636800328681, 0.6832234717598454, 0.30871945533265976, 0.27707849007413665]
    assert drawn(resolve_call("RAND", (number(42),)), cuts) == doubles
    assert drawn(resolve_call("RAND_INTEGER", (number(42), number(10))), cuts) == [0, 3, 8, 4]
    assert drawn(resolve_call("RAND_INTEGER", (number(42), number(16))), cuts) == [11, 0, 10, 0]


@pytest.mark.parametrize("name", ["RAND", "UUID"])
def test_the_seed_of_the_session_makes_runs_alike(name: str) -> None:
    call = resolve_call(name, (), Span(7, 13))
    other_place = resolve_call(name, (), Span(20, 26))
    first = drawn(call, [5], EvalContext(seed=3))
    assert drawn(call, [2, 3], EvalContext(seed=3)) == first
    assert drawn(call, [5], EvalContext(seed=4)) != first
    assert drawn(other_place, [5], EvalContext(seed=3)) != first
    assert len(set(first)) == 5


def test_uuids_are_of_version_4() -> None:
    (value,) = drawn(resolve_call("UUID", ()), [1])
    assert [len(part) for part in value.split("-")] == [8, 4, 4, 4, 12]
    assert value[14] == "4" and value[19] in "89ab"


def test_bounds_from_a_column() -> None:
    call = resolve_call("RAND_INTEGER", (K,))
    assert drawn(call, [2], values=[1, None]) == [0, None]
    with pytest.raises(DataError, match="the bound must be positive"):
        drawn(call, [2], values=[1, 0])
