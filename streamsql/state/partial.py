"""Partial: rows aggregated by key but not finished, so that more can be merged in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import reduce

import numpy as np
import pyarrow as pa

from streamsql.record import record
from streamsql.state.fixed_width import BoolArray, Int64Array, int64_array, take_rows, values_of
from streamsql.state.grouping import group_rows, single_chunk
from streamsql.state.linear import Values, scatter_add

FLAGS = "flags"
"""The name of their column."""


@record(eq=False)
class Collection:
    """Rows that cannot be added up: distinct values with their weight, or rows with ordinal and weight.

    `ids`: the position of each row's group in the partial; all arrays run parallel. Rows that go by arrival have
    `ordinals`, their arrival numbers. Values that are counted under several filters have a column of weights for each;
    of those that only come the weights may be `flags`, a bit for each filter under which they came.
    """

    ids: Int64Array
    values: tuple[pa.Array, ...]
    weights: Int64Array
    ordinals: Int64Array | None = None
    flags: bool = False

    def __len__(self) -> int:
        return len(self.ids)

    def filter(self, mask: BoolArray) -> Collection:
        """The rows where `mask` holds."""
        chosen = pa.array(mask)
        values = tuple(each.filter(chosen) for each in self.values)
        ordinals = None if self.ordinals is None else self.ordinals[mask]
        return Collection(self.ids[mask], values, self.weights[mask], ordinals, self.flags)

    def consolidated(self) -> Collection:
        """Distinct values once each, their weights added up; rows that go by arrival as they are."""
        if self.ordinals is not None or not len(self):
            return self
        same, first = group_rows([int64_array(self.ids), *self.values])
        weights = _united(same, first, self.weights) if self.flags else _added_up(same, len(first), self.weights)
        values = tuple(take_rows(each, first) for each in self.values)
        once = Collection(self.ids[first], values, weights, flags=self.flags)
        there = counted(weights)
        return once if bool(there.all()) else once.filter(there)

    def weight_columns(self) -> dict[str, pa.Array]:
        """The weights by name, for a table."""
        if self.weights.ndim == 1:
            return {FLAGS if self.flags else "weight": int64_array(self.weights)}
        columns = np.ascontiguousarray(self.weights.T)
        return {f"weight{number}": int64_array(each) for number, each in enumerate(columns)}


@record(eq=False)
class Partial:
    """Rows aggregated by (extra keys, keys), not yet finished. Immutable.

    `keys`: normalised key columns, the `extra` extra ones first; `columns`: accumulators by name, one value a group;
    `collections`: what DISTINCT, LISTAGG and retractable MIN and MAX need beside them.
    """

    size: int
    extra: int
    keys: tuple[pa.Array, ...]
    columns: Mapping[str, Values]
    collections: tuple[Collection, ...] = ()

    def __len__(self) -> int:
        return self.size

    @property
    def rows(self) -> int:
        """How many groups and collected values are kept."""
        return self.size + sum(len(each) for each in self.collections)

    def extra_values(self, position: int = 0) -> Int64Array:
        """An extra key of each group."""
        return values_of(self.keys[position])

    def filter_extra(self, keep: Callable[[Int64Array], BoolArray], position: int = 0) -> Partial:
        """The groups (with their collected values) whose extra key `keep` accepts; `keep` sees the whole column."""
        return self.filter(np.asarray(keep(self.extra_values(position))))

    def filter(self, mask: BoolArray) -> Partial:
        """The groups where `mask` holds."""
        if bool(mask.all()):
            return self
        chosen = pa.array(mask)
        position = np.cumsum(mask) - 1
        kept = (each.filter(mask[each.ids]) for each in self.collections)
        return Partial(
            int(np.count_nonzero(mask)),
            self.extra,
            tuple(each.filter(chosen) for each in self.keys),
            {
                name: values.filter(chosen) if isinstance(values, pa.Array) else values[mask]
                for name, values in self.columns.items()
            },
            tuple(replace(each, ids=position[each.ids]) for each in kept),
        )

    def save(self, prefix: str = "") -> dict[str, pa.Table]:
        """As tables, named `<prefix>groups` and `<prefix>collection<i>`."""
        groups = {f"k{i}": each for i, each in enumerate(self.keys)}
        for name, values in self.columns.items():
            groups |= {f"a{name}": values} if isinstance(values, pa.Array) else {f"c{name}": pa.array(values)}
        tables = {f"{prefix}groups": pa.table(groups)}
        for i, each in enumerate(self.collections):
            columns = {"id": pa.array(each.ids), **each.weight_columns()}
            columns |= {f"v{j}": value for j, value in enumerate(each.values)}
            if each.ordinals is not None:
                columns["ordinal"] = pa.array(each.ordinals)
            tables[f"{prefix}collection{i}"] = pa.table(columns)
        return tables


def load_partial(tables: Mapping[str, pa.Table], prefix: str = "", extra: int = 0) -> Partial:
    """The partial that `Partial.save` made tables of; `extra`: how many extra keys it has."""
    groups = tables[f"{prefix}groups"]
    keys = tuple(single_chunk(groups[name]) for name in groups.column_names if name[0] == "k")
    columns: dict[str, Values] = {}
    for name in groups.column_names:
        if name[0] in "ac":
            array = single_chunk(groups[name])
            columns[name[1:]] = array if name[0] == "a" else values_of(array)
    collections: list[Collection] = []
    while (table := tables.get(f"{prefix}collection{len(collections)}")) is not None:
        values = tuple(single_chunk(table[name]) for name in table.column_names if name[0] == "v")
        ordinals = values_of(single_chunk(table["ordinal"])) if "ordinal" in table.column_names else None
        weights = weights_of({name: single_chunk(table[name]) for name in table.column_names})
        ids = values_of(single_chunk(table["id"]))
        collections.append(Collection(ids, values, weights, ordinals, FLAGS in table.column_names))
    return Partial(groups.num_rows, extra, keys, columns, tuple(collections))


def counted(weights: Int64Array) -> BoolArray:
    """Where a weight, or one of them, is not 0."""
    return np.asarray((weights if weights.ndim == 1 else reduce(np.bitwise_or, weights.T)) != 0)


def weights_of(columns: Mapping[str, pa.Array]) -> Int64Array:
    """What `Collection.weight_columns` made columns of, found among others."""
    if (single := columns.get("weight", columns.get(FLAGS))) is not None:
        return values_of(single)
    return np.stack([values_of(each) for name, each in columns.items() if name.startswith("weight")], axis=1)


def _united(ids: Int64Array, first: Int64Array, flags: Int64Array) -> Int64Array:
    """All flags of each group of rows, of which `first` are the first."""
    united = flags[first]
    more = np.flatnonzero(flags & ~united[ids])
    np.bitwise_or.at(united, ids[more], flags[more])
    return united


def _added_up(ids: Int64Array, size: int, weights: Int64Array) -> Int64Array:
    if weights.ndim == 1:
        return scatter_add(ids, size, weights)
    return np.stack([scatter_add(ids, size, each) for each in np.ascontiguousarray(weights.T)], axis=1)


def concat_collections(collections: Sequence[Collection]) -> Collection:
    """One collection with the rows of all, in order; the ids must already mean the same groups."""
    first = collections[0]
    ordinals = [each.ordinals for each in collections if each.ordinals is not None]
    return Collection(
        np.concatenate([each.ids for each in collections]),
        tuple(pa.concat_arrays([each.values[i] for each in collections]) for i in range(len(first.values))),
        np.concatenate([each.weights for each in collections]),
        np.concatenate(ordinals) if ordinals else None,
        first.flags,
    )


def concat_columns(parts: Sequence[Mapping[str, Values]], sizes: Sequence[int]) -> dict[str, Values]:
    """Accumulator columns one after the other; a column that some parts lack is 0 there."""
    names = parts[0].keys() if len(parts) == 1 else dict.fromkeys(name for each in parts for name in each)
    return {name: _concat_column([each.get(name) for each in parts], sizes) for name in names}


def _concat_column(parts: Sequence[Values | None], sizes: Sequence[int]) -> Values:
    known = next(each for each in parts if each is not None)
    if isinstance(known, pa.Array):
        return pa.concat_arrays(parts)
    return np.concatenate(
        [np.zeros(size, known.dtype) if part is None else part for part, size in zip(parts, sizes, strict=True)]
    )
