"""Generated rows, the print and blackhole sinks, the memory catalog, and finding plugins."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Any

import pytest
from streamsql_catalog.memory import MemoryCatalog

from streamsql.errors import UsageError
from streamsql.expr import types as t
from streamsql.expr.types import Schema
from streamsql.plugins import known_names, load_catalog, load_connector, load_format
from streamsql.ports import ReadRequest, Source
from tests.connectors.tables import ALL_TYPES, all_types, batch, kinds, options, rows_of

ID = t.schema(("id", t.BIGINT))


def datagen(schema: Schema, **more: Any) -> Source:
    return load_connector("datagen").source(options(schema, **more))


def generated(
    schema: Schema, *columns: str, batch_rows: int = 1000, start: int = 0, **more: Any
) -> list[dict[str, Any]]:
    request = ReadRequest(columns or schema.names, batch_rows, start={"rows": start})
    return rows_of(datagen(schema, **more).read(request))


def test_sequences_end() -> None:
    more = {"fields__id__kind": "sequence", "fields__id__start": 3, "fields__id__end": 6}
    assert datagen(ID, **more).bounded
    assert [row["id"] for row in generated(ID, **more)] == [3, 4, 5, 6]
    assert [row["id"] for row in generated(ID, number_of_rows=2, **more)] == [3, 4]


def test_sequences_of_times() -> None:
    ts = t.schema(("ts", t.timestamp(3)))
    more = {"fields__ts__kind": "sequence", "fields__ts__start": "2024-01-01 00:00:00", "fields__ts__step": "500 ms"}
    assert [row["ts"] for row in generated(ts, number_of_rows=3, **more)] == [
        datetime(2024, 1, 1),
        datetime(2024, 1, 1, 0, 0, 0, 500000),
        datetime(2024, 1, 1, 0, 0, 1),
    ]


def test_random_values_keep_to_their_limits() -> None:
    schema = t.schema(("i", t.INT), ("d", t.DOUBLE), ("dec", t.decimal(10, 2)), ("s", t.STRING), ("ts", t.timestamp(3)))
    rows = generated(
        schema, number_of_rows=500, fields__i__min=1, fields__i__max=3, fields__d__min=0, fields__d__max=1,
        fields__dec__min="1.5", fields__dec__max="1.52", fields__s__length=4, fields__ts__max_past="10 s",
    )  # fmt: skip
    assert {row["i"] for row in rows} == {1, 2, 3}
    assert all(0 <= row["d"] <= 1 for row in rows)
    assert {str(row["dec"]) for row in rows} == {"1.50", "1.51", "1.52"}
    assert {len(row["s"]) for row in rows} == {4}
    assert all(datetime(2023, 11, 14, 22, 13, 10) <= row["ts"] <= datetime(2023, 11, 14, 22, 13, 20) for row in rows)


def test_null_rate() -> None:
    nulls = [row["id"] for row in generated(ID, number_of_rows=1000, fields__id__null_rate="0.25")].count(None)
    assert 200 < nulls < 300
    assert [row["id"] for row in generated(ID, number_of_rows=3, fields__id__null_rate=1)] == [None] * 3


def test_neither_batches_nor_columns_nor_resuming_change_a_value() -> None:
    rows = generated(ALL_TYPES, number_of_rows=20)
    assert generated(ALL_TYPES, number_of_rows=20) == rows
    assert generated(ALL_TYPES, number_of_rows=20, batch_rows=1) == rows
    assert generated(ALL_TYPES, number_of_rows=20, batch_rows=7, start=13) == rows[13:]
    assert generated(ALL_TYPES, "s", "i", number_of_rows=20) == [{"s": row["s"], "i": row["i"]} for row in rows]
    none = list(datagen(ALL_TYPES, number_of_rows=20).read(ReadRequest((), 15)))
    assert [(each.rows.num_rows, each.rows.num_columns) for each in none] == [(15, 0), (5, 0)]


def test_a_slow_table_says_when_nothing_has_come() -> None:
    reading = datagen(ID, rows_per_second=1).read(ReadRequest(("id",), 10))
    delivered = list(islice(reading, 3))
    assert [each.rows.num_rows for each in delivered] == [1, 0, 0]
    assert delivered[1].rows.schema == ID.to_arrow()
    reading.close()  # type: ignore[attr-defined]


def test_unbounded_goes_on() -> None:
    source = datagen(ID, rows_per_second=1_000_000)
    assert not source.bounded
    reading = source.read(ReadRequest(("id",), 10))
    assert sum(each.rows.num_rows for each in islice(reading, 20)) > 0
    reading.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"fields__x__kind": "random"}, "unknown option 'fields.x.kind'"),
        ({"fields__id__kind": "rand"}, "'fields.id.kind' = 'rand': write one of random, sequence"),
        ({"number_of_rows": "many"}, "'number-of-rows' = 'many'"),
        ({"fields__id__kind": "sequence"}, "needs the option 'fields.id.start'"),
        ({"fields__id__min": 5, "fields__id__max": 4}, "no BIGINT lies between 5 and 4"),
        ({"fields__id__null_rate": 2}, "a share between 0 and 1"),
        ({"rows_per_second": 0}, "must be at least 1"),
        ({"fields__id__max_past": "soon"}, "write a duration"),
    ],
)
def test_bad_datagen_options(more: dict[str, Any], message: str) -> None:
    if "max_past" in str(more):
        with pytest.raises(UsageError, match=message):
            datagen(t.schema(("id", t.timestamp(3))), **more)
        return
    with pytest.raises(UsageError, match=message):
        datagen(ID, **more)


def test_print_shows_changes(capsys: pytest.CaptureFixture[str]) -> None:
    schema = t.schema(("a", t.INT), ("b", t.STRING))
    sink = load_connector("print").sink(options(schema))
    sink.open(schema, changelog=True)
    sink.write(batch(schema, a=[1, 1, None], b=["x", "é", None]), kinds(1, 2, 3))
    sink.write(batch(schema, a=[2], b=["z"]), None)
    sink.commit()
    assert capsys.readouterr().out == "-U[1, x]\n+U[1, é]\n-D[NULL, NULL]\n+I[2, z]\n"


def test_print_identifier_and_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    sink = load_connector("print").sink(options(ID, print_identifier="out", standard_error="true"))
    sink.open(ID, changelog=False)
    sink.write(batch(ID, id=[1]), None)
    assert capsys.readouterr() == ("", "out> +I[1]\n")


def test_print_shows_all_types(capsys: pytest.CaptureFixture[str]) -> None:
    sink = load_connector("print").sink(options(ALL_TYPES))
    sink.open(ALL_TYPES, changelog=False)
    sink.write(all_types().slice(1, 1), None)
    assert capsys.readouterr().out == f"+I[{', '.join(['NULL'] * len(ALL_TYPES))}]\n"


def test_blackhole_counts() -> None:
    sink: Any = load_connector("blackhole").sink(options(ID))
    sink.open(ID, changelog=True)
    sink.write(batch(ID, id=[1, 2]), kinds(0, 3))
    sink.write(batch(ID, id=[3]), None)
    sink.commit()
    assert sink.rows == 3


@pytest.mark.parametrize("name", ["print", "blackhole"])
def test_sinks_cannot_be_read(name: str) -> None:
    with pytest.raises(UsageError, match="can only be written to"):
        load_connector(name).source(options(ID))
    with pytest.raises(UsageError, match="unknown option 'path'"):
        load_connector(name).sink(options(ID, "x"))


def test_datagen_cannot_be_written() -> None:
    with pytest.raises(UsageError, match="datagen can only be read"):
        load_connector("datagen").sink(options(ID))


def test_memory_catalog() -> None:
    catalog = MemoryCatalog()
    catalog.put("b", 1)
    catalog.put("a", 2)
    catalog.put("b", 3)
    assert (catalog.names(), catalog.get("b"), catalog.get("c")) == (("b", "a"), 3, None)
    catalog.drop("b")
    catalog.drop("b")
    assert catalog.names() == ("a",)


def test_plugins_by_name() -> None:
    assert set(known_names("connector")) >= {"blackhole", "datagen", "filesystem", "print"}
    assert load_format("csv").appendable
    assert load_catalog("memory") is not load_catalog("memory")


@pytest.mark.parametrize(
    ("load", "name", "message"),
    [
        (
            load_connector,
            "filesytem",
            r"unknown connector 'filesytem'\nhint: did you mean \"filesystem\"\? \(known connect",
        ),
        (
            load_connector,
            "nothing like it",
            r"hint: known connectors: blackhole, datagen, duckdb, filesystem, nexmark, print",
        ),
        (load_format, "JSON", r"did you mean \"json\""),
        (load_catalog, "memroy", r"did you mean \"memory\""),
    ],
)
def test_unknown_plugins(load: Any, name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load(name)
