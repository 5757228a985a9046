"""Every type cast to every type: the value that `cast_matrix.txt` says in both engines, or a clear refusal."""

from __future__ import annotations

import pytest

from streamsql.errors import DataError, SqlError
from streamsql.query import Query
from streamsql.session import Session, connect
from tests.types.matrix import FAILS, Value, read_matrix, shown

MATRIX = read_matrix()
SOURCES = tuple(dict.fromkeys(each.source for each in MATRIX))
EXTRA_TARGETS = ("ARRAY<TINYINT>", "MAP<STRING, DOUBLE>", "ROW<p STRING, q INT>", "ROW<a INT>")
TARGETS = (*SOURCES, *EXTRA_TARGETS)

pytestmark = pytest.mark.parametrize("value", MATRIX, ids=lambda each: f"{each.source} = {each.sql}")


def session_with(value: Value) -> Session:
    """A table `t` of two rows: the value and NULL."""
    session = connect(settings={"table.local-time-zone": "America/Los_Angeles"})
    session.sql(f"CREATE TABLE t (c {value.source})")
    session.sql(f"INSERT INTO t SELECT CAST({value.sql} AS {value.source})")
    session.sql(f"INSERT INTO t SELECT CAST(NULL AS {value.source})")
    return session


def answers(session: Session, function: str, targets: list[str]) -> list[dict[str, list[str]]]:
    """What each engine makes of both rows, by target."""
    items = ", ".join(f"{function}(c AS {target}) AS r{index}" for index, target in enumerate(targets))
    query = selected(session, items)
    columns = (table.columns for table in (query.to_arrow(), query.batch()))
    return [
        {target: [shown(each) for each in column.to_pylist()] for target, column in zip(targets, found, strict=True)}
        for found in columns
    ]


def selected(session: Session, items: str) -> Query:
    query = session.sql(f"SELECT {items} FROM t")
    assert query is not None
    return query


@pytest.mark.parametrize("function", ["CAST", "TRY_CAST"])
def test_both_engines_give_the_value(value: Value, function: str) -> None:
    results = {
        target: "NULL" if result == FAILS else result
        for target, result in value.results.items()
        if function == "TRY_CAST" or result != FAILS
    }
    expected = {target: [result, "NULL"] for target, result in results.items()}
    assert answers(session_with(value), function, list(results)) == [expected, expected]


def test_both_engines_fail_on_malformed_values(value: Value) -> None:
    session = session_with(value)
    for target in (target for target, result in value.results.items() if result == FAILS):
        query = selected(session, f"CAST(c AS {target}) AS r")
        for run in (query.to_arrow, query.batch):
            with pytest.raises(DataError, match=r"cannot cast|decode"):
                run()


def test_other_targets_are_refused(value: Value) -> None:
    session = session_with(value)
    for target in (target for target in TARGETS if target not in value.results):
        for function in ("CAST", "TRY_CAST"):
            with pytest.raises(SqlError, match=r"^cannot cast ") as caught:
                session.sql(f"SELECT {function}(c AS {target}) AS r FROM t")
            assert caught.value.span is not None
            assert caught.value.hint
