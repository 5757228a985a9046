"""Aggregates in DuckDB, made to give the bound types and the answers of the dialect."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from batch_plans import Input, aggregate, call, query, run
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsql.errors import DataError
from streamsql.expr.types import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    FLOAT,
    INT,
    STRING,
    TINYINT,
    SqlType,
    arrow_type,
    decimal,
)


def one(function: str, type_: SqlType, values: list[Any], *, result: SqlType | None = None, **options: Any) -> Any:
    """The global aggregate over one column."""
    table = Input("t", {"x": (type_, values)})
    plan = aggregate(table.scan(), [], call(function, table.fields["x"], type_=result or type_, **options))
    answer = query(plan, table).run()
    assert answer.schema.field(0).type == arrow_type(result or type_)
    return answer.column(0).to_pylist()


def test_sums_keep_the_type_and_fail_beyond_it():
    assert one("SUM", TINYINT, [100, None, 27]) == [127]
    assert one("SUM", BIGINT, [2**62, 2**62 - 1, 2**62, -(2**62)]) == [2**63 - 1]
    with pytest.raises(DataError, match="out of range"):
        one("SUM", TINYINT, [100, 28])
    assert one("SUM", decimal(5, 2), [Decimal("1.25"), Decimal("2.50")], result=decimal(38, 2)) == [Decimal("3.75")]
    assert one("SUM", INT, [None, None]) == [None]


def test_averages_of_integers_truncate_towards_zero():
    assert one("AVG", INT, [1, 2, 2]) == [1]
    assert one("AVG", INT, [-1, -2, -2, None]) == [-1]
    assert one("AVG", INT, [None]) == [None]
    assert one("AVG", BIGINT, [2**62, 2**62, 2**62]) == [2**62]


def test_averages_of_decimals_round_half_away_from_zero():
    six = decimal(38, 6)
    assert one("AVG", decimal(5, 2), [Decimal("1.00"), Decimal("1.00"), Decimal("0.00")], result=six) == [
        Decimal("0.666667")
    ]
    assert one("AVG", decimal(5, 2), [Decimal("-0.01"), Decimal("0.00")], result=six) == [Decimal("-0.005000")]
    eight = decimal(38, 8)
    assert one("AVG", decimal(9, 8), [Decimal("0.00000001"), Decimal("0")], result=eight) == [Decimal("0.00000001")]
    assert one("AVG", decimal(9, 8), [Decimal("-0.00000001"), Decimal("0")], result=eight) == [Decimal("-0.00000001")]
    assert one("AVG", decimal(4, 0), [Decimal(7), None], result=six) == [Decimal("7.000000")]
    assert one("AVG", decimal(4, 0), [None], result=six) == [None]
    big = Decimal(10) ** 31
    assert one("AVG", decimal(38, 0), [big, big + 1], result=six) == [big + Decimal("0.5")]


@settings(deadline=None, derandomize=True, max_examples=40)
@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=8), st.integers(0, 8))
def test_averages_of_decimals_agree_with_a_model(values: list[int], scale: int) -> None:
    wanted = max(6, scale)
    exact, grown = sum(values) * 10 ** (wanted - scale), len(values)
    rounded = (abs(exact) * 2 + grown) // (grown * 2) * (1 if exact >= 0 else -1)
    inputs = [Decimal(each).scaleb(-scale) for each in values]
    assert one("AVG", decimal(18, scale), inputs, result=decimal(38, wanted)) == [Decimal(rounded).scaleb(-wanted)]


def test_floating_point_is_compensated_where_rows_may_be_taken_back():
    table = Input("t", {"k": (INT, [1, 2, 3]), "x": (DOUBLE, [0.5, float("inf"), 0.25])})
    k, x = table.fields.values()
    plain = aggregate(table.scan(), [], call("SUM", x, type_=DOUBLE))
    by_key = aggregate(table.scan(), [k], call("MAX", x, type_=DOUBLE))
    updated = aggregate(by_key, [], call("SUM", by_key.fields[1], type_=DOUBLE))
    assert "fsum" not in query(plain, table).sql
    assert "fsum" in query(updated, table).sql
    assert run(updated, table) == [(float("inf"),)]


def test_floating_point_sums_and_averages():
    assert one("SUM", DOUBLE, [float("inf"), 1.0]) == [float("inf")]
    assert one("AVG", DOUBLE, [1.0, 2.0, None]) == [1.5]
    assert one("SUM", FLOAT, [0.5, 0.25]) == [0.75]
    assert one("AVG", DOUBLE, [None]) == [None]


def test_counts():
    table = Input("t", {"a": (INT, [1, 1, None, 2]), "b": (INT, [5, 5, 5, None])})
    a, b = table.fields.values()
    plan = aggregate(
        table.scan(),
        [],
        call("COUNT"),
        call("COUNT", a),
        call("COUNT", a, distinct=True),
        call("COUNT", a, b, distinct=True),
    )
    assert run(plan, table) == [(4, 3, 2, 1)]


def test_nothing_over_no_rows():
    table = Input("t", {"a": (INT, [])})
    assert run(aggregate(table.scan(), [], call("COUNT")), table) == []


def test_extremes_of_booleans_and_texts():
    assert one("MIN", BOOLEAN, [True, None, False]) == [False]
    assert one("MAX", STRING, ["zz", "10", "żółw", "Zebra"]) == ["żółw"]


def test_listagg_in_arrival_order_and_distinct_by_first_appearance():
    values = ["c", None, "a", "c", "b"]
    assert one("LISTAGG", STRING, values, options=(",",)) == ["c,a,c,b"]
    assert one("LISTAGG", STRING, values, options=("';'",), distinct=True) == ["c';'a';'b"]
    assert one("LISTAGG", STRING, [None], options=(",",)) == [None]


def test_distinct_first_appearance_looks_at_the_rows_of_the_filter_only():
    table = Input(
        "t", {"k": (INT, [1, 1, 1, 2]), "x": (STRING, ["a", "b", "a", "z"]), "f": (BOOLEAN, [None, True, True, True])}
    )
    k, x, f = table.fields.values()
    plan = aggregate(table.scan(), [k], call("LISTAGG", x, type_=STRING, distinct=True, filter=f.id, options=("-",)))
    assert run(plan, table) == [(1, "b-a"), (2, "z")]


def test_filter_and_distinct_together():
    table = Input("t", {"x": (INT, [3, 3, 4, None]), "f": (BOOLEAN, [True, True, False, True])})
    x, f = table.fields.values()
    plan = aggregate(
        table.scan(),
        [],
        call("COUNT", filter=f.id),
        call("SUM", x, type_=INT, distinct=True, filter=f.id),
        call("AVG", x, type_=INT, distinct=True),
        call("MAX", x, type_=INT, filter=f.id),
    )
    assert run(plan, table) == [(3, 3, 3, 3)]


def test_groups_come_by_key_with_null_first():
    table = Input("t", {"k": (STRING, ["b", None, "a", "b"])})
    plan = aggregate(table.scan(), [table.fields["k"]], call("COUNT"))
    assert run(plan, table) == [(None, 1), ("a", 1), ("b", 2)]


def test_distinct_is_a_group_by_without_calls():
    table = Input("t", {"k": (STRING, ["b", "a", "b"])})
    assert run(aggregate(table.scan(), [table.fields["k"]]), table) == [("a",), ("b",)]
