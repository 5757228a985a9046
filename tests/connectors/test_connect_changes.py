"""Files that hold changes: debezium-json, an op column, the last rows of keys."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from streamsql.errors import DataError, SqlError, UsageError
from streamsql.expr import types as t
from streamsql.plugins import load_connector
from streamsql.ports import ReadRequest
from streamsql.session import Session
from tests.connectors.tables import batch, kinds, options, read, rejects_of, rows_of

SCHEMA = t.schema(("k", t.INT), ("v", t.STRING))
CHANGES = batch(SCHEMA, k=[1, 2, 1, 1, 2], v=["a", "b", "a", "c", "b"])
KINDS = kinds(0, 0, 1, 2, 3)


def write_changes(path: Path, **more: Any) -> None:
    sink = load_connector("filesystem").sink(options(SCHEMA, path, **more))
    sink.open(SCHEMA, changelog=True)
    sink.write(CHANGES, KINDS)
    sink.commit()


def events(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def weights_of(batches: list[Any]) -> list[int]:
    return [int(weight) for each in batches for weight in each.weights]


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet", "arrow", "avro"])
@pytest.mark.parametrize("batch_rows", [1, 2, 100])
def test_what_was_written_as_a_changelog_reads_back(tmp_path: Path, ending: str, batch_rows: int) -> None:
    path = tmp_path / f"changes.{ending}"
    write_changes(path)
    found = read(SCHEMA, path, ("v", "k"), batch_rows=batch_rows, changelog="op")
    assert pa.Table.from_batches([each.rows for each in found]).select(["k", "v"]) == pa.Table.from_batches([CHANGES])
    assert weights_of(found) == [1, 1, -1, 1, -1]
    for index, each in enumerate(found):
        rest = read(SCHEMA, path, batch_rows=100, start=each.position, changelog="op")
        assert weights_of(rest) == weights_of(found[index + 1 :])


def test_debezium_events_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "changes.jsonl"
    write_changes(path, format="debezium-json")
    assert path.read_text().splitlines()[2:4] == [
        '{"before":{"k":1,"v":"a"},"after":null,"op":"d"}',
        '{"before":null,"after":{"k":1,"v":"c"},"op":"c"}',
    ]
    found = read(SCHEMA, path, format="debezium-json")
    assert rows_of(found) == CHANGES.to_pylist()
    assert weights_of(found) == [1, 1, -1, 1, -1]


UPDATE = '{"before":{"k":1,"v":"a"},"after":{"v":"b","k":1,"new":[]},"op":"u","source":{"file":"x"}}'


@pytest.mark.parametrize("included", [False, True])
def test_an_update_is_two_changes(tmp_path: Path, included: bool) -> None:
    line = f'{{"schema":{{"type":"struct"}},"payload":{UPDATE}}}' if included else UPDATE
    path = events(tmp_path / "changes.jsonl", line, "", line)
    more = {"format": "debezium-json", "debezium-json.schema-include": str(included).lower()}
    found = read(SCHEMA, path, batch_rows=3, **more)
    assert rows_of(found) == [{"k": 1, "v": "a"}, {"k": 1, "v": "b"}] * 2
    assert weights_of(found) == [-1, 1, -1, 1]
    rest = read(SCHEMA, path, start=json.loads(json.dumps(found[0].position)), **more)
    assert rows_of(rest) == [{"k": 1, "v": "b"}]
    assert load_connector("filesystem").infer(options(None, path, **more)).names[:2] == ("v", "k")


BAD = [
    ('{"before":null,"after":null,"op":"d"}', "op d needs the row before it, but before is NULL"),
    ('{"before":null,"after":{"k":1},"op":"u"}', "op u needs the row before it, but before is NULL"),
    ('{"before":{"k":1},"after":null,"op":"u"}', "op u needs the row after it, but after is NULL"),
    ('{"after":{"k":1},"op":"x"}', "op is 'x', expected one of c, r, u, d"),
    ('{"k":1}', "an event has no op"),
    ('{"after":{"k":"one"},"op":"c"}', "after.k"),
    ('{"after":', "not valid JSON"),
]


@pytest.mark.parametrize(("line", "reason"), BAD)
def test_malformed_events(tmp_path: Path, line: str, reason: str) -> None:
    good = '{"after":{"k":7,"v":"g"},"op":"c"}'
    path = events(tmp_path / "changes.jsonl", good, "", line, good)
    with pytest.raises(DataError) as caught:
        read(SCHEMA, path, format="debezium-json")
    assert reason in caught.value.message
    assert caught.value.message.startswith(f"{path}:3: ")
    assert line in caught.value.message
    found = read(SCHEMA, path, format="debezium-json", **{"debezium-json.ignore-parse-errors": "true"})
    assert [each["k"] for each in rows_of(found) if each["k"]] == [7, 7]
    assert [(each.where, each.text) for each in rejects_of(found)] == [(f"{path}:3", line)]


def test_a_row_that_does_not_say_its_kind(tmp_path: Path) -> None:
    path = events(tmp_path / "changes.jsonl", '{"op":"+I","k":1}', '{"op":"?","k":2}')
    with pytest.raises(DataError) as caught:
        read(SCHEMA, path, changelog="op")
    assert caught.value.message == f"{path}: row 2: op is '?', expected +I, -U, +U, -D"


def test_an_empty_row_deletes_its_key(tmp_path: Path) -> None:
    path = events(tmp_path / "rows.jsonl", '{"k":1,"v":"a"}', '{"k":1}', '{"k":2,"v":null}')
    table = replace(options(SCHEMA, path, changelog="upsert"), primary_key=("k",))
    found = list(load_connector("filesystem").source(table).read(ReadRequest(("k",), 10)))
    assert rows_of(found) == [{"k": 1}, {"k": 1}, {"k": 2}]
    assert weights_of(found) == [1, -1, -1]


def test_contradictions_are_refused(tmp_path: Path) -> None:
    table = options(SCHEMA, tmp_path / "a.jsonl", format="debezium-json", changelog="op")
    with pytest.raises(UsageError, match="has its own changes"):
        load_connector("filesystem").changes(table)  # type: ignore[attr-defined]


def test_deletions_need_no_time(tmp_path: Path) -> None:
    lines = ('{"k":1,"ts":"2025-01-01 00:00:01"}', '{"k":2,"ts":"2025-01-01 00:00:02"}', '{"k":1}', '{"k":3,"n":1}')
    path = events(tmp_path / "rows.jsonl", *lines)
    session = Session()
    session.execute(f"""
        CREATE TABLE t (k INT, n INT, ts TIMESTAMP(3) NOT NULL, PRIMARY KEY (k) NOT ENFORCED,
          WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
        WITH ('connector' = 'filesystem', 'path' = '{path}', 'changelog' = 'upsert')""")
    windows = session.sql("""
        SELECT COUNT(*) AS n, MAX(k) AS k FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND))
        GROUP BY window_start, window_end""")
    assert windows.to_arrow().to_pylist() == [{"n": 1, "k": 2}]
    assert session.sql("SELECT reason, text FROM t$rejects").to_arrow().to_pylist() == [
        {"reason": "event time ts is NULL", "text": "k=3, ts=NULL"}
    ]


def test_a_key_is_needed(tmp_path: Path) -> None:
    text = f"""CREATE TABLE t (k INT, v INT)
        WITH ('connector' = 'filesystem', 'path' = '{tmp_path}/rows.jsonl', 'changelog' = 'upsert')"""
    with pytest.raises(SqlError, match="table t is changed by key, but declares no PRIMARY KEY"):
        Session().execute(text)
