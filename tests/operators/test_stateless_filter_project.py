"""Filter, Project, Limit and the numbering of rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from streamsql.batch import Batch
from streamsql.expr.types import BIGINT, STRING, schema
from streamsql.operators.enumerate_rows import Enumerate
from streamsql.operators.filter import Filter
from streamsql.operators.limit import Limit
from streamsql.operators.project import Project
from streamsql.row_watermarks import GivenWatermarks

AB = schema(("a", BIGINT), ("b", STRING))


def rows(**columns: list) -> pa.RecordBatch:  # type: ignore[type-arg]
    return pa.RecordBatch.from_pydict(columns)


def batch() -> Batch:
    weights, watermarks = np.array([1, -1, 1], np.int8), GivenWatermarks(np.array([5, 6, 7]))
    return Batch(rows(a=[1, 2, 3], b=["x", "y", "z"]), weights, watermarks)


def test_filter_keeps_what_rides_beside_the_rows() -> None:
    operator = Filter(AB, lambda rows: rows.column(0).to_numpy() > 1)
    (found,) = operator.on_batch(batch())
    assert found.rows.to_pydict() == {"a": [2, 3], "b": ["y", "z"]}
    assert found.sign().tolist() == [-1, 1]
    assert found.watermarks is not None
    assert found.watermarks.values.tolist() == [6, 7]


def test_filter_hands_on_a_batch_that_passes_whole_and_nothing_for_none() -> None:
    given = batch()
    assert list(Filter(AB, lambda rows: np.ones(3, bool)).on_batch(given)) == [given]
    assert list(Filter(AB, lambda rows: np.zeros(3, bool)).on_batch(given)) == []


def test_filter_drops_columns_that_only_the_predicate_reads() -> None:
    operator = Filter(schema(("b", STRING)), lambda rows: rows.column(0).to_numpy() > 1, columns=[1])
    (found,) = operator.on_batch(batch())
    assert found.rows.to_pydict() == {"b": ["y", "z"]}


def test_project_copies_no_column_that_it_passes_on() -> None:
    given = batch()
    operator = Project(schema(("x", STRING)), [lambda rows: rows.column(1)])
    (found,) = operator.on_batch(given)
    assert found.rows.schema.names == ["x"]
    assert found.rows.column(0).buffers()[2].address == given.rows.column(1).buffers()[2].address
    assert found.weights is given.weights
    assert found.watermarks is given.watermarks


def test_project_to_no_columns_keeps_the_row_count() -> None:
    (found,) = Project(schema(), []).on_batch(batch())
    assert len(found) == 3


@pytest.mark.parametrize("size", [1, 2, 3, 10])
@pytest.mark.parametrize(
    ("limit", "offset", "expected"),
    [(3, 0, [0, 1, 2]), (3, 2, [2, 3, 4]), (None, 7, [7, 8, 9]), (0, 0, []), (5, 8, [8, 9])],
)
def test_limit_counts_across_batches(size: int, limit: int | None, offset: int, expected: list[int]) -> None:
    operator = Limit(schema(("a", BIGINT)), limit, offset)
    table = pa.table({"a": list(range(10))})
    found = [each for piece in table.to_batches(size) for each in operator.on_batch(Batch(piece))]
    assert [value for each in found for value in each.rows.column(0).to_pylist()] == expected


def test_limit_goes_on_after_a_restart() -> None:
    first = Limit(schema(("a", BIGINT)), 3)
    list(first.on_batch(Batch(rows(a=[1, 2]))))
    second = Limit(schema(("a", BIGINT)), 3)
    second.count.load(first.count.save())
    (found,) = second.on_batch(Batch(rows(a=[3, 4])))
    assert found.rows.to_pydict() == {"a": [3]}


def test_rows_are_numbered_across_batches() -> None:
    operator = Enumerate(schema(("a", BIGINT), ("n", BIGINT)))
    found = [next(iter(operator.on_batch(Batch(rows(a=values))))) for values in ([7, 8], [9])]
    assert [each.rows.column(1).to_pylist() for each in found] == [[0, 1], [2]]
