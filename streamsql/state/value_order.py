"""ValueOrder: the values of each group in order, for MIN, MAX, quantiles and lists."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.record import record
from streamsql.state.fixed_width import Int64Array, int64_array, values_of
from streamsql.state.grouping import normalize_key
from streamsql.state.ordering import lexical_order
from streamsql.state.partial import counted

KeysOf = Callable[[Int64Array], tuple[Int64Array, pa.Array]]
"""From pair ids to group ids and values."""


@record(eq=False)
class _Run:
    groups: Int64Array
    pairs: Int64Array


class ValueOrder:
    """Pair ids in sorted runs by (group, value); runs merge when sizes double. Nothing is sorted before it is asked."""

    def __init__(self, keys: KeysOf) -> None:
        self._keys = keys
        self._runs: list[_Run] = []
        self._waiting: list[Int64Array] = []

    def insert(self, pairs: Int64Array) -> None:
        """Add pairs that are not there yet."""
        if len(pairs):
            self._waiting.append(pairs)

    def outermost(self, groups: Int64Array, counts: Int64Array, *, largest: bool) -> tuple[Int64Array, Int64Array]:
        """From each run, each group's last (or first) pair whose count is not 0: position in `groups`, pair id."""
        self._sort_waiting()
        owners, pairs = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for run in self._runs:
            low, high = np.searchsorted(run.groups, groups, "left"), np.searchsorted(run.groups, groups, "right")
            found, at = _scan(run.pairs, counts, low, high, largest)
            owners.append(found)
            pairs.append(run.pairs[at])
        return np.concatenate(owners), np.concatenate(pairs)

    def within(self, groups: Int64Array, counts: Int64Array, *, owed: bool = False) -> tuple[Int64Array, Int64Array]:
        """All pairs of the groups that are there, or `owed`, in no order: position in `groups`, pair id."""
        self._sort_waiting()
        owners, pairs = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for run in self._runs:
            low, high = np.searchsorted(run.groups, groups, "left"), np.searchsorted(run.groups, groups, "right")
            owner, at = _ranges(np.arange(len(groups)), low, high - low)
            found = counts[run.pairs[at]]
            there = counted(found) if owed else found > 0
            owners.append(owner[there])
            pairs.append(run.pairs[at[there]])
        return np.concatenate(owners), np.concatenate(pairs)

    def _sort_waiting(self) -> None:
        if not self._waiting:
            return
        pairs = np.concatenate(self._waiting)
        self._waiting = []
        while self._runs and len(self._runs[-1].pairs) <= 2 * len(pairs):
            pairs = np.concatenate([self._runs.pop().pairs, pairs])
        groups, values = self._keys(pairs)
        order = lexical_order([groups, order_rank(values)])
        self._runs.append(_Run(groups[order], pairs[order]))


def _scan(
    pairs: Int64Array, counts: Int64Array, low: Int64Array, high: Int64Array, largest: bool
) -> tuple[Int64Array, Int64Array]:
    """Look for the outermost pair that is there, in steps that grow eightfold: vanished ones may lie before it."""
    best = np.full(len(low), -1)
    active, step = np.flatnonzero(low < high), 1
    low, high = low.copy(), high.copy()
    while len(active):
        width = np.minimum(high[active] - low[active], step)
        begin = high[active] - width if largest else low[active]
        owner, at = _ranges(active, begin, width)
        there = counts[pairs[at]] > 0
        # Ascending positions: of several writes to one place the last stays, so the order decides which end wins.
        owner, at = (owner[there], at[there]) if largest else (owner[there][::-1], at[there][::-1])
        best[owner] = at
        if largest:
            high[active] -= width
        else:
            low[active] += width
        active = active[(best[active] < 0) & (low[active] < high[active])]
        step *= 8
    found = np.flatnonzero(best >= 0)
    return found, best[found]


def _ranges(owners: Int64Array, begin: Int64Array, width: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Each owner's positions from `begin` on, `width` of them: owner, position."""
    at = np.arange(int(width.sum())) - np.repeat(np.cumsum(width) - width, width) + np.repeat(begin, width)
    return np.repeat(owners, width), at


def order_rank(values: pa.Array) -> Int64Array:
    """Numbers in the order of the values: NaN last, text by code point; those of NULLs are arbitrary.

    Values without an order (arrays, maps, rows) get one by their encoding.
    """
    values = normalize_key(values)
    narrow = _narrow_rank(values)
    if narrow is not None:
        return narrow
    order = np.asarray(pc.sort_indices(values).to_numpy()).astype(np.int64)
    ascending = values.take(int64_array(order))
    differs = pc.fill_null(pc.not_equal(ascending.slice(1), ascending.slice(0, max(len(values) - 1, 0))), True)
    rank = np.zeros(len(values), np.int64)
    rank[order[1:]] = np.cumsum(differs.to_numpy(zero_copy_only=False))
    return rank


def _narrow_rank(values: pa.Array) -> Int64Array | None:
    """Numbers in the order of normalised values, where they have 64 bits at most."""
    type_ = values.type
    if pa.types.is_decimal128(type_):
        return np.ascontiguousarray(values_of(values)[:, 0]) if type_.precision <= 18 else None
    if not pa.types.is_primitive(type_):
        return None
    raw = values_of(values)
    if raw.dtype.kind == "f":
        bits = raw.astype(np.float64).view(np.int64)
        return np.where(bits < 0, bits ^ np.int64(np.iinfo(np.int64).max), bits)
    return raw.astype(np.int64)
