"""Paths: globs, folders, compression, URLs, stdin; raw lines; options."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from streamsql_connectors import streams

from streamsql.errors import DataError, UsageError
from streamsql.expr import types as t
from streamsql.plugins import load_connector
from tests.connectors.tables import batch, options, read, rows_of, write

LINE = t.schema(("line", t.STRING))
N = t.schema(("n", t.INT))


def lines(path: Any, **more: Any) -> list[str]:
    return [row["line"] for row in rows_of(read(LINE, path, **more))]


def test_folders_are_read_to_the_bottom_in_path_order(tmp_path: Path) -> None:
    for name in ("b.txt", "a/2.txt", "a/1.txt", "_done/x.txt", ".hidden.txt", "a/_temporary.txt", "c/.d/x.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name + "\n")
    assert lines(tmp_path) == ["a/1.txt", "a/2.txt", "b.txt"]
    assert lines(f"{tmp_path}/*.txt") == ["b.txt"]
    assert lines(f"{tmp_path}/**/[12].txt") == ["a/1.txt", "a/2.txt"]


def test_compression_by_ending_or_option(tmp_path: Path) -> None:
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"x\n") + gzip.compress(b"y\n"))
    assert lines(tmp_path / "a.txt.gz") == ["x", "y"]
    (tmp_path / "a.txt").write_bytes(gzip.compress(b"z\n"))
    assert lines(tmp_path / "a.txt", compression="gzip") == ["z"]


def test_truncated_compressed_file_is_named_after_its_good_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(os.urandom(100_000).hex().encode() + b"\n")[:-100])
    with pytest.raises(DataError, match=r"a\.txt\.gz: Truncated compressed stream"):
        lines(path)
    path.write_text("plain text")
    with pytest.raises(DataError, match=r"a\.txt\.gz: .*incorrect header"):
        lines(path)


def test_missing_files_are_usage_errors(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("x\n")
    with pytest.raises(UsageError, match=r"file not found: .*wrods\.txt") as caught:
        lines(tmp_path / "wrods.txt")
    assert caught.value.hint == f"did you mean {tmp_path}/words.txt?"
    with pytest.raises(UsageError, match=r"no files found: .*\*\.csv"):
        lines(f"{tmp_path}/*.csv", format="raw")
    with pytest.raises(UsageError, match="file not found") as caught:
        lines(tmp_path / "nowhere" / "x.txt")
    assert caught.value.hint == f"there is no folder {tmp_path}/nowhere"


def test_unknown_endings(tmp_path: Path) -> None:
    (tmp_path / "data.xyz").write_text("x\n")
    with pytest.raises(UsageError, match=r"format of .*data\.xyz is not known by its ending") as caught:
        lines(tmp_path / "data.xyz")
    assert caught.value.hint is not None and "json" in caught.value.hint and ".parquet" in caught.value.hint
    assert lines(tmp_path / "data.xyz", format="raw") == ["x"]


def test_urls_through_fsspec() -> None:
    folder = "memory://streamsql-test"
    write(N, f"{folder}/a.jsonl", batch(N, n=[1, 2]))
    write(N, f"{folder}/sub/b.jsonl.gz", batch(N, n=[3]))
    assert rows_of(read(N, f"{folder}/a.jsonl")) == [{"n": 1}, {"n": 2}]
    assert rows_of(read(N, folder)) == [{"n": 1}, {"n": 2}, {"n": 3}]
    with pytest.raises(UsageError, match="no files found"):
        read(N, f"{folder}/none.jsonl")
    with pytest.raises(UsageError, match="cannot open nosuch://x"):
        read(N, "nosuch://x/a.jsonl")


class Pipe:
    """A stdin of bytes."""

    def __init__(self, data: bytes) -> None:
        self.buffer = io.BufferedReader(io.BytesIO(data))  # type: ignore[arg-type]


def test_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Pipe(b'{"n": 1}\n{"n": 2}\n'))
    assert rows_of(read(N, "-", format="json")) == [{"n": 1}, {"n": 2}]
    monkeypatch.setattr(sys, "stdin", Pipe(b'{"n": 1}\n{"n": oops}\n'))
    with pytest.raises(DataError, match=r"^stdin:2: not valid JSON"):
        read(N, "-", format="json")


def test_stdin_is_read_again_after_its_columns_were_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Pipe(b'{"n": 1}\n{"n": 2}\n'))
    monkeypatch.setattr(streams, "_peeked", bytearray())
    found = load_connector("filesystem").infer(options(None, "-", format="json"))
    assert [str(each.type) for each in found] == ["BIGINT"]
    assert rows_of(read(found, "-", format="json")) == [{"n": 1}, {"n": 2}]


def test_raw_lines(tmp_path: Path) -> None:
    path = tmp_path / "t.log"
    path.write_bytes("\ufeffone\r\n\n  three é\nlast".encode())
    assert lines(path) == ["one", "", "  three é", "last"]
    path.write_bytes(b"ok\n\xff\n")
    with pytest.raises(DataError, match=r"t\.log:2: not valid UTF-8"):
        lines(path)
    assert rows_of(read(t.schema(("b", t.BYTES)), path)) == [{"b": b"ok"}, {"b": b"\xff"}]
    with pytest.raises(UsageError, match=r"one STRING or BYTES column, not \(a INT, b INT\)"):
        read(t.schema(("a", t.INT), ("b", t.INT)), path)


def test_raw_lines_as_written(tmp_path: Path) -> None:
    write(LINE, tmp_path / "t.txt", batch(LINE, line=["a", None, "b"]))
    assert (tmp_path / "t.txt").read_bytes() == b"a\n\nb\n"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"pathh": "x"}, r"unknown option 'pathh' of table t \(filesystem, json\)\nhint: did you mean \"path\"\?"),
        ({"json__ignore_parse_error": "true"}, r"did you mean \"json\.ignore-parse-errors\""),
        ({"csv__header": "true"}, "unknown option 'csv.header'"),
        ({"json__ignore_parse_errors": "yes"}, "'ignore-parse-errors' = 'yes': write true or false"),
        ({"compression": "rar"}, "'compression' = 'rar': write one of gzip, zstd, none"),
        (
            {"format": "jsn"},
            r"unknown format 'jsn'\nhint: did you mean \"json\"\?.*arrow, avro, csv, debezium-json, json, parquet, raw",
        ),
        ({"json__timestamp_format__standard": "RFC"}, "write one of SQL, ISO-8601"),
    ],
)
def test_bad_options(tmp_path: Path, more: dict[str, str], message: str) -> None:
    (tmp_path / "t.jsonl").write_text("")
    with pytest.raises(UsageError, match=message):
        read(N, tmp_path / "t.jsonl", **more)


def test_path_is_needed() -> None:
    with pytest.raises(UsageError, match=r"table t \(filesystem\) needs the option 'path'"):
        read(N, None)


def test_changed_file_is_not_resumed(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_text("a\nb\n")
    position = read(LINE, path, batch_rows=1)[0].position
    path.write_text("a\nb\nc\n")
    with pytest.raises(DataError, match="the file has changed"):
        read(LINE, path, start=position)


LIGHT_READ = """
import sys
from streamsql.expr import types as t
from streamsql.plugins import load_connector
from streamsql.ports import ReadRequest, TableOptions
from streamsql.time import SystemClock
options = TableOptions("t", t.schema(("line", t.STRING)), {"path": sys.argv[1]}, SystemClock())
batches = load_connector("filesystem").source(options).read(ReadRequest(("line",)))
slow = ("duckdb", "pandas", "pyarrow.compute", "pyarrow.parquet", "fsspec", "pyarrow.csv")
print(sum(each.rows.num_rows for each in batches), [each for each in slow if each in sys.modules])
"""


def test_raw_lines_load_neither_duckdb_nor_parquet(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("a\n" * 10)
    found = subprocess.run(
        [sys.executable, "-c", LIGHT_READ, str(tmp_path / "t.txt")], capture_output=True, text=True, check=True
    )
    assert found.stdout == "10 []\n"
