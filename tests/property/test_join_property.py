"""Random changes of both inputs: after every step a join is what DuckDB computes anew of the tables as they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from streamsql.batch import Batch
from streamsql.expr.context import EvalContext
from streamsql.operators.base import Operator
from streamsql.plan.join_operators import join_operator
from streamsql.plan.logical import Join, Plan, Scan
from streamsql.plan.tree import schema_of, transform_up, walk_plan
from streamsql.runtime.changelog import consolidate
from streamsql.session import connect
from streamsql.sql import statements as s

Row = tuple[Any, ...]
DUCKDB = duckdb.connect(config={"threads": 1})
DDL = "CREATE TABLE a (k {0}, g INT, v INT); CREATE TABLE b (k {0}, g INT, w INT);"
PAIRS = ("INNER JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN")
CONDITIONS = (
    "a.k = b.k",
    "a.k IS NOT DISTINCT FROM b.k",
    "a.k = b.k AND a.g = b.g",
    "a.k = b.k AND a.g IS NOT DISTINCT FROM b.g",
    "a.k = b.k AND a.v < b.w",
    "a.v < b.w AND a.g <> b.g",
)

LEFT = "a.k AS k, a.g AS g, a.v AS v"
BOTH = f"{LEFT}, b.k AS bk, b.g AS bg, b.w AS w"


@dataclass(slots=True)
class Side:
    """One input: its rows as they are, and how its keys are spread."""

    type: str
    skew: float
    retracts: bool
    rows: Counter[Row]

    def step(self, random: np.random.Generator) -> list[tuple[Row, int]]:
        """Random changes, some of which cancel each other."""
        changes = []
        if self.retracts and random.random() < 0.8:
            part = random.choice([0.2, 0.6, 1.0], p=[0.5, 0.3, 0.2])
            changes += [(row, -1) for row in self.rows.elements() if random.random() < part]
        changes += [(self.row(random), 1) for _ in range(random.integers(0, 9))]
        if self.retracts and changes:
            row, sign = changes[int(random.integers(len(changes)))]
            if sign > 0:
                changes.append((row, -1))
        for row, sign in changes:
            self.rows[row] += sign
        self.rows = +self.rows
        return changes

    def clear(self) -> list[tuple[Row, int]]:
        """All rows taken back, where that may be."""
        if not self.retracts:
            return []
        changes = [(row, -1) for row in self.rows.elements()]
        self.rows.clear()
        return changes

    def row(self, random: np.random.Generator) -> Row:
        def number(high: int) -> int | None:
            return None if random.random() < 0.15 else int(random.integers(high))

        key = 1 if random.random() < self.skew else number(5)
        return (key if key is None or self.type == "INT" else f"key-{key}", number(3), number(4))


def planned(sql: str, type_: str, retracts: tuple[bool, bool]) -> Join:
    """The join of a query, whose tables a and b may take rows back."""
    session = connect()
    for statement in session.statements(DDL.format(type_)):
        session.apply(statement)
    (query,) = session.statements(sql)
    assert isinstance(query, s.Query)
    updating = dict(zip("ab", retracts, strict=True))

    def marked(plan: Plan) -> Plan:
        if not isinstance(plan, Scan):
            return plan
        return replace(plan, table=replace(plan.table, updating=updating[plan.table.name]))

    plan = transform_up(session.engine().optimized(query.plan), marked)
    (join,) = (each for each in walk_plan(plan) if isinstance(each, Join))
    assert all(isinstance(each, Scan) for each in join.inputs)
    return join


def batch_of(plan: Plan, table: tuple[str, ...], changes: list[tuple[Row, int]]) -> Batch:
    """Changes as the join's input delivers them."""
    schema = schema_of(plan.fields).to_arrow()
    places = [table.index(each.name) for each in plan.fields]
    columns = [
        pa.array([row[place] for row, _ in changes], type_) for place, type_ in zip(places, schema.types, strict=True)
    ]
    weights = np.array([sign for _, sign in changes], np.int8)
    rows = pa.RecordBatch.from_arrays(columns, schema=schema)
    return consolidate([Batch(rows, None if (weights > 0).all() else weights)])


