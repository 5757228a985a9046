"""Accumulators that add up: rows into groups, partial groups into groups, and a step's groups into state.

Each one keeps some columns, named by a suffix; a column that is absent counts as zeros. Rows are handed over without
NULLs: whoever calls leaves out what an aggregate does not see, and counts the rest.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.batch import Weights
from streamsql.record import record
from streamsql.state.fixed_width import AnyArray, BoolArray, Int64Array, numpy_type, valid_of, values_of

Values: TypeAlias = AnyArray | pa.Array
Columns: TypeAlias = Mapping[str, Values]
_SAMPLE = 1_024
"""So many values tell whether many are equal."""
Rows: TypeAlias = Any
"""An Arrow array; a tuple of them for what reads several columns, with arrival numbers as the last where it asks."""


class Linear(ABC):
    """One kind of accumulator. `ids` say for each row its group, below `size`; results have one value a group."""

    suffixes: ClassVar[tuple[str, ...]] = ()
    """Of the columns that may be there beside the first."""

    @abstractmethod
    def over_rows(self, ids: Int64Array, size: int, rows: Rows, weights: Weights | None) -> Columns:
        """Accumulate rows; `weights` None means that each counts once."""

    @abstractmethod
    def over_partials(self, ids: Int64Array, size: int, columns: Columns) -> Columns:
        """Accumulate what was accumulated before."""

    def with_counts(self, ids: Int64Array, size: int, rows: Rows) -> tuple[Int64Array, Columns] | None:
        """As `over_rows` without weights, and the rows of each group; None where that is no cheaper than to count."""
        return None

    @abstractmethod
    def combine(self, old: Columns, new: Columns) -> Columns:
        """Accumulate pairwise: both have the same groups in the same order."""

    @abstractmethod
    def blank(self, size: int) -> Values:
        """The first column (suffix "") of groups without rows."""

    def blanks(self, size: int) -> dict[str, Values]:
        """All columns that are always there, of groups without rows."""
        return {"": self.blank(size)}


def scatter_add(ids: Int64Array, size: int, values: Int64Array) -> Int64Array:
    """The sum of each group; dtypes are int64 on both sides, or numpy takes its slow path."""
    total = np.zeros(size, np.int64)
    np.add.at(total, ids, values)
    return total


@record
class Count(Linear):
    """How many rows there are."""

    def over_rows(self, ids: Int64Array, size: int, rows: Rows, weights: Weights | None) -> Columns:
        if weights is None:
            return {"": np.bincount(ids, minlength=size)}
        return {"": scatter_add(ids, size, weights.astype(np.int64))}

    def over_partials(self, ids: Int64Array, size: int, columns: Columns) -> Columns:
        return {"": scatter_add(ids, size, columns[""])}

    def combine(self, old: Columns, new: Columns) -> Columns:
        return {"": old[""] + new[""]}

    def blank(self, size: int) -> Values:
        return np.zeros(size, np.int64)


class Extreme(Linear):
    """MIN or MAX. Rows cannot be taken back: there are no `weights`."""

    largest: bool

    @abstractmethod
    def same(self, left: Values, right: Values) -> BoolArray:
        """Where two columns hold the same value."""


@record
class NumberExtreme(Extreme):
    """The smallest or largest of fixed-width values of up to 64 bits; NaN is the largest float."""

    type: pa.DataType
    largest: bool

    def over_rows(self, ids: Int64Array, size: int, rows: Rows, weights: Weights | None) -> Columns:
        return {"": self._scatter(ids, size, self._numbers(rows))}

    def over_partials(self, ids: Int64Array, size: int, columns: Columns) -> Columns:
        return {"": self._scatter(ids, size, columns[""])}

    def combine(self, old: Columns, new: Columns) -> Columns:
        return {"": self._choose(old[""], new[""])}

    def blank(self, size: int) -> Values:
        kind = self._dtype()
        values = np.empty(size, kind)
        if kind.kind == "f":
            values.fill(-np.inf if self.largest else np.nan)
        else:
            limits = np.iinfo(kind)
            values.fill(limits.min if self.largest else limits.max)
        return values

    def same(self, left: Values, right: Values) -> BoolArray:
        not_a_number = np.isnan(left) & np.isnan(right)
        return np.asarray((left == right) | not_a_number)

    def _dtype(self) -> np.dtype[Any]:
        if pa.types.is_decimal128(self.type):
            return np.dtype(np.int64)
        kind = numpy_type(self.type)
        return np.dtype(np.int8) if kind == np.bool_ else kind

    def _numbers(self, rows: pa.Array) -> AnyArray:
        values = values_of(rows)
        if pa.types.is_decimal128(self.type):
            return np.ascontiguousarray(values[:, 0])
        return values.view(np.int8) if values.dtype == np.bool_ else values

    def _choose(self, left: AnyArray, right: AnyArray) -> AnyArray:
        if left.dtype.kind != "f":
            return np.asarray((np.maximum if self.largest else np.minimum)(left, right))
        with np.errstate(invalid="ignore"):
            return np.asarray((np.maximum if self.largest else np.fmin)(left, right))

    def _scatter(self, ids: Int64Array, size: int, values: AnyArray) -> AnyArray:
        best = np.asarray(self.blank(size))
        if best.dtype.kind != "f":
            (np.maximum if self.largest else np.minimum).at(best, ids, values)
            return best
        # fmin passes over a NaN, so that a minimum is NaN only where there is nothing else; maximum lets it win.
        with np.errstate(invalid="ignore"):
            (np.maximum if self.largest else np.fmin).at(best, ids, values)
        return best


@record
class ArrowExtreme(Extreme):
    """The smallest or largest of values that numpy cannot order: text by code point, bytes, long decimals."""

    type: pa.DataType
    largest: bool

    def over_rows(self, ids: Int64Array, size: int, rows: Rows, weights: Weights | None) -> Columns:
        return {"": self._scatter(ids, size, rows)}

    def over_partials(self, ids: Int64Array, size: int, columns: Columns) -> Columns:
        return {"": self._scatter(ids, size, columns[""])}

    def combine(self, old: Columns, new: Columns) -> Columns:
        choose = pc.max_element_wise if self.largest else pc.min_element_wise
        return {"": choose(old[""], new[""])}

    def blank(self, size: int) -> Values:
        return pa.nulls(size, self.type)

    def same(self, left: Values, right: Values) -> BoolArray:
        return np.asarray(pc.fill_null(pc.equal(left, right), False).to_numpy(zero_copy_only=False))

    def _scatter(self, ids: Int64Array, size: int, values: pa.Array) -> pa.Array:
        valid = valid_of(values)
        if valid is not None:
            ids, values = ids[valid], values.drop_null()
        if not len(ids):
            return self.blank(size)
        few = _codes_of_few(values)
        if few is not None:
            codes, found = few
            best = NumberExtreme(pa.int64(), self.largest)._scatter(ids, size, codes)
            return found.take(pa.array(best, mask=(best < 0) | (best >= len(found))))
        table = pa.Table.from_arrays([pa.array(ids), values], ["id", "value"])
        best = table.group_by("id", use_threads=False).aggregate([("value", "max" if self.largest else "min")])
        best = best.combine_chunks()
        place = np.full(size, best.num_rows, np.int64)
        place[best.column("id").to_numpy()] = np.arange(best.num_rows)
        found = best.column(1).chunk(0)
        return pa.concat_arrays([found, pa.nulls(1, self.type)]).take(pa.array(place))


def _codes_of_few(values: pa.Array) -> tuple[Int64Array, pa.Array] | None:
    """The place of each value, none NULL, among the different ones in order; None where these are not few."""
    if len(values) > _SAMPLE and len(values[:_SAMPLE].unique()) * 8 > 7 * _SAMPLE:
        return None
    encoded = values.dictionary_encode()
    if len(values) > _SAMPLE and len(encoded.dictionary) * 8 > len(values):
        return None
    order = pc.sort_indices(encoded.dictionary)
    rank = np.empty(len(order), np.int64)
    rank[order.to_numpy()] = np.arange(len(order))
    return rank[encoded.indices.to_numpy()], encoded.dictionary.take(order)


def extreme_of(type_: pa.DataType, *, largest: bool) -> Extreme:
    """The accumulator of MIN or MAX over values of an Arrow type."""
    if pa.types.is_decimal128(type_):
        return (NumberExtreme if type_.precision <= 18 else ArrowExtreme)(type_, largest)
    if pa.types.is_primitive(type_):
        return NumberExtreme(type_, largest)
    return ArrowExtreme(type_, largest)


def replaced(values: Values, at: Int64Array, by: Values) -> Values:
    """The values with others in some distinct places."""
    if not isinstance(values, pa.Array):
        changed = values.copy()
        changed[at] = by
        return changed
    source = np.arange(len(values))
    source[at] = np.arange(len(values), len(values) + len(at))
    return pa.concat_arrays([values, by]).take(pa.array(source))
