"""CAST to DECIMAL of doubles, decimals and texts, held to Python's decimals over random values and their edges."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from streamsql.expr import types as t
from streamsql.expr.duckdb_connection import open_connection
from streamsql.expr.nodes import ColumnRef
from streamsql.expr.resolve import resolve_cast
from streamsql.expr.types import SqlType
from tests.expr.test_expr_agreement import CONTEXT, in_arrow, in_duckdb, make_batch

PROPERTY = settings(max_examples=60, deadline=None, derandomize=True, database=None, phases=[Phase.generate])


@pytest.fixture(scope="module")
def connection() -> Any:
    return open_connection(CONTEXT)


@st.composite
def targets(draw: st.DrawFn) -> SqlType:
    precision = draw(st.integers(1, 38))
    return t.decimal(precision, draw(st.integers(0, precision)))


def rounded(value: Decimal | None, type_: SqlType) -> Decimal | None:
    if value is None or not value.is_finite():
        return None
    with localcontext(prec=400):
        result = value.quantize(Decimal(1).scaleb(-(type_.scale or 0)), ROUND_HALF_UP)
        fits = abs(result) < Decimal(10) ** ((type_.precision or 0) - (type_.scale or 0))
    return result if fits else None


def check(source: SqlType, type_: SqlType, values: list[Any], expected: list[Decimal | None], connection: Any) -> None:
    expr = resolve_cast(ColumnRef(id=0, type=source), type_)
    batch = make_batch([source], [(each,) for each in values])
    assert in_arrow(expr, batch) == expected
    assert in_duckdb([expr], batch, connection, False) == [expected]


TIES = st.builds(
    lambda whole, places: float(Decimal(10 * whole + 5).scaleb(-places)),
    st.integers(-(10**9), 10**9),
    st.integers(1, 12),
)
DOUBLES = st.one_of(
    TIES, st.floats(), st.floats(-1e6, 1e6), st.sampled_from([0.0, -0.0, 1.005, 2.675, 0.1, 1e15, -1e22])
)


@PROPERTY
@given(type_=targets(), values=st.lists(st.one_of(st.none(), DOUBLES), min_size=1, max_size=30))
def test_doubles_by_their_shortest_text(connection: Any, type_: SqlType, values: list[float | None]) -> None:
    expected = [rounded(None if each is None else Decimal(repr(each)), type_) for each in values]
    check(t.DOUBLE, type_, values, expected, connection)


@PROPERTY
@given(source=targets(), type_=targets(), data=st.data())
def test_decimals(connection: Any, source: SqlType, type_: SqlType, data: st.DataObject) -> None:
    end = 10 ** (source.precision or 0) - 1
    edges = [each for each in (0, 5, -5, 2**62, -(2**62), 2**63 - 1, -(2**63), 2**64, end, -end) if abs(each) <= end]
    figures = st.one_of(
        st.none(), st.sampled_from(edges), st.integers(-end, end), st.integers(-min(end, 999), min(end, 999))
    )
    drawn = data.draw(st.lists(figures, min_size=1, max_size=30))
    values = [None if each is None else Decimal(each).scaleb(-(source.scale or 0), Context(prec=100)) for each in drawn]
    check(source, type_, values, [rounded(each, type_) for each in values], connection)


NUMBER_TEXTS = st.from_regex(r"[+-]?([0-9]{1,12}\.?[0-9]{0,12}|\.[0-9]{1,8})([eE][+-]?[0-9])?", fullmatch=True)


@PROPERTY
@given(type_=targets(), values=st.lists(NUMBER_TEXTS, min_size=1, max_size=30), padded=st.booleans())
def test_texts(connection: Any, type_: SqlType, values: list[str], padded: bool) -> None:
    texts = [f" {each}  " for each in values] if padded else values
    check(t.STRING, type_, texts, [rounded(Decimal(each), type_) for each in values], connection)
