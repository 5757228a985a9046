"""GroupState: the aggregates of all groups over all input so far, changed by a partial at a time.

What keeps distinct values, rows in order and times to live is imported where some are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch, Weights
from streamsql.errors import DataError
from streamsql.record import record
from streamsql.state.accumulators import Accumulators
from streamsql.state.base import State
from streamsql.state.decomposition import ROWS, Argument, Groups, Slot, ValueSet
from streamsql.state.fixed_width import BoolArray, Int64Array, take_rows
from streamsql.state.grouping import denormalize_key, group_rows, normalize_key
from streamsql.state.key_index import KeyIndex
from streamsql.state.linear import Columns, Count, Extreme, Values, replaced
from streamsql.state.partial import Collection, Partial, concat_columns
from streamsql.state.partial_aggregates import PartialAggregates
from streamsql.state.retractions import never_added
from streamsql.time import Duration, Time

if TYPE_CHECKING:
    from streamsql.state.lifetimes import Lifetimes
    from streamsql.state.multiset import ValueCounts
    from streamsql.state.row_sequences import RowSequences, SequenceChange
    from streamsql.state.value_lists import ValueList


@record(eq=False)
class GroupUpdate:
    """What a partial did to its groups: key columns, results, and where there was a row before, or is one now.

    `results` has the old results of all groups, then the new ones; only the new ones when no group had a row. Results
    of a group without a row mean nothing.
    """

    keys: list[pa.Array]
    results: list[pa.Array]
    had: BoolArray
    has: BoolArray


class GroupState:
    """Keys, accumulators, value sets and lists of groups that live across steps; with `ttl`, groups expire."""

    def __init__(self, algebra: PartialAggregates, ttl: Duration | None = None) -> None:
        self._algebra = algebra
        parts = algebra.parts
        self._slots = (*parts.slots, *(slot for each in parts.sets for slot in each.slots))
        self._keys = KeyIndex(algebra.key_types or [pa.int8()])
        self._accumulators = Accumulators(self._slots)
        self._lifetimes = None if ttl is None else _lifetimes(ttl)
        expiring = ttl is not None
        self._sets = [_value_counts(each, expiring) for each in parts.sets]
        self._listed = {
            each.arguments[0]: values for each, values in zip(parts.sets, self._sets, strict=True) if each.listed
        }
        self._lists = [_row_sequences(each.types, expiring) for each in parts.lists]

    def parts(self) -> dict[str, State]:
        """What has to be saved, by name."""
        states: dict[str, State] = {"keys": self._keys, "accumulators": self._accumulators}
        states |= {f"values{i}": each for i, each in enumerate(self._sets)}
        states |= {f"rows{i}": each for i, each in enumerate(self._lists)}
        return states if self._lifetimes is None else {**states, "lifetimes": self._lifetimes}

    def expire(self, now: Time) -> int:
        """Forget the groups that have expired by now; how many there were."""
        assert self._lifetimes is not None
        gone = self._lifetimes.expired(now)
        self._drop(gone)
        return len(gone)

    def matched(self, batch: Batch) -> tuple[Batch, GroupUpdate | None, int]:
        """The rows of a step that count: less those that take back what has expired, and those up to the last moment at
        which their group had no rows. Groups that had some before are ended by that: the second value. The third: how
        many rows took back what was not there.
        """
        from streamsql.state.lifetimes import unmatched

        columns = [batch.rows.column(each) for each in self._algebra.keys]
        columns = columns or [pa.array(np.zeros(len(batch), np.int8))]
        groups, first = group_rows([normalize_key(each) for each in columns])
        ids = self._keys.lookup([take_rows(each, first) for each in columns])
        known = np.flatnonzero(ids >= 0)
        before = np.zeros(len(first), np.int64)
        before[known] = self._accumulators.take(ids[known])[ROWS]
        missing, emptied = unmatched(groups, batch.sign(), before)
        counts = ~missing & (np.arange(len(batch)) > emptied[groups])
        ended = known[(emptied[known] >= 0) & (before[known] > 0)]
        update = self._end(ids[ended]) if len(ended) else None
        return batch.filter(counts), update, int(np.count_nonzero(missing))

    def _end(self, ids: Int64Array) -> GroupUpdate:
        """Forget groups that have rows, telling their last results."""
        old = self._accumulators.take(ids)
        keys = self._keys.keys(ids)[: len(self._algebra.key_types)]
        nothing = Collection(ids[:0], (), ids[:0], ids[:0])
        lists = {
            wanted.argument: sequences.apply(ids, nothing).before
            for wanted, sequences in zip(self._algebra.parts.lists, self._lists, strict=True)
        }
        groups = Groups(len(ids), old, lists, self._sorted(ids))
        results = [result(groups) for result in self._algebra.parts.results]
        self._drop(ids)
        there = np.ones(len(ids), np.bool_)
        return GroupUpdate(keys, [pa.concat_arrays([each, each]) for each in results], there, ~there)

    def _drop(self, ids: Int64Array) -> None:
        if not len(ids):
            return
        self._accumulators.drop(ids)
        for values in self._sets:
            values.drop(ids)
        for sequences in self._lists:
            sequences.drop(ids)
        self._keys.free(ids)
        if self._lifetimes is not None:
            self._lifetimes.forget(ids)

    def apply(self, step: Partial) -> GroupUpdate:
        """Add a partial; DataError where it takes back what is not there, or a result does not fit its type."""
        ids = self._keys.lookup_or_insert(step.keys or (pa.array([0], pa.int8()),))
        old = self._accumulators.take(ids)
        new: dict[str, Values] = {ROWS: old[ROWS] + step.columns[ROWS]}
        for slot in self._algebra.parts.slots:
            new |= slot.write(slot.linear.combine(slot.read(old), slot.read(step.columns)))
        if self._lifetimes is None:
            self._check(step, new)
        before = self._sorted(ids)
        for at, rows in enumerate(step.collections[: len(self._sets)]):
            new |= self._apply_set(at, step, ids, rows, old)
        arrived = self._apply_lists(step, ids)
        self._accumulators.put(ids, old, new)
        had, has = np.asarray(old[ROWS] > 0), np.asarray(new[ROWS] > 0)
        keys = [denormalize_key(*each) for each in zip(step.keys, self._algebra.key_types, strict=True)]
        groups = Groups(step.size, new, {key: each.after for key, each in arrived.items()}, self._sorted(ids))
        if np.count_nonzero(had):
            lists = {key: each.before for key, each in arrived.items()}
            groups = _both(Groups(step.size, old, lists, before), groups)
        results = [result(groups) for result in self._algebra.parts.results]
        if np.count_nonzero(has) < step.size:
            self._free(ids[~has])
        if self._lifetimes is not None:
            self._lifetimes.touch(ids[has])
        return GroupUpdate(keys, results, had, has)

    def _free(self, gone: Int64Array) -> None:
        """Groups are left without rows."""
        if self._lifetimes is not None:
            self._drop(gone)
            return
        self._accumulators.clear(gone)
        self._keys.free(gone)

    def _apply_set(
        self, at: int, step: Partial, ids: Int64Array, rows: Collection, old: Mapping[str, Values]
    ) -> dict[str, Values]:
        """The accumulators over distinct values, after those that appeared or vanished."""
        from streamsql.state.multiset import TakenBack

        values, value_set = self._sets[at], self._algebra.parts.sets[at]
        try:
            found = values.apply(replace(rows, ids=ids[rows.ids]))
        except TakenBack as error:
            raise self._never_added(step, int(rows.ids[error.row])) from error
        new: dict[str, Values] = {}
        for argument, changes in zip(value_set.arguments, found, strict=True):
            slots = value_set.slots_of(argument)
            changed: tuple[pa.Array, ...] = ()
            if any(not isinstance(slot.linear, Count) for slot in slots):
                taken = (take_rows(each, changes.rows) for each in rows.values)
                changed = tuple(map(denormalize_key, taken, value_set.types))
            delta = _Delta(rows.ids[changes.rows], step.size, changed, changes.weights)
            for slot in slots:
                new |= slot.write(_over_changes(slot, values, ids, delta, slot.read(old)))
        return new

    def _apply_lists(self, step: Partial, ids: Int64Array) -> dict[Argument, SequenceChange]:
        """The lists that go by arrival, before and after."""
        found = {}
        collections = step.collections[len(self._sets) :]
        for wanted, sequences, rows in zip(self._algebra.parts.lists, self._lists, collections, strict=True):
            change = found[wanted.argument] = sequences.apply(ids, rows)
            if change.invalid is not None:
                raise self._never_added(step, change.invalid)
        return found

    def _sorted(self, ids: Int64Array) -> dict[Argument, ValueList]:
        """The lists that go by value, as they are now."""
        return {argument: values.listed(ids) for argument, values in self._listed.items()}

    def _check(self, step: Partial, new: Mapping[str, Values]) -> None:
        """No group may have fewer than no rows or values, and one without rows has no values."""
        wrong = new[ROWS] < 0
        empty = new[ROWS] == 0
        for slot in self._algebra.parts.slots:
            if isinstance(slot.linear, Count):
                wrong |= (new[slot.name] < 0) | (empty & (new[slot.name] != 0))
        if bool(wrong.any()):
            raise self._never_added(step, int(np.flatnonzero(wrong)[0]))

    def _never_added(self, step: Partial, group: int) -> DataError:
        keys = [each.slice(group, 1) for each in step.keys]
        shown = list(map(denormalize_key, keys, self._algebra.key_types))
        return never_added(self._algebra.input_schema, self._algebra.keys, shown)


def _lifetimes(ttl: Duration) -> Lifetimes:
    from streamsql.state.lifetimes import Lifetimes

    return Lifetimes(ttl)


def _value_counts(values: ValueSet, expiring: bool) -> ValueCounts:
    from streamsql.state.multiset import ValueCounts

    ordered = values.listed or (not values.flags and any(isinstance(slot.linear, Extreme) for slot in values.slots))
    return ValueCounts(
        values.types, ordered=ordered, filters=len(values.arguments), expiring=expiring, flags=values.flags
    )


def _row_sequences(types: tuple[pa.DataType, ...], expiring: bool) -> RowSequences:
    from streamsql.state.row_sequences import RowSequences

    return RowSequences(types, lenient=expiring)


def _both(old: Groups, new: Groups) -> Groups:
    """The old groups, then the new ones."""
    columns = concat_columns((old.columns, new.columns), (old.size, new.size))
    arrived = {key: each.followed_by(new.arrived[key], old.size) for key, each in old.arrived.items()}
    listed = {key: each.followed_by(new.sorted[key], old.size) for key, each in old.sorted.items()}
    return Groups(old.size + new.size, columns, arrived, listed)


@record(eq=False)
class _Delta:
    """Values that appeared (+1) in a group's set or vanished (-1) from it; groups are positions below `size`.

    `weights` None: all appeared. There are no `values` where nobody looks at them.
    """

    groups: Int64Array
    size: int
    values: tuple[pa.Array, ...]
    weights: Weights | None


def _over_changes(slot: Slot, values: ValueCounts, ids: Int64Array, delta: _Delta, old: Columns) -> Columns:
    """An accumulator over distinct values, after those that appeared or vanished."""
    if isinstance(slot.linear, Extreme):
        return {"": _extreme(slot.linear, values, ids, delta, old)}
    more = slot.linear.over_rows(delta.groups, delta.size, slot.rows(delta.values), delta.weights)
    return slot.linear.combine(old, more)


def _extreme(kind: Extreme, values: ValueCounts, ids: Int64Array, delta: _Delta, old: Columns) -> Values:
    """Appeared values compete with the old extreme; a group that lost its extreme is looked up again."""
    if delta.weights is None:
        return kind.combine(old, kind.over_rows(delta.groups, delta.size, delta.values[0], None))[""]
    appeared = delta.weights > 0
    came = kind.over_rows(delta.groups[appeared], delta.size, delta.values[0].filter(pa.array(appeared)), None)
    best = kind.combine(old, came)[""]
    if bool(appeared.all()):
        return best
    went = kind.over_rows(delta.groups[~appeared], delta.size, delta.values[0].filter(pa.array(~appeared)), None)[""]
    lost = np.zeros(delta.size, np.bool_)
    lost[delta.groups[~appeared]] = True
    losers = (lost & kind.same(old[""], went)).nonzero()[0]
    if not len(losers):
        return best
    owners, candidates = values.extremes(ids[losers], largest=kind.largest)
    return replaced(best, losers, kind.over_rows(owners, len(losers), candidates, None)[""])
