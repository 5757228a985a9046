"""Aggregates by slot, for sessions: accumulators addressed by slot, collected values beside them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from streamsql.state.accumulators import Accumulators
from streamsql.state.base import State
from streamsql.state.decomposition import ROWS
from streamsql.state.fixed_width import Int64Array, int64_array, values_of
from streamsql.state.kept_rows import KeptRows
from streamsql.state.linear import Values
from streamsql.state.partial import FLAGS, Collection, Partial, weights_of
from streamsql.state.partial_aggregates import PartialAggregates


class SlotPartials(State):
    """One partial group a slot; `take` empties slots, which may then be used anew. The algebra has no keys."""

    def __init__(self, algebra: PartialAggregates) -> None:
        self.algebra = algebra
        self._accumulators = Accumulators(algebra.parts.slots)
        self._collected = [KeptRows(_schema(each)) for each in algebra.empty().collections]

    @property
    def rows(self) -> int:
        return self._accumulators.rows + sum(each.rows for each in self._collected)

    def add(self, slots: Int64Array, partial: Partial) -> None:
        """Add groups to slots, which are distinct and run parallel."""
        old = self._accumulators.take(slots)
        new: dict[str, Values] = {ROWS: old[ROWS] + partial.columns[ROWS]}
        for slot in self.algebra.parts.slots:
            new |= slot.write(slot.linear.combine(slot.read(old), slot.read(partial.columns)))
        self._accumulators.put(slots, old, new)
        for kept, collection in zip(self._collected, partial.collections, strict=True):
            kept.add(slots[collection.ids], _as_rows(collection))

    def take(self, slots: Int64Array) -> Partial:
        """Remove and return the groups of slots, without keys."""
        columns = self._accumulators.take(slots)
        self._accumulators.put(slots, columns, {ROWS: np.zeros(len(slots), np.int64)})
        self._accumulators.clear(slots)
        collections = [_as_collection(*each.take(slots)) for each in self._collected]
        return Partial(len(slots), 0, (), columns, tuple(collections))

    def save(self) -> dict[str, pa.Table]:
        tables = self._accumulators.save()
        for number, each in enumerate(self._collected):
            tables |= {f"{name}{number}": table for name, table in each.save().items()}
        return tables

    def load(self, tables: dict[str, pa.Table]) -> None:
        self._accumulators.load(tables)
        for number, each in enumerate(self._collected):
            parts = {"rows": f"rows{number}", "numbers": f"numbers{number}"}
            each.load({name: tables[found] for name, found in parts.items() if found in tables})


def _schema(collection: Collection) -> pa.Schema:
    return _as_rows(collection).schema


def _as_rows(collection: Collection) -> pa.RecordBatch:
    columns = {f"v{position}": each for position, each in enumerate(collection.values)}
    columns |= collection.weight_columns()
    if collection.ordinals is not None:
        columns["ordinal"] = int64_array(collection.ordinals)
    return pa.RecordBatch.from_arrays(list(columns.values()), list(columns))


def _as_collection(owners: Int64Array, rows: pa.RecordBatch) -> Collection:
    ordinals = values_of(rows.column("ordinal")) if "ordinal" in rows.schema.names else None
    values = tuple(rows.column(at) for at, name in enumerate(rows.schema.names) if name[0] == "v")
    weights = weights_of(dict(zip(rows.schema.names, rows.columns, strict=True)))
    return Collection(owners, values, weights, ordinals, FLAGS in rows.schema.names).consolidated()
