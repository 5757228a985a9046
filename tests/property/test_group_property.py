"""Random changes: GROUP BY kept up to date equals GROUP BY computed anew by DuckDB, after every step."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Context, Decimal
from functools import partial
from itertools import pairwise, product
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from streamsql.batch import Batch
from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    FLOAT,
    INT,
    STRING,
    TINYINT,
    Kind,
    Schema,
    SqlType,
    decimal,
    schema,
    timestamp,
)
from streamsql.operators.group_aggregate import GroupAggregate
from streamsql.state.partial_aggregates import PartialAggregates

DUCKDB = duckdb.connect(config={"threads": 1})
WIDE = Context(prec=80)
QUICK = settings(deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate))
COUNT_TYPE = BIGINT.with_nullable(False)
INPUT = schema(
    ("k", STRING),
    ("g", DOUBLE),
    ("tiny", TINYINT),
    ("small", INT),
    ("big", BIGINT),
    ("short", decimal(10, 2)),
    ("long", decimal(30, 4)),
    ("real", FLOAT),
    ("dbl", DOUBLE),
    ("text", STRING),
    ("flag", BOOLEAN),
    ("ts", timestamp(3)),
    ("day", DATE),
)
NAMES = INPUT.names
NUMBERS = ("tiny", "small", "big", "short", "long", "real", "dbl")

Row = tuple[Any, ...]
Event = tuple[Row, int]


@dataclass(frozen=True)
class Case:
    """An aggregate call, and the DuckDB expressions that its result is made of: one, or for AVG a sum and a count."""

    call: AggregateCall
    sql: tuple[str, ...]


def case(function: str, columns: tuple[str, ...], *sql: str, distinct: bool = False, filtered: bool = False) -> Case:
    args = tuple(NAMES.index(each) for each in columns)
    type_ = COUNT_TYPE if function == "COUNT" else _result(function, columns[0])
    call = AggregateCall(function, args, type_, (), distinct, NAMES.index("flag") if filtered else None)
    return Case(call, tuple(each + (" FILTER (WHERE flag)" if filtered else "") for each in sql))


def _result(function: str, column: str) -> SqlType:
    type_ = INPUT.columns[NAMES.index(column)].type
    if function in ("SUM", "AVG") and type_.kind is Kind.DECIMAL:
        return decimal(38, (type_.scale or 0) if function == "SUM" else max(6, type_.scale or 0))
    return type_


def _cases(column: str) -> list[Case]:
    cases = []
    for distinct, filtered in product((False, True), (False, True)):
        inner = f"DISTINCT {column}" if distinct else column
        made = partial(case, distinct=distinct, filtered=filtered)
        cases += [made("COUNT", (column,), f"count({inner})")]
        cases += [made("MIN", (column,), f"min({inner})"), made("MAX", (column,), f"max({inner})")]
        if column in NUMBERS:
            cases += [made("SUM", (column,), f"sum({inner})")]
            cases += [made("AVG", (column,), f"sum({inner})", f"count({inner})")]
    return cases


PAIRS = "count(DISTINCT (tiny, text)) FILTER (WHERE tiny IS NOT NULL AND text IS NOT NULL)"
CASES = {column: _cases(column) for column in (*NUMBERS, "text", "flag", "ts", "day")}
CASES["*"] = [case("COUNT", (), "count(*)"), case("COUNT", (), "count(*)", filtered=True)]
CASES["pairs"] = [case("COUNT", ("tiny", "text"), PAIRS, distinct=True)]
CASES["none"] = []


@dataclass(frozen=True)
class Query:
    """GROUP BY keys with the cases of some columns."""

    keys: tuple[str, ...]
    columns: list[str]

    @property
    def cases(self) -> list[Case]:
        return [each for column in self.columns for each in CASES[column]]


def _floats(*special: float) -> st.SearchStrategy[float | None]:
    return st.one_of(st.none(), st.integers(-40, 40).map(lambda n: n / 4), st.sampled_from(special))


ROWS = st.tuples(
    st.sampled_from(["a", "b", "żółw", "", None]),
    st.sampled_from([0.0, -0.0, 1.5, math.nan, None]),
    st.one_of(st.none(), st.integers(-3, 3)),
    st.one_of(st.none(), st.integers(-(10**7), 10**7)),
    st.one_of(st.none(), st.integers(-5, 5), st.sampled_from([1 << 57, -(1 << 57), (1 << 57) - 1])),
    st.one_of(st.none(), st.integers(-300, 300).map(lambda n: Decimal(n) / 100)),
    st.one_of(st.none(), st.sampled_from([Decimal("9" * 25 + ".9999"), Decimal("-" + "9" * 24), Decimal("0.0001")])),
    _floats(math.nan, 0.0, -0.0),
    _floats(math.nan, math.inf, -math.inf, 1e300, -0.0),
    st.sampled_from(["apple", "Zebra", "10", "zz", "żółw", "", None]),
    st.sampled_from([True, False, None]),
    st.sampled_from([datetime(1969, 12, 31, 23), datetime(2024, 1, 1), datetime(2024, 1, 2, 3, 4, 5, 6000), None]),
    st.sampled_from([date(1969, 1, 1), date(2024, 2, 29), None]),
)


@st.composite
def histories(draw: st.DrawFn, *, retractions: bool = True) -> list[list[Event]]:
    """Steps of events; a row is taken back only while it is there."""
    present: list[Row] = []
    steps = []
    for size in draw(st.lists(st.integers(1, 12), min_size=1, max_size=4)):
        events: list[Event] = []
        for _ in range(size):
            if retractions and present and draw(st.integers(0, 2)) == 0:
                events.append((present.pop(draw(st.integers(0, len(present) - 1))), -1))
            else:
                present.append(draw(ROWS))
                events.append((present[-1], 1))
        steps.append(events)
    return steps


def batch_of(events: Sequence[Event], input_schema: Schema = INPUT) -> Batch:
    columns = zip(*(row for row, _ in events), strict=True)
    types = input_schema.to_arrow().types
    arrays = [pa.array(list(values), type_) for values, type_ in zip(columns, types, strict=True)]
    return Batch(pa.record_batch(arrays, schema=input_schema.to_arrow()), np.array([w for _, w in events], np.int8))


def fold(table: Counter[Row], changes: Sequence[Batch]) -> None:
    """Apply changes; what is taken back must be there."""
    for batch in changes:
        rows = zip(*(column.to_pylist() for column in batch.rows.columns), strict=True)
        for row, weight in zip(rows, batch.sign().tolist(), strict=True):
            row = tuple(map(plain, row))
            table[row] += weight
            assert table[row] in (0, 1), (row, weight)


def plain(value: Any) -> Any:
    """A value that equals itself: NaN by name, one zero."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else value + 0.0
    return value


