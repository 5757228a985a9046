"""Which row groups of a parquet file can hold a row that a predicate wants, by their statistics."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from streamsql.ports import Comparison

_NEVER: dict[str, Callable[[Any, Any, Any], bool]] = {
    "=": lambda low, high, value: bool(value < low or value > high),
    "<": lambda low, high, value: bool(low >= value),
    "<=": lambda low, high, value: bool(low > value),
    ">": lambda low, high, value: bool(high <= value),
    ">=": lambda low, high, value: bool(high < value),
    "<>": lambda low, high, value: bool(operator.eq(low, value) and operator.eq(high, value)),
}
"""Whether no value between `low` and `high` compares so with `value`."""


def wanted_row_groups(metadata: Any, predicate: Sequence[Comparison]) -> list[int]:
    """The row groups that remain; all where statistics say nothing."""
    positions = {metadata.row_group(0).column(each).path_in_schema: each for each in _leaves(metadata)}
    return [
        group
        for group in range(metadata.num_row_groups)
        if not any(_excludes(metadata.row_group(group), positions.get(each.column), each) for each in predicate)
    ]


def _leaves(metadata: Any) -> range:
    return range(metadata.num_columns if metadata.num_row_groups else 0)


def _excludes(group: Any, column: int | None, comparison: Comparison) -> bool:
    never = _NEVER.get(comparison.operator)
    value = comparison.value.as_py()
    if column is None or never is None or value is None:
        return False
    statistics = group.column(column).statistics
    if statistics is None or not statistics.has_min_max:
        return False
    # NaN counts as the largest number, but statistics leave it out.
    if pa.types.is_floating(comparison.value.type) and (comparison.operator in (">", ">=", "<>") or value != value):
        return False
    try:
        return never(*_alike(statistics.min, statistics.max, value))
    except TypeError:
        return False


def _alike(low: Any, high: Any, value: Any) -> tuple[Any, Any, Any]:
    """Times with and without a zone compare as UTC."""
    bounds = (low, high, value)
    if any(getattr(each, "tzinfo", None) is not None for each in bounds):
        low, high, value = (each.replace(tzinfo=None) if hasattr(each, "tzinfo") else each for each in bounds)
    return low, high, value
