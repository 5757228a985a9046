"""The rows of a batch that an aggregate call sees: filter TRUE, no NULL argument that must be there."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.batch import Weights
from streamsql.record import record
from streamsql.state.decomposition import Argument
from streamsql.state.fixed_width import BoolArray, Int64Array, valid_of


@record(eq=False)
class Selected:
    """The rows that an argument leaves, by their group ids; `mask` None: all rows of the batch, nothing copied."""

    ids: Int64Array
    values: tuple[pa.Array, ...]
    weights: Weights | None
    mask: BoolArray | None

    def chosen(self, ordinals: Int64Array | None) -> Int64Array | None:
        """Arrival numbers of the batch's rows, for the rows that are left."""
        return ordinals if ordinals is None or self.mask is None else ordinals[self.mask]


class RowSelector:
    """Selects rows of one batch, each argument once."""

    def __init__(self, rows: pa.RecordBatch, ids: Int64Array, weights: Weights | None) -> None:
        self._rows = rows
        self._everything = Selected(ids, (), weights, None)
        self._known: dict[Argument, Selected] = {}
        self._passing: dict[int, BoolArray] = {}

    def select(self, argument: Argument) -> Selected:
        """What the argument leaves of the batch; without columns (COUNT(*)), `values` is empty."""
        found = self._known.get(argument)
        if found is None:
            found = self._known[argument] = self._select(argument)
        return found

    def passing(self, filter_column: int) -> BoolArray:
        """The rows where a filter is TRUE."""
        if filter_column not in self._passing:
            found = pc.fill_null(self._rows.column(filter_column), False).to_numpy(zero_copy_only=False)
            self._passing[filter_column] = np.asarray(found)
        return self._passing[filter_column]

    def _select(self, argument: Argument) -> Selected:
        values = tuple(self._rows.column(each) for each in argument.columns)
        mask = None if argument.filter is None else self.passing(argument.filter)
        for position, each in enumerate(values):
            valid = None if position in argument.optional else valid_of(each)
            if valid is not None:
                mask = valid if mask is None else mask & valid
        every = self._everything
        if mask is None or bool(mask.all()):
            return Selected(every.ids, values, every.weights, None)
        chosen = pa.array(mask)
        weights = None if every.weights is None else every.weights[mask]
        return Selected(every.ids[mask], tuple(each.filter(chosen) for each in values), weights, mask)
