"""What functions and casts give, point by point as Flink does; expected values are literals."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from streamsql.errors import DataError, SqlError
from streamsql.expr import types as t
from streamsql.expr.compile import compile_expr
from streamsql.expr.context import EvalContext
from streamsql.expr.literals import to_array
from streamsql.expr.nodes import ColumnRef, Expr, Literal
from streamsql.expr.resolve import resolve_call, resolve_cast
from streamsql.expr.types import Kind, SqlType

CONTEXT = EvalContext(start=0)
EPOCH = datetime(1970, 1, 1)


def micros(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


def literal(value: Any) -> Literal:
    """A constant of the type that its text in SQL would have."""
    match value:
        case bool():
            type_ = t.BOOLEAN
        case int():
            type_ = t.INT
        case float():
            type_ = t.DOUBLE
        case Decimal():
            digits, scale = len(value.as_tuple().digits), -int(value.as_tuple().exponent)
            type_ = t.decimal(max(digits, scale + 1), scale)
        case str():
            type_ = t.char(len(value))
        case _:
            type_ = t.NULL
    return Literal(value=value, type=type_)


def over(type_: SqlType, values: list[Any], build: Any) -> list[Any]:
    """The results of an expression over one column."""
    batch = pa.RecordBatch.from_arrays([to_array(type_, values)], names=["c"])
    expr = build(ColumnRef(id=0, type=type_, name="c"))
    return [shown(each) for each in compile_expr(expr, {0: 0}, CONTEXT)(batch).to_pylist()]


def call(name: str, *args: Any) -> Expr:
    return resolve_call(name, tuple(each if isinstance(each, Expr) else literal(each) for each in args))


def value(expr: Expr) -> Any:
    batch = pa.RecordBatch.from_arrays([pa.array([1])], names=["c"])
    return shown(compile_expr(expr, {}, CONTEXT)(batch)[0].as_py())


def shown(each: Any) -> Any:
    return str(each) if isinstance(each, (Decimal, datetime, date)) else each


def cast(type_: SqlType, safe: bool = False) -> Any:
    return lambda column: resolve_cast(column, type_, safe=safe)


def stamp(text: str, precision: int = 3) -> Literal:
    return Literal(value=micros(text), type=t.timestamp(precision))


@pytest.mark.parametrize(
    ("sign", "left", "right", "expected"),
    [
        ("/", 7, 2, 3),
        ("/", -7, 2, -3),
        ("%", -7, 2, -1),
        ("%", 7, -2, 1),
        ("+", 2, 3, 5),
        ("-", 2, 3, -1),
        ("*", -4, 3, -12),
    ],
)
def test_integer_arithmetic_truncates_towards_zero(sign: str, left: int, right: int, expected: int) -> None:
    assert over(t.INT, [left, None], lambda c: call(sign, c, right)) == [expected, None]


@pytest.mark.parametrize(
    ("sign", "left", "right", "message"),
    [
        ("/", 7, 0, "division by zero: 7 / 0"),
        ("%", 7, 0, "division by zero: 7 % 0"),
        ("+", 2147483647, 1, "integer overflow: 2147483647 + 1 does not fit INT"),
        ("*", 2147483647, 2, "integer overflow: 2147483647 * 2 does not fit INT"),
    ],
)
def test_integers_fail_instead_of_wrapping(sign: str, left: int, right: int, message: str) -> None:
    with pytest.raises(DataError, match=message.replace("+", r"\+").replace("*", r"\*")):
        over(t.INT, [None, left, left], lambda c: call(sign, c, right))


def test_doubles_divide_by_zero() -> None:
    assert over(t.DOUBLE, [1.0, -1.0], lambda c: call("/", c, 0)) == [float("inf"), float("-inf")]


@pytest.mark.parametrize(
    ("expr", "type_", "expected"),
    [
        (lambda d, e: call("/", d, e), "DECIMAL(16, 9)", "0.416666667"),
        (lambda d, e: call("/", d, 3), "DECIMAL(18, 14)", "0.41666666666667"),
        (lambda d, e: call("+", d, e), "DECIMAL(8, 3)", "4.250"),
        (lambda d, e: call("*", d, e), "DECIMAL(13, 6)", "3.750000"),
        (lambda d, e: call("%", d, e), "DECIMAL(5, 3)", "1.250"),
        (lambda d, e: call("*", d, Decimal("1.1")), "DECIMAL(10, 4)", "1.3750"),
        (lambda d, e: call("+", d, 7), "DECIMAL(14, 3)", "8.250"),
        (lambda d, e: call("/", 7, Decimal("2.0")), "DECIMAL(17, 6)", "3.500000"),
        (lambda d, e: call("SIGN", d), "DECIMAL(7, 3)", "1.000"),
        (lambda d, e: call("ROUND", d, 1), "DECIMAL(6, 1)", "1.3"),
        (lambda d, e: call("FLOOR", d), "DECIMAL(7, 0)", "1"),
        (lambda d, e: call("CEIL", d), "DECIMAL(7, 0)", "2"),
    ],
)
def test_decimal_types_and_rounding(expr: Any, type_: str, expected: str) -> None:
    d = Literal(value=Decimal("1.250"), type=t.decimal(7, 3))
    e = Literal(value=Decimal("3.000"), type=t.decimal(5, 3))
    bound = expr(d, e)
    assert str(bound.type) == type_
    assert value(bound) == expected


def test_decimals_beside_arrows_wrong_quotients() -> None:
    """Arrow's own cast gives 4294967294 here, its own quotient 9223372036854280630.98…"""
    assert over(t.decimal(38, 20), [Decimal("4294967295.5")], cast(t.decimal(20, 0))) == ["4294967296"]
    assert over(t.decimal(19, 0), [Decimal(9223372036854775807)], lambda c: call("%", c, Decimal("0.005"))) == ["0.000"]


