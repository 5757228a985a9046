"""Scalar functions in Python, called from SQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

import streamsql
from streamsql import udf


@pytest.fixture
def session() -> streamsql.Session:
    session = streamsql.connect()
    session.execute("CREATE TABLE t (k STRING, v BIGINT)")
    session.execute("INSERT INTO t VALUES ('a', 1), ('b', NULL), (CAST(NULL AS STRING), 3)")
    return session


@udf
def twice(text: str, times: int = 2) -> str:
    return text * times


@udf(name="describe_it")
def described(text: str | None, number: int | None) -> str:
    return f"{text}-{number}"


@udf(vectorized=True, args=["BIGINT"], returns="BIGINT")
def plus_one(values: pa.Array) -> pa.Array:
    return pc.add(values, 1)


def test_row_by_row(session: streamsql.Session) -> None:
    session.create_function(twice)
    query = session.sql("SELECT twice(k) AS a, TWICE(k, v) AS b FROM t")
    assert list(query) == [("aa", "a"), ("bb", None), (None, None)]
    assert query.compare().exit_code == 0
    assert twice("x") == "xx"


def test_null_reaches_who_takes_it(session: streamsql.Session) -> None:
    session.create_function(described)
    query = session.sql("SELECT describe_it(k, v) AS d FROM t")
    assert str(query.schema.types[0]) == "STRING NOT NULL"
    assert list(query) == [("a-1",), ("b-None",), ("None-3",)]
    assert query.compare().exit_code == 0


def test_vectorized(session: streamsql.Session) -> None:
    session.create_function(plus_one)
    query = session.sql("SELECT SUM(plus_one(v)) AS s FROM t WHERE plus_one(v) > 0")
    assert list(query) == [(6,)]
    assert query.compare().exit_code == 0


def test_a_plain_function(session: streamsql.Session) -> None:
    def half(number: float) -> float:
        return number / 2

    session.create_function(half)
    session.create_function(half, name="halved")
    assert list(session.sql("SELECT half(v) AS a, halved(1.5) AS b FROM t")) == [(0.5, 0.75), (None, 0.75), (1.5, 0.75)]
    session.execute("DROP FUNCTION half")
    with pytest.raises(streamsql.SqlError, match="there is no function HALF"):
        session.sql("SELECT half(v) FROM t")


def identity(type_: Any) -> Callable[..., Any]:
    def same(value: Any) -> Any:
        return value

    same.__annotations__ = {"value": type_, "return": type_}
    return same


KINDS = [
    (bool, True),
    (int, 1 << 40),
    (float, 1.5),
    (str, "é"),
    (bytes, b"x"),
    (Decimal, Decimal("1.500000000000000000")),
    (date, date(2025, 1, 1)),
    (datetime, datetime(2025, 1, 1, 1, 2, 3, 4)),
    (timedelta, timedelta(seconds=1)),
    (list[int], [1, 2]),
    (dict[str, int], [("a", 1)]),
]


@pytest.mark.parametrize(("hint", "value"), KINDS, ids=str)
def test_every_type_goes_in_and_comes_out(session: streamsql.Session, hint: Any, value: Any) -> None:
    data = pa.table({"x": pa.array([value], pa.map_(pa.string(), pa.int64()) if hint == dict[str, int] else None)})
    session.register("data", data)
    session.create_function(udf(identity(hint)))
    query = session.sql("SELECT same(x) AS x FROM data")
    assert list(query) == [(value,)]
    assert query.compare().exit_code == 0


def test_an_exception_names_function_and_row(session: streamsql.Session) -> None:
    def inverse(number: int, note: str | None) -> float:
        return 1 / (number - 3)

    session.create_function(inverse)
    with pytest.raises(streamsql.FunctionError) as raised:
        session.sql("SELECT k,\n inverse(v, k) FROM t").to_arrow()
    assert str(raised.value) == (
        "the Python function INVERSE(3, NULL) raised ZeroDivisionError: division by zero\n"
        "  at SQL:2:2\n    2 |  inverse(v, k) FROM t\n      |  ^^^^^^^^^^^^^"
    )
    assert isinstance(raised.value, streamsql.SqlError)
    assert list(session.sql("SELECT CASE WHEN v < 3 THEN inverse(v, k) END AS x FROM t")) == [(-0.5,), (None,), (None,)]


WRONG = [
    (lambda x: "x", "returned 'x', it declares BIGINT NOT NULL"),
    (lambda x: 1.5, "returned 1.5, it declares BIGINT NOT NULL"),
    (lambda x: None, "returned None, it declares BIGINT NOT NULL"),
    (lambda x: 1 << 70, "it declares BIGINT NOT NULL"),
]


@pytest.mark.parametrize(("function", "message"), WRONG)
def test_a_result_that_is_not_declared(session: streamsql.Session, function: Any, message: str) -> None:
    function.__annotations__ = {"x": int, "return": int}
    session.create_function(function, name="wrong")
    with pytest.raises(streamsql.FunctionError, match=rf"the Python function WRONG\(1\) .*{message}"):
        session.sql("SELECT wrong(v) FROM t").to_arrow()


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: pa.array([1]), "returned 1 values for 3 rows"),
        (lambda x: 5, "returned int, not an Arrow array"),
        (lambda x: pc.cast(x, pa.string()), "returned string, it declares BIGINT"),
        (lambda x: x.nothing, "raised AttributeError"),
    ],
)
def test_an_array_that_is_not_declared(session: streamsql.Session, function: Any, message: str) -> None:
    session.create_function(udf(name="wrong", args=["BIGINT"], returns="BIGINT", vectorized=True)(function))
    with pytest.raises(streamsql.FunctionError, match=message):
        session.sql("SELECT wrong(v) FROM t").to_arrow()


def test_not_deterministic(session: streamsql.Session) -> None:
    calls: list[int] = []

    @udf(deterministic=False)
    def number() -> int:
        calls.append(1)
        return len(calls)

    session.create_function(number)
    assert list(session.sql("SELECT number() AS n FROM t")) == [(1,), (2,), (3,)]
    with pytest.raises(streamsql.SqlError, match="NUMBER"):
        session.sql("SELECT n, number() FROM (SELECT COUNT(*) AS n FROM t GROUP BY k)").to_arrow()


def test_in_a_live_query(session: streamsql.Session) -> None:
    session.create_function(twice)
    table = session.table("t")
    changes = session.sql("SELECT twice(k) AS k FROM t WHERE v = 7").changes()
    table.push({"k": "x", "v": 7})
    assert changes.drain(30) == [("+I", ("xx",))]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: udf(lambda x: x), "<LAMBDA> is no name"),
        (lambda: udf(identity(complex)), "SAME: value has the type hint complex\nhint: write one of int, float"),
        (lambda: udf(identity(pa.Array)), "SAME: value is an Arrow array\nhint: say args="),
        (lambda: udf(args=["NUMBER OF"], returns="INT")(identity(int)), "'NUMBER OF' is no SQL type"),
        (lambda: udf(args=["INT", "INT"], returns="INT")(identity(int)), "SAME: 2 types in args, the function takes 1"),
    ],
)
def test_functions_that_cannot_be_made(make: Callable[[], object], message: str) -> None:
    with pytest.raises(streamsql.StreamSqlError) as raised:
        make()
    assert str(raised.value).startswith(message)


def test_names_and_arguments(session: streamsql.Session) -> None:
    session.create_function(twice)
    with pytest.raises(streamsql.SqlError, match="there is a function TWICE already"):
        session.create_function(twice)
    with pytest.raises(streamsql.SqlError, match="UPPER is a built-in function"):
        session.create_function(twice, name="upper")
    with pytest.raises(streamsql.SqlError, match=r"TWICE\(BIGINT\) does not fit: expected TWICE\(STRING, BIGINT\?\)"):
        session.sql("SELECT twice(v) FROM t")
