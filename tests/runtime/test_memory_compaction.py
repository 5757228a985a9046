"""The changes of an in-memory table that is updated many times: compacted, without a reader noticing."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import streamsql
from streamsql.errors import UsageError
from streamsql.memory import MemoryTable
from streamsql.ports import ReadRequest, SourceBatch

ROWS = pa.schema([pa.field("k", pa.int32()), pa.field("v", pa.int32())])


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> MemoryTable:
    monkeypatch.setattr("streamsql.memory_history.COMPACT_FROM", 8)
    session = streamsql.connect()
    session.sql("CREATE TABLE t (k INT, v INT, PRIMARY KEY (k) NOT ENFORCED)")
    return session.tables.memory("t")


def put(table: MemoryTable, k: int, v: int) -> None:
    columns = [pa.array([each], pa.int32()) for each in (k, v)]
    table.append(pa.RecordBatch.from_arrays(columns, schema=ROWS))


def rows(delivered: list[SourceBatch]) -> list[tuple[int, int, int]]:
    found = []
    for each in delivered:
        weights = np.ones(each.rows.num_rows, np.int8) if each.weights is None else each.weights
        columns = (column.to_pylist() for column in each.rows.columns)
        found += list(zip(*columns, weights.tolist(), strict=True))
    return found


def request(start: dict[str, int] | None = None) -> ReadRequest:
    return ReadRequest(columns=("k", "v"), batch_rows=3, predicate=(), start=start)


def test_what_has_gone_is_forgotten(table: MemoryTable) -> None:
    for value in range(1_000):
        put(table, value % 2, value)
    assert sum(each.rows.num_rows for each in table.snapshot()) <= 12
    assert table.rows == 2 + 998 * 2
    left = rows(list(table.source().read(request())))
    assert sum(weight for *_, weight in left) == 2
    assert rows([SourceBatch(each.rows, {}, each.weights) for each in table.present()]) == [(0, 998, 1), (1, 999, 1)]


def test_a_follower_keeps_its_place(table: MemoryTable) -> None:
    put(table, 0, 0)
    follower = table.followed_at_once()
    reading = follower.read(request())
    seen = rows([next(reading)])
    for value in range(1, 7):
        put(table, 0, value)
    seen += rows([next(reading)])
    for value in range(7, 60):
        put(table, value % 3, value)
        if value % 5 == 0:
            seen += rows([next(reading)])
    seen += rows([next(reading)])
    net: dict[tuple[int, int], int] = {}
    for k, v, weight in seen:
        net[k, v] = net.get((k, v), 0) + weight
    assert {row for row, count in net.items() if count} == {(0, 57), (1, 58), (2, 59)}
    assert len(seen) == table.rows
    late = rows([next(table.followed_at_once().read(request()))])
    assert len(late) < 30


def test_a_reader_cannot_go_on_from_changes_that_are_gone(table: MemoryTable) -> None:
    for value in range(5):
        put(table, 0, value)
    first = next(iter(table.source().read(request())))
    for value in range(5, 50):
        put(table, 0, value)
    with pytest.raises(UsageError, match="have been compacted since"):
        next(iter(table.source().read(request(dict(first.position)))))
    with pytest.raises(UsageError, match="have been compacted since"):
        next(table.followed_at_once().read(request(dict(first.position))))
