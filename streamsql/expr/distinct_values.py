"""Functions that take long, run once for each distinct value of their column in a batch instead of once a row."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from streamsql.expr.casting import NESTED
from streamsql.expr.function import Datum, literal
from streamsql.expr.functions import called
from streamsql.expr.last_array import LastArray
from streamsql.expr.nodes import Call, ColumnRef, Expr, walk
from streamsql.expr.types import FLOATS, Kind

Evaluate = Callable[[pa.RecordBatch], Datum]
Distinct = tuple[pa.RecordBatch, pa.Array]
"""The values as a batch of one column, and the index of each row's value."""

FEW_ROWS = 1_024
"""Batches that are shorter are not looked through for equal values."""
WORTHWHILE = 3
"""How many rows must share a value on average."""
SAMPLE, LONG = 2_048, 16_384
"""How many rows of a long batch tell whether it is worth while to look at the others: one in a hundred of them shares
its value with an earlier one. With as many different values as may pay, five times as many do."""
LONGEST_WAIT = 64
"""After how many batches at most a column is tried again that had too many distinct values."""
SLOW = frozenset(
    (
        *("INITCAP", "REPLACE", "SIMILAR TO", "SPLIT", "SPLIT_INDEX", "TRANSLATE"),
        *("REGEXP", "REGEXP_COUNT", "REGEXP_EXTRACT", "REGEXP_LIKE", "REGEXP_REPLACE"),
    )
)
"""Functions of Arrow that take more than 50 ns a row; those that DuckDB evaluates do too."""
_NOT_TOLD_APART = (*NESTED, *FLOATS, Kind.BOOLEAN, Kind.NULL)
"""Whose equal values are not the same everywhere (0.0 and -0.0), are dear to tell apart, or are two in all."""


def only_column(expr: Expr) -> ColumnRef | None:
    """The one column that an expression with a slow function reads, if its values can be told apart cheaply."""
    nodes = list(walk(expr))
    columns = {each.id: each for each in nodes if isinstance(each, ColumnRef)}
    if len(columns) != 1 or expr.type.kind in NESTED or not any(is_slow(each) for each in nodes):
        return None
    (column,) = columns.values()
    return None if column.type.kind in _NOT_TOLD_APART else column


def is_slow(expr: Expr) -> bool:
    """Whether this very node is a function that takes long."""
    if not isinstance(expr, Call):
        return False
    if expr.function == "DATE_FORMAT":
        from streamsql.expr.java_patterns import is_fine

        return is_fine(str(literal(expr, 1)))
    return expr.function in SLOW or called(expr).arrow is None


class DistinctValues:
    """The distinct values of a column in the batch at hand, and where each row has its own.

    Operators that see the same rows of the column share one. Columns whose values hardly repeat are left alone, and
    tried again after a while.
    """

    def __init__(self) -> None:
        self._last = LastArray(self._look)
        self._wait = 0
        self._next_wait = 1

    def of(self, column: pa.Array) -> Distinct | None:
        """None: not worth it."""
        return self._last(column)

    def _look(self, column: pa.Array) -> Distinct | None:
        if len(column) < FEW_ROWS:
            return None
        if self._wait:
            self._wait -= 1
            return None
        encoded = None if _hardly_repeats(column) else column.dictionary_encode(null_encoding="encode")
        if encoded is None or len(encoded.dictionary) * WORTHWHILE > len(column):
            self._wait, self._next_wait = self._next_wait, min(self._next_wait * 2, LONGEST_WAIT)
            return None
        self._next_wait = 1
        return pa.RecordBatch.from_arrays([encoded.dictionary], names=["value"]), encoded.indices


def _hardly_repeats(column: pa.Array) -> bool:
    """Whether the first rows of many say so."""
    return len(column) >= LONG and len(column[:SAMPLE].unique()) * 100 > SAMPLE * 99


def over_distinct(values: DistinctValues, position: int, of_values: Evaluate, of_rows: Evaluate) -> Evaluate:
    """`of_rows`, by way of `of_values`, the same expression over a batch that has only its column."""

    def evaluate(batch: pa.RecordBatch) -> Datum:
        found = values.of(batch.column(position))
        if found is None:
            return of_rows(batch)
        distinct, indices = found
        result = of_values(distinct)
        return result if isinstance(result, pa.Scalar) else result.take(indices)

    return evaluate