def oracle(history: Sequence[Sequence[Event]], query: Query) -> dict[Row, Row]:
    """What DuckDB makes of the rows that are left: results by key."""
    left: list[Row] = []
    for events in history:
        for row, weight in events:
            left.append(row) if weight > 0 else left.remove(row)
    if not left:
        return {}
    DUCKDB.register("left_rows", batch_of([(row, 1) for row in left]).rows)
    fields = [*query.keys, *(part for each in query.cases for part in each.sql)] or ["count(*)"]
    clause = f"GROUP BY {', '.join(query.keys)}" if query.keys else ""
    table = {}
    for record in DUCKDB.sql(f"SELECT {', '.join(fields)} FROM left_rows {clause}").fetchall():
        values = iter(record)
        key = tuple(plain(next(values)) for _ in query.keys)
        results = ([next(values) for _ in each.sql] for each in query.cases)
        named = zip(query.cases, results, strict=True)
        table[key] = tuple(plain(mean(it[0], it[1], each.call) if len(it) > 1 else it[0]) for each, it in named)
    return table


def mean(total: Any, count: int, call: AggregateCall) -> Any:
    """AVG as SQL has it: integers truncate, decimals round half up."""
    if total is None:
        return None
    if isinstance(total, float):
        return float(np.float32(total / count)) if call.type == FLOAT else total / count
    if call.type.kind.value != "DECIMAL":
        return abs(int(total)) // count * (1 if total >= 0 else -1)
    scale = call.type.scale or 0
    unscaled = abs(int(total.scaleb(scale, WIDE)))
    rounded = (unscaled * 2 + count) // (count * 2)
    return Decimal(rounded if total >= 0 else -rounded).scaleb(-scale, WIDE)


