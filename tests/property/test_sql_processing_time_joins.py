"""Random joins as of the arrival of their left rows, against a computation row by row, at every cut and restored."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.random_tables import SECOND, VALUES, RandomTable, changing_tables, tables
from tests.property.random_time_joins import FileTable
from tests.property.test_sql_windows import EXAMPLES, RANDOMLY, Script, bind, hold, run, run_restored, with_seed

NAMES = [*VALUES, "ts"]
COLUMNS = "l.i AS li, l.b AS lb, l.ts AS lts, r.i AS ri, r.b AS rb"
KEYS = (("i",), ("s",), ("i", "f"), ())


@dataclass(frozen=True)
class Joined:
    """A join of t with t or u."""

    script: Script
    keys: tuple[str, ...]
    residual: bool
    kind: str


@st.composite
def joins(draw: st.DrawFn, *, changing: bool) -> Joined:
    kinds = [draw(st.sampled_from((tables, changing_tables) if changing else (tables,))) for _ in "tu"]
    found = tuple(kind_(name, "TIMESTAMP(3)", None, 25) for kind_, name in zip(kinds, "tu", strict=True))
    rows = tuple(draw(each) for each in found)
    second = draw(st.sampled_from("uuut"))
    keys, residual = draw(st.sampled_from(KEYS)), draw(st.booleans())
    kind = draw(st.sampled_from(("JOIN", "LEFT JOIN")))
    terms = [f"l.{each} = r.{each}" for each in keys] + (["l.b <= r.b"] if residual else [])
    on = " AND ".join(terms) or "TRUE"
    sql = f"SELECT {COLUMNS} FROM t AS l {kind} {second} FOR SYSTEM_TIME AS OF PROCTIME() AS r ON {on};"
    return Joined(Script(rows, sql), keys, residual, kind)


def expected(joined: Joined) -> list[dict[str, Any]]:
    """Row by row; of equal left rows that are taken back the earliest goes."""
    mine = joined.script.tables[0]
    other = mine if " t FOR" in joined.script.sql else joined.script.tables[1]
    events = sorted([*_events(other, 0, 0), *_events(mine, int(other is not mine), 1)], key=lambda each: each[:4])
    there: list[dict[str, Any]] = []
    given_: list[tuple[str, list[dict[str, Any]]]] = []
    for _, _, _, port, row, weight in events:
        if port == 0:
            there = [*there, row] if weight > 0 else _without(there, row)
        elif weight > 0:
            given_.append((repr(row), _met(joined, row, there)))
        else:
            at = next(index for index, (known, _) in enumerate(given_) if known == repr(row))
            given_ = given_[:at] + given_[at + 1 :]
    return [row for _, rows in given_ for row in rows]


def _events(table: RandomTable, source: int, port: int) -> Iterator[tuple[int, int, int, int, dict[str, Any], int]]:
    """The rows by (watermark before the row, source, number), with the input that they come to and their weights."""
    watermark = -(1 << 63)
    for index, values in enumerate(table.rows):
        row = {name: 0.0 if value == 0.0 and name == "d" else value for name, value in zip(NAMES, values, strict=True)}
        yield watermark, source, index, port, row, table.weights[index] if table.weights else 1
        if row["ts"] is not None:
            watermark = max(watermark, row["ts"] - table.delay * SECOND)


def _without(rows: list[dict[str, Any]], gone: dict[str, Any]) -> list[dict[str, Any]]:
    at = next(index for index, row in enumerate(rows) if repr(row) == repr(gone))
    return rows[:at] + rows[at + 1 :]


def _met(joined: Joined, left: dict[str, Any], there: list[dict[str, Any]]) -> list[dict[str, Any]]:
    columns = joined.keys + (("b",) if joined.residual else ())
    found = [
        right
        for right in there
        if all(left[each] is not None and right[each] is not None for each in columns)
        and all(left[each] == right[each] for each in joined.keys)
        and (not joined.residual or left["b"] <= right["b"])
    ]
    if not found and joined.kind == "LEFT JOIN":
        found = [{"i": None, "b": None}]
    mine = {"li": left["i"], "lb": left["b"], "lts": left["ts"]}
    return [{**mine, "ri": right["i"], "rb": right["b"]} for right in found]


@with_seed
@RANDOMLY
@given(joins(changing=True), st.integers(1, 12))
def test_a_row_meets_what_is_there_when_it_arrives(joined: Joined, some_rows: int) -> None:
    bound = bind(joined.script)
    whole = run(bound, 65_536)
    for batch_rows in (1, 7, some_rows):
        assert run(bound, batch_rows) == whole, f"at batch size {batch_rows}"
    assert run_restored(bound, some_rows) == whole, "restored"
    wanted = [str({**row, "lts": None if row["lts"] is None else _time(row["lts"])}) for row in expected(joined)]
    assert Counter(whole[0]) == Counter(wanted)
    if not any(each.updating for each in joined.script.tables):
        assert whole[0] == wanted


def _time(micros: int) -> dt.datetime:
    return dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=micros)


@with_seed
@settings(RANDOMLY, max_examples=max(1, EXAMPLES // 3))
@given(joins(changing=False), st.integers(1, 12))
def test_duckdb_agrees(joined: Joined, some_rows: int) -> None:
    hold(joined.script, some_rows)


CACHES = (
    "",
    ", 'lookup.cache' = 'NONE'",
    ", 'lookup.cache' = 'PARTIAL'",
    ", 'lookup.cache' = 'PARTIAL', 'lookup.partial-cache.max-rows' = '2'",
    ", 'lookup.cache' = 'PARTIAL', 'lookup.partial-cache.cache-missing-key' = 'false'",
)


@st.composite
def lookups(draw: st.DrawFn) -> Script:
    """A join of t, which may change, with a table u in a file that is looked up; a window may follow."""
    left = draw(draw(st.sampled_from((tables, changing_tables)))("t", "TIMESTAMP(3)", None, 25))
    other = draw(tables("u", "TIMESTAMP(3)", None, 25))
    right = FileTable(other.name, other.time_type, other.delay, other.rows, options=draw(st.sampled_from(CACHES)))
    keys = draw(st.sampled_from((("i",), ("s",), ("i", "f"), ("d",), ("m", "s"), ("y",))))
    rest = draw(st.sampled_from(("", " AND l.b <= r.b", " AND r.f", " AND l.m IS NOT DISTINCT FROM r.m")))
    on = " AND ".join(f"l.{each} = r.{each}" for each in keys) + rest
    kind = draw(st.sampled_from(("JOIN", "LEFT JOIN")))
    where = draw(st.sampled_from(("", " WHERE l.i > 0", " WHERE r.b > 1", " WHERE r.i IS NULL")))
    joined = f"t AS l {kind} u FOR SYSTEM_TIME AS OF PROCTIME() AS r ON {on}{where}"
    if not left.updating and draw(st.booleans()):
        windowed = f"TABLE(TUMBLE((SELECT l.ts, r.b FROM {joined}), DESCRIPTOR(ts), INTERVAL '5' SECOND))"
        counts = f"SELECT window_end, COUNT(*) AS n, COUNT(b) AS m FROM {windowed} GROUP BY window_start, window_end;"
        return Script((left, right), counts)
    return Script((left, right), f"SELECT {COLUMNS} FROM {joined};")


@with_seed
@RANDOMLY
@given(lookups(), st.integers(1, 12))
def test_lookups_are_the_same_however_they_run(script: Script, some_rows: int) -> None:
    assert "LookupJoin" in bind(script).query().explain()
    hold(script, some_rows)
