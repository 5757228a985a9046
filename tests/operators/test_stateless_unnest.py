"""UNNEST of arrays, maps and multisets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch
from streamsql.expr import types as t
from streamsql.expr.types import Column, Kind, Schema, SqlType, arrow_type
from streamsql.operators.unnest import Unnest
from streamsql.row_watermarks import GivenWatermarks

PERSON = t.row(("name", "age"), (t.STRING, t.INT))
MULTISET = SqlType(Kind.MULTISET, children=(t.STRING,))


def unnest(values: list[Any], type_: SqlType, elements: tuple[SqlType, ...], **how: Any) -> list[dict[str, Any]]:
    """The rows, each with the number `id` of the row that it came of."""
    ordinality = how.get("ordinality", False)
    columns = [Column("id", t.BIGINT), *(Column(f"e{index}", each) for index, each in enumerate(elements))]
    if ordinality:
        columns.append(Column("n", t.INT))
    operator = Unnest(
        Schema(tuple(columns)), lambda rows: rows.column(1), type_, [0], list(range(len(columns) - 1)), **how
    )
    rows = pa.RecordBatch.from_arrays(
        [pa.array(range(len(values)), pa.int64()), pa.array(values, arrow_type(type_))], names=["id", "list"]
    )
    # A slice: offsets of the collections do not begin at 0.
    found = operator.on_batch(Batch(pa.concat_batches([rows, rows]).slice(len(values))))
    return [row for each in found for row in each.rows.to_pylist()]


def test_array_without_rows_for_null_and_empty() -> None:
    assert unnest([["a", "b"], None, [], [None]], t.array(t.STRING), (t.STRING,)) == [
        {"id": 0, "e0": "a"},
        {"id": 0, "e0": "b"},
        {"id": 3, "e0": None},
    ]


def test_outer_keeps_rows_without_elements() -> None:
    assert unnest([None, ["a"], []], t.array(t.STRING), (t.STRING,), outer=True, ordinality=True) == [
        {"id": 0, "e0": None, "n": None},
        {"id": 1, "e0": "a", "n": 1},
        {"id": 2, "e0": None, "n": None},
    ]


def test_map_gives_key_and_value() -> None:
    assert unnest([[("a", 1), ("b", None)], None, []], t.map_(t.STRING, t.INT), (t.STRING, t.INT)) == [
        {"id": 0, "e0": "a", "e1": 1},
        {"id": 0, "e0": "b", "e1": None},
    ]


def test_multiset_gives_each_element_as_often_as_it_is_in() -> None:
    assert unnest([[("a", 2), ("b", 1)]], MULTISET, (t.STRING,), ordinality=True) == [
        {"id": 0, "e0": "a", "n": 1},
        {"id": 0, "e0": "a", "n": 2},
        {"id": 0, "e0": "b", "n": 3},
    ]


def test_array_of_rows_gives_their_fields_and_skips_null_rows() -> None:
    people = [[{"name": "Ann", "age": 3}, None, {"name": None, "age": 4}], [None]]
    expected = [{"id": 0, "e0": "Ann", "e1": 3, "n": 1}, {"id": 0, "e0": None, "e1": 4, "n": 3}]
    assert unnest(people, t.array(PERSON), (t.STRING, t.INT), ordinality=True) == expected
    padded = {"id": 1, "e0": None, "e1": None, "n": None}
    assert unnest(people, t.array(PERSON), (t.STRING, t.INT), ordinality=True, outer=True) == [*expected, padded]


def test_weights_and_watermarks_go_to_every_element() -> None:
    operator = Unnest(t.schema(("e", t.BIGINT)), lambda rows: rows.column(0), t.array(t.BIGINT), [], [0])
    rows = pa.record_batch({"list": [[1, 2], [3]]})
    (found,) = operator.on_batch(Batch(rows, np.array([1, -1], np.int8), GivenWatermarks(np.array([10, 20]))))
    assert found.rows.to_pydict() == {"e": [1, 2, 3]}
    assert found.sign().tolist() == [1, 1, -1]
    assert found.watermarks is not None
    assert found.watermarks.values.tolist() == [10, 10, 20]


def test_only_what_is_asked_for() -> None:
    operator = Unnest(t.schema(("n", t.INT)), lambda rows: rows.column(0), t.array(t.STRING), [], [1], ordinality=True)
    (found,) = operator.on_batch(Batch(pa.record_batch({"list": [["a", "b"]]})))
    assert found.rows.to_pydict() == {"n": [1, 2]}