def operator(query: Query, append_only: bool) -> GroupAggregate:
    positions = [NAMES.index(each) for each in query.keys]
    calls = [each.call for each in query.cases]
    columns = [(name, INPUT.columns[at].type) for name, at in zip(query.keys, positions, strict=True)]
    columns += [(f"c{at}", call.type) for at, call in enumerate(calls)]
    return GroupAggregate(INPUT, positions, calls, schema(*columns), append_only)


def restored(old: GroupAggregate, new: GroupAggregate) -> GroupAggregate:
    for name, state in new.states().items():
        state.load(old.states()[name].save())
    return new


def run_step(
    group: GroupAggregate,
    events: Sequence[Event],
    cuts: Sequence[int],
    append_only: bool,
    input_schema: Schema = INPUT,
) -> list[Batch]:
    changes = []
    edges = sorted({0, len(events), *(cut % (len(events) + 1) for cut in cuts)})
    for start, stop in pairwise(edges):
        batch = batch_of(events[start:stop], input_schema)
        changes += list(group.on_batch(Batch(batch.rows) if append_only else batch))
    return changes + list(group.on_step_end())


QUERIES = st.builds(
    Query,
    st.sampled_from([("k",), ("g",), ("k", "g"), ("tiny",), ("flag", "day"), ()]),
    st.lists(st.sampled_from(sorted(CASES)), min_size=1, max_size=3, unique=True),
)
CUTS = st.lists(st.integers(0, 50), max_size=3)


def check(history: list[list[Event]], query: Query, cuts: list[int], append_only: bool) -> None:
    group = operator(query, append_only)
    table: Counter[Row] = Counter()
    width = len(query.keys)
    for at, events in enumerate(history):
        fold(table, run_step(group, events, cuts, append_only))
        found = [row for row, count in table.items() if count]
        by_key = {row[:width]: row[width:] for row in found}
        assert len(by_key) == len(found)
        assert by_key == oracle(history[: at + 1], query)
        if at % 2 == 0:
            group = restored(group, operator(query, append_only))


@settings(QUICK, max_examples=60)
@given(histories(), QUERIES, CUTS)
def test_retractable_groups_equal_duckdb(history: list[list[Event]], query: Query, cuts: list[int]) -> None:
    check(history, query, cuts, append_only=False)


@settings(QUICK, max_examples=40)
@given(histories(retractions=False), QUERIES, CUTS)
def test_append_only_groups_equal_duckdb(history: list[list[Event]], query: Query, cuts: list[int]) -> None:
    check(history, query, cuts, append_only=True)


@settings(QUICK, max_examples=25)
@given(histories(), QUERIES, CUTS)
def test_batch_cuts_do_not_change_a_step(history: list[list[Event]], query: Query, cuts: list[int]) -> None:
    whole, chopped = operator(query, False), operator(query, False)
    for events in history:
        first, second = run_step(whole, events, [], False), run_step(chopped, events, cuts, False)
        assert [rows(each) for each in first] == [rows(each) for each in second]


def rows(batch: Batch) -> list[Row]:
    columns = [map(plain, column.to_pylist()) for column in batch.rows.columns]
    return list(zip(batch.sign().tolist(), *columns, strict=True))


