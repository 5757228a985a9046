"""Every `.test` file, in every way of running it."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamsql.errors import StreamSqlError
from streamsql.query import Query
from tests.sql.harness import (
    SqlTest,
    changelog,
    error_lines,
    late_rows,
    outputs,
    prepare,
    read_test,
    rejected_rows,
    restored_at_every_step,
    same,
    text_rows,
)

FILES = sorted(Path(__file__).parent.rglob("*.test"))
TESTS = [pytest.param(read_test(path), id=path.stem) for path in FILES]
WORKING = [each for each in TESTS if "error" not in each.values[0].sections]  # type: ignore[union-attr]
FAILING = [each for each in TESTS if "error" in each.values[0].sections]  # type: ignore[union-attr]


@pytest.mark.parametrize("batch_rows", [1, 7, 65_536])
@pytest.mark.parametrize("test", WORKING)
def test_result_at_every_batch_size(test: SqlTest, batch_rows: int) -> None:
    run = prepare(test)
    output = outputs(run, batch_rows)
    actual = list(text_rows(output.to_table()))
    assert same(run, actual, test.lines("result")), "\n".join(actual)
    if batch_rows == 1 and "changelog" in test.sections:
        assert changelog(output) == test.lines("changelog")


@pytest.mark.parametrize("test", WORKING)
def test_restored_after_every_row(test: SqlTest) -> None:
    run = prepare(test)
    actual = list(text_rows(restored_at_every_step(run).to_table()))
    assert same(run, actual, test.lines("result")), "\n".join(actual)


@pytest.mark.parametrize("test", WORKING)
def test_batch_agrees_but_for_what_time_decided(test: SqlTest) -> None:
    if "no batch" in test.sections:
        with pytest.raises(StreamSqlError):
            Query(prepare(test).engine(65_536), prepare(test).plan).batch()
        return
    run = prepare(test)
    comparison = Query(run.engine(65_536), run.plan).compare()
    assert comparison.unexplained.rows == 0, comparison.unexplained


@pytest.mark.parametrize("batch_rows", [1, 7, 65_536])
@pytest.mark.parametrize("test", [each for each in WORKING if each.values[0].late])  # type: ignore[union-attr]
def test_late_rows_are_readable(test: SqlTest, batch_rows: int) -> None:
    for table, expected in test.late.items():
        assert late_rows(prepare(test), table, batch_rows) == expected


@pytest.mark.parametrize("batch_rows", [1, 7, 65_536])
@pytest.mark.parametrize("test", [each for each in WORKING if each.values[0].rejects])  # type: ignore[union-attr]
def test_rejects_are_readable(test: SqlTest, batch_rows: int) -> None:
    for table, expected in test.rejects.items():
        assert rejected_rows(prepare(test), table, batch_rows) == expected


@pytest.mark.parametrize("test", FAILING)
def test_error(test: SqlTest) -> None:
    with pytest.raises(StreamSqlError) as caught:
        outputs(prepare(test), 65_536)
    expected = test.lines("error")
    error = caught.value.with_source(test.sections["sql"])  # errors of a run get the script's text from its runner
    assert error_lines(error, len(expected)) == expected
