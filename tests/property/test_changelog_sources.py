"""Random changes written as a changelog, as Debezium events and by key: read back, they are the rows that are left."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from streamsql.expr import types as t
from streamsql.plugins import load_connector
from streamsql.ports import RowKind
from streamsql.query import Query
from streamsql.runtime.output import CollectOutput
from streamsql.session import Session
from streamsql.sql import statements as s
from streamsql.time import ManualClock
from tests.connectors.tables import options
from tests.sql.harness import Run, outputs, restored_at_every_step

SCHEMA = t.schema(("k", t.INT), ("g", t.STRING), ("v", t.BIGINT))
_FORMS = ["changelog.jsonl", "changelog.csv", "changelog.parquet", "debezium", "upsert.jsonl", "upsert.csv"]
WRITTEN = [(form, keyed) for form in _FORMS for keyed in (True, False) if keyed or not form.startswith("upsert")]
QUERIES = [
    "SELECT * FROM changed",
    "SELECT g, COUNT(*) AS n, SUM(v) AS total, MAX(v) AS most FROM changed GROUP BY g",
    "SELECT v, k FROM changed WHERE g = 'a'",
]
Row = tuple[int, str, int | None]


def changes(random: Random, count: int, *, keyed: bool) -> tuple[list[tuple[RowKind, Row]], list[Row]]:
    """Row kinds and rows, and the rows that are left; a key, if any, holds one row at a time."""
    made: list[tuple[RowKind, Row]] = []
    left: list[Row] = []
    while len(made) < count:
        row = (random.randrange(6), random.choice("ab"), random.choice([None, 1, 2, 3]))
        old = next((each for each in left if each[0] == row[0]), None)
        if old is not None and (keyed or random.random() < 0.5):
            left.remove(old)
            gone = random.random() < 0.4
            made.append((RowKind.DELETE if gone else RowKind.UPDATE_BEFORE, old))
            if gone:
                continue
            made.append((RowKind.UPDATE_AFTER, row))
        else:
            made.append((RowKind.INSERT, row))
        left.append(row)
    return made, left


def write(path: Path, how: str, made: list[tuple[RowKind, Row]]) -> str:
    """Write the changes; the options that read them back."""
    form, _, ending = how.partition(".")
    if form == "upsert":
        last = [(row if kind is not RowKind.DELETE else (row[0], None, None)) for kind, row in made]
        made = [(kind, each) for (kind, _), each in zip(made, last, strict=True) if kind is not RowKind.UPDATE_BEFORE]
    columns = list(zip(*(row for _, row in made), strict=True))
    arrays = [pa.array(values, each.type) for values, each in zip(columns, SCHEMA.to_arrow(), strict=True)]
    rows = pa.RecordBatch.from_arrays(arrays, schema=SCHEMA.to_arrow())
    file = path / f"changed.{ending or 'jsonl'}"
    more = {"format": "debezium-json"} if form == "debezium" else {}
    sink = load_connector("filesystem").sink(options(SCHEMA, file, **more))
    sink.open(SCHEMA, changelog=form != "upsert")
    sink.write(rows, None if form == "upsert" else pa.array([kind for kind, _ in made], pa.int8()).to_numpy())
    sink.commit()
    how_to_read = {"changelog": "'changelog' = 'op'", "upsert": "'changelog' = 'upsert'"}
    return f"'path' = '{file}', {how_to_read.get(form, repr('format') + ' = ' + repr('debezium-json'))}"


def prepared(options_text: str, query: str, *, keyed: bool) -> Run:
    session = Session(clock=ManualClock(0))
    key = ", PRIMARY KEY (k) NOT ENFORCED" if keyed else ""
    text = f"""CREATE TABLE changed (k INT, g STRING, v BIGINT{key}) WITH ('connector' = 'filesystem', {options_text});
        {query}"""
    for statement in session.statements(text):
        if isinstance(statement, s.Query):
            return Run(session, statement.plan)
        session.apply(statement)
    raise AssertionError("no query")


def counted(table: pa.Table) -> Counter[tuple[Any, ...]]:
    return Counter(zip(*(column.to_pylist() for column in table.columns), strict=True))


def in_duckdb(left: list[Row], query: str) -> Counter[tuple[Any, ...]]:
    columns = list(zip(*left, strict=True)) or [(), (), ()]
    arrays = [pa.array(values, each.type) for values, each in zip(columns, SCHEMA.to_arrow(), strict=True)]
    with duckdb.connect() as connection:
        connection.register("changed", pa.Table.from_arrays(arrays, schema=SCHEMA.to_arrow()))
        return Counter(connection.sql(query).fetchall())


@pytest.mark.parametrize(("how", "keyed"), WRITTEN)
@pytest.mark.parametrize("seed", range(3))
def test_changes_read_back_are_the_rows_that_are_left(how: str, keyed: bool, seed: int, tmp_path: Path) -> None:
    random = Random(f"{how} {seed}")
    made, left = changes(random, 30, keyed=keyed)
    read_by = write(tmp_path, how, made)
    for query in QUERIES:
        run, expected = prepared(read_by, query, keyed=keyed), in_duckdb(left, query)
        for batch_rows in (1, random.randrange(2, 9), 1000):
            assert counted(outputs(run, batch_rows).to_table()) == expected, (query, batch_rows)
        assert counted(restored_at_every_step(run).to_table()) == expected, query
        engine = run.engine(1000)
        assert counted(Query(engine, run.plan).batch()) == expected, query


def test_what_is_sent_twice_or_out_of_nothing_changes_nothing(tmp_path: Path) -> None:
    row: Row = (1, "a", 5)
    made = [(RowKind.INSERT, row), (RowKind.INSERT, row), (RowKind.DELETE, (2, "b", 1)), (RowKind.INSERT, (1, "b", 6))]
    run = prepared(write(tmp_path, "changelog.jsonl", made), "SELECT * FROM changed", keyed=True)
    engine = run.engine(1)
    output = CollectOutput()
    job = engine.job([engine.optimized(run.plan)], [output])
    engine.run(job)
    assert [kinds.tolist() for _, kinds in output if kinds is not None] == [[0], [1, 2]]
    assert counted(output.to_table()) == Counter([(1, "b", 6)])
    assert job.rejects.to_table("changed").to_pylist() == [
        {"reason": "there is no row with this key to be removed", "where": "", "text": "k=2, g=b, v=1"}
    ]