@settings(QUICK, max_examples=25)
@given(histories(), QUERIES)
def test_nothing_is_kept_once_all_rows_are_taken_back(history: list[list[Event]], query: Query) -> None:
    group = operator(query, False)
    for events in history:
        run_step(group, events, [], False)
    events = [event for step in history for event in step]
    run_step(group, [(row, -weight) for row, weight in reversed(events)], [], False)
    assert {name: state.rows for name, state in group.states().items() if state.rows} == {}


@settings(QUICK, max_examples=25)
@given(histories(retractions=False), QUERIES, st.lists(st.integers(0, 2), min_size=50, max_size=50))
def test_merged_panes_equal_duckdb(history: list[list[Event]], query: Query, panes: list[int]) -> None:
    positions = [NAMES.index(each) for each in query.keys]
    algebra = PartialAggregates(INPUT, positions, [each.call for each in query.cases], append_only=True)
    parts = []
    for events in history:
        batch, pane = batch_of(events), pa.array(panes[: len(events)], pa.int64())
        part = algebra.partial(batch.rows, extra_keys=[pane])
        parts += [part.filter_extra(lambda each: each != 1), part.filter_extra(lambda each: each == 1)]
    keys, results = algebra.finish(algebra.merge(parts))
    found = zip(*(column.to_pylist() for column in [*keys, *results]), strict=True)
    table = [tuple(map(plain, row)) for row in found] or ([()] if not keys and not results else [])
    width = len(keys)
    assert {row[:width]: row[width:] for row in table} == oracle(history, query)


TEXTS = schema(("k", STRING), ("text", STRING), ("flag", BOOLEAN))
LISTS = [
    AggregateCall("LISTAGG", (1,), STRING),
    AggregateCall("LISTAGG", (1,), STRING, distinct=True, options=("; ",)),
    AggregateCall("LISTAGG", (1,), STRING, filter=2),
]
TEXT_ROWS = st.tuples(
    st.sampled_from(["a", "b", None]), st.sampled_from(["x", "yy", "", None]), st.sampled_from([True, False, None])
)


def listed(left: Sequence[Row], arrival: bool) -> dict[Row, Row]:
    """The lists of the rows that are left, by arrival or by text."""
    table = {}
    left = left if arrival else sorted(left, key=lambda row: row[1] or "")
    for key in {row[0] for row in left}:
        texts = [row[1] for row in left if row[0] == key and row[1] is not None]
        kept = [row[1] for row in left if row[0] == key and row[1] is not None and row[2]]
        every = (",".join(texts), "; ".join(dict.fromkeys(texts)), ",".join(kept))
        table[(key,)] = tuple(text if there else None for text, there in zip(every, (texts, texts, kept), strict=True))
    return table


@settings(QUICK, max_examples=40)
@given(
    st.lists(st.lists(st.tuples(TEXT_ROWS, st.integers(0, 9)), min_size=1, max_size=8), min_size=1, max_size=4),
    CUTS,
    st.booleans(),
)
def test_lists_are_those_of_the_rows_left(steps: list[list[tuple[Row, int]]], cuts: list[int], arrival: bool) -> None:
    """The number beside a row says whether a row is taken back: the oldest with the same text and key."""
    output = schema(("k", STRING), ("all", STRING), ("distinct", STRING), ("kept", STRING))
    group = GroupAggregate(TEXTS, [0], LISTS, output, append_only=False, arrival=arrival)
    table: Counter[Row] = Counter()
    left: list[Row] = []
    for step in steps:
        events: list[Event] = []
        for row, choice in step:
            oldest = [each for each in left if each[:2] == left[choice % len(left)][:2]][:1] if left else []
            if oldest and choice < 4:
                left.remove(oldest[0])
                events.append((oldest[0], -1))
            else:
                left.append(row)
                events.append((row, 1))
        fold(table, run_step(group, events, cuts, False, TEXTS))
        assert {row[:1]: row[1:] for row, count in table.items() if count} == listed(left, arrival)
