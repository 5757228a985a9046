"""Functions that Arrow lacks: DuckDB evaluates them, a batch at a time (about a millisecond a call)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from streamsql.errors import DataError
from streamsql.expr.context import EvalContext
from streamsql.expr.duckdb_connection import kernel_cursor
from streamsql.expr.duckdb_sql import duckdb_sql
from streamsql.expr.nodes import ColumnRef, Expr, Literal, children, rebuild
from streamsql.expr.properties import is_volatile
from streamsql.expr.types import arrow_type
from streamsql.expr.vectors import broadcast

Evaluate = Callable[[pa.RecordBatch], Any]


def duckdb_kernel(
    expr: Expr, compile_: Callable[[Expr], Evaluate], in_arrow: Callable[[Expr], bool], context: EvalContext
) -> Evaluate:
    """An evaluator for `expr`; what Arrow can evaluate below it becomes a column of the query's input."""
    inputs: list[Expr] = []
    template = _template(expr, inputs, in_arrow, top=True)
    columns = [compile_(each) for each in inputs]
    query = _Query(template, len(inputs), expr, context)
    constant = not inputs and not is_volatile(expr)

    def evaluate(batch: pa.RecordBatch) -> Any:
        args = [each(batch) for each in columns]
        if constant or (args and all(isinstance(each, pa.Scalar) for each in args)):
            return query([broadcast(each, 1) for each in args], 1)[0]
        return query([broadcast(each, batch.num_rows) for each in args], batch.num_rows)

    return evaluate


def _template(expr: Expr, inputs: list[Expr], in_arrow: Callable[[Expr], bool], top: bool = False) -> Expr:
    if isinstance(expr, Literal):
        return expr
    if not top and in_arrow(expr):
        if expr not in inputs:
            inputs.append(expr)
        return ColumnRef(id=inputs.index(expr), type=expr.type)
    return rebuild(expr, tuple(_template(each, inputs, in_arrow) for each in children(expr)))


class _Query:
    """One expression over one table, on a connection that is opened when first needed."""

    def __init__(self, template: Expr, width: int, expr: Expr, context: EvalContext) -> None:
        self._sql = duckdb_sql(template, {index: f"c{index}" for index in range(width)}, context)
        self._expr = expr
        self._context = context
        self._arrow = arrow_type(expr.type)
        self._cursor: Any = None

    def __call__(self, columns: list[pa.Array], rows: int) -> pa.Array:
        import duckdb

        if not rows:
            return pa.array([], self._arrow)
        if self._cursor is None:
            self._cursor = kernel_cursor(self._context)
        ready = [_plain(each) for each in columns] or [pa.nulls(rows, pa.int32())]
        table = pa.Table.from_arrays(ready, names=[f"c{index}" for index in range(len(ready))])
        try:
            result = self._cursor.from_arrow(table).project(f"{self._sql} AS result").to_arrow_table()
        except duckdb.Error as error:
            raise DataError(_message(error), span=self._expr.span) from error
        return as_type(result.column(0).combine_chunks(), self._arrow)


def for_duckdb(type_: pa.DataType) -> pa.DataType:
    """The type in which DuckDB gets a column: lengths of time as whole microseconds, at any depth."""
    if pa.types.is_duration(type_):
        return pa.int64()
    if pa.types.is_map(type_):
        return pa.map_(for_duckdb(type_.key_type), for_duckdb(type_.item_type))
    if pa.types.is_list(type_):
        return pa.list_(for_duckdb(type_.value_type))
    if pa.types.is_struct(type_):
        return pa.struct([pa.field(each.name, for_duckdb(each.type)) for each in type_])
    return type_


def _plain(array: pa.Array) -> pa.Array:
    wanted = for_duckdb(array.type)
    return array if wanted == array.type else pc.cast(array, wanted)


def as_type(array: pa.Array, arrow: pa.DataType) -> pa.Array:
    """What DuckDB returned in the engine's layout."""
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    return array if array.type == arrow else pc.cast(array, arrow)


def _message(error: Exception) -> str:
    """DuckDB's first line without its category."""
    line = str(error).strip().split("\n")[0]
    line = line.split(": ", 1)[-1] if " Error: " in line else line
    # A cast of a message to a number is how an expression fails.
    told = re.fullmatch(r"Could not convert string '(.*)' to INT\d+", line)
    return told.group(1) if told else line
