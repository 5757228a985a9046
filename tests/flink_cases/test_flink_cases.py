"""The queries of the cases, held to Flink's answers."""

from __future__ import annotations

import pytest

from streamsql.errors import NotSupportedYet, StreamSqlError
from streamsql.session import connect
from tests.flink_cases.grading import Case, canonical_rows, cases, differences

ALL = {case.folder.name: case for case in cases("cases")}


def _runs(case: Case) -> bool:
    feature, _, detail = case.feature.partition(":")
    return feature == "window" and detail != "join"


RUNNING = [pytest.param(case, id=name) for name, case in ALL.items() if _runs(case)]
OTHERS = [pytest.param(case, id=name) for name, case in ALL.items() if not _runs(case)]


@pytest.mark.parametrize("batch_rows", [1, 7, 65_536])
@pytest.mark.parametrize("case", RUNNING)
def test_answer_is_flinks(case: Case, batch_rows: int) -> None:
    session = connect(settings={"streamsql.batch-size": str(batch_rows)})
    query = session.sql(case.sql)
    assert query is not None
    assert not differences(case, canonical_rows(query.to_arrow()))


@pytest.mark.parametrize("case", RUNNING)
def test_batch_differs_by_late_rows_only(case: Case) -> None:
    query = connect().sql(case.sql)
    assert query is not None
    assert query.compare().unexplained.rows == 0


@pytest.mark.parametrize("case", OTHERS)
def test_no_answer_is_wrong(case: Case) -> None:
    try:
        query = connect().sql(case.sql)
        assert query is not None
        rows = canonical_rows(query.to_arrow())
    except NotSupportedYet as error:
        assert error.span is not None
        return
    assert not differences(case, rows)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.folder.name) for case in cases("errors")])
def test_what_flink_refuses_is_refused_or_has_a_meaning(case: Case) -> None:
    meaning = MEANINGS.get(case.folder.name)
    query = None
    try:
        query = connect().sql(case.sql)
        assert query is not None
        rows = query.to_arrow().num_rows
    except StreamSqlError as error:
        assert meaning is None, error
        assert error.message
        return
    assert rows == meaning


MEANINGS: dict[str, int] = {}
"""What Flink refuses and streamsql answers, with the number of rows; docs/differences.md says why for each."""
