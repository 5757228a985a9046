"""Aggregate calls: what a plan says of each, and how a name with typed arguments becomes one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field

from streamsql.errors import Span
from streamsql.expr.aggregate_signatures import AggregateArguments, AggregateSignature, Ordering
from streamsql.expr.aggregate_table import AGGREGATE_ALIASES, AGGREGATES, SKETCH_CODES, Keeps
from streamsql.expr.nodes import LiteralValue
from streamsql.expr.types import SqlType
from streamsql.record import record

__all__ = ["SKETCH_CODES", "AggregateArguments", "AggregateCall", "AggregateSignature", "Keeps", "Ordering"]


IGNORE_NULLS = "IGNORE NULLS"
"""The last option of LAG, LEAD and NTH_VALUE that look at values other than NULL only."""


@record
class AggregateCall:
    """One aggregate of a GROUP BY.

    `args` and `filter` name columns of the input: column ids in a logical plan, positions in an operator.
    `filter` is a BOOLEAN column; a row counts where it is TRUE. COUNT(*) is COUNT without args.
    `options`: constant further arguments (the separator of LISTAGG). `order`: how the last of `args` put the rows in
    order. `optional`: rows count also where one of the arguments that do not order them is NULL.
    """

    function: str
    args: tuple[int, ...]
    type: SqlType
    arg_types: tuple[SqlType, ...] = ()
    distinct: bool = False
    filter: int | None = None
    options: tuple[LiteralValue, ...] = ()
    order: tuple[Ordering, ...] = ()
    optional: bool = False
    span: Span | None = field(default=None, compare=False, repr=False)

    @property
    def value_args(self) -> tuple[int, ...]:
        """The arguments that do not order the rows."""
        return self.args[: len(self.args) - len(self.order)]

    @property
    def order_args(self) -> tuple[int, ...]:
        """The columns that the rows are ordered by, before arrival."""
        return self.args[len(self.args) - len(self.order) :]


def is_aggregate(name: str) -> bool:
    """Whether a name, in any case, is an aggregate function.

    >>> is_aggregate("sum"), is_aggregate("UPPER")
    (True, False)
    """
    return canonical_name(name) in AGGREGATES


def is_frame_call(call: AggregateCall) -> bool:
    """Whether a call over a window aggregates its frame; else it goes by the row's place."""
    return is_aggregate(call.function)


def skips_nulls(call: AggregateCall) -> bool:
    """Whether a call that goes by the row's place is one with IGNORE NULLS."""
    return call.options[-1:] == (IGNORE_NULLS,) and not is_frame_call(call)


def canonical_name(name: str) -> str:
    """The name that the table has for a function, which may go by several.

    >>> canonical_name("variance")
    'VAR_SAMP'
    """
    upper = name.upper()
    return AGGREGATE_ALIASES.get(upper, upper)


def resolve_aggregate(call: AggregateArguments) -> AggregateSignature:
    """The types of a call; COUNT(*) has no arguments. SqlError where the arguments do not suit the function."""
    return AGGREGATES[canonical_name(call.name)].resolve(call)


def needs_order(call: AggregateCall) -> bool:
    """Whether the answer depends on the order of arrival, and no order of values could stand in for it."""
    return AGGREGATES[call.function].keeps is Keeps.FIRST_ROW and not call.order_args and len(call.args) == 1


def keeps_rows(call: AggregateCall, *, append_only: bool) -> bool:
    """Whether state grows with every row of a group."""
    keeps = AGGREGATES[call.function].keeps
    return keeps is Keeps.ROWS or (keeps is Keeps.FIRST_ROW and not append_only)


def keeps_values(call: AggregateCall, *, append_only: bool) -> bool:
    """Whether state grows with the distinct values of a group."""
    keeps = AGGREGATES[call.function].keeps
    retracted = keeps is Keeps.EXTREME and not append_only
    return bool(call.args) and (call.distinct or keeps is Keeps.VALUES or retracted)


def aggregates_by_name() -> Iterator[tuple[str, Sequence[str]]]:
    """All functions in alphabetical order, with their other names."""
    for name in sorted(AGGREGATES):
        yield name, sorted(other for other, target in AGGREGATE_ALIASES.items() if target == name)
