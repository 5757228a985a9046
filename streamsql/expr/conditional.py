"""CASE, COALESCE, AND, OR: operands that may fail are evaluated only on the rows that reach them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr.function import Datum
from streamsql.expr.nodes import Call, Case, Expr
from streamsql.expr.properties import can_fail
from streamsql.expr.types import arrow_type
from streamsql.expr.vectors import broadcast, is_true

Evaluate = Callable[[pa.RecordBatch], Datum]
Mask = npt.NDArray[np.bool_]


class Compile(Protocol):
    """What the compiler offers: an evaluator for an expression, and itself over fewer columns."""

    def __call__(self, expr: Expr) -> Evaluate: ...

    def narrowed(self, exprs: Sequence[Expr]) -> tuple[Callable[[pa.RecordBatch], pa.RecordBatch], Compile]:
        """Takes from a batch the columns that the expressions read, and compiles over what is left."""
        ...


def case(expr: Case, compile_: Compile) -> Evaluate:
    """A searched CASE."""
    risky = any(can_fail(value) for _, value in expr.branches) or can_fail(expr.otherwise)
    if risky or any(can_fail(condition) for condition, _ in expr.branches[1:]):
        return _guarded_case(expr, compile_)
    branches = [(compile_(condition), compile_(value)) for condition, value in expr.branches]
    otherwise = compile_(expr.otherwise)

    def evaluate(batch: pa.RecordBatch) -> Datum:
        chosen = [broadcast(condition(batch), batch.num_rows) for condition, _ in branches]
        values = [value(batch) for _, value in branches]
        return pc.case_when(pc.make_struct(*chosen), *values, otherwise(batch))

    return evaluate


def _guarded_case(expr: Case, compile_: Compile) -> Evaluate:
    narrow, compile_ = compile_.narrowed([expr])
    branches = [(compile_(condition), compile_(value)) for condition, value in expr.branches]
    otherwise = compile_(expr.otherwise)
    arrow = arrow_type(expr.type)

    def evaluate(whole: pa.RecordBatch) -> Datum:
        batch = narrow(whole)
        rest = np.arange(batch.num_rows)
        pieces: list[tuple[npt.NDArray[np.int64], pa.Array]] = []
        for condition, value in branches:
            if not len(rest):
                break
            reached = _rows(batch, rest)
            chosen = _mask(condition(reached), len(rest))
            if chosen.any():
                rows = rest[chosen]
                pieces.append((rows, broadcast(value(_rows(batch, rows)), len(rows))))
                rest = rest[~chosen]
        if len(rest) or not pieces:
            pieces.append((rest, broadcast(otherwise(_rows(batch, rest)), len(rest))))
        return _assemble(pieces, batch.num_rows, arrow)

    return evaluate


def _rows(batch: pa.RecordBatch, rows: npt.NDArray[np.int64]) -> pa.RecordBatch:
    return batch if len(rows) == batch.num_rows else batch.take(pa.array(rows))


def _mask(datum: Datum, length: int) -> Mask:
    if isinstance(datum, pa.Scalar):
        return np.full(length, datum.as_py() is True)
    return is_true(datum)


def _assemble(pieces: Sequence[tuple[npt.NDArray[np.int64], pa.Array]], length: int, arrow: pa.DataType) -> pa.Array:
    """The pieces put back in row order."""
    if len(pieces) == 1:
        return pieces[0][1]
    order = np.empty(length, np.int64)
    order[np.concatenate([rows for rows, _ in pieces])] = np.arange(length)
    values = [array if array.type == arrow else pc.cast(array, arrow) for _, array in pieces]
    return pa.concat_arrays(values).take(pa.array(order))


def _coalesce(expr: Call, compile_: Compile) -> Evaluate:
    if not any(can_fail(each) for each in expr.args[1:]):
        all_args = [compile_(each) for each in expr.args]
        return lambda batch: pc.coalesce(*(each(batch) for each in all_args))
    narrow, compile_ = compile_.narrowed([expr])
    args = [compile_(each) for each in expr.args]
    arrow = arrow_type(expr.type)

    def evaluate(whole: pa.RecordBatch) -> Datum:
        batch = narrow(whole)
        rest = np.arange(batch.num_rows)
        pieces: list[tuple[npt.NDArray[np.int64], pa.Array]] = []
        for index, arg in enumerate(args):
            values = broadcast(arg(_rows(batch, rest)), len(rest))
            last = index == len(args) - 1 or not values.null_count
            known = np.ones(len(rest), np.bool_) if last else is_true(pc.is_valid(values))
            pieces.append((rest[known], values if last else values.filter(pa.array(known))))
            rest = rest[~known]
            if last:
                break
        return _assemble(pieces, batch.num_rows, arrow)

    return evaluate


def _connective(decisive: bool) -> Callable[[Call, Compile], Evaluate]:
    """AND is decided by a FALSE on its left, OR by a TRUE: the right side sees only the other rows."""
    combine = pc.or_kleene if decisive else pc.and_kleene
    outcome = pa.scalar(decisive)

    def build(expr: Call, compile_: Compile) -> Evaluate:
        left = compile_(expr.args[0])
        if not can_fail(expr.args[1]):
            always = compile_(expr.args[1])
            return lambda batch: combine(left(batch), always(batch))
        narrow, narrowed = compile_.narrowed([expr.args[1]])
        right = narrowed(expr.args[1])

        def evaluate(batch: pa.RecordBatch) -> Datum:
            first = left(batch)
            if isinstance(first, pa.Scalar):
                return first if first.as_py() is decisive else combine(first, right(narrow(batch)))
            open_ = ~is_true(first if decisive else pc.invert(first))
            if open_.all():
                return combine(first, right(narrow(batch)))
            rows = np.flatnonzero(open_)
            if not len(rows):
                return first
            reached = narrow(batch).take(pa.array(rows))
            second = broadcast(right(reached), len(rows))
            decided = combine(first.filter(pa.array(open_)), second)
            return pc.replace_with_mask(broadcast(outcome, len(first)), pa.array(open_), decided)

        return evaluate

    return build


LAZY: dict[str, Callable[[Call, Compile], Evaluate]] = {
    "AND": _connective(False),
    "OR": _connective(True),
    "COALESCE": _coalesce,
}
"""Functions that decide themselves which arguments to evaluate where."""