def test_decimal_and_double_give_double() -> None:
    assert call("*", Decimal("1.5"), 2.0).type.kind is Kind.DOUBLE


@pytest.mark.parametrize(
    ("source", "given", "target", "expected"),
    [
        (t.decimal(10, 3), Decimal("9999.995"), t.decimal(5, 1), None),
        (t.decimal(10, 3), Decimal("12.345"), t.decimal(5, 2), "12.35"),
        (t.INT, 2147483647, t.decimal(4, 1), None),
        (t.INT, 300, t.TINYINT, 44),
        (t.INT, -129, t.TINYINT, 127),
        (t.DOUBLE, 1e20, t.INT, 2147483647),
        (t.DOUBLE, 1e20, t.BIGINT, 9223372036854775807),
        (t.DOUBLE, 1e20, t.TINYINT, -1),
        (t.DOUBLE, -1.5, t.INT, -1),
        (t.DOUBLE, float("nan"), t.INT, 0),
        (t.DOUBLE, 2.345, t.decimal(5, 2), "2.35"),
        (t.decimal(5, 2), Decimal("12.99"), t.INT, 12),
        (t.BOOLEAN, True, t.INT, 1),
        (t.INT, 0, t.BOOLEAN, False),
        (t.BOOLEAN, True, t.STRING, "TRUE"),
        (t.DOUBLE, 1e20, t.STRING, "1.0E20"),
        (t.DOUBLE, 1e-5, t.STRING, "1.0E-5"),
        (t.DOUBLE, 12345678.9, t.STRING, "1.23456789E7"),
        (t.DOUBLE, -0.0, t.STRING, "-0.0"),
        (t.DOUBLE, 100.0, t.STRING, "100.0"),
        (t.FLOAT, 12345678.9, t.STRING, "1.2345679E7"),
        (t.decimal(8, 7), Decimal("0.0000001"), t.STRING, "0.0000001"),
        (t.STRING, "abcdef", SqlType(Kind.VARCHAR, 2), "ab"),
        (t.STRING, "42", t.char(5), "42   "),
        (t.timestamp(3), micros("2025-02-28 23:59:59.999"), t.STRING, "2025-02-28 23:59:59.999"),
        (t.timestamp(0), micros("2025-02-28 23:59:59"), t.STRING, "2025-02-28 23:59:59"),
        (t.timestamp(3), -1000, t.timestamp(0), "1969-12-31 23:59:59"),
        (t.timestamp(3), -1000, t.DATE, "1969-12-31"),
    ],
)
def test_casts(source: SqlType, given: Any, target: SqlType, expected: Any) -> None:
    assert over(source, [given, None], cast(target)) == [expected, None]


