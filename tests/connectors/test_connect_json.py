"""JSON lines: Flink's meaning of each value, and exact places of bad records."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamsql_connectors import text_blocks

from streamsql.errors import DataError, UsageError
from streamsql.expr import types as t
from streamsql.expr.types import Schema, SqlType
from streamsql.plugins import load_connector
from streamsql.ports import ReadRequest
from tests.connectors.tables import batch, options, read, rejects_of, rows_of, write

KV = t.schema(("k", t.STRING), ("v", t.INT))


def values(tmp_path: Path, type_: SqlType, *texts: str, **more: Any) -> list[Any]:
    """What a column `x` of the type gives for JSON values."""
    path = tmp_path / "x.jsonl"
    path.write_text("".join(f'{{"x": {each}}}\n' for each in texts))
    return [row["x"] for row in rows_of(read(t.schema(("x", type_)), path, **more))]


def error(schema: Schema, path: Path, **more: Any) -> tuple[list[dict[str, Any]], str]:
    """The rows before the error, and its message."""
    source = load_connector("filesystem").source(options(schema, path, **more))
    rows = []
    with pytest.raises(DataError) as caught:
        for each in source.read(ReadRequest(schema.names)):
            rows += each.rows.to_pylist()
    return rows, caught.value.message


def test_flink_211_unknown_ignored_absent_null_text_and_number_both_ways(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(
        '{"k": "a", "v": 1, "extra": "ignored"}\n{"v": 2, "k": "b", "missing": "m"}\n'
        '{"k": null, "v": 3, "wide": "123"}\n{"k": "d", "v": "4", "wide": 5}\n'
    )
    schema = t.schema(("k", t.STRING), ("v", t.INT), ("missing", t.STRING), ("wide", t.BIGINT))
    assert rows_of(read(schema, path)) == [
        {"k": "a", "v": 1, "missing": None, "wide": None},
        {"k": "b", "v": 2, "missing": "m", "wide": None},
        {"k": None, "v": 3, "missing": None, "wide": 123},
        {"k": "d", "v": 4, "missing": None, "wide": 5},
    ]


def test_flink_188_decimal_rounds_half_up_and_is_null_where_too_big(tmp_path: Path) -> None:
    found = values(tmp_path, t.decimal(5, 2), "1.005", "-1.005", "99999.99", '"2.345"', "1e2", "null")
    assert found == [Decimal("1.01"), Decimal("-1.01"), None, Decimal("2.35"), Decimal("100.00"), None]


def test_decimal_comes_from_text_not_through_double(tmp_path: Path) -> None:
    exact = Decimal("12345678901234567890.1234567891")
    assert values(tmp_path, t.decimal(38, 10), str(exact)) == [exact]


def test_anything_is_a_string(tmp_path: Path) -> None:
    found = values(tmp_path, t.STRING, "1.10", "true", '{"a": [1, 2.50]}', '"x\\ny"', "null", "12345678901234567890123")
    assert found == ["1.10", "true", '{"a":[1,2.50]}', "x\ny", None, "12345678901234567890123"]


def test_times_in_sql_and_iso_spelling(tmp_path: Path) -> None:
    expected = datetime(2024, 1, 1, 10, 0, 0, 500000)
    texts = ('"2024-01-01 10:00:00.5"', '"2024-01-01T10:00:00.500Z"', '"2024-01-01T10:00:00.500000999"')
    assert values(tmp_path, t.timestamp(3), *texts) == [expected] * 3
    zoned = ('"2024-01-01 10:00:00.5Z"', '"2024-01-01T12:00:00.5+02:00"', '"2024-01-01 10:00:00.5"')
    assert values(tmp_path, t.timestamp_ltz(3), *zoned) == [expected.replace(tzinfo=UTC)] * 3


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        (t.INT, '"not a number"'),
        (t.INT, "3000000000"),
        (t.INT, "1.5"),
        (t.INT, "true"),
        (t.INT, "[1]"),
        (t.DOUBLE, '"x"'),
        (t.BOOLEAN, '"maybe"'),
        (t.decimal(5, 2), '"abc"'),
        (t.timestamp(3), '"2024-13-01 00:00:00"'),
        (t.timestamp(3), "1704067200000"),
        (t.timestamp(3), '"2024-01-01T00:00:00+02:00"'),
        (t.DATE, '"01.02.2024"'),
        (t.time(0), '"25:00:00"'),
        (t.BYTES, '"!"'),
        (t.array(t.INT), '"x"'),
        (t.map_(t.STRING, t.INT), "[]"),
        (t.row(("a",), (t.INT,)), "5"),
    ],
)
def test_a_value_that_does_not_fit_names_file_line_and_column(tmp_path: Path, type_: SqlType, text: str) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(f'{{"x": null}}\n{{"x": {text}}}\n')
    rows, message = error(t.schema(("x", type_)), path)
    assert rows == [{"x": None}]
    assert message.startswith(f"{path}:2: column x: ")
    assert str(type_) in message
    assert message.endswith(f'\n  {{"x": {text}}}')


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"k": "a", "v": 1', "not valid JSON: Expecting ',' delimiter at column 18"),
        ("{'k': 1}", "not valid JSON: Expecting property name enclosed in double quotes at column 2"),
        ("hello", "not valid JSON: Expecting value at column 1"),
        ("[1, 2]", "not a JSON object"),
        ("null", "not a JSON object"),
        ('{"k": 1} {"k": 2}', "not valid JSON: Extra data at column 10"),
        ('{"k": "' + "x" * 300, None),
    ],
)
def test_malformed_lines(tmp_path: Path, line: str, reason: str | None) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(f'{{"k": "good", "v": 1}}\n\n  \n{line}\n{{"k": "never", "v": 2}}\n')
    rows, message = error(KV, path)
    assert rows == [{"k": "good", "v": 1}]
    assert message.startswith(f"{path}:4: {reason or 'not valid JSON: Unterminated string'}")
    shown = line if len(line) <= 200 else line[:200] + "…"
    assert message.endswith(f"\n  {shown}")


def test_a_field_that_is_not_read_is_judged_too(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"k": "a", "v": 1}\n{"k": "b", "v": "not a number"}\n')
    with pytest.raises(DataError, match=r"t\.jsonl:2: column v: 'not a number' is not INT"):
        read(KV, path, ("k",))
    with pytest.raises(DataError, match=r"t\.jsonl:2"):
        read(KV, path, ())


def test_truncated_last_line(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"k": "a", "v": 1}\n{"k": "b", "v": 2}\n{"k": "c", ')
    rows, message = error(KV, path)
    assert [row["k"] for row in rows] == ["a", "b"]
    assert message.startswith(f"{path}:3: not valid JSON")


def test_last_line_without_newline_counts(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"k": "a", "v": 1}\r\n{"k": "b", "v": 2}')
    assert rows_of(read(KV, path)) == [{"k": "a", "v": 1}, {"k": "b", "v": 2}]


def test_invalid_utf8_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(b'{"k": "\xc3\xa9", "v": 1}\n{"k": "\xff", "v": 2}\n')
    rows, message = error(KV, path)
    assert rows == [{"k": "é", "v": 1}]
    assert message.startswith(f"{path}:2: not valid UTF-8")
    assert '{"k": "\\xff", "v": 2}' in message


def test_ignored_errors_are_rejects(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(b'{"k": "a", "v": "x"}\nhello\n{"k": "b", "v": 2}\n\n[]\n{"k": "\xff"}\n')
    batches = read(KV, path, json__ignore_parse_errors="true")
    assert rows_of(batches) == [{"k": "a", "v": None}, {"k": "b", "v": 2}]
    assert [(each.where, each.reason, each.text) for each in rejects_of(batches)] == [
        (f"{path}:1", "column v: 'x' is not INT (read as NULL)", '{"k": "a", "v": "x"}'),
        (f"{path}:2", "not valid JSON: Expecting value at column 1", "hello"),
        (f"{path}:5", "not a JSON object", "[]"),
        (f"{path}:6", "not valid UTF-8", '{"k": "\\xff"}'),
    ]
    after_rejects = read(KV, path, json__ignore_parse_errors="true", start=batches[0].position)
    assert rejects_of(after_rejects) == []


def test_fail_on_missing_field(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"k": null, "v": 1}\n{"k": "b"}\n')
    assert len(rows_of(read(KV, path))) == 2
    rows, message = error(KV, path, json__fail_on_missing_field="true")
    assert rows == [{"k": None, "v": 1}]
    assert message.startswith(f"{path}:2: field v is missing")


def test_names_that_differ_in_case_and_odd_names(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": 1, "A": 2, "it\'s": 3, "x.y": 4, "é": 5}\n')
    schema = t.schema(*((name, t.INT) for name in ("A", "a", "it's", "x.y", "é")))
    assert rows_of(read(schema, path)) == [{"A": 2, "a": 1, "it's": 3, "x.y": 4, "é": 5}]


def test_lines_as_written(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    schema = t.schema(
        ("ts", t.timestamp(3)), ("fine", t.timestamp(5)), ("ltz", t.timestamp_ltz(3)), ("d", t.DOUBLE),
        ("dec", t.decimal(20, 8)), ("raw", t.BYTES), ("m", t.map_(t.INT, t.STRING)), ("gap", t.INTERVAL_DAY),
    )  # fmt: skip
    when = datetime(2024, 1, 1, 0, 0, 0, 123450)
    rows = batch(
        schema,
        ts=[datetime(2024, 1, 1), None], fine=[when, None], ltz=[when.replace(tzinfo=UTC), None],
        d=[float("nan"), 1.0], dec=[Decimal("0.00000001"), None], raw=[b"hi", None], m=[[(1, "x")], None],
        gap=[when - datetime(2023, 12, 31), None],
    )  # fmt: skip
    write(schema, path, rows)
    assert path.read_text().splitlines() == [
        '{"ts":"2024-01-01 00:00:00.000","fine":"2024-01-01 00:00:00.12345","ltz":"2024-01-01 00:00:00.123Z",'
        '"d":"NaN","dec":0.00000001,"raw":"aGk=","m":{"1":"x"},"gap":"+1 00:00:00.123"}',
        '{"ts":null,"fine":null,"ltz":null,"d":1.0,"dec":null,"raw":null,"m":null,"gap":null}',
    ]
    iso = tmp_path / "iso.jsonl"
    write(t.schema(("ts", t.timestamp(3))), iso, rows.select(["ts"]), json__timestamp_format__standard="ISO-8601")
    assert iso.read_text() == '{"ts":"2024-01-01T00:00:00.000"}\n{"ts":null}\n'


def test_a_key_without_a_name_is_no_column(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"": 1, "a": 2, "o": {"": 3, "b": 4}}\n')
    found = load_connector("filesystem").infer(options(None, path))
    assert {each.name: str(each.type) for each in found} == {"a": "BIGINT", "o": "STRING"}


def test_inferred_columns(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(
        '{"id": 1, "at": "2024-01-01 10:00:00", "x": 1, "o": {"p": [1.5]}, "n": null}\n'
        '{"id": -2, "late": "2024-01-01T10:00:00.123456Z", "x": "y", "ok": true, "day": "2024-01-01"}\n'
    )
    found = load_connector("filesystem").infer(options(None, path))
    assert {each.name: str(each.type) for each in found} == {
        "id": "BIGINT",
        "at": "TIMESTAMP(3)",
        "x": "STRING",
        "o": "ROW<p ARRAY<DOUBLE>>",
        "n": "STRING",
        "late": "TIMESTAMP_LTZ(6)",
        "ok": "BOOLEAN",
        "day": "DATE",
    }


def test_options_that_contradict(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot both be true"):
        values(tmp_path, t.INT, "1", json__ignore_parse_errors="true", json__fail_on_missing_field="true")


LINES = {
    '{"k":"a","v":1}': ("a", 1),
    '{"v":"2"}': (None, 2),
    '{"k":"é","v":null}': ("é", None),
    '{"k":"b","v":"x"}': ("b", None),
    "": None,
    "oops": None,
}


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.lists(st.sampled_from(list(LINES)), max_size=12), st.integers(20, 60), st.booleans())
def test_block_size_changes_nothing(lines: list[str], size: int, newline_at_end: bool) -> None:
    import tempfile

    text = "\n".join(lines) + ("\n" if newline_at_end else "")
    expected = [LINES[line] for line in lines if LINES.get(line) is not None]
    rejected = [number for number, line in enumerate(lines, 1) if line == "oops" or '"x"' in line]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_blocks, "BLOCK_BYTES", size)
        path = Path(folder) / "t.jsonl"
        path.write_text(text)
        batches = read(KV, path, json__ignore_parse_errors="true")
    assert [(row["k"], row["v"]) for row in rows_of(batches)] == expected
    assert [int(each.where.rpartition(":")[2]) for each in rejects_of(batches)] == rejected