def cuts(batch: Batch, random: np.random.Generator) -> Iterator[Batch]:
    """A batch in one to three pieces."""
    edges = sorted({0, len(batch), *(int(each) for each in random.integers(0, len(batch) + 1, 2))})
    return (batch.slice(begin, end - begin) for begin, end in pairwise(edges))


def restored(operator: Operator, plan: Join) -> Operator:
    """A fresh operator with the state of another."""
    fresh = join_operator(plan, EvalContext())
    for name, state in fresh.states().items():
        state.load({key: pa.table(table) for key, table in operator.states()[name].save().items()})
    return fresh


def recomputed(sql: str, type_: str, a: Counter[Row], b: Counter[Row]) -> Counter[Row]:
    arrow = pa.int32() if type_ == "INT" else pa.string()
    for name, rows, last in (("a", a, "v"), ("b", b, "w")):
        columns = list(zip(*rows.elements(), strict=True)) or [(), (), ()]
        types = {"k": arrow, "g": pa.int32(), last: pa.int32()}
        arrays = [pa.array(list(each), each_type) for each, each_type in zip(columns, types.values(), strict=True)]
        DUCKDB.register(name, pa.table(arrays, names=list(types)))
    return Counter(DUCKDB.sql(sql).fetchall())


def fold(result: Counter[Row], batches: list[Batch]) -> None:
    """Take in changes of the result; nothing may be taken back that is not there at the end of the step."""
    for batch in batches:
        columns = [each.to_pylist() for each in batch.rows.columns]
        for row, sign in zip(zip(*columns, strict=True), batch.sign().tolist(), strict=True):
            result[row] += sign
    assert min(result.values(), default=0) >= 0
    for row in [row for row, count in result.items() if not count]:
        del result[row]


def check(sql: str, seed: int, expected: str | None = None) -> None:
    """Nine random steps, restored after each; then all rows are taken back where that may be.

    `expected`: what DuckDB is asked, where that is not the same query.
    """
    random = np.random.default_rng(seed)
    type_ = ("INT", "STRING")[seed % 2]
    retracts = ((True, True), (True, False), (False, True), (False, False))[seed // 2 % 4]
    plan = planned(sql, type_, retracts)
    operator = join_operator(plan, EvalContext())
    skew = float(random.choice([0.0, 0.6]))
    sides = [Side(type_, skew, each, Counter()) for each in retracts]
    result = Counter[Row]()
    for step in range(11):
        for port, side in enumerate(sides):
            changes = side.clear() if step == 10 else side.step(random) if random.random() < 0.7 else []
            for each in cuts(batch_of(plan.inputs[port], ("k", "g", "vw"[port]), changes), random):
                assert not list(operator.on_batch(each, port))
        fold(result, list(operator.on_step_end()))
        assert result == recomputed(expected or sql, type_, sides[0].rows, sides[1].rows)
        operator = restored(operator, plan)
    if retracts == (True, True):
        assert {name: state.rows for name, state in operator.states().items()} == dict.fromkeys(operator.states(), 0)


def seeds(condition: str) -> range:
    """Three for each condition; all together they have every type of key, and rows taken back on every side."""
    first = 3 * CONDITIONS.index(condition)
    return range(first, first + 3)


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("kind", PAIRS)
def test_pairs_and_paddings(kind: str, condition: str) -> None:
    for seed in range(8):
        check(
            f"SELECT a.k AS k, a.g AS g, a.v AS v, b.k AS bk, b.g AS bg, b.w AS w FROM a {kind} b ON {condition}", seed
        )


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("kind", ["SEMI", "ANTI"])
def test_rows_with_and_without_partner(kind: str, condition: str) -> None:
    for seed in seeds(condition):
        check(f"SELECT {LEFT} FROM a {kind} JOIN b ON {condition}", seed)


@pytest.mark.parametrize("condition", ["a.k = b.k", "a.k = b.k AND a.g = b.g", "a.g = b.g AND a.v = b.w"])
def test_not_in(condition: str) -> None:
    for seed in range(8):
        check(f"SELECT {LEFT} FROM a ANTI JOIN b ON ({condition}) IS NOT FALSE", seed)


def test_every_pair() -> None:
    for seed in range(8):
        check(f"SELECT {BOTH} FROM a CROSS JOIN b", seed)
