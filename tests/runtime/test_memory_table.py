"""In-memory tables: how stored rows are put together and cut."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from streamsql.expr.types import INT, STRING, Kind, SqlType, schema, timestamp
from streamsql.memory import MemoryTable
from streamsql.ports import ReadRequest

SCHEMA = schema(("a", INT), ("b", STRING))
SHORT = schema(("t", timestamp(3)), ("b", SqlType(Kind.VARCHAR, 2)))


def _table() -> MemoryTable:
    table = MemoryTable(SCHEMA)
    for numbers, weights in (([1, 2], None), ([3], None), ([4, 1, 5], [1, -1, 1])):
        texts = [str(each) for each in numbers]
        rows = pa.RecordBatch.from_arrays([pa.array(numbers, pa.int32()), pa.array(texts)], schema=SCHEMA.to_arrow())
        table.append(rows, None if weights is None else np.array(weights, np.int8))
    return table


@pytest.mark.parametrize(("batch_rows", "sizes"), [(1, [1] * 6), (2, [2, 1, 2, 1]), (4, [3, 3]), (100, [6])])
def test_small_batches_are_put_together(batch_rows: int, sizes: list[int]) -> None:
    found = list(_table().source().read(ReadRequest(("b", "a"), batch_rows)))
    assert [each.rows.num_rows for each in found] == sizes
    rows = pa.Table.from_batches([each.rows for each in found])
    assert rows.column_names == ["b", "a"]
    assert rows.column("a").to_pylist() == [1, 2, 3, 4, 1, 5]
    weights = [
        w for each in found for w in ([1] * each.rows.num_rows if each.weights is None else each.weights.tolist())
    ]
    assert weights == [1, 1, 1, 1, -1, 1]


@pytest.mark.parametrize("done", [0, 1, 3, 5, 6])
def test_reading_goes_on_after_a_position(done: int) -> None:
    found = list(_table().source().read(ReadRequest(("a",), 2, start={"rows": done})))
    assert [x for each in found for x in each.rows.column(0).to_pylist()] == [1, 2, 3, 4, 1, 5][done:]
    assert not found or found[-1].position == {"rows": 6}


def _timed(micros: int, text: str) -> pa.RecordBatch:
    columns = [pa.array([micros], pa.timestamp("us")), pa.array([text])]
    return pa.RecordBatch.from_arrays(columns, schema=SHORT.to_arrow())


def test_values_are_cut_to_their_types_as_they_come_in() -> None:
    table = MemoryTable(SHORT)
    table.append(_timed(1_999, "abc"))
    (found,) = table.source().read(ReadRequest(("t", "b"), 10))
    assert found.conforming
    assert [found.rows.column(0).cast(pa.int64()).to_pylist(), found.rows.column(1).to_pylist()] == [[1_000], ["ab"]]
    table.remove(_timed(1_500, "abd"))
    (left,) = table.present()
    assert left.rows.num_rows == 0
