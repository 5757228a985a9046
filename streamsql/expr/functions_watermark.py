"""CURRENT_WATERMARK(time): the watermark that held when the row arrived, NULL as long as there was none."""

from __future__ import annotations

from collections.abc import Sequence

from streamsql.errors import NotSupportedYet
from streamsql.expr import types as t
from streamsql.expr.context import EvalContext
from streamsql.expr.function import ArrowFunction, Function
from streamsql.expr.nodes import Call, ColumnRef, Expr, transform, walk
from streamsql.expr.signatures import Args, Bound, Mismatch
from streamsql.expr.types import Kind

NAME = "CURRENT_WATERMARK"
WATERMARK_ID = -1
"""The column id that stands for the watermarks beside the rows; those of plans are positive."""


def _rule(args: Args) -> Bound:
    if len(args) != 1 or args[0].type.kind not in (Kind.TIMESTAMP, Kind.TIMESTAMP_LTZ):
        raise Mismatch
    zoned = args[0].type.kind is Kind.TIMESTAMP_LTZ
    return Bound(args, (t.timestamp_ltz(3) if zoned else t.timestamp(3)).with_nullable(True))


def _only_in_operators(call: Call, context: EvalContext) -> ArrowFunction | None:
    """Operators replace the call by a column before they compile it."""
    raise NotSupportedYet(f"{NAME} in this place", span=call.span, hint="write it in SELECT or WHERE over the table")


def _not_in_duckdb(call: Call, args: Sequence[str], context: EvalContext) -> str:
    raise NotSupportedYet(f"{NAME} in batch mode, which has no watermarks", span=call.span)


def reads_watermark(exprs: Sequence[Expr]) -> Call | None:
    """The first call among the expressions."""
    calls = (each for expr in exprs for each in walk(expr) if isinstance(each, Call))
    return next((each for each in calls if each.function == NAME), None)


def over_watermark_column(expr: Expr) -> Expr:
    """The same expression with the column of watermarks in place of the calls."""
    return transform(
        expr,
        lambda each: (
            ColumnRef(id=WATERMARK_ID, type=each.type, span=each.span)
            if isinstance(each, Call) and each.function == NAME
            else each
        ),
    )


ENTRIES: tuple[Function, ...] = (
    Function(NAME, f"{NAME}(event time)", _rule, _only_in_operators, _not_in_duckdb, NAME, volatile=True),
)
