"""Arrow kernels and DuckDB SQL give the same answer for every function and cast that has both, row by row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from streamsql.errors import DataError
from streamsql.expr.compile import compile_expr
from streamsql.expr.context import EvalContext
from streamsql.expr.duckdb_connection import open_connection
from streamsql.expr.duckdb_kernel import as_type
from streamsql.expr.duckdb_sql import duckdb_sql
from streamsql.expr.literals import to_array
from streamsql.expr.nodes import ColumnRef, Expr
from streamsql.expr.properties import can_fail
from streamsql.expr.types import SqlType, arrow_type
from streamsql.time import ManualClock
from tests.expr.agreement_cases import BY_TYPES, Case
from tests.expr.random_values import values

CONTEXT = EvalContext(clock=ManualClock(1_748_859_630_456_000), start=1_748_859_630_456_000)
FAILED = "failed"


@pytest.fixture(scope="module")
def connection() -> Any:
    return open_connection(CONTEXT)


def make_batch(types: Sequence[SqlType], rows: list[Any]) -> pa.RecordBatch:
    arrays = [to_array(type_, [row[index] for row in rows]) for index, type_ in enumerate(types)]
    return pa.RecordBatch.from_arrays(arrays, names=[f"c{index}" for index in range(len(types))])


def in_arrow(expr: Expr, batch: pa.RecordBatch) -> list[Any]:
    """The values of all rows; a row that fails on its own is FAILED."""
    kernel = compile_expr(expr, {index: index for index in range(batch.num_columns)}, CONTEXT)
    try:
        result = kernel(batch)
    except DataError:
        rows = (batch.slice(row, 1) for row in range(batch.num_rows))
        return [FAILED] if batch.num_rows == 1 else [in_arrow_row(kernel, each) for each in rows]
    assert result.type == arrow_type(expr.type) and len(result) == batch.num_rows
    return comparable(result)


def in_arrow_row(kernel: Any, row: pa.RecordBatch) -> Any:
    try:
        return comparable(kernel(row))[0]
    except DataError:
        return FAILED


def in_duckdb(exprs: list[Expr], batch: pa.RecordBatch, connection: Any, safe: bool) -> list[list[Any]]:
    """The values of each expression; `safe`: those of rows that fail are None."""
    columns = [each.cast(pa.int64()) if pa.types.is_duration(each.type) else each for each in batch.columns]
    table = pa.Table.from_arrays(columns, names=[f"c{index}" for index in range(len(columns))])
    names = {index: f"c{index}" for index in range(len(columns))}
    sql = [duckdb_sql(each, names, CONTEXT) for each in exprs]
    shown = (f"TRY({each}) AS r{index}" if safe else f"{each} AS r{index}" for index, each in enumerate(sql))
    try:
        result = connection.from_arrow(table).project(", ".join(shown)).to_arrow_table()
    except duckdb.Error:
        # DuckDB computes common parts of an expression outside of TRY.
        if not safe or batch.num_rows == 1:
            if not safe:
                raise
            return [[None] for _ in exprs]
        singles = [
            in_duckdb([each], batch.slice(row, 1), connection, True)[0][0]
            for each in exprs
            for row in range(len(table))
        ]
        return [singles[start : start + len(table)] for start in range(0, len(singles), len(table))]
    return [comparable(as_type(result.column(index), arrow_type(each.type))) for index, each in enumerate(exprs)]


def comparable(array: pa.Array) -> list[Any]:
    if pa.types.is_timestamp(array.type) or pa.types.is_duration(array.type) or pa.types.is_time(array.type):
        array = array.view(pa.int64())
    return [repr(each) if isinstance(each, float) else each for each in array.to_pylist()]


def check(cases: Sequence[Case], types: Sequence[SqlType], rows: list[Any], connection: Any) -> list[str]:
    """The differences between the engines, over all functions that take these columns."""
    batch = make_batch(types, rows)
    columns = [ColumnRef(id=index, type=type_) for index, type_ in enumerate(types)]
    exprs = [each.build(*columns) for each in cases]
    risky = [can_fail(each) for each in exprs]
    found: dict[int, list[Any]] = {}
    for safe in (False, True):
        chosen = [index for index, fails in enumerate(risky) if fails is safe]
        if chosen:
            results = in_duckdb([exprs[index] for index in chosen], batch, connection, safe)
            found.update(zip(chosen, results, strict=True))
    differences = []
    for index, case in enumerate(cases):
        ours = in_arrow(exprs[index], batch)
        for row, left, right in zip(rows, ours, found[index], strict=True):
            if not agree(left, right, case.close):
                differences.append(f"{case.name} of {row}: Arrow {left!r}, DuckDB {right!r}")
        if risky[index] and FAILED in ours:
            differences += must_fail(case.name, exprs[index], batch, ours.index(FAILED), connection)
    return differences


def agree(left: Any, right: Any, close: bool) -> bool:
    if left == FAILED:
        return right is None
    if close and left is not None and right is not None:
        return left == right or math.isclose(float(left), float(right), rel_tol=1e-9)
    return bool(left == right)


def must_fail(name: str, expr: Expr, batch: pa.RecordBatch, row: int, connection: Any) -> list[str]:
    try:
        in_duckdb([expr], batch.slice(row, 1), connection, False)
    except duckdb.Error:
        return []
    return [f"{name} of {batch.slice(row, 1).to_pylist()[0]}: Arrow fails, DuckDB does not"]


@pytest.mark.parametrize("types", list(BY_TYPES), ids=lambda types: ", ".join(str(each) for each in types))
@settings(max_examples=3, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
@given(data=st.data())
def test_both_engines_agree(types: tuple[SqlType, ...], connection: Any, data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.tuples(*(values(each) for each in types)), min_size=20, max_size=40))
    assert not (differences := check(BY_TYPES[types], types, rows, connection)), "\n".join(differences[:20])
