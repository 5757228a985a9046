"""Expressions to kernels: Arrow closures made once, run on each record batch.

Casts, and what Arrow lacks, are imported where an expression has some.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr import conditional
from streamsql.expr.context import EvalContext
from streamsql.expr.distinct_values import DistinctValues, only_column, over_distinct
from streamsql.expr.failures import explained
from streamsql.expr.function import ArrowFunction, Datum
from streamsql.expr.functions import called
from streamsql.expr.literals import to_scalar
from streamsql.expr.nodes import Call, Case, Cast, ColumnRef, Expr, FieldAccess, Literal, children, column_ids
from streamsql.expr.properties import is_volatile
from streamsql.expr.types import arrow_type
from streamsql.expr.vectors import broadcast, is_true
from streamsql.record import record

Kernel = Callable[[pa.RecordBatch], pa.Array]
Predicate = Callable[[pa.RecordBatch], npt.NDArray[np.bool_]]
Evaluate = Callable[[pa.RecordBatch], Datum]


def compile_expr(expr: Expr, positions: Mapping[int, int], context: EvalContext) -> Kernel:
    """The expression as a function of a record batch; `positions` maps column ids to columns of the batch.

    The result is one array of the expression's Arrow type, as long as the batch. A row that fails raises DataError.
    """
    (kernel,) = compile_exprs((expr,), positions, context)
    return kernel


def compile_exprs(exprs: Sequence[Expr], positions: Mapping[int, int], context: EvalContext) -> list[Kernel]:
    """Several expressions over the same batches; what they have in common is evaluated once a batch."""
    compile_ = _Compiler(positions, context)
    return [_as_column(compile_(each), arrow_type(each.type)) for each in exprs]


def _as_column(evaluate: Evaluate, arrow: pa.DataType) -> Kernel:
    def kernel(batch: pa.RecordBatch) -> pa.Array:
        result = broadcast(evaluate(batch), batch.num_rows)
        return result if result.type == arrow else pc.cast(result, arrow)

    return kernel


def compile_predicate(expr: Expr, positions: Mapping[int, int], context: EvalContext) -> Predicate:
    """A BOOLEAN expression as a mask; NULL counts as False."""
    evaluate = _Compiler(positions, context)(expr)

    def mask(batch: pa.RecordBatch) -> npt.NDArray[np.bool_]:
        result = evaluate(batch)
        if isinstance(result, pa.Scalar):
            return np.full(batch.num_rows, result.as_py() is True)
        return is_true(result)

    return mask


class _Once:
    """An evaluator that remembers what it gave for the last batch."""

    def __init__(self, evaluate: Evaluate) -> None:
        self._evaluate = evaluate
        self._batch: pa.RecordBatch | None = None
        self._result: Datum = None

    def __call__(self, batch: pa.RecordBatch) -> Datum:
        if batch is not self._batch:
            self._result = self._evaluate(batch)
            self._batch = batch
        return self._result


@record
class _Compiler:
    """Makes evaluators, which keep scalars scalars; equal sub-expressions share one, and its result for a batch."""

    positions: Mapping[int, int]
    context: EvalContext
    distinct: bool = True
    made: dict[Expr, Evaluate] = field(default_factory=dict)

    def __call__(self, expr: Expr) -> Evaluate:
        if isinstance(expr, (ColumnRef, Literal)) or is_volatile(expr):
            return self._make(expr)
        if expr not in self.made:
            self.made[expr] = _Once(self._by_value(expr) or self._make(expr))
        return self.made[expr]

    def _by_value(self, expr: Expr) -> Evaluate | None:
        """An evaluator that looks at distinct values first, where that may pay."""
        column = only_column(expr) if self.distinct else None
        if column is None:
            return None
        if column.id not in self.context.shared:
            of_values = _Compiler({column.id: 0}, self.context, distinct=False)
            self.context.shared[column.id] = DistinctValues(), of_values
        values, compile_ = self.context.shared[column.id]
        return over_distinct(values, self.positions[column.id], compile_(expr), self._make(expr))

    def narrowed(self, exprs: Sequence[Expr]) -> tuple[Callable[[pa.RecordBatch], pa.RecordBatch], _Compiler]:
        """A compiler over only the columns that the expressions read, and what cuts a batch down to those."""
        ids = sorted(frozenset().union(*(column_ids(each) for each in exprs)))
        columns = [self.positions[each] for each in ids] or [0]
        names = [str(each) for each in columns]

        def narrow(batch: pa.RecordBatch) -> pa.RecordBatch:
            if batch.num_columns <= len(columns) and columns == list(range(batch.num_columns)):
                return batch
            return pa.RecordBatch.from_arrays([batch.column(each) for each in columns], names=names)

        return narrow, _Compiler({id_: index for index, id_ in enumerate(ids)}, self.context, self.distinct)

    def _make(self, expr: Expr) -> Evaluate:
        match expr:
            case ColumnRef(id=id_):
                position = self.positions[id_]
                return lambda batch: batch.column(position)
            case Literal():
                scalar = to_scalar(expr)
                return lambda batch: scalar
            case Case():
                return conditional.case(expr, self)
            case Call(function=name) if name in conditional.LAZY:
                return conditional.LAZY[name](expr, self)
            case _:
                return self._strict(expr)

    def _strict(self, expr: Expr) -> Evaluate:
        """All arguments first, then the function over them."""
        kernel = self._kernel(expr)
        if kernel is None:
            from streamsql.expr.duckdb_kernel import duckdb_kernel

            return duckdb_kernel(expr, self, self._in_arrow, self.context)
        if isinstance(expr, Call) and called(expr).per_row:
            return _for_each_row(kernel, expr, [self(each) for each in expr.args])
        return _applied(explained(kernel, expr), [self(each) for each in children(expr)])

    def _in_arrow(self, expr: Expr) -> bool:
        """Whether Arrow evaluates this very node."""
        if isinstance(expr, (ColumnRef, Literal, Case)) or (
            isinstance(expr, Call) and expr.function in conditional.LAZY
        ):
            return True
        return self._kernel(expr) is not None

    def _kernel(self, expr: Expr) -> ArrowFunction | None:
        match expr:
            case Call():
                build = called(expr).arrow
                return None if build is None else build(expr, self.context)
            case Cast(arg=arg, type=type_, safe=safe):
                from streamsql.expr.cast_kernels import build_cast

                return build_cast(arg.type, type_, safe, self.context)
            case FieldAccess(index=index):
                return lambda row: pc.struct_field(row, [index])
            case _:
                raise AssertionError(f"no kernel for {type(expr).__name__}")


def _for_each_row(kernel: ArrowFunction, expr: Expr, args: list[Evaluate]) -> Evaluate:
    def evaluate(batch: pa.RecordBatch) -> Datum:
        return explained(partial(kernel, batch.num_rows), expr)(*(each(batch) for each in args))

    return evaluate


def _applied(kernel: ArrowFunction, args: list[Evaluate]) -> Evaluate:
    match args:
        case []:
            return lambda batch: kernel()
        case [one]:
            return lambda batch: kernel(one(batch))
        case [one, two]:
            return lambda batch: kernel(one(batch), two(batch))
        case _:
            return lambda batch: kernel(*(each(batch) for each in args))