@pytest.mark.parametrize(
    ("given", "target", "expected"),
    [
        (" 7 ", t.INT, 7),
        ("3.99", t.INT, 3),
        ("1e3", t.INT, None),
        ("1e3", t.DOUBLE, 1000.0),
        ("", t.INT, None),
        ("9223372036854775808", t.BIGINT, None),
        ("0x1F", t.INT, None),
        ("1.005", t.decimal(5, 2), "1.01"),
        ("yes", t.BOOLEAN, True),
        ("42", t.DATE, "0042-01-01"),
        ("2025-06-02", t.timestamp(3), "2025-06-02 00:00:00"),
        ("2025-6-2 1:2:3", t.timestamp(3), "2025-06-02 01:02:03"),
        ("2025-06-02 24:00:00", t.timestamp(3), "2025-06-03 00:00:00"),
        ("2025-02-30", t.timestamp(3), "2025-02-28 00:00:00"),
        ("2025-06-02T10:00:00", t.timestamp(3), None),
        ("2025-06-02 10:00:00Z", t.timestamp(3), None),
        (" 2025-06-02", t.timestamp(3), None),
        ("2025-06-02 11:00", t.timestamp(3), None),
    ],
)
def test_try_cast_of_text(given: str, target: SqlType, expected: Any) -> None:
    assert over(t.STRING, [given, None], cast(target, safe=True)) == [expected, None]


def test_cast_of_malformed_text_says_which() -> None:
    with pytest.raises(DataError, match="cannot cast 'abc' to INT"):
        over(t.STRING, ["1", None, "abc", "x"], cast(t.INT))


def test_greatest_least_nullif_in() -> None:
    assert value(call("GREATEST", 1, None)) is None
    assert value(call("LEAST", 1, 2)) == 1
    assert over(t.INT, [1, 2, None], lambda c: call("NULLIF", c, 1)) == [None, 2, None]
    assert over(t.INT, [1, 2, None], lambda c: call("IN", c, 1, None)) == [True, None, None]
    assert over(t.INT, [1, 2, None], lambda c: call("NOT IN", c, 1)) == [False, True, None]


