"""EXPLAIN and the text of expressions."""

from __future__ import annotations

import pytest

from streamsql.expr import types as t
from streamsql.expr.nodes import Call, Case, Cast, ColumnRef, Expr, FieldAccess, Literal
from streamsql.expr.text import expr_text, literal_text
from streamsql.plan.explain import explain
from streamsql.plan.logical import Tumble
from streamsql.plan.optimize import optimize
from tests.plans.builder import CONTEXT, HOUR, Builder, at, call, filtered, number, ref, sorted_by

A, B, C = (ColumnRef(type=t.BOOLEAN, id=each, name=name) for each, name in enumerate("abc"))
X = ColumnRef(type=t.BIGINT, id=9, name="x")


def plain(function: str, *args: Expr) -> Call:
    return Call(type=t.BIGINT, function=function, args=args)


def test_a_window_query() -> None:
    b = Builder()
    assign = b.assign(b.scan(), Tumble(HOUR))
    group = b.aggregate(assign, ["window_start", "window_end", "k"], n=("COUNT", None), s=("SUM", "v"))
    having = filtered(group, call(">", ref(group, "n"), number(1)))
    plan = b.project(having, k="k", window_end="window_end", mean=call("/", ref(having, "s"), ref(having, "n")))
    assert explain(optimize(plan, CONTEXT)).split("\n") == [
        "Project(k, window_end, mean: s / n)  changelog: append-only · key: (k, window_end) · state: none · can fail",
        "  Filter(n > 1)  changelog: append-only · key: (k, window_end) · state: none",
        "    WindowAggregate(TUMBLE(ts, 1 h), keys=[k], calls=[n: COUNT(*), s: SUM(v)])  changelog: append-only"
        " · key: (k, window_start, window_end) · time: window_time · state: watermark + 1 h",
        "      Scan(t, columns=[k, v, ts], watermark=ts - INTERVAL '5' SECOND)"
        "  changelog: append-only · time: ts · state: none",
    ]


def test_an_updating_query_and_numbered_names() -> None:
    b = Builder()
    first = b.aggregate(b.scan(watermark=None), ["k"], s=("SUM", "v"))
    second = b.aggregate(first, ["s"], n=("COUNT", None))
    assert explain(sorted_by(second, "-n")).split("\n") == [
        "Sort(n DESC)  changelog: append-only · key: (s) · state: UNBOUNDED (all rows)",
        "  Aggregate[2](keys=[s], calls=[n: COUNT(*)])  changelog: updating by GROUP BY · key: (s)"
        " · state: number of keys (s)",
        "    Aggregate(keys=[k], calls=[s: SUM(v)])  changelog: updating by GROUP BY · key: (k)"
        " · state: number of keys (k)",
        "      Scan(t, columns=[k, v, ts])  changelog: append-only · state: none",
    ]


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        (plain("AND", plain("OR", A, B), C), "(a OR b) AND c"),
        (plain("OR", plain("AND", A, B), C), "a AND b OR c"),
        (plain("NOT", plain("=", X, number(1))), "NOT x = 1"),
        (plain("NOT", plain("AND", A, B)), "NOT (a AND b)"),
        (plain("-", X, plain("-", X, X)), "x - (x - x)"),
        (plain("-", plain("-", X, X), X), "x - x - x"),
        (plain("*", plain("+", X, X), number(-2)), "(x + x) * -2"),
        (plain("NEGATE", plain("+", X, X)), "-(x + x)"),
        (plain("IS NULL", plain("+", X, X)), "x + x IS NULL"),
        (plain("IS NOT TRUE", plain("=", X, X)), "(x = x) IS NOT TRUE"),
        (plain("IN", X, number(1), number(2)), "x IN (1, 2)"),
        (plain("[]", ColumnRef(type=t.array(t.INT), id=1, name="list"), number(1)), "list[1]"),
        (plain("UPPER", A), "UPPER(a)"),
        (plain("EXTRACT", Literal(type=t.char(4), value="YEAR"), X), "EXTRACT(YEAR FROM x)"),
        (Cast(type=t.INT, arg=A), "CAST(a AS INT)"),
        (Cast(type=t.INT.with_nullable(False), arg=A, safe=True), "TRY_CAST(a AS INT)"),
        (Case(type=t.BIGINT, branches=((A, X),), otherwise=number(0)), "CASE WHEN a THEN x ELSE 0 END"),
        (FieldAccess(type=t.INT, arg=ColumnRef(type=t.row(("f",), (t.INT,)), id=1, name="r"), index=0), "r.f"),
        (at(-0.001), "TIMESTAMP '1969-12-31 23:59:59.999'"),
    ],
)
def test_expressions_as_sql(expr: Expr, expected: str) -> None:
    assert expr_text(expr) == expected


@pytest.mark.parametrize(
    ("value", "type_", "expected"),
    [
        (None, t.INT, "NULL"),
        (True, t.BOOLEAN, "TRUE"),
        ("it's", t.STRING, "'it''s'"),
        (b"\x01\xff", t.BYTES, "X'01ff'"),
        (365, t.DATE, "DATE '1971-01-01'"),
        (3_600_000_000, t.time(3), "TIME '01:00:00.000'"),
        (90_000_000, t.INTERVAL_DAY, "INTERVAL '90' SECOND"),
        (7_200_000_000, t.INTERVAL_DAY, "INTERVAL '2' HOUR"),
        (-1_500_000, t.INTERVAL_DAY, "INTERVAL '-1.5' SECOND"),
        (14, t.INTERVAL_MONTH, "INTERVAL '14' MONTH"),
        ((1, 2), t.array(t.INT), "ARRAY[1, 2]"),
        ((("a", 1),), t.map_(t.STRING, t.INT), "MAP['a', 1]"),
        (("a", 1), t.row(("x", "y"), (t.STRING, t.INT)), "ROW('a', 1)"),
    ],
)
def test_constants_as_sql(value, type_: t.SqlType, expected: str) -> None:  # type: ignore[no-untyped-def]
    assert literal_text(value, type_) == expected
