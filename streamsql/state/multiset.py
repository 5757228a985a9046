"""ValueCounts: how often each value is there in each group, and what that makes distinct."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from streamsql.batch import Weights
from streamsql.record import record
from streamsql.state.base import State
from streamsql.state.fixed_width import Int64Array, int64_array, values_of
from streamsql.state.grouping import single_chunk
from streamsql.state.key_index import KeyIndex
from streamsql.state.partial import Collection, counted, weights_of
from streamsql.state.stored_column import grown
from streamsql.state.value_lists import ValueList, in_value_order
from streamsql.state.value_order import ValueOrder


@record(eq=False)
class Changes:
    """What a step did to a set of (group, value): the rows that made a value appear (weight +1) or vanish (-1).

    `rows`: positions in the applied collection; `weights` None: all appeared.
    """

    rows: Int64Array
    weights: Weights | None


class TakenBack(Exception):
    """A row of the applied collection took back more than was there."""

    def __init__(self, row: int) -> None:
        super().__init__(row)
        self.row = row


class ValueCounts(State):
    """A multiset of (group id, values). `ordered`: the values of a group, or the outermost, can be asked for.
    `expiring`: groups can be dropped. Then a value may be owed, as one that was forgotten was taken back: it is there
    when it has come more often.

    With an order, a value that vanished keeps its place until as many are gone as are left. `filters`: of how many
    filters the counts are kept, side by side; only of one can the values be asked for. `flags`: values only come, and
    the collections have flags.
    """

    def __init__(
        self,
        types: Sequence[pa.DataType],
        *,
        ordered: bool = False,
        filters: int = 1,
        expiring: bool = False,
        flags: bool = False,
    ) -> None:
        self._types = (pa.int64(), *types)
        self._ordered = ordered or expiring
        self._filters = filters
        self._lenient = expiring
        self._flags = flags
        self._reset()

    def _reset(self) -> None:
        self._pairs = KeyIndex(self._types)
        self._counts = np.zeros(0 if self._flags or self._filters == 1 else (0, self._filters), np.int64)
        self._live = 0
        self._order = ValueOrder(self._keys) if self._ordered else None

    @property
    def rows(self) -> int:
        return self._live

    def apply(self, rows: Collection) -> list[Changes]:
        """Add weights; the ids of `rows` are group ids, no (group, value) comes twice. The changes under each filter.

        Raises TakenBack.
        """
        known = self._pairs.bound
        pairs = self._pairs.lookup_or_insert([int64_array(rows.ids), *rows.values])
        self._counts = grown(self._counts, self._pairs.bound)
        if self._order is not None:
            self._order.insert(pairs[pairs >= known])
        old = self._counts[pairs]
        if self._flags:
            return self._unite(pairs, old, rows.weights)
        new = old + rows.weights
        if not self._lenient and bool((new < 0).any()):
            raise TakenBack(int(np.argwhere(new < 0)[0, 0]))
        self._counts[pairs] = new
        there = counted(new)
        self._live += int(np.count_nonzero(there)) - int(np.count_nonzero(counted(old)))
        if self._order is None:
            self._pairs.free(pairs[~there])
        else:
            self._sweep()
        if self._filters == 1:
            return [_changes(old, new)]
        return [_changes(old[:, each], new[:, each]) for each in range(self._filters)]

    def _unite(self, pairs: Int64Array, old: Int64Array, flags: Int64Array) -> list[Changes]:
        """Set flags that were not set."""
        fresh = flags & ~old
        changed = fresh.nonzero()[0]
        self._counts[pairs[changed]] |= fresh[changed]
        self._live += len(old) - int(np.count_nonzero(old))
        if self._filters == 1:
            return [Changes(changed, None)]
        fresh = fresh[changed]
        return [Changes(changed[(fresh & (1 << each)).nonzero()[0]], None) for each in range(self._filters)]

    def drop(self, groups: Int64Array) -> None:
        """Forget all values of groups."""
        assert self._order is not None
        _, pairs = self._order.within(groups, self._counts, owed=True)
        self._counts[pairs] = 0
        self._live -= len(pairs)
        self._sweep()

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
        pairs = np.flatnonzero(counted(self._counts))
        group, *values = self._pairs.keys(pairs)
        columns = {f"v{i}": each for i, each in enumerate(values)}
        counts = Collection(pairs, (), self._counts[pairs], flags=self._flags).weight_columns()
        return {"values": pa.table({"group": group, **counts, **columns})}

    def load(self, tables: dict[str, pa.Table]) -> None:
        table = tables["values"]
        columns = {name: single_chunk(table[name]) for name in table.column_names}
        values = tuple(columns[f"v{i}"] for i in range(len(self._types) - 1))
        self._reset()
        self.apply(Collection(values_of(columns["group"]), values, weights_of(columns)))

    def _keys(self, pairs: Int64Array) -> tuple[Int64Array, pa.Array]:
        group, value, *_ = self._pairs.keys(pairs)
        return values_of(group), value

    def _sweep(self) -> None:
        """Forget vanished values once they are more than half."""
        kept = self._pairs.rows
        if kept > 2 * self._live + 1024 or (kept and not self._live):
            self.load(self.save())


def _changes(old: Int64Array, new: Int64Array) -> Changes:
    changed = np.flatnonzero((old > 0) != (new > 0))
    return Changes(changed, np.where(new[changed] > 0, 1, -1).astype(np.int8))
