"""Python functions in DuckDB: the same callables, registered under names of their own."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import Parameter, Signature
from typing import Any

import duckdb
import pyarrow as pa
from duckdb.func import ARROW, SPECIAL

from streamsql.expr.context import EvalContext
from streamsql.expr.duckdb_kernel import as_type
from streamsql.expr.duckdb_text import duckdb_type
from streamsql.expr.functions import called
from streamsql.expr.nodes import Call, walk
from streamsql.expr.types import arrow_type
from streamsql.plan.logical import Plan
from streamsql.plan.tree import expressions


def make_callable(plan: Plan, connection: duckdb.DuckDBPyConnection) -> None:
    """Register the Python functions that the plan calls, for as long as the connection lives."""
    calls = {_name(call): call for call in _foreign_calls(plan)}
    for name, call in calls.items():
        _register(name, call, connection)


def _foreign_calls(plan: Plan) -> Iterator[Call]:
    for expr in expressions(plan):
        yield from (each for each in walk(expr) if isinstance(each, Call) and each.own is not None)
    for below in plan.inputs:
        yield from _foreign_calls(below)


def _name(call: Call) -> str:
    """What stands before the arguments in the text of a call."""
    return called(call).to_duckdb(call, [""] * len(call.args), EvalContext()).split("(")[0]


def _register(name: str, call: Call, connection: duckdb.DuckDBPyConnection) -> None:
    kernel = called(call).arrow
    assert kernel is not None
    run: Any = kernel(call, EvalContext())
    per_row = called(call).per_row
    layouts = [arrow_type(each.type) for each in call.args]

    def evaluate(*columns: Any) -> pa.Array:
        arrays = [as_type(column, layout) for column, layout in zip(columns, layouts, strict=True)]
        result = run(len(arrays[0]), *arrays) if per_row else run(*arrays)
        return result.cast(pa.int64()) if pa.types.is_duration(result.type) else result

    # DuckDB counts the parameters that a function says it has.
    parameters = [Parameter(f"c{index}", Parameter.POSITIONAL_ONLY) for index in range(len(layouts))]
    evaluate.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    connection.create_function(
        name,
        evaluate,
        [duckdb.sqltype(duckdb_type(each.type)) for each in call.args],
        duckdb.sqltype(duckdb_type(call.type)),
        type=ARROW,
        null_handling=SPECIAL,
        side_effects=called(call).volatile,
    )
