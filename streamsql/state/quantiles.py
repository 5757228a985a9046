"""Quantiles of groups whose values stand in order."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.types import Kind, arrow_type
from streamsql.state.fixed_width import AnyArray, BoolArray, Int64Array, array_of, int64_array, values_of
from streamsql.state.value_lists import ValueList

_DIGITS = 9
"""A fraction of a count is rounded so: 0.07 of 100 rows is 7, not the 7.000000000000001 of binary arithmetic."""


class _Ranked:
    """Values of groups by their number in the group, each as often as its count (times a frequency beside it)."""

    def __init__(self, rows: ValueList, size: int) -> None:
        weights = rows.weights()
        if len(rows.values) > 1:
            weights = weights * np.maximum(values_of(rows.values[1]), 0)
        self.totals = np.zeros(size, np.int64)
        np.add.at(self.totals, rows.ids, weights)
        self.there: BoolArray = self.totals > 0
        self._before = np.cumsum(self.totals) - self.totals
        self._ends = np.cumsum(weights)

    def at(self, numbers: Int64Array) -> Int64Array:
        """The position in the list of the value with a number, from 0, in each group that is there; else 0."""
        found = np.searchsorted(self._ends, self._before + numbers, side="right")
        return np.where(self.there, found, 0)


def continuous_quantiles(rows: ValueList, size: int, call: AggregateCall) -> pa.Array:
    """Interpolated between the two values that lie around the fraction of the way from the first to the last."""
    ranked = _Ranked(rows, size)
    kind = (call.type.children[0] if call.type.kind is Kind.ARRAY else call.type).kind
    values = (
        values_of(rows.values[0]) if len(rows.ids) else np.zeros(1, np.float64 if kind is Kind.DOUBLE else np.int64)
    )

    def one(fraction: float) -> AnyArray:
        place = np.maximum(ranked.totals - 1, 0) * fraction
        low, part = values[ranked.at(np.floor(place).astype(np.int64))], place - np.floor(place)
        high = values[ranked.at(np.ceil(place).astype(np.int64))]
        with np.errstate(invalid="ignore"):
            between = np.where(low == high, 0.0, (high - low) * part)
        return low + between if values.dtype.kind == "f" else low + np.rint(between).astype(np.int64)

    return _published(call, ranked.there, lambda each, type_: array_of(one(each), ranked.there, type_))


def discrete_quantiles(rows: ValueList, size: int, call: AggregateCall) -> pa.Array:
    """The first value at or before which there is at least the fraction of all; a negative one counts from the end."""
    ranked = _Ranked(rows, size)

    def number(fraction: float) -> Int64Array:
        share = fraction if fraction >= 0 else -fraction - 1
        place = np.maximum(np.ceil(np.round(ranked.totals * share, _DIGITS)).astype(np.int64), 1) - 1
        return place if fraction >= 0 else np.maximum(ranked.totals - 1, 0) - place

    def one(fraction: float, type_: pa.DataType) -> pa.Array:
        return rows.values[0].take(int64_array(ranked.at(number(fraction)), ranked.there))

    return _published(call, ranked.there, one)


def _published(call: AggregateCall, there: BoolArray, one: Callable[[float, pa.DataType], pa.Array]) -> pa.Array:
    """One value a group, or an array with one for each fraction; NULL where a group has no values."""
    if call.type.kind is not Kind.ARRAY:
        return one(float(str(call.options[0])), arrow_type(call.type))
    parts = [one(float(str(each)), arrow_type(call.type.children[0])) for each in call.options]
    width, size = len(parts), len(there)
    order = np.arange(width * size).reshape(width, size).T.ravel()
    values = pa.concat_arrays(parts).take(int64_array(order))
    offsets = pa.array(np.arange(size + 1) * width, pa.int32())
    return pa.ListArray.from_arrays(offsets, values, mask=pa.array(~there)).cast(arrow_type(call.type))
