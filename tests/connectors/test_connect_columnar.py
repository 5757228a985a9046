"""Parquet and Arrow files: types that fit and that do not, damaged files, row groups that are not read."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from streamsql_connectors.formats.row_groups import wanted_row_groups

from streamsql.errors import DataError
from streamsql.expr import types as t
from streamsql.plugins import load_connector
from streamsql.ports import Comparison
from tests.connectors.tables import options, read, rows_of

BEFORE_1970 = pa.scalar(-1, pa.timestamp("ns"))


@pytest.fixture(params=["parquet", "arrow", "stream.arrow"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / f"t.{request.param}"


def store(path: Path, table: pa.Table) -> None:
    if path.suffix == ".parquet":
        pq.write_table(table, path, version="2.6", row_group_size=3)
        return
    make = pa.ipc.new_stream if path.name.endswith("stream.arrow") else pa.ipc.new_file
    with make(str(path), table.schema) as writer:
        writer.write_table(table, max_chunksize=3)


def test_by_name_absent_null_extra_ignored(path: Path) -> None:
    store(path, pa.table({"x": [1, 2], "extra": ["p", "q"], "y": ["a", None]}))
    schema = t.schema(("y", t.STRING), ("nope", t.INT), ("x", t.BIGINT))
    assert rows_of(read(schema, path)) == [{"y": "a", "nope": None, "x": 1}, {"y": None, "nope": None, "x": 2}]
    assert rows_of(read(schema, path, ("nope",))) == [{"nope": None}, {"nope": None}]


@pytest.mark.parametrize(
    ("values", "type_", "expected"),
    [
        (pa.array([1, None], pa.int8()), t.BIGINT, [1, None]),
        (pa.array([1, None], pa.uint32()), t.INT, [1, None]),
        (pa.array([1, None], pa.int64()), t.INT, [1, None]),
        (pa.array([1, None], pa.int32()), t.DOUBLE, [1.0, None]),
        (pa.array([0.5], pa.float32()), t.DOUBLE, [0.5]),
        (pa.array([2], pa.int32()), t.decimal(12, 2), [Decimal("2.00")]),
        (pa.array([Decimal("1.5")], pa.decimal128(4, 1)), t.decimal(10, 3), [Decimal("1.500")]),
        (pa.array(["a", "b", None]).dictionary_encode(), t.STRING, ["a", "b", None]),
        (pa.array(["a"], pa.large_string()), t.STRING, ["a"]),
        (pa.array([b"a"], pa.binary()), t.STRING, ["a"]),
        (pa.array([0, None], pa.timestamp("ms")), t.timestamp(3), [datetime(1970, 1, 1), None]),
        (pa.array([BEFORE_1970]), t.timestamp(6), [datetime(1969, 12, 31, 23, 59, 59, 999999)]),
        (pa.array([0], pa.timestamp("us", "Europe/Paris")), t.timestamp_ltz(3), [datetime(1970, 1, 1, tzinfo=UTC)]),
        (pa.array([0], pa.timestamp("us")), t.timestamp_ltz(3), [datetime(1970, 1, 1, tzinfo=UTC)]),
        (pa.array([[1, 2], None], pa.large_list(pa.int8())), t.array(t.INT), [[1, 2], None]),
        (pa.array([{"x": 1}, None]), t.row(("x", "y"), (t.INT, t.INT)), [{"x": 1, "y": None}, None]),
    ],
)
def test_types_that_fit(path: Path, values: pa.Array, type_: Any, expected: list[Any]) -> None:
    store(path, pa.table({"v": values}))
    assert [row["v"] for row in rows_of(read(t.schema(("v", type_)), path))] == expected


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        (pa.array([1.5]), t.INT),
        (pa.array(["1"]), t.INT),
        (pa.array([1]), t.STRING),
        (pa.array([0.5]), t.FLOAT),
        (pa.array(["2024-01-01"]), t.timestamp(3)),
        (pa.array([[1]]), t.array(t.STRING)),
        (pa.array([{"x": "a"}]), t.row(("x",), (t.INT,))),
    ],
)
def test_types_that_do_not_fit_name_file_column_and_both_types(path: Path, values: pa.Array, type_: Any) -> None:
    store(path, pa.table({"other": [0], "v": values}))
    schema = t.schema(("other", t.BIGINT), ("v", type_))
    with pytest.raises(DataError) as caught:
        read(schema, path, ("other",))
    assert caught.value.message.startswith(f"{path}: column v is {str(values.type)[:4]}")
    assert caught.value.message.endswith(f" in the file, but declared {type_}")


def test_value_that_does_not_fit(path: Path) -> None:
    store(path, pa.table({"v": [1, 3_000_000_000]}))
    with pytest.raises(DataError, match=rf"{path.name}: column v: a int64 value does not fit INT"):
        read(t.schema(("v", t.INT)), path)


@pytest.mark.parametrize("keep", [0, 3, 0.5, 0.95])
def test_damaged_files_are_named(path: Path, keep: float) -> None:
    store(path, pa.table({"v": list(range(10_000))}))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep) if isinstance(keep, float) else keep])
    with pytest.raises(DataError, match=rf"{path.name}: "):
        read(t.schema(("v", t.BIGINT)), path)


def test_text_is_not_a_columnar_file(path: Path) -> None:
    path.write_text('{"v": 1}\n' * 10)
    with pytest.raises(DataError, match=rf"{path.name}: not a whole"):
        read(t.schema(("v", t.BIGINT)), path)
    with pytest.raises(DataError, match=rf"{path.name}: not a whole"):
        load_connector("filesystem").infer(options(None, path))


def comparison(operator: str, value: Any, type_: Any = None) -> Comparison:
    return Comparison("v", operator, pa.scalar(value, type_ or pa.int64()))


@pytest.mark.parametrize(
    ("operator", "value", "groups"),
    [
        ("=", 4, [1]),
        ("<", 3, [0]),
        ("<=", 3, [0, 1]),
        (">", 5, [2]),
        (">=", 5, [1, 2]),
        ("<>", 4, [0, 1, 2]),
        ("=", 99, []),
    ],
)
def test_row_groups_are_chosen_by_statistics(tmp_path: Path, operator: str, value: int, groups: list[int]) -> None:
    path = tmp_path / "t.parquet"
    store(path, pa.table({"v": list(range(9))}))
    assert wanted_row_groups(pq.ParquetFile(path).metadata, [comparison(operator, value)]) == groups
    found = read(t.schema(("v", t.BIGINT)), path, predicate=(comparison(operator, value),))
    assert [row["v"] for row in rows_of(found)] == [3 * group + each for group in groups for each in range(3)]


def test_not_a_number_is_never_left_out(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    store(path, pa.table({"v": [1.0, float("nan"), 2.0]}))
    greater = comparison(">", 5.0, pa.float64())
    assert wanted_row_groups(pq.ParquetFile(path).metadata, [greater]) == [0]


def test_times_and_unknown_columns_in_predicates(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    store(path, pa.table({"v": pa.array([0, 10**15], pa.timestamp("us"))}))
    metadata = pq.ParquetFile(path).metadata
    late = datetime(2100, 1, 1)
    assert wanted_row_groups(metadata, [comparison(">", late, pa.timestamp("us"))]) == []
    assert wanted_row_groups(metadata, [comparison(">", late.replace(tzinfo=UTC), pa.timestamp("us", "UTC"))]) == []
    assert wanted_row_groups(metadata, [Comparison("nope", "=", pa.scalar(1))]) == [0]
    assert wanted_row_groups(metadata, [Comparison("v", "=", pa.scalar("text"))]) == [0]


def test_small_writes_become_large_row_groups(tmp_path: Path) -> None:
    schema = t.schema(("v", t.BIGINT))
    sink = load_connector("filesystem").sink(options(schema, tmp_path / "t.parquet"))
    sink.open(schema, changelog=False)
    for each in range(50):
        sink.write(pa.record_batch({"v": pa.array([each])}), None)
    sink.commit()
    assert pq.ParquetFile(tmp_path / "t.parquet").metadata.num_row_groups == 1
