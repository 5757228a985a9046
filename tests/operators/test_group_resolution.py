"""resolve_aggregate: types of aggregate calls, and what is refused."""

from __future__ import annotations

import pytest

from streamsql.errors import Span, SqlError
from streamsql.expr.aggregates import AggregateArguments, canonical_name, is_aggregate, resolve_aggregate
from streamsql.expr.nodes import ColumnRef, Expr, Literal
from streamsql.expr.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    FLOAT,
    INT,
    NULL,
    STRING,
    TINYINT,
    SqlType,
    array,
    char,
    decimal,
)


def column(type_: SqlType) -> Expr:
    return ColumnRef(type=type_, id=0, span=Span(4, 5))


def result(name: str, *types: SqlType, distinct: bool = False) -> str:
    return str(resolve_aggregate(AggregateArguments(name, tuple(map(column, types)), distinct)).type)


@pytest.mark.parametrize(
    ("name", "type_", "expected"),
    [
        ("SUM", TINYINT, "TINYINT"),
        ("SUM", INT.with_nullable(False), "INT"),
        ("SUM", decimal(10, 2), "DECIMAL(38, 2)"),
        ("SUM", FLOAT, "FLOAT"),
        ("AVG", BIGINT, "BIGINT"),
        ("AVG", decimal(10, 2), "DECIMAL(38, 6)"),
        ("AVG", decimal(20, 8), "DECIMAL(38, 8)"),
        ("AVG", DOUBLE, "DOUBLE"),
        ("MIN", BOOLEAN, "BOOLEAN"),
        ("max", DATE.with_nullable(False), "DATE"),
        ("COUNT", array(INT), "BIGINT NOT NULL"),
        ("LISTAGG", char(3), "STRING"),
        ("STDDEV", INT, "INT"),
        ("VAR_POP", decimal(10, 2), "DECIMAL(38, 6)"),
        ("COLLECT", INT, "MULTISET<INT NOT NULL>"),
        ("ARRAY_AGG", INT, "ARRAY<INT>"),
        ("MEDIAN", INT, "DOUBLE"),
        ("MEDIAN", DATE, "TIMESTAMP(6)"),
        ("MODE", DATE, "DATE"),
        ("BIT_XOR", TINYINT, "TINYINT"),
    ],
)
def test_result_types(name: str, type_: SqlType, expected: str) -> None:
    assert result(name, type_) == expected


def test_counts_of_all_rows_and_of_distinct_pairs() -> None:
    assert result("COUNT") == "BIGINT NOT NULL"
    assert result("COUNT", INT, STRING, distinct=True) == "BIGINT NOT NULL"


def test_the_separator_of_listagg_is_an_option() -> None:
    separator = Literal(type=char(2), value="; ")
    signature = resolve_aggregate(AggregateArguments("LISTAGG", (column(STRING), separator)))
    assert (signature.arg_types, signature.options) == ((STRING,), ("; ",))
    assert resolve_aggregate(AggregateArguments("LISTAGG", (column(STRING),))).options == (",",)


@pytest.mark.parametrize(
    ("name", "types", "message"),
    [
        ("SUM", (STRING,), "SUM needs a number, not STRING"),
        ("AVG", (BOOLEAN,), "AVG needs a number, not BOOLEAN"),
        ("SUM", (), "SUM takes one argument, not 0"),
        ("MAX", (array(INT),), "MAX needs values with an order, not ARRAY<INT>"),
        ("MIN", (NULL,), "MIN needs values with an order, not NULL"),
        ("LISTAGG", (INT,), "LISTAGG joins texts, not INT"),
        ("LISTAGG", (STRING, STRING), "the separator of LISTAGG must be a constant text"),
        ("STDDEV", (STRING,), "STDDEV needs a number, not STRING"),
        ("ARG_MIN", (INT, array(INT)), "ARG_MIN needs values with an order, not ARRAY<INT>"),
        ("MEDIAN", (STRING,), "MEDIAN needs numbers or times, not STRING"),
    ],
)
def test_wrong_arguments(name: str, types: tuple[SqlType, ...], message: str) -> None:
    with pytest.raises(SqlError, match=message) as raised:
        resolve_aggregate(AggregateArguments(name, tuple(map(column, types)), span=Span(0, 9)))
    assert raised.value.span == (Span(4, 5) if types else Span(0, 9))


def test_names() -> None:
    assert is_aggregate("stddev_pop") and is_aggregate("FIRST_VALUE") and not is_aggregate("ROW_NUMBER")
    assert canonical_name("any_value") == "FIRST_VALUE"
