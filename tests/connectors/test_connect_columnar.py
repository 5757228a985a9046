"""Parquet and Arrow files: types that fit and that do not, damaged files, row groups that are not read."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from streamsql_connectors.formats.row_groups import wanted_row_groups

from streamsql.errors import DataError
from streamsql.expr import types as t
from streamsql.plugins import load_connector
from streamsql.ports import Comparison, ReadRequest
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
        (pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int32(), 2)), t.array(t.BIGINT), [[1, 2], None, [3, 4]]),
        (pa.array([[1, 2], None, []], pa.list_view(pa.int32())), t.array(t.INT), [[1, 2], None, []]),
        (pa.array([{"x": 1}, None]), t.row(("x", "y"), (t.INT, t.INT)), [{"x": 1, "y": None}, None]),
        (pa.array([b"0123456789abcdef", None], pa.uuid()), t.STRING, ["30313233-3435-3637-3839-616263646566", None]),
        (pa.array([b"0123456789abcdef", None], pa.uuid()), t.BYTES, [b"0123456789abcdef", None]),
        (pa.array(np.array([1.5, -2], np.float16)), t.FLOAT, [1.5, -2.0]),
        (pa.array([2**64 - 1, None], pa.uint64()), t.decimal(20, 0), [Decimal(2**64 - 1), None]),
        (pa.array([Decimal("1.5")], pa.decimal256(40, 2)), t.decimal(38, 2), [Decimal("1.50")]),
        (pa.array([86_400_000], pa.date64()), t.DATE, [date(1970, 1, 2)]),
        (pa.array([1], pa.time32("s")), t.time(0), [time(0, 0, 1)]),
    ],
)
def test_types_that_fit(path: Path, values: pa.Array, type_: Any, expected: list[Any]) -> None:
    store(path, pa.table({"v": values}))
    assert [row["v"] for row in rows_of(read(t.schema(("v", type_)), path))] == expected


INFERRED = {
    "u8": (pa.uint8(), "SMALLINT"),
    "u64": (pa.uint64(), "DECIMAL(20, 0)"),
    "words": (pa.dictionary(pa.int8(), pa.large_string()), "STRING"),
    "half": (pa.float16(), "FLOAT"),
    "ns": (pa.timestamp("ns"), "TIMESTAMP(6)"),
    "zoned": (pa.timestamp("ms", "America/New_York"), "TIMESTAMP_LTZ(3)"),
    "pair": (pa.list_(pa.large_string(), 2), "ARRAY<STRING>"),
    "view": (pa.list_view(pa.int8()), "ARRAY<TINYINT>"),
    "nested": (pa.struct([("m", pa.map_(pa.string(), pa.uint16()))]), "ROW<m MAP<STRING, INT>>"),
    "id": (pa.uuid(), "STRING"),
    "note": (pa.json_(), "STRING"),
}


def test_inferred_types(path: Path) -> None:
    table = pa.table({name: pa.nulls(1, type_) for name, (type_, _) in INFERRED.items()})
    store(path, table)
    found = load_connector("filesystem").infer(options(None, path))
    assert {each.name: str(each.type) for each in found} == {name: sql for name, (_, sql) in INFERRED.items()}
    assert rows_of(read(found, path)) == [dict.fromkeys(INFERRED)]


def test_a_type_that_sql_does_not_have_names_file_and_column(path: Path) -> None:
    store(path, pa.table({"ok": [1], "big": pa.array([Decimal(1)], pa.decimal256(50, 2))}))
    with pytest.raises(DataError, match=rf"{path.name}: column big is decimal256\(50, 2\), which no SQL type holds"):
        load_connector("filesystem").infer(options(None, path))
    assert rows_of(read(t.schema(("ok", t.BIGINT)), path)) == [{"ok": 1}]


def test_run_ends_and_small_booleans_of_arrow_files(tmp_path: Path) -> None:
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array(["a", None]))
    flags = pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, 0, None], pa.int8()))
    store(tmp_path / "t.arrow", pa.table({"r": runs, "f": flags}))
    found = load_connector("filesystem").infer(options(None, tmp_path / "t.arrow"))
    assert [str(each) for each in found.types] == ["STRING", "BOOLEAN"]
    assert [tuple(row.values()) for row in rows_of(read(found, tmp_path / "t.arrow"))] == [
        ("a", True),
        ("a", False),
        (None, None),
    ]


def test_int96_timestamps(tmp_path: Path) -> None:
    times = [datetime(1500, 1, 1), datetime(2024, 1, 1, 0, 0, 0, 5), None]
    pq.write_table(pa.table({"v": times}), tmp_path / "t.parquet", use_deprecated_int96_timestamps=True)
    found = load_connector("filesystem").infer(options(None, tmp_path / "t.parquet"))
    assert str(found.types[0]) == "TIMESTAMP(6)"
    assert [row["v"] for row in rows_of(read(found, tmp_path / "t.parquet"))] == times


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_a_type_that_drifts_between_files_names_column_and_file(tmp_path: Path, ending: str) -> None:
    store(tmp_path / f"a.{ending}", pa.table({"v": [1, 2]}))
    store(tmp_path / f"b.{ending}", pa.table({"v": ["3"]}))
    found = load_connector("filesystem").infer(options(None, tmp_path))
    rows = []
    with pytest.raises(DataError, match=rf"b\.{ending}: column v is string in the file, but declared BIGINT"):
        for each in load_connector("filesystem").source(options(found, tmp_path)).read(ReadRequest(("v",))):
            rows += each.rows.column(0).to_pylist()
    assert rows == [1, 2]


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


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("name", ["t.arrow", "t.stream.arrow"])
def test_changed_bytes_are_no_internal_errors(tmp_path: Path, name: str, seed: int) -> None:
    path = tmp_path / name
    store(path, pa.table({"zoned": pa.array([0, None], pa.timestamp("ms", "Europe/Paris")), "words": [["a"], ["b"]]}))
    random, data = np.random.default_rng(seed), bytearray(path.read_bytes())
    for place in random.integers(0, len(data), 3):
        data[place] = random.integers(0, 256)
    path.write_bytes(data)
    try:
        read(load_connector("filesystem").infer(options(None, path)), path)
    except DataError as found:
        assert path.name in found.message


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
