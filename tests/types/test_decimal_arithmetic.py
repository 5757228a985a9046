"""DECIMAL arithmetic: result types by the rules of docs/types.md, values as Python's decimal module computes them."""

from __future__ import annotations

import operator
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from streamsql.errors import DataError
from streamsql.expr import types as t
from streamsql.expr.duckdb_connection import open_connection
from streamsql.expr.nodes import ColumnRef
from streamsql.expr.resolve import resolve_call
from streamsql.expr.types import Kind, SqlType
from streamsql.session import connect
from tests.expr.test_expr_agreement import CONTEXT, in_arrow, in_duckdb, make_batch

INTEGER_TYPES = {t.TINYINT: 3, t.SMALLINT: 5, t.INT: 10, t.BIGINT: 19}
LIMIT = {t.TINYINT: 1 << 7, t.SMALLINT: 1 << 15, t.INT: 1 << 31, t.BIGINT: 1 << 63}


@pytest.fixture(scope="module")
def connection() -> Any:
    return open_connection(CONTEXT)


@st.composite
def decimal_types(draw: st.DrawFn) -> SqlType:
    precision = draw(st.integers(1, 38))
    return t.decimal(precision, draw(st.integers(0, precision)))


def operand(draw: st.DrawFn, type_: SqlType, *, zero: bool) -> Any:
    """A value of the type; its ends and small ones often."""
    if type_.kind is not Kind.DECIMAL:
        return draw(st.integers(-LIMIT[type_], LIMIT[type_] - 1)) or int(not zero)
    end = 10 ** (type_.precision or 0) - 1
    figures = draw(st.one_of(st.integers(-end, end), st.sampled_from([end, -end, 0, 1, -1]), st.integers(-500, 500)))
    figures = max(-end, min(end, figures)) or int(not zero)
    return Decimal(figures).scaleb(-(type_.scale or 0), Context(prec=100))


def digits(type_: SqlType) -> tuple[int, int]:
    if type_.kind is Kind.DECIMAL:
        return type_.precision or 0, type_.scale or 0
    return INTEGER_TYPES[type_], 0


def expected_type(sign: str, left: SqlType, right: SqlType) -> SqlType:
    (p1, s1), (p2, s2) = digits(left), digits(right)
    scale = {"+": max(s1, s2), "-": max(s1, s2), "*": s1 + s2, "/": max(6, s1 + p2 + 1), "%": max(s1, s2)}[sign]
    whole = {
        "+": max(p1 - s1, p2 - s2) + 1,
        "-": max(p1 - s1, p2 - s2) + 1,
        "*": p1 + p2 + 1 - s1 - s2,
        "/": p1 - s1 + s2,
        "%": min(p1 - s1, p2 - s2),
    }[sign]
    if whole + scale > 38:
        return t.decimal(38, max(38 - whole, min(scale, 6)))
    return t.decimal(whole + scale, scale)


def expected_value(sign: str, left: Any, right: Any, type_: SqlType) -> Decimal | None:
    """Exact, then rounded half away from zero to the scale; None where it has too many digits."""
    operations = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "%": operator.mod}
    with localcontext(prec=400):
        exact = operations[sign](Decimal(left), Decimal(right))
        rounded: Decimal = exact.quantize(Decimal(1).scaleb(-(type_.scale or 0)), ROUND_HALF_UP)
        fits = abs(rounded) < Decimal(10) ** ((type_.precision or 0) - (type_.scale or 0))
    return rounded if fits else None


NUMBERS = st.one_of(decimal_types(), decimal_types(), st.sampled_from(list(INTEGER_TYPES)))


@pytest.mark.parametrize("sign", ["+", "-", "*", "/", "%"])
@settings(max_examples=40, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
@given(data=st.data())
def test_as_python_computes(sign: str, connection: Any, data: st.DataObject) -> None:
    types = data.draw(st.one_of(st.tuples(decimal_types(), NUMBERS), st.tuples(NUMBERS, decimal_types())))
    expr = resolve_call(sign, tuple(ColumnRef(id=index, type=type_) for index, type_ in enumerate(types)))
    type_ = expected_type(sign, *types)
    assert expr.type.with_nullable(True) == type_
    rows = [
        tuple(operand(data.draw, each, zero=sign not in "/%" or not index) for index, each in enumerate(types))
        for _ in range(12)
    ]
    batch = make_batch(types, [*rows, (None, rows[0][1]), (rows[0][0], None)])
    expected = [*(expected_value(sign, a, b, type_) for a, b in rows), None, None]
    assert in_arrow(expr, batch) == expected
    assert in_duckdb([expr], batch, connection, False) == [expected]


@pytest.mark.parametrize("sign", ["/", "%"])
@pytest.mark.parametrize("type_", ["DECIMAL(5, 2)", "DECIMAL(38, 2)"])
def test_by_zero_fails(sign: str, type_: str) -> None:
    query = connect().sql(f"SELECT x {sign} (x - x) AS r FROM (VALUES (CAST(1.25 AS {type_}))) AS t(x)")
    assert query is not None
    for run in (query.to_arrow, query.batch):
        with pytest.raises(DataError, match=r"(?i)zero"):
            run()
