"""CSV: headers, quotes, NULL, and exact places of bad records."""

from __future__ import annotations

import re
import tempfile
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamsql_connectors import text_blocks

from streamsql.errors import DataError, UsageError
from streamsql.expr import types as t
from streamsql.expr.types import Schema
from streamsql.plugins import load_connector
from streamsql.ports import ReadRequest
from tests.connectors.tables import batch, options, read, rejects_of, rows_of, write

AB = t.schema(("a", t.INT), ("b", t.STRING))


def parsed(tmp_path: Path, text: str | bytes, schema: Schema = AB, **more: Any) -> list[tuple[Any, ...]]:
    path = tmp_path / "t.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [tuple(row.values()) for row in rows_of(read(schema, path, **more))]


def error(tmp_path: Path, text: str | bytes, schema: Schema = AB, **more: Any) -> tuple[int, str]:
    """How many rows came before the error, and its message without the folder."""
    path = tmp_path / "t.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    rows = 0
    with pytest.raises(DataError) as caught:
        for each in load_connector("filesystem").source(options(schema, path, **more)).read(ReadRequest(schema.names)):
            rows += each.rows.num_rows
    return rows, caught.value.message.removeprefix(f"{tmp_path}/")


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_blocks, "BLOCK_BYTES", 50)


def test_header_that_equals_the_columns_is_skipped(tmp_path: Path) -> None:
    assert parsed(tmp_path, "a,b\n1,x\n") == [(1, "x")]
    assert parsed(tmp_path, "\ufeffa,b\r\n1,x\r\n") == [(1, "x")]
    assert parsed(tmp_path, "1,x\n2,y") == [(1, "x"), (2, "y")]


def test_a_first_line_with_all_names_is_a_header(tmp_path: Path) -> None:
    assert parsed(tmp_path, "b,more,a\nx,?,1\n") == [(1, "x")]


def test_declared_header_reads_by_name(tmp_path: Path) -> None:
    assert parsed(tmp_path, "b,extra,a\nx,?,1\n", csv__header="true") == [(1, "x")]
    assert parsed(tmp_path, "b\nx\n", csv__header="true") == [(None, "x")]
    schema = t.schema(("a", t.STRING), ("b", t.STRING))
    assert parsed(tmp_path, "a,b\n", schema, csv__header="false") == [("a", "b")]


def test_null_and_empty_string(tmp_path: Path) -> None:
    assert parsed(tmp_path, '1,\n,""\n"",x\n') == [(1, None), (None, ""), (None, "x")]
    assert parsed(tmp_path, "1,n/a\nn/a,x\n", csv__null_literal="n/a") == [(1, None), (None, "x")]


def test_quotes_newlines_and_delimiters_inside_fields(tmp_path: Path) -> None:
    assert parsed(tmp_path, '1,"x, ""y""\nz"\n\n2,w\n') == [(1, 'x, "y"\nz'), (2, "w")]
    assert parsed(tmp_path, "1;'x;y'\n", csv__field_delimiter=";", csv__quote_character="'") == [(1, "x;y")]
    assert parsed(tmp_path, '1|"x\n', delimiter="|", csv__disable_quote_character="true") == [(1, '"x')]
    assert parsed(tmp_path, '1,"x\\"y"\n', csv__escape_character="\\") == [(1, 'x"y')]


def test_a_quote_inside_of_an_unquoted_field_is_a_character(tmp_path: Path) -> None:
    assert parsed(tmp_path, '1,5" pipe\n2,"a ""b""\nc"\n3,6" x 7"\n') == [
        (1, '5" pipe'),
        (2, 'a "b"\nc'),
        (3, '6" x 7"'),
    ]
    assert parsed(tmp_path, '1,"a"b"\n2,c\n') == [(1, 'ab"'), (2, "c")]


def test_escaped_escapes_quotes_and_line_ends(tmp_path: Path) -> None:
    text = '1,"x\\\\"\n2,"\\"\ny"\n3,a\\\nb\n'
    assert parsed(tmp_path, text, csv__escape_character="\\") == [(1, "x\\"), (2, '"\ny'), (3, "a\nb")]


def test_carriage_returns_alone_end_lines(tmp_path: Path) -> None:
    assert parsed(tmp_path, "a,b\r1,x\r2,y") == [(1, "x"), (2, "y")]
    assert parsed(tmp_path, '1,x\r2,"p\rq"\n3,z\r\n') == [(1, "x"), (2, "p\rq"), (3, "z")]
    assert error(tmp_path, "1,x\n2,y\rq,z\n4,w\n") == (1, "t.csv:2: column a: 'q' is not INT\n  2,y\\rq,z")
    found = load_connector("filesystem").infer(options(None, tmp_path / "t.csv"))
    assert found.names == ("column0", "column1")


