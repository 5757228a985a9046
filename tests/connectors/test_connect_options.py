"""What the options of formats change in files, and that the documentation names every option."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streamsql.errors import DataError, UsageError
from streamsql.expr import types as t
from streamsql.plugins import known_names, load_connector, load_format
from tests.connectors.tables import batch, options, read, rows_of, write

AB = t.schema(("a", t.INT), ("b", t.STRING))
LINE = t.schema(("line", t.STRING))
FILES_PAGE = Path(__file__).parents[2] / "docs" / "files.md"


def two() -> pa.RecordBatch:
    return batch(AB, a=[1, 2], b=["é", None])


def all_options() -> list[str]:
    formats = [f"{name}.{each.name}" for name in known_names("format") for each in load_format(name).options]
    return [*formats, *(each.name for each in load_connector("filesystem").options)]


@pytest.mark.parametrize("name", all_options())
def test_every_option_is_documented(name: str) -> None:
    assert f"`{name}`" in FILES_PAGE.read_text()


@pytest.mark.parametrize(
    ("codec", "found"),
    [
        (None, "SNAPPY"),
        ("GZIP", "GZIP"),
        ("zstd", "ZSTD"),
        ("lz4", "LZ4"),
        ("brotli", "BROTLI"),
        ("UNCOMPRESSED", "UNCOMPRESSED"),
    ],
)
def test_parquet_codecs(tmp_path: Path, codec: str | None, found: str) -> None:
    path = tmp_path / "t.parquet"
    write(AB, path, two(), **({} if codec is None else {"parquet.compression": codec}))
    assert pq.ParquetFile(path).metadata.row_group(0).column(0).compression == found
    assert rows_of(read(AB, path)) == two().to_pylist()


def test_parquet_row_groups_dictionaries_and_int96(tmp_path: Path) -> None:
    path, schema = tmp_path / "t.parquet", t.schema(("ts", t.timestamp(3)), ("n", t.INT))
    rows = batch(schema, ts=[0, 1, None], n=[7, 7, 7])
    more = {
        "parquet.row-group-size": "2",
        "parquet.enable.dictionary": "false",
        "parquet.write.int64.timestamp": "false",
    }
    write(schema, path, rows, **more, **{"parquet.compression": "zstd", "parquet.compression-level": "9"})
    metadata = pq.ParquetFile(path).metadata
    assert [metadata.row_group(each).num_rows for each in range(metadata.num_row_groups)] == [2, 1]
    assert metadata.schema.column(0).physical_type == "INT96"
    assert "RLE_DICTIONARY" not in metadata.row_group(0).column(1).encodings
    assert rows_of(read(schema, path)) == rows.to_pylist()


@pytest.mark.parametrize(
    ("ending", "layout"), [("arrow", None), ("arrow", "stream"), ("arrows", None), ("arrows", "file")]
)
@pytest.mark.parametrize("codec", ["zstd", "lz4", "none"])
def test_arrow_layouts_and_codecs(tmp_path: Path, ending: str, layout: str | None, codec: str) -> None:
    path = tmp_path / f"t.{ending}"
    write(AB, path, two(), arrow__compression=codec, **({} if layout is None else {"arrow__layout": layout}))
    is_file = (layout or ("stream" if ending == "arrows" else "file")) == "file"
    assert path.read_bytes().startswith(b"ARROW1") == is_file
    assert rows_of(read(AB, path)) == two().to_pylist()


def test_raw_charsets(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_bytes("é\r\n\nü".encode("latin-1"))
    assert [row["line"] for row in rows_of(read(LINE, path, raw__charset="ISO-8859-1"))] == ["é", "", "ü"]
    write(LINE, path, batch(LINE, line=["ж", None]), raw__charset="windows-1251", raw__endianness="little-endian")
    assert path.read_bytes() == b"\xe6\n\n"
    with pytest.raises(DataError, match="'€' cannot be written in iso8859-1"):
        write(LINE, path, batch(LINE, line=["a€"]), raw__charset="latin1")
    path.write_bytes(b"fine\nbad \xff\n")
    with pytest.raises(DataError, match=r"t\.txt:2: not valid ascii\n  bad \\xff"):
        read(LINE, path, raw__charset="US-ASCII")


@pytest.mark.parametrize(
    ("path", "more", "message"),
    [
        ("t.parquet", {"parquet.compression": "lzo"}, "'compression' = 'lzo': write one of snappy, zstd, gzip, lz4"),
        ("t.parquet", {"parquet.compression-level": "3"}, "'parquet.compression' = 'snappy' has no levels"),
        ("t.parquet", {"parquet.row-group-size": "0"}, "'row-group-size' = '0': write a whole number from 1 on"),
        ("t.arrow", {"arrow.layout": "heap"}, "'layout' = 'heap': write one of file, stream"),
        ("t.avro", {"avro.codec": "rar"}, "'codec' = 'rar': write one of snappy, deflate"),
        ("t.csv", {"csv.field-delimiter": '"'}, "'csv.field-delimiter' = '\"' is the quote or escape character too"),
        ("t.csv", {"csv.array-element-delimiter": ""}, "write at least one character"),
        ("t.txt", {"raw.charset": "UTF-16"}, "lines of this charset cannot be told apart"),
        ("t.txt", {"raw.charset": "klingon"}, "write the name of a charset, such as ISO-8859-1"),
    ],
)
def test_options_that_mean_nothing(tmp_path: Path, path: str, more: dict[str, Any], message: str) -> None:
    schema = LINE if path.endswith(".txt") else AB
    sink = load_connector("filesystem").sink(options(schema, tmp_path / path, **more))
    with pytest.raises(UsageError) as caught:
        sink.open(schema, changelog=False)
    assert message in caught.value.message
    assert list(tmp_path.iterdir()) == []
