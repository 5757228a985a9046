"""ValueCounts: how often each value is there in each group, and what that makes distinct."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from streamsql.state.base import State
from streamsql.state.fixed_width import Int64Array, int64_array, values_of
from streamsql.state.grouping import single_chunk
from streamsql.state.key_index import KeyIndex
from streamsql.state.partial import Collection
from streamsql.state.stored_column import grown
from streamsql.state.value_lists import ValueList, in_value_order
from streamsql.state.value_order import ValueOrder


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """What a step did to a set of (group, value): the rows that made a value appear (weight +1) or vanish (-1).

    `rows`: positions in the applied collection. `invalid`: the first row that took back more than was there, else None.
    """

    rows: Int64Array
    weights: Int64Array
    invalid: int | None


class ValueCounts(State):
    """A multiset of (group id, values). `ordered`: the values of a group, or the outermost, can be asked for.

    With an order, a value that vanished keeps its place until as many are gone as are left.
    """

    def __init__(self, types: Sequence[pa.DataType], *, ordered: bool = False) -> None:
        self._types = (pa.int64(), *types)
        self._ordered = ordered
        self._reset()

    def _reset(self) -> None:
        self._pairs = KeyIndex(self._types)
        self._counts = np.zeros(0, np.int64)
        self._live = 0
        self._order = ValueOrder(self._keys) if self._ordered else None

    @property
    def rows(self) -> int:
        return self._live

    def apply(self, rows: Collection) -> Changes:
        """Add weights; the ids of `rows` are group ids, no (group, value) comes twice."""
        known = self._pairs.bound
        pairs = self._pairs.lookup_or_insert([int64_array(rows.ids), *rows.values])
        self._counts = grown(self._counts, self._pairs.bound)
        old = self._counts[pairs]
        new = old + rows.weights
        if bool((new < 0).any()):
            return Changes(pairs[:0], pairs[:0], int(np.flatnonzero(new < 0)[0]))
        self._counts[pairs] = new
        changed = np.flatnonzero((old > 0) != (new > 0))
        weights = np.where(new[changed] > 0, 1, -1)
        self._live += int(weights.sum())
        if self._order is None:
            self._pairs.free(pairs[new == 0])
        else:
            self._order.insert(pairs[pairs >= known])
            self._sweep()
        return Changes(changed, weights, None)

    def extremes(self, groups: Int64Array, *, largest: bool) -> tuple[Int64Array, pa.Array]:
        """Candidates for the smallest or largest value of groups: position in `groups`, value; at least one a group
        that has values."""
        assert self._order is not None
        owners, pairs = self._order.outermost(groups, self._counts, largest=largest)
        return owners, self._pairs.keys(pairs)[1]

    def listed(self, groups: Int64Array) -> ValueList:
        """All values of groups in order, with their counts; ids are positions in `groups`."""
        assert self._order is not None
        owners, pairs = self._order.within(groups, self._counts)
        return in_value_order(owners, tuple(self._pairs.keys(pairs)[1:]), self._counts[pairs])

    def save(self) -> dict[str, pa.Table]:
        pairs = np.flatnonzero(self._counts)
        group, *values = self._pairs.keys(pairs)
        columns = {f"v{i}": each for i, each in enumerate(values)}
        return {"values": pa.table({"group": group, "count": pa.array(self._counts[pairs]), **columns})}

    def load(self, tables: dict[str, pa.Table]) -> None:
        table = tables["values"]
        groups, counts = (values_of(single_chunk(table[name])) for name in ("group", "count"))
        values = tuple(single_chunk(table[f"v{i}"]) for i in range(len(self._types) - 1))
        self._reset()
        self.apply(Collection(groups, values, counts))

    def _keys(self, pairs: Int64Array) -> tuple[Int64Array, pa.Array]:
        group, value, *_ = self._pairs.keys(pairs)
        return values_of(group), value

    def _sweep(self) -> None:
        """Forget vanished values once they are more than half."""
        kept = self._pairs.rows
        if kept > 2 * self._live + 1024 or (kept and not self._live):
            self.load(self.save())
