"""DuckDB's functions by their own names: which there are, their types here, and what does not fit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from streamsql.errors import DataError, SqlError
from streamsql.expr.context import EvalContext
from streamsql.expr.duckdb_connection import open_connection
from streamsql.expr.duckdb_functions import ALLOWED
from streamsql.session import Session, connect


@pytest.fixture(scope="module")
def session() -> Session:
    return connect()


def value(session: Session, expression: str) -> Any:
    query = session.sql(f"SELECT {expression} AS r")
    assert query is not None
    return query.to_arrow().column(0).to_pylist()[0]


def test_the_list_holds_functions_without_effects() -> None:
    known = open_connection(EvalContext()).execute(
        "SELECT function_name, list(DISTINCT stability), bool_or(has_side_effects) FROM duckdb_functions()"
        " WHERE function_type IN ('scalar', 'macro') AND schema_name IN ('main', 'pg_catalog') GROUP BY ALL"
    )
    found = {name: (set(stability) - {None}, effects) for name, stability, effects in known.fetchall()}
    assert ALLOWED - set(found) == set()
    assert [name for name in sorted(ALLOWED) if "VOLATILE" in found[name][0] or found[name][1]] == []


@pytest.mark.parametrize("name", ["getenv", "read_text", "current_setting", "query", "nextval", "random", "write_log"])
def test_what_reaches_outside_cannot_be_called(name: str, session: Session) -> None:
    for called in (name, f"duckdb.{name}"):
        with pytest.raises(SqlError, match="there is no function"):
            session.sql(f"SELECT {called}('x') AS r")


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("levenshtein('kitten', 'sitting')", 3),
        ("duckdb.concat('a', NULL)", "a"),
        ("duckdb.greatest(1, NULL)", 1),
        ("duckdb.dayofweek(DATE '2025-06-01')", 0),
        ("factorial(20)", Decimal(2_432_902_008_176_640_000)),
        ("list_sum(ARRAY[1, 2])", Decimal(3)),
        ("TYPEOF(list_sum(ARRAY[1, 2]))", "DECIMAL(38, 0)"),
        ("TYPEOF(hash('a'))", "DECIMAL(20, 0)"),
        ("TYPEOF(bit_count(7))", "TINYINT"),
        ("time_bucket(INTERVAL '1' HOUR, TIMESTAMP '2025-06-02 10:10:00') = TIMESTAMP '2025-06-02 10:00:00'", True),
        ("array_to_string(ARRAY['a', 'b'], '-')", "a-b"),
        ('json_transform(\'{"a": "1"}\', \'{"a": "INTEGER"}\').a', 1),
        ("levenshtein(CAST(NULL AS STRING), 'a')", None),
    ],
)
def test_results(expression: str, result: Any, session: Session) -> None:
    assert value(session, expression) == result


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("levenshtein('a')", "DuckDB's levenshtein(CHAR(1)) does not fit: expected levenshtein(STRING, STRING)"),
        ("levenshtein(1, 2)", "DuckDB's levenshtein(INT, INT) does not fit: expected levenshtein(STRING, STRING)"),
        ("duckdb.leven('a')", "there is no function duckdb.LEVEN here"),
    ],
)
def test_what_does_not_fit(expression: str, message: str, session: Session) -> None:
    with pytest.raises(SqlError) as error:
        session.sql(f"SELECT {expression} AS r")
    assert error.value.message == message


def test_a_number_beyond_the_widest_decimal_fails(session: Session) -> None:
    with pytest.raises(DataError, match="Could not cast value"):
        value(session, "md5_number('a')")