def test_three_valued_logic() -> None:
    assert over(t.BOOLEAN, [True, False, None], lambda c: call("AND", c, None)) == [None, False, None]
    assert over(t.BOOLEAN, [True, False, None], lambda c: call("OR", c, None)) == [True, None, None]
    assert over(t.BOOLEAN, [True, False, None], lambda c: call("IS NOT TRUE", c)) == [False, True, True]


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        (lambda: call("EXTRACT", "DOW", stamp("2025-06-01 00:00:00")), 1),
        (lambda: call("DAYOFWEEK", stamp("2025-06-02 00:00:00")), 2),
        (lambda: call("WEEK", stamp("2024-12-30 00:00:00")), 1),
        (lambda: call("EXTRACT", "MILLISECOND", stamp("2025-06-02 10:20:30.456")), 456),
        (lambda: call("FLOOR", stamp("2025-06-02 10:20:30.456"), "WEEK"), "2025-06-01 00:00:00"),
        (lambda: call("CEIL", stamp("2025-06-01 00:00:00"), "MONTH"), "2025-06-01 00:00:00"),
        (lambda: call("CEIL", stamp("2025-06-01 00:00:00.001"), "MONTH"), "2025-07-01 00:00:00"),
        (lambda: call("TIMESTAMPDIFF", "HOUR", stamp("2025-01-01 00:00:00"), stamp("2025-01-01 01:59:59")), 1),
        (lambda: call("TIMESTAMPDIFF", "HOUR", stamp("2025-01-01 01:59:59"), stamp("2025-01-01 00:00:00")), -1),
        (lambda: call("TIMESTAMPDIFF", "MONTH", stamp("2024-01-31 00:00:00"), stamp("2024-02-29 00:00:00")), 1),
        (lambda: call("TIMESTAMPADD", "MONTH", 1, stamp("2025-01-31 12:00:00")), "2025-02-28 12:00:00"),
        (
            lambda: call("DATE_FORMAT", stamp("2025-06-02 22:20:30.456"), "EEE, MMM d yy hh:mm a"),
            "Mon, Jun 2 25 10:20 PM",
        ),
        (lambda: call("TO_TIMESTAMP", "20250602102030", "yyyyMMddHHmmss"), "2025-06-02 10:20:30"),
        (lambda: call("TO_TIMESTAMP", "soon"), None),
        (lambda: call("TO_DATE", "2025/06/02", "yyyy/MM/dd"), "2025-06-02"),
        (lambda: call("FROM_UNIXTIME", 86400), "1970-01-02 00:00:00"),
        (lambda: call("UNIX_TIMESTAMP", "2025-06-02 10:20:30"), 1748859630),
        (lambda: call("SUBSTRING", "hello", 0), "hello"),
        (lambda: call("SUBSTRING", "hello", -3), "llo"),
        (lambda: call("SUBSTRING", "hello", -9), ""),
        (lambda: call("SUBSTRING", "hello", 2, 3), "ell"),
        (lambda: call("LPAD", "hello", 3, "*"), "hel"),
        (lambda: call("LPAD", "hello", -1, "*"), None),
        (lambda: call("REGEXP_EXTRACT", "abc", "([0-9]+)", 1), None),
        (lambda: call("REGEXP_REPLACE", "a1b2", "([a-z])([0-9])", "$2$1"), "$2$1$2$1"),
        (lambda: call("CONCAT_WS", "-", "a", None, "b"), "a-b"),
        (lambda: call("CONCAT", "a", None), None),
        (lambda: call("ASCII", "é"), -61),
        (lambda: call("SPLIT_INDEX", "a,b", ",", 5), None),
        (lambda: call("SPLIT", "a b  c", " "), ["a", "b", "", "c"]),
        (lambda: call("LIKE", "Hello", "h%"), False),
        (lambda: call("LIKE", "50%", "50!%", "!"), True),
        (lambda: call("SIMILAR TO", "axbyc", "[a-z].[a-z].[a-z]"), True),
        (lambda: call("POSITION", "lo", "hello"), 4),
        (lambda: call("OVERLAY", "hello", "##", 2, 1), "h##llo"),
        (lambda: call("INITCAP", "42nd heLLo-world"), "42nd Hello-World"),
        (lambda: call("TRIM", "LEADING", "x", "xxaxx"), "axx"),
        (lambda: call("ROUND", 2.345, 2), 2.35),
        (lambda: call("ROUND", -2.5), -3.0),
        (lambda: call("TRUNCATE", 1.1, 1), 1.1),
        (lambda: call("[]", call("ARRAY", 10, 20), 2), 20),
        (lambda: call("[]", call("ARRAY", 10, 20), 0), None),
        (lambda: call("[]", call("MAP", "k", 1), "k"), 1),
        (lambda: call("CARDINALITY", call("ARRAY", 10, None)), 2),
        (lambda: call("ARRAY_SORT", call("ARRAY", 3, None, 1)), [None, 1, 3]),
        (lambda: call("ARRAY_DISTINCT", call("ARRAY", 3, 1, None, 3, None)), [3, 1, None]),
        (lambda: call("ARRAY_CONTAINS", call("ARRAY", 3, None), 3), True),
        (lambda: call("ARRAY_POSITION", call("ARRAY", 3, 1), 1), 2),
        (lambda: call("ARRAY_REMOVE", call("ARRAY", 3, 1, 3), 3), [1]),
        (lambda: call("ARRAY_CONCAT", call("ARRAY", 3), call("ARRAY", 1)), [3, 1]),
        (lambda: call("MAP_KEYS", call("MAP", "a", 1, "b", 2)), ["a", "b"]),
        (lambda: call("MAP_UNION", call("MAP", "a", 1), call("MAP", "a", 2, "b", 3)), [("a", 2), ("b", 3)]),
        (lambda: call("STR_TO_MAP", "a=1,b"), [("a", "1"), ("b", None)]),
        (lambda: call("JSON_VALUE", '{"a": [1, {"b": "x"}]}', "$.a[1].b"), "x"),
        (lambda: call("JSON_VALUE", '{"a": [1]}', "$.a"), None),
        (lambda: call("duckdb.levenshtein", "kitten", "sitting"), 3),
    ],
)
def test_functions(expr: Any, expected: Any) -> None:
    assert value(expr()) == expected


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: call("=", 1, "a"), "cannot compare INT and CHAR(1): there is no common type"),
        (lambda: call("UPPER", 1), "UPPER(INT) does not fit: expected UPPER(text)"),
        (lambda: call("levenstein", "a", "b"), "there is no function levenstein"),
        (lambda: call("read_text", "x"), "there is no function read_text"),
        (lambda: call("REGEXP", "a", "["), "'[' is not a pattern: missing ]: ["),
        (lambda: resolve_cast(literal(1), t.DATE), "cannot cast INT to DATE"),
        (lambda: call("+", stamp("2025-01-01 00:00:00"), 1), "+ over (TIMESTAMP(3), INT) does not fit"),
    ],
)
def test_what_does_not_fit_is_refused(build: Any, message: str) -> None:
    with pytest.raises(SqlError) as error:
        build()
    assert error.value.message.startswith(message)


def test_unknown_function_suggests() -> None:
    with pytest.raises(SqlError) as error:
        call("greatst", 1)
    assert error.value.hint == 'did you mean "GREATEST"?'