def test_comments_are_left_out(tmp_path: Path) -> None:
    text = '# it"s\na,b\n1,"x\n# no comment\n"\n#2,y\n3,#z\n'
    assert parsed(tmp_path, text, csv__allow_comments="true") == [(1, "x\n# no comment\n"), (3, "#z")]
    assert error(tmp_path, "#\n1,x\n#\nq,y\n", csv__allow_comments="true") == (
        1,
        "t.csv:4: column a: 'q' is not INT\n  q,y",
    )
    with pytest.raises(DataError, match=r"t\.csv:1: 1 field, but expected 2"):
        parsed(tmp_path, "# note\n1,x\n")


NESTED = t.schema(("l", t.array(t.INT)), ("r", t.row(("x", "y"), (t.INT, t.STRING))))


def test_arrays_and_rows_as_flink_writes_them_or_json(tmp_path: Path) -> None:
    text = '1;2;;3,7;x\n"[4,null]","{""x"":8,""y"":""a;b""}"\n,\n5,;\n'
    assert parsed(tmp_path, text, NESTED) == [
        ([1, 2, None, 3], {"x": 7, "y": "x"}),
        ([4, None], {"x": 8, "y": "a;b"}),
        (None, None),
        ([5], {"x": None, "y": ""}),
    ]
    assert parsed(tmp_path, "1|2,7|x\n", NESTED, csv__array_element_delimiter="|") == [([1, 2], {"x": 7, "y": "x"})]
    assert error(tmp_path, "1;x,7;x\n", NESTED) == (0, "t.csv:1: column l: '1;x' is not ARRAY<INT>\n  1;x,7;x")
    assert error(tmp_path, "1,7\n", NESTED) == (0, "t.csv:1: column r: '7' is not ROW<x INT, y STRING>\n  1,7")


