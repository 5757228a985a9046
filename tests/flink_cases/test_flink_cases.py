"""The queries of the cases, held to Flink's answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from streamsql.errors import DataError, NotSupportedYet, StreamSqlError
from streamsql.query import Query
from streamsql.session import connect
from tests.flink_cases.grading import Case, canonical_rows, cases, differences
from tests.flink_cases.meanings import ANSWERS, CORRECTIONS, FAILURES, MEANINGS, NOT_THERE


def params(kind: str, wanted: Callable[[Case], bool]) -> list[Any]:
    """The cases of a folder that are wanted, as parameters of a test."""
    return [pytest.param(each, id=each.name) for each in cases(kind) if wanted(each)]


def query_of(case: Case, batch_rows: int = 65_536) -> Query:
    found = connect(settings={"streamsql.batch-size": str(batch_rows)}).sql(case.sql)
    assert found is not None
    return found


def answer(case: Case, batch_rows: int = 65_536) -> list[dict[str, Any]]:
    return canonical_rows(query_of(case, batch_rows).to_arrow())


FEATURES = ("window", "agg", "fn", "values", "ddl", "nested", "unnest", "set_operation", "subquery", "lateral")


def runs(case: Case) -> bool:
    feature, _, _ = case.feature.partition(":")
    joins = ("join:regular", "join:semi_anti", "join:interval", "join:temporal")
    return (not fails(case) and feature in FEATURES) or case.feature in joins


def fails(case: Case) -> bool:
    return case.name in FAILURES


def may_run(case: Case) -> bool:
    return not runs(case) and not fails(case)


@pytest.mark.parametrize("batch_rows", [1, 7, 65_536])
@pytest.mark.parametrize("case", params("cases", runs))
def test_answer_is_flinks(case: Case, batch_rows: int) -> None:
    expected = [row for row in case.expected() if row not in NOT_THERE.get(case.name, [])]
    assert not differences(case, answer(case, batch_rows), expected)


@pytest.mark.parametrize("case", params("cases", runs))
def test_batch_differs_by_what_time_decided_only(case: Case) -> None:
    assert query_of(case).compare().unexplained.rows == 0


@pytest.mark.parametrize("batch_rows", [7, 65_536])
@pytest.mark.parametrize("case", params("cases", may_run))
def test_no_answer_is_wrong(case: Case, batch_rows: int) -> None:
    try:
        rows = answer(case, batch_rows)
    except NotSupportedYet as error:
        assert error.span is not None
        return
    assert not differences(case, rows)


@pytest.mark.parametrize("case", params("errors", lambda case: case.name not in MEANINGS))
def test_what_flink_refuses_is_refused(case: Case) -> None:
    with pytest.raises(StreamSqlError) as caught:
        answer(case)
    assert caught.value.message


@pytest.mark.parametrize("case", params("errors", lambda case: case.name in MEANINGS))
def test_what_flink_refuses_can_have_a_meaning(case: Case) -> None:
    assert answer(case) == MEANINGS[case.name]


@pytest.mark.parametrize("case", params("quirks", lambda case: case.name in CORRECTIONS))
def test_quirks_are_corrected(case: Case) -> None:
    corrections = CORRECTIONS[case.name]
    expected = [row | corrections.get(row.get("id", 0), {}) for row in case.expected()]
    assert not differences(case, answer(case), expected)


@pytest.mark.parametrize("case", params("quirks", lambda case: case.name in ANSWERS))
def test_quirks_are_answered_otherwise(case: Case) -> None:
    assert answer(case) == ANSWERS[case.name]


@pytest.mark.parametrize("case", [*params("cases", fails), *params("quirks", fails)])
def test_what_fails_on_purpose(case: Case) -> None:
    with pytest.raises(DataError, match=re.escape(FAILURES[case.name])):
        answer(case)


@pytest.mark.parametrize("case", params("quirks", lambda case: case.name not in {**FAILURES, **CORRECTIONS, **ANSWERS}))
def test_other_quirks_have_to_wait(case: Case) -> None:
    with pytest.raises(NotSupportedYet) as caught:
        answer(case)
    assert caught.value.span is not None
