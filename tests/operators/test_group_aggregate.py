"""GroupAggregate: what it sends at the end of each step."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from streamsql.batch import Batch
from streamsql.errors import DataError, Span
from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.types import (
    BIGINT,
    DOUBLE,
    INT,
    STRING,
    TINYINT,
    Schema,
    SqlType,
    array,
    decimal,
    schema,
)
from streamsql.operators.group_aggregate import GroupAggregate

SALES = schema(("shop", STRING), ("item", STRING), ("price", BIGINT))
COUNT = AggregateCall("COUNT", (), BIGINT.with_nullable(False))
TOTAL = AggregateCall("SUM", (2,), BIGINT)
LARGEST = AggregateCall("MAX", (2,), BIGINT)
ITEMS = AggregateCall("LISTAGG", (1,), STRING)
KINDS = AggregateCall("COUNT", (1,), BIGINT.with_nullable(False), distinct=True)


def group(keys: list[int], *calls: AggregateCall, append_only: bool = False, source: Schema = SALES) -> GroupAggregate:
    columns = [(source.columns[each].name, source.columns[each].type) for each in keys]
    columns += [(f"c{at}", call.type) for at, call in enumerate(calls)]
    return GroupAggregate(source, keys, calls, schema(*columns), append_only)


def step(operator: GroupAggregate, *rows: tuple[Any, ...], source: Schema = SALES) -> list[tuple[Any, ...]]:
    """Rows are (+1 or -1, values ...); one batch, then the end of the step."""
    types = source.to_arrow().types
    columns = [pa.array([row[at + 1] for row in rows], type_) for at, type_ in enumerate(types)]
    weights = np.array([row[0] for row in rows], np.int8)
    batch = Batch(pa.record_batch(columns, schema=source.to_arrow()), None if (weights > 0).all() else weights)
    return [*changes(operator.on_batch(batch)), *changes(operator.on_step_end())]


def changes(batches: Any) -> Iterator[tuple[Any, ...]]:
    for batch in batches:
        yield from zip(batch.sign().tolist(), *(column.to_pylist() for column in batch.rows.columns), strict=True)


def test_a_group_is_added_then_replaced_then_withdrawn() -> None:
    shops = group([0], COUNT, TOTAL)
    assert step(shops, (1, "a", "x", 5), (1, "b", "y", 1), (1, "a", "z", 2)) == [(1, "a", 2, 7), (1, "b", 1, 1)]
    assert step(shops, (1, "b", "x", 4), (-1, "a", "x", 5)) == [
        (-1, "b", 1, 1),
        (1, "b", 2, 5),
        (-1, "a", 2, 7),
        (1, "a", 1, 2),
    ]
    assert step(shops, (-1, "a", "z", 2)) == [(-1, "a", 1, 2)]


def test_a_result_that_stays_the_same_is_not_sent() -> None:
    shops = group([0], LARGEST)
    assert step(shops, (1, "a", "x", 5)) == [(1, "a", 5)]
    assert step(shops, (1, "a", "y", 3)) == []
    assert step(shops, (-1, "a", "x", 5)) == [(-1, "a", 5), (1, "a", 3)]


def test_what_exists_only_inside_a_step_is_never_seen() -> None:
    shops = group([0], COUNT)
    assert step(shops, (1, "a", "x", 5), (-1, "a", "x", 5)) == []
    assert {name: state.rows for name, state in shops.states().items()} == {"keys": 0, "accumulators": 0}


def test_append_only_rows_without_weights_give_rows_without_weights() -> None:
    shops = group([0], append_only=True)
    rows = pa.record_batch([["b", "a", "b"], ["x", "x", "x"], [1, 1, 1]], names=list(SALES.names))
    list(shops.on_batch(Batch(rows)))
    (distinct,) = shops.on_step_end()
    assert distinct.weights is None
    assert distinct.rows.to_pydict() == {"shop": ["b", "a"]}
    list(shops.on_batch(Batch(rows)))
    assert list(shops.on_step_end()) == []


def test_the_only_group_has_no_row_before_the_first_input_and_after_the_last() -> None:
    everything = group([], COUNT, TOTAL)
    assert list(everything.on_step_end()) == []
    assert step(everything, (1, "a", "x", None)) == [(1, 1, None)]
    assert step(everything, (-1, "a", "x", None)) == [(-1, 1, None)]


def test_lists_are_in_order_of_arrival() -> None:
    shops = group([0], ITEMS, append_only=True)
    assert step(shops, (1, "a", "x", 1), (1, "a", None, 1), (1, "a", "y", 1)) == [(1, "a", "x,y")]
    assert step(shops, (1, "a", "x", 1)) == [(-1, "a", "x,y"), (1, "a", "x,y,x")]


def test_lists_go_by_text_where_rows_are_taken_back() -> None:
    shops = group([0], ITEMS)
    rows = [(1, "a", "x", 1), (1, "a", None, 1), (1, "a", "y", 1), (1, "a", "x", 1)]
    assert step(shops, *rows) == [(1, "a", "x,y,x")]
    assert step(shops, (-1, "a", "x", 1)) == [(-1, "a", "x,y,x"), (1, "a", "y,x")]


def test_distinct_counts_move_only_when_a_value_appears_or_vanishes() -> None:
    shops = group([0], KINDS)
    assert step(shops, (1, "a", "x", 1), (1, "a", "x", 2), (1, "a", "y", 3)) == [(1, "a", 2)]
    assert step(shops, (-1, "a", "x", 1)) == []
    assert step(shops, (-1, "a", "x", 2)) == [(-1, "a", 2), (1, "a", 1)]


@pytest.mark.parametrize("calls", [(COUNT,), (LARGEST,), (KINDS,), (ITEMS,)])
def test_a_row_taken_back_but_never_added_is_an_error(calls: tuple[AggregateCall, ...]) -> None:
    shops = group([0], *calls)
    step(shops, (1, "it's", "x", 1))
    with pytest.raises(DataError, match="never added: shop = 'it''s'"):
        step(shops, (-1, "it's", "y", 2), (-1, "it's", "z", 3))


def test_an_overflow_is_an_error_with_the_place_of_the_call() -> None:
    call = AggregateCall("SUM", (0,), TINYINT, span=Span(7, 16))
    numbers = schema(("n", TINYINT))
    operator = group([], call, source=numbers)
    assert step(operator, (1, 100), (1, 27), source=numbers) == [(1, 127)]
    assert step(operator, (1, 1), (-1, 1), source=numbers) == []
    with pytest.raises(DataError, match="SUM overflows TINYINT") as raised:
        step(operator, (1, 1), source=numbers)
    assert raised.value.span == Span(7, 16)


@pytest.mark.parametrize(
    ("type_", "values", "total", "mean"),
    [
        (INT, [-7, None, 2], -5, -2),
        (BIGINT, [2**63 - 1, 2**63 - 1, -(2**63)], 2**63 - 2, 3074457345618258602),
        (decimal(10, 2), [Decimal("0.05"), Decimal("-0.10")], Decimal("-0.05"), Decimal("-0.025000")),
        (decimal(3, 0), [Decimal(1), Decimal(1), Decimal(0)], Decimal(2), Decimal("0.666667")),
        (decimal(38, 0), [Decimal(10**37), Decimal(10**37)], Decimal(2 * 10**37), None),
        (DOUBLE, [0.5, 1.0], 1.5, 0.75),
    ],
)
def test_sums_and_averages(type_: SqlType, values: list[Any], total: Any, mean: Any) -> None:
    numbers = schema(("n", type_))
    scale = type_.scale or 0
    summed = decimal(38, scale) if type_.kind.value == "DECIMAL" else type_
    averaged = decimal(38, max(6, scale)) if type_.kind.value == "DECIMAL" else type_
    operator = group([], AggregateCall("SUM", (0,), summed), source=numbers)
    assert step(operator, *((1, value) for value in values), source=numbers) == [(1, total)]
    if mean is not None:
        operator = group([], AggregateCall("AVG", (0,), averaged), source=numbers)
        assert step(operator, *((1, value) for value in values), source=numbers) == [(1, mean)]


def test_a_huge_number_taken_back_leaves_the_small_ones_exact() -> None:
    numbers = schema(("n", DOUBLE))
    operator = group([], AggregateCall("SUM", (0,), DOUBLE), source=numbers)
    assert step(operator, (1, 1e20), (1, 0.1), source=numbers) == [(1, 1e20)]
    assert step(operator, (1, float("inf")), (1, 0.2), source=numbers) == [(-1, 1e20), (1, float("inf"))]
    ((_, before), (_, after)) = step(operator, (-1, 1e20), (-1, float("inf")), source=numbers)
    assert before == float("inf")
    assert after == pytest.approx(0.3, abs=1e-11)


def test_zeros_and_nans_are_one_key_each_and_nan_is_the_largest() -> None:
    numbers = schema(("n", DOUBLE))
    counts = group([0], COUNT, source=numbers)
    nan = float("nan")
    found = step(counts, (1, 0.0), (1, -0.0), (1, nan), (1, None), (1, -nan), source=numbers)
    assert [(str(key), count) for _, key, count in found] == [("0.0", 2), ("nan", 2), ("None", 1)]
    extremes = group([], AggregateCall("MIN", (0,), DOUBLE), AggregateCall("MAX", (0,), DOUBLE), source=numbers)
    ((_, smallest, largest),) = step(extremes, (1, 2.0), (1, nan), source=numbers)
    assert (smallest, str(largest)) == (2.0, "nan")


def test_arrays_are_keys() -> None:
    lists = schema(("a", array(INT)))
    counts = group([0], COUNT, source=lists)
    found = step(counts, (1, [1, 2]), (1, None), (1, []), (1, [1, 2]), source=lists)
    assert found == [(1, [1, 2], 2), (1, None, 1), (1, [], 1)]
    assert step(counts, (-1, []), source=lists) == [(-1, [], 1)]
