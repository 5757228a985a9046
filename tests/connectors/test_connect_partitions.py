"""Partitioned folders: columns in paths, files left unread, and one folder a key written."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from streamsql.errors import DataError, StreamSqlError, UsageError
from streamsql.expr import types as t
from streamsql.expr.types import Schema
from streamsql.plugins import load_connector
from streamsql.ports import Comparison, ReadRequest, Sink, TableOptions
from streamsql.session import connect
from streamsql.time import ManualClock
from tests.connectors.tables import batch, kinds, options, read, rows_of

SALES = t.schema(("shop", t.STRING), ("n", t.INT), ("day", t.DATE))
FORMATS = ("csv", "jsonl", "parquet", "arrow")


def sink(folder: Path, *keys: str, schema: Schema = SALES, clock: ManualClock | None = None, **more: str) -> Sink:
    given = options(schema, folder, **more)
    table = TableOptions("t", schema, given.options, clock or ManualClock(0), partition_keys=keys)
    return load_connector("filesystem").sink(table)


def sales() -> pa.RecordBatch:
    days = [date(2025, 6, 1), None, date(2025, 6, 1), date(2025, 6, 2)]
    return batch(SALES, shop=["a/b", "a/b", "", None], n=[1, 2, 3, 4], day=days)


def tree(folder: Path) -> list[str]:
    return sorted(os.path.relpath(parent, folder) for parent, _, names in os.walk(folder) if names)


@pytest.mark.parametrize("format_", FORMATS)
def test_rows_go_into_folders_and_come_back(tmp_path: Path, format_: str) -> None:
    name = "json" if format_ == "jsonl" else format_
    writing = sink(tmp_path, "day", "shop", format=name)
    writing.open(SALES, changelog=False)
    writing.write(sales(), None)
    writing.write(sales().slice(0, 1), None)
    assert tree(tmp_path) == [
        "day=2025-06-01/shop=",
        "day=2025-06-01/shop=a%2Fb",
        "day=2025-06-02/shop=__HIVE_DEFAULT_PARTITION__",
        "day=__HIVE_DEFAULT_PARTITION__/shop=a%2Fb",
    ]
    writing.commit()
    assert all(each.name.endswith(f".{format_}") for each in tmp_path.rglob("part-*"))
    assert [(row["shop"], row["n"], row["day"]) for row in rows_of(read(SALES, tmp_path))] == [
        ("", 3, date(2025, 6, 1)),
        ("a/b", 1, date(2025, 6, 1)),
        ("a/b", 1, date(2025, 6, 1)),
        (None, 4, date(2025, 6, 2)),
        ("a/b", 2, None),
    ]


def test_changelogs_keep_their_kinds(tmp_path: Path) -> None:
    writing = sink(tmp_path, "shop", format="csv")
    writing.open(SALES, changelog=True)
    writing.write(sales().slice(0, 2), kinds(0, 3))
    writing.commit()
    (file,) = tmp_path.rglob("*.csv")
    assert file.read_text() == "op,n,day\n+I,1,2025-06-01\n-D,2,\n"


def test_abort_leaves_no_file(tmp_path: Path) -> None:
    writing = sink(tmp_path, "shop", format="csv")
    writing.open(SALES, changelog=False)
    writing.write(sales(), None)
    writing.abort()
    assert tree(tmp_path) == []


def test_few_files_are_open_at_once(tmp_path: Path) -> None:
    schema = t.schema(("k", t.INT), ("v", t.INT))
    writing = sink(tmp_path, "k", schema=schema, format="csv")
    writing.open(schema, changelog=False)
    for _ in range(2):
        writing.write(batch(schema, k=list(range(130)), v=[1] * 130), None)
    writing.commit()
    assert len(list(tmp_path.rglob("*.csv"))) == 260
    assert sum(row["v"] for row in rows_of(read(schema, tmp_path))) == 260


def test_parts_roll_by_time_in_a_run_without_end(tmp_path: Path) -> None:
    clock = ManualClock(0)
    writing = sink(tmp_path, "shop", clock=clock, format="csv", sink__rolling_policy__rollover_interval="1 min")
    writing.open(SALES, changelog=False, bounded=False)
    for minute in range(3):
        clock.advance_to(60_000_000 * minute)
        writing.write(sales().slice(0, 1), None)
        assert len(list(tmp_path.rglob("part-*.csv"))) == (minute + 1) // 2
    writing.commit()
    assert len(list(tmp_path.rglob("part-*.csv"))) == 2


@pytest.mark.parametrize(
    ("keys", "schema", "message"),
    [
        (("n",), t.schema(("n", t.INT)), "a partitioned table needs a column that is no key"),
        (("x",), t.schema(("x", t.DOUBLE), ("n", t.INT)), "a table cannot be partitioned by x, which is DOUBLE"),
    ],
)
def test_keys_that_cannot_be(tmp_path: Path, keys: tuple[str, ...], schema: Schema, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        sink(tmp_path, *keys, schema=schema, format="csv").open(schema, changelog=False)


def folder_of(tmp_path: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


DAYS = {"year=2024/m=02/a.csv": "n\n1\n", "year=2025/m=01/a.csv": "n\n2\n", "year=2025/m=y%20x/a.csv": "n\n3\n"}


def test_inferred_keys_come_last_and_have_types(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, DAYS)
    found = load_connector("filesystem").infer(options(None, folder))
    assert [(each.name, str(each.type)) for each in found] == [("n", "BIGINT"), ("year", "BIGINT"), ("m", "STRING")]
    assert [tuple(row.values()) for row in rows_of(read(found, folder))] == [
        (1, 2024, "02"),
        (2, 2025, "01"),
        (3, 2025, "y x"),
    ]


def test_conditions_on_keys_leave_files_unread(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, {**DAYS, "year=2023/m=1/a.csv": "n\nnot a number\n"})
    schema = t.schema(("n", t.INT), ("year", t.INT))
    later = (Comparison("year", ">=", pa.scalar(2025, pa.int32())),)
    batches = read(schema, folder, predicate=later)
    assert rows_of(batches) == [{"n": 2, "year": 2025}, {"n": 3, "year": 2025}]
    (last,) = read(schema, folder, predicate=later, start=batches[0].position)
    assert last.rows.to_pylist() == [{"n": 3, "year": 2025}]
    assert read(schema, folder, ("year",), predicate=later)[0].rows.to_pylist() == [{"year": 2025}]


def test_a_where_clause_leaves_files_unread(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, {**DAYS, "year=2023/m=1/a.csv": "n\nnot a number\n"})
    session = connect()
    session.sql(
        f"CREATE TABLE t (n INT, `year` INT) PARTITIONED BY (`year`) WITH "
        f"('connector' = 'filesystem', 'path' = '{folder}', 'format' = 'csv')"
    )
    query = session.sql("SELECT n, `year` FROM t WHERE `year` > 2023 AND n > 1")
    assert query is not None
    assert query.to_arrow().to_pylist() == [{"n": 2, "year": 2025}, {"n": 3, "year": 2025}]


def test_written_by_insert(tmp_path: Path) -> None:
    session = connect()
    session.sql(
        f"CREATE TABLE t (k STRING, n INT) PARTITIONED BY (k) WITH "
        f"('connector' = 'filesystem', 'path' = '{tmp_path}', 'format' = 'parquet', 'partition.default-name' = 'none');"
        "INSERT INTO t VALUES ('a', 1), (CAST(NULL AS STRING), 2), ('a', 3);"
    )
    assert tree(tmp_path) == ["k=a", "k=none"]
    query = session.sql("SELECT k, n FROM t ORDER BY n")
    assert query is not None
    assert query.to_arrow().to_pylist() == [{"k": "a", "n": 1}, {"k": None, "n": 2}, {"k": "a", "n": 3}]


def test_overwriting_replaces_the_partitions_that_get_rows(tmp_path: Path) -> None:
    session = connect()
    session.sql(
        f"CREATE TABLE t (k STRING, n INT, day DATE) PARTITIONED BY (k, day) WITH "
        f"('connector' = 'filesystem', 'path' = '{tmp_path}', 'format' = 'json');"
        "INSERT INTO t PARTITION (k = 'a', day = '2025-06-01') SELECT 1;"
        "INSERT INTO t PARTITION (k = 'b') SELECT 2, DATE '2025-06-01';"
        "INSERT INTO t PARTITION (k = 'b') (day, n) SELECT DATE '2025-06-02', 3;"
    )
    everything = "SELECT k, n, CAST(day AS STRING) AS day FROM t ORDER BY n"

    def rows() -> list[tuple[Any, ...]]:
        query = session.sql(everything)
        assert query is not None
        return [tuple(row.values()) for row in query.to_arrow().to_pylist()]

    assert rows() == [("a", 1, "2025-06-01"), ("b", 2, "2025-06-01"), ("b", 3, "2025-06-02")]
    session.sql("INSERT OVERWRITE t PARTITION (k = 'b') SELECT n + 10, day FROM t WHERE n = 2")
    assert rows() == [("a", 1, "2025-06-01"), ("b", 3, "2025-06-02"), ("b", 12, "2025-06-01")]


def test_overwriting_a_folder(tmp_path: Path) -> None:
    session = connect()
    create = f"CREATE TABLE t (n INT) WITH ('connector' = 'filesystem', 'path' = '{tmp_path}/d/', 'format' = 'csv')"
    session.sql(
        f"{create}; INSERT INTO t VALUES (1); INSERT INTO t VALUES (2); INSERT OVERWRITE t SELECT n * 10 FROM t"
    )
    query = session.sql("SELECT n FROM t")
    assert query is not None
    assert query.to_arrow().to_pylist() == [{"n": 10}, {"n": 20}]
    assert len(list((tmp_path / "d").iterdir())) == 1
    endless = "CREATE TABLE g (n INT) WITH ('connector' = 'datagen')"
    with pytest.raises(UsageError, match=r"INSERT OVERWRITE cannot write .*: the inputs of the query have no end"):
        session.sql(f"{endless}; INSERT OVERWRITE t SELECT n FROM g")


@pytest.mark.parametrize(
    ("files", "error", "message"),
    [
        ({"year=2024/a.csv": "n\n1\n", "b.csv": "n\n1\n"}, DataError, r"b\.csv: no folder year=… in the path"),
        ({"year=old/a.csv": "n\n1\n"}, DataError, r"a\.csv: year=old in the path is not INT"),
    ],
)
def test_paths_that_do_not_fit(tmp_path: Path, files: dict[str, str], error: type[Any], message: str) -> None:
    folder = folder_of(tmp_path, files)
    with pytest.raises(error, match=message) as caught:
        load_connector("filesystem").source(options(t.schema(("n", t.INT), ("year", t.INT)), folder))
    assert isinstance(caught.value, StreamSqlError)
    assert caught.value.hint


def test_remote_folders(tmp_path: Path) -> None:
    writing = sink(Path("x"), "shop", schema=SALES, format="csv")
    memory = options(SALES, "memory://sales", format="csv")
    table = TableOptions("t", SALES, memory.options, ManualClock(0), partition_keys=("shop",))
    writing = load_connector("filesystem").sink(table)
    writing.open(SALES, changelog=False)
    writing.write(sales().slice(0, 1), None)
    writing.commit()
    source = load_connector("filesystem").source(table)
    assert rows_of(source.read(ReadRequest(SALES.names))) == sales().slice(0, 1).to_pylist()
