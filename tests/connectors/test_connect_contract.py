"""What every format must do: keep all values, deliver any columns in batches of any size, resume at any position."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from streamsql_connectors import filesystem, text_blocks

from streamsql.expr import types as t
from tests.connectors.tables import ALL_TYPES, all_types, batch, read, rows_of, write

ENDINGS = (
    "jsonl",
    "csv",
    "tsv",
    "parquet",
    "arrow",
    "jsonl.gz",
    "csv.zst",
    "parquet.gz",
    "arrow.zst",
    "avro",
    "avro.gz",
    "debezium",
    "debezium.gz",
)
NUMBERS = t.schema(("id", t.INT), ("name", t.STRING))


@pytest.fixture(params=ENDINGS)
def path(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(filesystem.ENDINGS, ".debezium", "debezium-json")
    return tmp_path / f"table.{request.param}"


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_blocks, "BLOCK_BYTES", 50)


def numbers(count: int) -> pa.RecordBatch:
    return batch(NUMBERS, id=list(range(count)), name=[f"name {each}" for each in range(count)])


def test_all_types_survive(path: Path) -> None:
    rows = all_types()
    write(ALL_TYPES, path, rows, rows.slice(1))
    found = pa.Table.from_batches([each.rows for each in read(ALL_TYPES, path)])
    assert found.schema == ALL_TYPES.to_arrow()
    assert repr(found.to_pylist()) == repr([*rows.to_pylist(), *rows.slice(1).to_pylist()])


@pytest.mark.parametrize("columns", [("s",), ("row", "i"), ("ts", "s", "b"), ("list", "m")])
def test_only_wanted_columns_in_wanted_order(path: Path, columns: tuple[str, ...]) -> None:
    write(ALL_TYPES, path, all_types())
    batches = read(ALL_TYPES, path, columns)
    assert [each.rows.schema.names for each in batches] == [list(columns)] * len(batches)
    assert repr(rows_of(batches)) == repr(all_types().select(list(columns)).to_pylist())


def test_no_columns_give_row_counts(path: Path) -> None:
    write(ALL_TYPES, path, all_types())
    batches = read(ALL_TYPES, path, (), batch_rows=2)
    assert [(each.rows.num_rows, each.rows.num_columns) for each in batches] == [(2, 0), (1, 0)]


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("batch_rows", [1, 7, 1000])
def test_batch_size_changes_nothing(path: Path, batch_rows: int) -> None:
    write(NUMBERS, path, numbers(30))
    batches = read(NUMBERS, path, batch_rows=batch_rows)
    assert max(each.rows.num_rows for each in batches) <= batch_rows
    assert rows_of(batches) == numbers(30).to_pylist()


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("batch_rows", [1, 4])
def test_resume_from_every_position(path: Path, batch_rows: int) -> None:
    write(NUMBERS, path, numbers(15))
    batches = read(NUMBERS, path, batch_rows=batch_rows)
    seen = 0
    for each in batches:
        seen += each.rows.num_rows
        position = json.loads(json.dumps(each.position))
        assert position["rows"] == seen
        rest = read(NUMBERS, path, batch_rows=1000, start=position)
        assert [row["id"] for row in rows_of(rest)] == list(range(seen, 15))


def test_resume_across_files(tmp_path: Path) -> None:
    for name, first in (("a.jsonl", 0), ("b.jsonl", 3)):
        write(NUMBERS, tmp_path / name, numbers(6).slice(first, 3))
    batches = read(NUMBERS, tmp_path, ("id",), batch_rows=2)
    assert [each.rows.num_rows for each in batches] == [2, 1, 2, 1]
    for position, left in zip((each.position for each in batches), (4, 3, 1, 0), strict=True):
        assert len(rows_of(read(NUMBERS, tmp_path, ("id",), start=position))) == left


def test_empty_files_have_no_rows(path: Path) -> None:
    write(NUMBERS, path)
    assert rows_of(read(NUMBERS, path)) == []


def test_closing_a_half_read_source_is_clean(path: Path) -> None:
    from streamsql.plugins import load_connector
    from streamsql.ports import ReadRequest
    from tests.connectors.tables import options

    write(NUMBERS, path, numbers(100))
    batches = load_connector("filesystem").source(options(NUMBERS, path)).read(ReadRequest(("id",), 1))
    assert next(batches).rows.to_pylist() == [{"id": 0}]
    batches.close()  # type: ignore[attr-defined]
    assert list(batches) == []


def test_inferred_schema_reads_back(path: Path) -> None:
    from streamsql.plugins import load_connector
    from tests.connectors.tables import options

    write(NUMBERS, path, numbers(3))
    found = load_connector("filesystem").infer(options(None, path))
    assert found.names == ("id", "name")
    assert rows_of(read(found, path)) == numbers(3).to_pylist()


def test_remote_files(path: Path) -> None:
    url = f"memory://contract/{path.name}"
    write(ALL_TYPES, url, all_types())
    assert repr(rows_of(read(ALL_TYPES, url))) == repr(all_types().to_pylist())
    assert rows_of(read(ALL_TYPES, f"memory://contract/{path.name[:-1]}?", ("i",))) == [
        {"i": 1},
        {"i": None},
        {"i": -3},
    ]