def test_nested_values_as_written(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    rows = batch(
        NESTED,
        l=[[1, 2], [], [None], [1, None], None],
        r=[{"x": 1, "y": "a"}, {"x": None, "y": "b;c"}, {"x": 2, "y": None}, {"x": None, "y": ""}, None],
    )
    write(NESTED, path, rows)
    assert path.read_text() == (
        'l,r\n1;2,1;a\n[],"{""x"":null,""y"":""b;c""}"\n[null],"{""x"":2,""y"":null}"\n1;,;\n,\n'
    )
    assert rows_of(read(NESTED, path)) == rows.to_pylist()


def test_decimals_in_scientific_notation(tmp_path: Path) -> None:
    path, schema = tmp_path / "out.csv", t.schema(("d", t.decimal(12, 8)))
    values = [Decimal("100"), Decimal("-0.00000010"), Decimal("1.50"), Decimal("0"), None, Decimal("-1230")]
    write(schema, path, batch(schema, d=values), csv__write_bigdecimal_in_scientific_notation="true")
    assert path.read_text() == "d\n1E+2\n-1E-7\n1.5\n0\n\n-1.23E+3\n"
    assert [row["d"] for row in rows_of(read(schema, path))] == values


def test_writing_without_quotes(tmp_path: Path) -> None:
    path, schema = tmp_path / "out.csv", t.schema(("s", t.STRING), ("n", t.INT))
    rows = batch(schema, s=["a", 'q"', "x,y\\\n"], n=[1, 2, 3])
    unquoted = {"csv__disable_quote_character": "true"}
    write(schema, path, rows, csv__escape_character="\\", **unquoted)
    assert path.read_text() == 's,n\na,1\nq",2\nx\\,y\\\\\\\n,3\n'
    assert rows_of(read(schema, path, csv__escape_character="\\", **unquoted)) == rows.to_pylist()
    with pytest.raises(DataError, match=r"(?s)column s: 'x,y.*' cannot be written without quotes"):
        write(schema, path, rows, **unquoted)


def test_hint_says_what_to_declare(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("1,x\noops,y\n")
    with pytest.raises(DataError) as caught:
        read(AB, path)
    assert caught.value.hint == (
        "declare a as STRING to keep such text, or set 'csv.ignore-parse-errors' = 'true' to go on without such "
        "records; they are counted and kept as rejects"
    )


@pytest.mark.usefixtures("small_blocks")
def test_late_drift_of_an_inferred_column_names_column_and_line(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,n\n" + "".join(f"{each},{each}\n" for each in range(99)) + "99,many\n")
    found = load_connector("filesystem").infer(options(None, path))
    assert [str(each) for each in found.types] == ["BIGINT", "BIGINT"]
    with pytest.raises(DataError, match=r"t\.csv:101: column n: 'many' is not BIGINT"):
        read(found, path)


def test_delimiter_is_seen_in_the_first_line(tmp_path: Path) -> None:
    assert parsed(tmp_path, "1;x\n") == [(1, "x")]
    assert parsed(tmp_path, "1\tx\n") == [(1, "x")]


def test_one_column_keeps_empty_lines_as_null(tmp_path: Path) -> None:
    assert parsed(tmp_path, 'x\n\n""\n', t.schema(("s", t.STRING))) == [("x",), (None,), ("",)]


def test_times_with_zone_and_decimals_to_round(tmp_path: Path) -> None:
    schema = t.schema(("ts", t.timestamp(3)), ("d", t.decimal(5, 2)))
    text = "2024-01-01T10:00:00Z,1.005\n2024-01-01 10:00:00.25, 99999\n"
    found = parsed(tmp_path, text, schema)
    assert [str(cell) for row in found for cell in row] == [
        str(datetime(2024, 1, 1, 10)),
        "1.01",
        str(datetime(2024, 1, 1, 10, 0, 0, 250000)),
        "None",
    ]


def test_bad_value_names_line_column_and_text(tmp_path: Path) -> None:
    assert error(tmp_path, "a,b\n1,x\n\nx2,y\n3,z\n") == (1, "t.csv:4: column a: 'x2' is not INT\n  x2,y")


def test_bad_value_in_a_column_that_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("1,x\noops,y\n")
    with pytest.raises(DataError, match=r"t\.csv:2: column a: 'oops' is not INT"):
        read(AB, path, ("b",))
    with pytest.raises(DataError, match=r"t\.csv:2"):
        read(AB, path, ())


@pytest.mark.parametrize(
    ("text", "rows", "message"),
    [
        ("1,x\n2\n", 1, "t.csv:2: 1 field, but expected 2\n  2"),
        ('1,"x\ny"\n2,y,z\n', 1, "t.csv:3: 3 fields, but expected 2\n  2,y,z"),
        ("1,x\n2,y\n3", 2, "t.csv:3: 1 field, but expected 2\n  3"),
        ('1,x\n2,"y\n3,z\n', 1, 't.csv:2: a quote is not closed\n  2,"y'),
        (b"1,x\n2,\xff\n", 1, "t.csv:2: not valid UTF-8\n  2,\\xff"),
    ],
)
def test_misshapen_records(tmp_path: Path, text: str | bytes, rows: int, message: str) -> None:
    assert error(tmp_path, text) == (rows, message)


def test_ignored_errors_are_rejects(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b'a,b\nx,1\n2\n3,"y\ny"\n4,\xff\n5,z\n6,"open\n')
    batches = read(AB, path, csv__ignore_parse_errors="true")
    assert rows_of(batches) == [{"a": None, "b": "1"}, {"a": 3, "b": "y\ny"}, {"a": 5, "b": "z"}]
    assert [(each.where.removeprefix(f"{path}:"), each.reason) for each in rejects_of(batches)] == [
        ("2", "column a: 'x' is not INT (read as NULL)"),
        ("3", "1 field, but expected 2"),
        ("6", "not valid UTF-8"),
        ("8", "a quote is not closed"),
    ]


def test_lines_as_written(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    schema = t.schema(("s", t.STRING), ("n", t.INT), ("list", t.array(t.STRING)), ("a,b", t.DOUBLE))
    rows = batch(
        schema,
        s=["x", "", None, 'q"q', "l\nl", " p"],
        n=[1, None, 3, 4, 5, 6],
        list=[["a"], [], None, None, None, None],
        **{"a,b": [0.5, None, 1.0, None, None, None]},
    )
    write(schema, path, rows)
    assert path.read_text() == ('s,n,list,"a,b"\nx,1,a,0.5\n"",,[],\n,3,,1.0\n"q""q",4,,\n"l\nl",5,,\n" p",6,,\n')


def test_inferred_columns(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,at,day,x,name,ok\n1,2024-01-01 10:00:00,2024-01-01,1.5,n,true\n2,,,,m,\n")
    found = load_connector("filesystem").infer(options(None, path))
    assert [(each.name, str(each.type)) for each in found] == [
        ("id", "BIGINT"),
        ("at", "TIMESTAMP(3)"),
        ("day", "DATE"),
        ("x", "DOUBLE"),
        ("name", "STRING"),
        ("ok", "BOOLEAN"),
    ]
    assert len(rows_of(read(found, path))) == 2


def test_a_header_that_drifts_between_files_names_column_and_file(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("name,city\nann,bern\n")
    (tmp_path / "2.csv").write_text("city,more,name\nrome,?,bob\n")
    (tmp_path / "3.csv").write_text("\nname,town\ncat,oslo\n")
    found = load_connector("filesystem").infer(options(None, tmp_path))
    rows: list[Any] = []
    with pytest.raises(DataError, match=r"3\.csv:2: a header without the column city\n  name,town") as caught:
        for each in load_connector("filesystem").source(options(found, tmp_path)).read(ReadRequest(found.names)):
            rows += each.rows.to_pylist()
    assert rows == [{"name": "ann", "city": "bern"}, {"name": "bob", "city": "rome"}]
    assert caught.value.hint is not None
    assert "'csv.header' = 'true'" in caught.value.hint
    by_name = read(found, tmp_path, csv__header="true")
    assert rows_of(by_name)[-1] == {"name": "cat", "city": None}


@pytest.mark.parametrize(
    ("text", "columns", "rows"),
    [
        (",v\n0,x\n", "column0 BIGINT, v STRING", [(0, "x")]),
        ("id[0],2024\n1,2.5\n", "id[0] BIGINT, 2024 DOUBLE", [(1, 2.5)]),
        ("1,x\n2,y\n", "column0 BIGINT, column1 STRING", [(1, "x"), (2, "y")]),
        ("a , b\n18446744073709551616,1\n", "a DECIMAL(38, 0), b BIGINT", [(2**64, 1)]),
        ("a,b\n1e300,inf\n", "a DOUBLE, b DOUBLE", [(1e300, float("inf"))]),
        ("a\n", "a STRING", []),
    ],
)
def test_inferred_headers(tmp_path: Path, text: str, columns: str, rows: list[tuple[Any, ...]]) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    found = load_connector("filesystem").infer(options(None, path))
    assert ", ".join(f"{each.name} {each.type}" for each in found) == columns
    assert [tuple(row.values()) for row in rows_of(read(found, path))] == rows


def test_inferred_without_header(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("1,x\n2,y\n")
    found = load_connector("filesystem").infer(options(None, path))
    assert found.names == ("column0", "column1")
    assert len(rows_of(read(found, path))) == 2


@pytest.mark.parametrize("ignore", ["true", "false"])
@pytest.mark.parametrize(
    "text", [b'"', b"\r\r", b'a\rb"c', b"\xff", b'1,"x"y\r2', b"\n\xff,1", b'1\r#";\xff\r,,{\\', b'"\n"', b"\0"]
)
def test_any_bytes_give_rows_or_an_error_with_a_place(tmp_path: Path, text: bytes, ignore: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(text)
    for more in ({}, {"csv.escape-character": "\\"}, {"csv.header": "true"}, {"csv.allow-comments": "true"}):
        try:
            batches = read(AB, path, **more, **{"csv.ignore-parse-errors": ignore})
        except DataError as found:
            assert re.match(rf"{re.escape(str(path))}:\d+: ", found.message)
        else:
            assert all(each.where.startswith(f"{path}:") for each in rejects_of(batches))


@pytest.mark.parametrize("text", [";;", "", "é"])
def test_bad_delimiter(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"field-delimiter.*one ASCII character"):
        parsed(tmp_path, "1,x\n", csv__field_delimiter=text)


FIELDS = st.tuples(st.none() | st.integers(-5, 5), st.none() | st.text(alphabet='ab",\r\n\\# é', max_size=4))
DIALECTS = st.sampled_from(
    [
        {},
        {"csv__escape_character": "\\"},
        {"csv__allow_comments": "true"},
        {"csv__quote_character": "'", "csv__field_delimiter": "b"},
        {"csv__null_literal": "a"},
    ]
)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.lists(FIELDS, max_size=10), st.integers(10, 40), DIALECTS)
def test_any_text_survives_blocks_of_any_size(
    rows: list[tuple[int | None, str | None]], size: int, dialect: dict[str, str]
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_blocks, "BLOCK_BYTES", size)
        path = Path(folder) / "t.csv"
        write(AB, path, batch(AB, a=[each[0] for each in rows], b=[each[1] for each in rows]), **dialect)
        assert [tuple(row.values()) for row in rows_of(read(AB, path, **dialect))] == rows
