"""Which conditions a reader gets."""

from __future__ import annotations

import pytest

from streamsql.expr import types as t
from streamsql.expr.nodes import Cast, Expr, Literal
from streamsql.expr.text import expr_text
from streamsql.plan.logical import Filter, Scan
from streamsql.plan.rules.push_into_scan import push_into_scan
from tests.plans.builder import TS, Builder, at, call, filtered, number, ref, text

COLUMNS = (("i", t.INT), ("b", t.BIGINT), ("s", t.STRING), ("d", t.DOUBLE), ("ts", TS), ("p", t.decimal(9, 2)))


def pushed(condition, watermark: str | None = None) -> str | None:  # type: ignore[no-untyped-def]
    scan = Builder().scan(columns=COLUMNS, watermark=watermark)
    plan = push_into_scan(filtered(scan, condition(scan)))
    assert isinstance(plan, Filter)  # the filter stays
    assert isinstance(plan.input, Scan)
    return None if plan.input.predicate is None else expr_text(plan.input.predicate)


def small(value: int) -> Expr:
    return Literal(type=t.INT.with_nullable(False), value=value)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (lambda p: call(">", ref(p, "b"), number(5)), "b > 5"),
        (lambda p: call(">", number(5), ref(p, "b")), "b < 5"),
        (lambda p: call("=", ref(p, "s"), text("x")), "s = 'x'"),
        (lambda p: call(">=", ref(p, "ts"), at(1)), "ts >= TIMESTAMP '1970-01-01 00:00:01.000'"),
        (lambda p: call("AND", call(">", ref(p, "b"), number(5)), call("IS NOT NULL", ref(p, "s"))), "b > 5"),
        (lambda p: call(">", Cast(type=t.BIGINT, arg=ref(p, "i")), number(5)), "i > 5"),
        (lambda p: call(">", Cast(type=t.BIGINT, arg=ref(p, "i")), number(5_000_000_000)), None),
        (lambda p: call(">", Cast(type=t.STRING, arg=ref(p, "i")), text("5")), None),
        (lambda p: call(">", ref(p, "d"), Literal(type=t.DOUBLE, value=1.5)), None),  # NaN
        (lambda p: call("<>", ref(p, "b"), number(5)), None),
        (lambda p: call("OR", call("=", ref(p, "b"), number(1)), call("=", ref(p, "b"), number(2))), None),
        (lambda p: call(">", ref(p, "b"), ref(p, "i")), None),
    ],
)
def test_comparisons_of_a_column_with_a_constant(condition, expected: str | None) -> None:  # type: ignore[no-untyped-def]
    assert pushed(condition) == expected


def test_not_where_the_tables_time_is_used() -> None:
    assert pushed(lambda p: call(">", ref(p, "b"), number(5)), watermark="ts") is None


def test_a_constant_in_the_columns_own_type() -> None:
    scan = Builder().scan(columns=COLUMNS, watermark=None)
    plan = push_into_scan(filtered(scan, call(">", Cast(type=t.BIGINT, arg=ref(scan, "i")), number(5))))
    predicate = plan.inputs[0].predicate  # type: ignore[attr-defined]
    assert predicate.args[1] == small(5)
