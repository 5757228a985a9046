"""Aggregate calls: which functions there are, what they return, and what a plan says of each call."""

from __future__ import annotations

from dataclasses import dataclass, field

from streamsql.errors import Span
from streamsql.expr.nodes import LiteralValue
from streamsql.expr.types import SqlType


@dataclass(frozen=True, slots=True)
class AggregateCall:
    """One aggregate of a GROUP BY.

    `args` and `filter` name columns of the input: column ids in a logical plan, positions in an operator.
    `filter` is a BOOLEAN column; a row counts where it is TRUE. COUNT(*) is COUNT without args.
    `options`: constant further arguments (the separator of LISTAGG).
    """

    function: str
    args: tuple[int, ...]
    type: SqlType
    arg_types: tuple[SqlType, ...] = ()
    distinct: bool = False
    filter: int | None = None
    options: tuple[LiteralValue, ...] = ()
    span: Span | None = field(default=None, compare=False, repr=False)
