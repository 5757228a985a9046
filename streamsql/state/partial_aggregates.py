"""Aggregates in three moves: rows to partial groups, partial groups merged, results read off.

    algebra = PartialAggregates(input_schema, keys, calls, append_only)
    partial = algebra.partial(batch.rows, batch.weights, extra_keys=[window_end], ordinals=arrival)
    one = algebra.merge([each.filter_extra(lambda end: end == 10_000_000) for each in partials])
    keys, results = algebra.finish(one)

Extra keys are int64 columns that the caller groups by before the keys (a window's end, a slice, a session). `merge`
drops them unless told `keep_extra=True`; `finish` of a partial that still has them returns them in front of the keys,
so that many windows can be finished at once. Groups come in the order of their first rows, in `partial`, `merge` and
`finish` alike, unless the algebra was told that any order will do. A batch without rows gives a partial without groups.
`Partial.save` and `load` are for snapshots.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from streamsql.batch import Weights
from streamsql.expr.aggregates import AggregateCall
from streamsql.expr.types import Schema, arrow_type
from streamsql.state.aggregate_parts import decompose
from streamsql.state.decomposition import ROWS, Argument, Groups, ValueSet
from streamsql.state.fixed_width import Int64Array, int64_array, take_rows
from streamsql.state.grouping import denormalize_key, group_rows, normalize_key, normalized_type
from streamsql.state.linear import Count, Values, scatter_add
from streamsql.state.one_pass import in_one_pass
from streamsql.state.ordering import lexical_order
from streamsql.state.partial import Collection, Partial, concat_collections, concat_columns, load_partial
from streamsql.state.retractions import never_added
from streamsql.state.row_groups import Grouping, RowGroups, SlottedGroups, by_first_row
from streamsql.state.selected_rows import RowSelector, Selected

if TYPE_CHECKING:
    from streamsql.state.dense_groups import DenseGroups
    from streamsql.state.value_lists import ValueList

__all__ = ["Collection", "Partial", "PartialAggregates", "load_partial"]


class PartialAggregates:
    """The algebra of a list of aggregate calls; has no state of its own.

    `keys`, and `args` and `filter` of the calls, are positions in the input. `append_only`: no weights will come.
    `arrival`: the order of arrival does not depend on how the input was cut. `needs_ordinals`: something goes by it,
    and `partial` must be told the order of the rows. `group`: how rows are put into groups, and so the order of these.
    """

    def __init__(
        self,
        input_schema: Schema,
        keys: Sequence[int],
        calls: Sequence[AggregateCall],
        append_only: bool,
        group: Grouping = by_first_row,
        arrival: bool = True,
    ) -> None:
        self.input_schema = input_schema
        self.keys = tuple(keys)
        self.calls = tuple(calls)
        self.parts = decompose(calls, input_schema, append_only=append_only, arrival=arrival)
        self.key_types = tuple(arrow_type(input_schema.columns[each].type) for each in keys)
        self.needs_ordinals = self.parts.needs_ordinals
        self._group = group

    def partial(
        self,
        rows: pa.RecordBatch,
        weights: Weights | None = None,
        extra_keys: Sequence[pa.Array] = (),
        ordinals: Int64Array | None = None,
    ) -> Partial:
        """Aggregate a batch by (extra keys, keys). `extra_keys`: int64 arrays as long as the batch, without NULLs.

        `ordinals`: the arrival number of each row, unique and rising over batches; needed where `needs_ordinals`.
        """
        groups, columns = self._accumulated(rows, weights, extra_keys, ordinals)
        return _partial(groups, len(extra_keys), columns, self._collected(rows, groups, weights, ordinals))

    def dense(
        self, rows: pa.RecordBatch, weights: Weights | None, number: pa.Array, ordinals: Int64Array | None
    ) -> Partial | DenseGroups:
        """As `partial` with one extra key; in cells where the keys lie close enough together for it."""
        from streamsql.state.dense_groups import dense_groups

        groups, columns = self._accumulated(rows, weights, (number,), ordinals)
        if weights is None and isinstance(groups, SlottedGroups) and not (self.parts.sets or self.parts.lists):
            found = dense_groups(groups.grid, groups.counts, columns)
            if found is not None:
                return found
        return _partial(groups, 1, columns, self._collected(rows, groups, weights, ordinals))

    def _accumulated(
        self,
        rows: pa.RecordBatch,
        weights: Weights | None,
        extra_keys: Sequence[pa.Array],
        ordinals: Int64Array | None,
    ) -> tuple[RowGroups, dict[str, Values]]:
        """The groups of rows, and the accumulators of one value for each number of a group."""
        keys = (*extra_keys, *(normalize_key(rows.column(each)) for each in self.keys))
        groups = self._group(keys, rows.num_rows)
        ids, size = groups.ids, groups.size
        selector = RowSelector(rows, ids, weights)
        columns: dict[str, Values] = {}
        if weights is not None:
            columns[ROWS] = scatter_add(ids, size, weights.astype(np.int64))
        else:
            columns = in_one_pass(self.parts.slots, selector, rows.num_rows, size)
            if ROWS in columns:
                groups = groups.with_counts(np.asarray(columns[ROWS]))
            elif (counted := self._counted(groups, selector)) is not None:
                groups, columns = counted[0], columns | counted[1]
            columns[ROWS] = groups.counts
        for slot in self.parts.slots:
            seen = selector.select(slot.argument)
            if slot.name in columns:
                continue
            if seen.mask is None and isinstance(slot.linear, Count):
                columns[slot.name] = columns[ROWS]
            else:
                values = slot.rows(seen.values, seen.chosen(ordinals))
                columns |= slot.write(slot.linear.over_rows(seen.ids, size, values, seen.weights))
        return groups, columns

    def _counted(self, groups: RowGroups, selector: RowSelector) -> tuple[RowGroups, dict[str, Values]] | None:
        """The groups with the counts of their rows, and an accumulator over all rows that these came along with."""
        for slot in self.parts.slots:
            seen = selector.select(slot.argument)
            if seen.mask is None and groups.counted is None and not slot.ordered:
                found = slot.linear.with_counts(groups.ids, groups.size, slot.rows(seen.values))
                if found is not None:
                    counts, sums = found
                    return groups.with_counts(counts), slot.write(sums)
        return None

    def _collected(
        self, rows: pa.RecordBatch, groups: RowGroups, weights: Weights | None, ordinals: Int64Array | None
    ) -> list[Collection]:
        if not (self.parts.sets or self.parts.lists):
            return []
        selector = RowSelector(rows, groups.dense_ids(), weights)
        sets = [_distinct_values(selector, each) for each in self.parts.sets]
        return sets + [_arrived(selector.select(each.argument), ordinals) for each in self.parts.lists]

    def merge(self, partials: Sequence[Partial], *, keep_extra: bool = False) -> Partial:
        """One partial of the same rows, grouped by the keys alone, or with the extra keys where `keep_extra`."""
        if not partials:
            return self.empty()
        extra = partials[0].extra if keep_extra else 0
        if len(partials) == 1 and partials[0].extra == extra:
            return partials[0]
        skip = partials[0].extra - extra
        arity = len(partials[0].keys)
        keys = tuple(pa.concat_arrays([each.keys[i] for each in partials]) for i in range(skip, arity))
        groups = self._group(keys, sum(each.size for each in partials))
        ids, size = groups.ids, groups.size
        old = concat_columns([each.columns for each in partials], [each.size for each in partials])
        columns: dict[str, Values] = {ROWS: scatter_add(ids, size, old[ROWS])}
        for slot in self.parts.slots:
            columns |= slot.write(slot.linear.over_partials(ids, size, slot.read(old)))
        collections = _merge_collections(partials, groups) if partials[0].collections else ()
        return _partial(groups, extra, columns, collections)

    def finish(self, partial: Partial) -> tuple[list[pa.Array], list[pa.Array]]:
        """Key columns (as they came in, after any extra keys) and one result column a call.

        Groups whose row count is 0 are left out. DataError where a row was taken back that was never added, or where a
        sum does not fit its type.
        """
        self._check_counts(partial, partial.columns[ROWS])
        partial = partial.filter(np.asarray(partial.columns[ROWS] > 0))
        columns = dict(partial.columns)
        ordered: dict[Argument, ValueList] = {}
        sets = len(self.parts.sets)
        for value_set, collection in zip(self.parts.sets, partial.collections[:sets], strict=True):
            self._check_counts(partial, collection.weights, collection.ids)
            values = tuple(map(denormalize_key, collection.values, value_set.types))
            for number, argument in enumerate(value_set.arguments):
                ids, there = collection.ids, values
                if len(value_set.arguments) > 1:
                    rows = np.flatnonzero(_under(collection, number))
                    ids, there = ids[rows], tuple(take_rows(each, rows) for each in values)
                for slot in value_set.slots_of(argument):
                    columns |= slot.write(slot.linear.over_rows(ids, partial.size, slot.rows(there), None))
            if value_set.listed:
                from streamsql.state.value_lists import in_value_order

                ordered[value_set.arguments[0]] = in_value_order(collection.ids, values, collection.weights)
        arrived = {
            each.argument: self._in_arrival_order(partial, collection)
            for each, collection in zip(self.parts.lists, partial.collections[sets:], strict=True)
        }
        groups = Groups(partial.size, columns, arrived, ordered)
        keys = list(partial.keys[: partial.extra])
        keys += map(denormalize_key, partial.keys[partial.extra :], self.key_types)
        return keys, [result(groups) for result in self.parts.results]

    def empty(self, extra: int = 0) -> Partial:
        """A partial without groups, with so many extra keys."""
        types = [pa.int64()] * extra + [normalized_type(each) for each in self.key_types]
        none = np.empty(0, np.int64)
        columns: dict[str, Values] = {ROWS: none}
        for each in self.parts.slots:
            columns |= each.write(each.linear.blanks(0))
        collections = [
            Collection(
                none,
                tuple(pa.array([], normalized_type(type_)) for type_ in value_set.types),
                none if value_set.flags or len(value_set.arguments) == 1 else none.reshape(0, len(value_set.arguments)),
                flags=value_set.flags,
            )
            for value_set in self.parts.sets
        ]
        collections += [
            Collection(none, tuple(pa.array([], type_) for type_ in row_list.types), none, none)
            for row_list in self.parts.lists
        ]
        return Partial(0, extra, tuple(pa.array([], each) for each in types), columns, tuple(collections))

    def load(self, tables: Mapping[str, pa.Table], prefix: str = "", extra: int = 0) -> Partial:
        """The partial that `Partial.save` made tables of; `extra`: how many extra keys it has."""
        return load_partial(tables, prefix, extra)

    def _in_arrival_order(self, partial: Partial, rows: Collection) -> ValueList:
        """The rows that are left: each one taken back cancels the oldest equal one."""
        from streamsql.state.value_lists import ValueList

        assert rows.ordinals is not None
        ordered = lexical_order([rows.ids, rows.ordinals])
        if bool((rows.weights < 0).any()):
            from streamsql.state.net_rows import left_over

            columns = [int64_array(rows.ids), *map(normalize_key, rows.values)]
            same, _ = group_rows([take_rows(each, ordered) for each in columns])
            ordered = ordered[left_over(same, rows.weights[ordered])]
            self._check_counts(partial, rows.weights[ordered], rows.ids[ordered])
        at = int64_array(ordered)
        return ValueList(rows.ids[ordered], tuple(each.take(at) for each in rows.values))

    def _check_counts(self, partial: Partial, counts: Int64Array, ids: Int64Array | None = None) -> None:
        negative = np.flatnonzero(counts < 0 if counts.ndim == 1 else (counts < 0).any(axis=1))
        if len(negative):
            raise self._never_added(partial, int(negative[0] if ids is None else ids[negative[0]]))

    def _never_added(self, partial: Partial, group: int) -> Exception:
        values = [each.slice(group, 1) for each in partial.keys[partial.extra :]]
        return never_added(self.input_schema, self.keys, list(map(denormalize_key, values, self.key_types)))


def _partial(
    groups: RowGroups, extra: int, columns: Mapping[str, Values], collections: Sequence[Collection]
) -> Partial:
    """The groups in use; `columns` have a value for each number."""
    used = groups.used
    if used is None:
        return Partial(groups.size, extra, groups.keys, columns, tuple(collections))
    found: dict[int, Values] = {}
    for values in columns.values():
        if id(values) not in found:
            found[id(values)] = values.take(int64_array(used)) if isinstance(values, pa.Array) else values[used]
    taken = {name: found[id(values)] for name, values in columns.items()}
    return Partial(len(used), extra, groups.keys, taken, tuple(collections))


def _weights(seen: Selected) -> Int64Array:
    return np.ones(len(seen.ids), np.int64) if seen.weights is None else seen.weights.astype(np.int64)


def _under(collection: Collection, number: int) -> Int64Array:
    """The weights, or flags, under one of several filters."""
    return collection.weights & (1 << number) if collection.flags else collection.weights[:, number]


def _distinct_values(selector: RowSelector, values: ValueSet) -> Collection:
    """What the arguments, which differ in their filters, leave of the batch."""
    arguments = values.arguments
    if len(arguments) == 1:
        seen = selector.select(arguments[0])
        weights = _weights(seen)
    else:
        seen = selector.select(replace(arguments[0], filter=None))
        under = [_weights_under(selector, each.filter, seen) for each in arguments]
        weights = _as_flags(under) if values.flags else np.stack(under, axis=1)
    columns = tuple(map(normalize_key, seen.values))
    return Collection(seen.ids, columns, weights, flags=values.flags).consolidated()


def _as_flags(weights: Sequence[Int64Array]) -> Int64Array:
    """Weights of 0 and 1 as the bits of one number."""
    flags = weights[0].copy()
    for number, each in enumerate(weights[1:], 1):
        flags |= each << np.int64(number)
    return flags


def _weights_under(selector: RowSelector, filter_column: int | None, seen: Selected) -> Int64Array:
    """Weights of the selected rows, 0 where a filter is not TRUE."""
    if filter_column is None:
        return _weights(seen)
    passing = selector.passing(filter_column)
    mine = (passing if seen.mask is None else passing[seen.mask]).astype(np.int64)
    return mine if seen.weights is None else mine * seen.weights


def _arrived(seen: Selected, ordinals: Int64Array | None) -> Collection:
    assert ordinals is not None, "the arrival order is needed"
    return Collection(seen.ids, seen.values, _weights(seen), seen.chosen(ordinals))


def _merge_collections(partials: Sequence[Partial], groups: RowGroups) -> tuple[Collection, ...]:
    """`groups`: of each group of each partial in turn."""
    ids = groups.dense_ids()
    starts = np.cumsum([0, *(each.size for each in partials)])
    merged = []
    for at in range(len(partials[0].collections)):
        moved = [
            replace(each.collections[at], ids=ids[start + each.collections[at].ids])
            for each, start in zip(partials, starts, strict=False)
        ]
        merged.append(concat_collections(moved).consolidated())
    return tuple(merged)
