"""JSON into ROW, ARRAY, MAP and MULTISET at any depth, and back; what does not fit is named by its path."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from streamsql.errors import DataError
from streamsql.expr import types as t
from streamsql.expr.types import SqlType
from streamsql.plugins import load_connector
from tests.connectors.tables import batch, options, read, rejects_of, rows_of, write

ITEM = t.row(("sku", "price", "tags"), (t.STRING, t.decimal(9, 2), t.array(t.STRING)))
ORDER = t.row(("id", "items", "by"), (t.BIGINT, t.array(ITEM), t.map_(t.STRING, t.map_(t.INT, t.array(t.DATE)))))
BAG = SqlType(t.Kind.MULTISET, children=(t.STRING,))
PRICE, LIST = t.row(("price",), (t.decimal(9, 2),)), t.array(t.STRING)
SCHEMA = t.schema(("o", ORDER), ("bag", BAG))


def test_objects_in_arrays_in_maps_come_and_go(tmp_path: Path) -> None:
    path, again = tmp_path / "t.jsonl", tmp_path / "again.jsonl"
    path.write_text(
        '{"o":{"id":"7","items":[{"sku":5,"price":"1.005","tags":["a",null,1.50]},null],"extra":[{}],'
        '"by":{"k":{"1":["2024-02-29",null]},"n":null,"e":{}}},"bag":{"x":2}}\n'
        '{"o":{"items":[]},"bag":{}}\n{"o":null}\n'
    )
    first = {"sku": "5", "price": Decimal("1.01"), "tags": ["a", None, "1.50"]}
    rows = [
        {
            "o": {
                "id": 7,
                "items": [first, None],
                "by": [("k", [(1, [date(2024, 2, 29), None])]), ("n", None), ("e", [])],
            },
            "bag": [("x", 2)],
        },
        {"o": {"id": None, "items": [], "by": None}, "bag": []},
        {"o": None, "bag": None},
    ]
    batches = read(SCHEMA, path)
    assert rows_of(batches) == rows
    write(SCHEMA, again, *(each.rows for each in batches))
    assert again.read_text().splitlines() == [
        '{"o":{"id":7,"items":[{"sku":"5","price":1.01,"tags":["a",null,"1.50"]},null],'
        '"by":{"k":{"1":["2024-02-29",null]},"n":null,"e":{}}},"bag":{"x":2}}',
        '{"o":{"id":null,"items":[],"by":null},"bag":{}}',
        '{"o":null,"bag":null}',
    ]
    assert rows_of(read(SCHEMA, again)) == rows


def test_thirty_levels(tmp_path: Path) -> None:
    type_: SqlType = t.INT
    value: Any = 7
    text = "7"
    for level in range(30):
        if level % 2:
            type_, value, text = t.array(type_), [value, None], f"[{text},null]"
        else:
            type_, value, text = t.row(("a",), (type_,)), {"a": value}, f'{{"a":{text}}}'
    path, schema = tmp_path / "t.jsonl", t.schema(("v", type_))
    path.write_text(f'{{"v":{text}}}\n')
    (found,) = read(schema, path)
    assert found.rows.to_pylist() == [{"v": value}]
    write(schema, path, found.rows)
    assert path.read_text() == f'{{"v":{text}}}\n'


@pytest.mark.parametrize(
    ("type_", "text", "message", "value"),
    [
        (t.array(t.INT), '[1, "x"]', "column v[2]: 'x' is not INT", [1, None]),
        (t.map_(t.INT, t.INT), '{"x": 1}', "column v key: 'x' is not INT", None),
        (
            t.map_(t.STRING, t.array(t.INT)),
            '{"a": [], "b": [1, 2.5]}',
            "column v['b'][2]: '2.5' is not INT",
            [("a", []), ("b", [1, None])],
        ),
        (t.row(("a",), (t.INT,)), '{"a": "x"}', "column v.a: 'x' is not INT", {"a": None}),
        (
            t.row(("a",), (t.array(PRICE),)),
            '{"a": [{}, {"price": "?"}]}',
            "column v.a[2].price: '?' is not DECIMAL(9, 2)",
            {"a": [{"price": None}, {"price": None}]},
        ),
        (
            t.array(t.row(("a",), (LIST,))),
            '[{"a": "none"}]',
            "column v[1].a: 'none' is not ARRAY<STRING>",
            [{"a": None}],
        ),
        (t.array(PRICE), "[[]]", "column v[1]: '[]' is not ROW<price DECIMAL(9, 2)>", [None]),
        (
            PRICE,
            '{"price": 1, "price": 2}',
            'column v: \'{"price":1,"price":2}\' is not ROW<price DECIMAL(9, 2)>',
            None,
        ),
        (BAG, '{"a": "many"}', "column v['a']: 'many' is not INT", [("a", None)]),
    ],
)
def test_the_innermost_value_that_does_not_fit_is_named(
    tmp_path: Path, type_: SqlType, text: str, message: str, value: Any
) -> None:
    path, schema = tmp_path / "t.jsonl", t.schema(("v", type_), ("n", t.INT))
    path.write_text(f'{{"v": null}}\n{{"v": {text}, "n": 1}}\n{{"v": null, "n": 2}}\n')
    with pytest.raises(DataError) as caught:
        read(schema, path, ("n",))
    assert caught.value.message == f'{path}:2: {message}\n  {{"v": {text}, "n": 1}}'
    assert (caught.value.hint or "").startswith("declare v as STRING to keep such text, or set 'json.ignore-")
    batches = read(schema, path, ignore_parse_errors="true")
    assert rows_of(batches) == [{"v": None, "n": None}, {"v": value, "n": 1}, {"v": None, "n": 2}]
    assert [(each.where, each.reason) for each in rejects_of(batches)] == [(f"{path}:2", f"{message} (read as NULL)")]


def test_written_nested_batches_of_slices(tmp_path: Path) -> None:
    schema, path = t.schema(("l", t.array(t.row(("x",), (t.STRING,))))), tmp_path / "t.jsonl"
    rows = batch(schema, l=[[{"x": "a"}], None, [{"x": None}, None, {"x": "b"}]])
    write(schema, path, rows.slice(1), rows.slice(0, 1))
    assert path.read_text() == '{"l":null}\n{"l":[{"x":null},null,{"x":"b"}]}\n{"l":[{"x":"a"}]}\n'


def test_inferred_columns_are_as_exact_inside_as_outside(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(
        '{"big":123456789012345678901,"o":{"at":"2024-01-01 10:00:00","big":18446744073709551616,'
        '"l":[{"d":"2024-02-29"}]},"mixed":1,"some":[1,2.5],"huge":1}\n'
        '{"big":5,"o":{"at":"2024-01-01T10:00:00","big":-1,"l":[{"d":"2024-03-01","n":1},{}]},"mixed":"x","some":[],'
        f'"huge":1{"0" * 40}}}\n'
    )
    found = load_connector("filesystem").infer(options(None, path))
    assert {each.name: str(each.type) for each in found} == {
        "big": "DECIMAL(38, 0)",
        "o": "ROW<at TIMESTAMP(3), big DECIMAL(38, 0), l ARRAY<ROW<d DATE, n BIGINT>>>",
        "mixed": "STRING",
        "some": "ARRAY<DOUBLE>",
        "huge": "DOUBLE",
    }
    assert [each["big"] for each in rows_of(read(found, path))] == [Decimal("123456789012345678901"), Decimal(5)]
