"""The values of groups one after the other, in order of arrival or of value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from streamsql.expr.aggregates import Ordering
from streamsql.record import record
from streamsql.state.fixed_width import Int64Array, int64_array, valid_of
from streamsql.state.grouping import group_rows, normalize_key
from streamsql.state.ordering import lexical_order
from streamsql.state.value_order import order_rank


@record(eq=False)
class ValueList:
    """Rows of values, sorted by the id of their group; `counts`: how often each is there, None: once."""

    ids: Int64Array
    values: tuple[pa.Array, ...]
    counts: Int64Array | None = None

    def take(self, at: Int64Array) -> ValueList:
        """The rows at positions that keep the groups in order."""
        places = int64_array(at)
        counts = None if self.counts is None else self.counts[at]
        return ValueList(self.ids[at], tuple(each.take(places) for each in self.values), counts)

    def repeated(self) -> ValueList:
        """Each row as often as its count."""
        if self.counts is None:
            return self
        many = self.take(np.repeat(np.arange(len(self.ids)), self.counts))
        return ValueList(many.ids, many.values)

    def weights(self) -> Int64Array:
        """How often each row is there."""
        return np.ones(len(self.ids), np.int64) if self.counts is None else self.counts

    def distinct(self, arity: int) -> ValueList:
        """The first of rows that agree in the first `arity` values."""
        if not len(self.ids):
            return self
        _, first = group_rows([int64_array(self.ids), *(normalize_key(each) for each in self.values[:arity])])
        once = self.take(np.sort(first))
        return ValueList(once.ids, once.values)

    def ordered(self, order: Sequence[Ordering]) -> ValueList:
        """Rows of a group by their last columns, as `order` says; of equal ones as they were."""
        if not order:
            return self
        pairs = zip(self.values[-len(order) :], order, strict=True)
        keys = [_sort_rank(values, how) for values, how in pairs]
        return self.take(lexical_order([self.ids, *keys]))

    def first_columns(self, width: int) -> ValueList:
        """The rows without further columns, each once."""
        return ValueList(self.ids, self.values[:width])

    def followed_by(self, other: ValueList, size: int) -> ValueList:
        """The rows of `size` groups, then those of others."""
        ids = np.concatenate([self.ids, other.ids + size])
        values = tuple(pa.concat_arrays(pair) for pair in zip(self.values, other.values, strict=True))
        counts = None if self.counts is None else np.concatenate([self.weights(), other.weights()])
        return ValueList(ids, values, counts)


def in_value_order(ids: Int64Array, values: tuple[pa.Array, ...], counts: Int64Array) -> ValueList:
    """Distinct values of groups in ascending order, NULL first, NaN last, text by code point."""
    keys = [_sort_rank(each, Ordering()) for each in values]
    order = lexical_order([ids, *keys])
    return ValueList(ids, values, counts).take(order)


def _sort_rank(values: pa.Array, how: Ordering) -> Int64Array:
    rank = order_rank(values)
    if not how.ascending:
        rank = ~rank
    valid = valid_of(values)
    if valid is None:
        return rank
    limits = np.iinfo(np.int64)
    return np.where(valid, rank, limits.min if how.nulls_first else limits.max)
