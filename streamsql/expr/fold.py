"""Constant folding: an expression over constants becomes the constant that its own kernel gives."""

from __future__ import annotations

import pyarrow as pa

from streamsql.errors import DataError
from streamsql.expr.compile import compile_expr
from streamsql.expr.context import EvalContext
from streamsql.expr.literals import from_scalar
from streamsql.expr.nodes import Expr, Literal, children, transform
from streamsql.expr.properties import is_constant

__all__ = ["fold", "is_constant"]

_ONE_ROW = pa.RecordBatch.from_arrays([pa.nulls(1)], names=[""])


def fold(expr: Expr, context: EvalContext) -> Expr:
    """The same expression with its constant parts evaluated.

    Volatile parts stay, and so do those that fail: a row must reach them before they may raise.
    """
    return transform(expr, lambda each: _fold_node(each, context))


def _fold_node(expr: Expr, context: EvalContext) -> Expr:
    below = children(expr)
    if not below or not all(isinstance(each, Literal) for each in below) or not is_constant(expr):
        return expr
    try:
        scalar = compile_expr(expr, {}, context)(_ONE_ROW)[0]
    except DataError:
        return expr
    nullable = expr.type.nullable if scalar.is_valid else True
    return Literal(value=from_scalar(scalar, expr.type), type=expr.type.with_nullable(nullable), span=expr.span)
