"""FirstRow: the value of one row of each group, chosen by another value and by arrival; nothing is taken back."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.batch import Weights
from streamsql.record import record
from streamsql.state.fixed_width import Int64Array, int64_array
from streamsql.state.grouping import denormalize_key, normalized_type
from streamsql.state.linear import Columns, Linear, Rows, Values
from streamsql.state.nested_keys import encode_nested
from streamsql.state.value_order import order_rank

_NONE = -1
"""The arrival number of a group without rows."""
BY, VALUE = ".by", ".value"


@record
class FirstRow(Linear):
    """Columns: "" the arrival number of the row, ".value" its value, ".by" what it was chosen by.

    `last`: the last row to arrive in place of the first. `by`: the type of what comes before arrival in the choice;
    `largest`: the greatest is chosen, not the least. Rows: value, then `by`, then arrival numbers.
    """

    value: pa.DataType
    by: pa.DataType | None = None
    largest: bool = False
    last: bool = False
    suffixes: ClassVar[tuple[str, ...]] = (BY, VALUE)

    def over_rows(self, ids: Int64Array, size: int, rows: Rows, weights: Weights | None) -> Columns:
        value, *by, ordinals = rows
        found = encode_nested(value) if pa.types.is_nested(value.type) else value
        return self._columns(ids, size, ordinals, found, by[0] if by else None)

    def over_partials(self, ids: Int64Array, size: int, columns: Columns) -> Columns:
        return self._columns(ids, size, columns[""], columns[VALUE], columns.get(BY))

    def combine(self, old: Columns, new: Columns) -> Columns:
        size = len(old[""])
        by = None if self.by is None else pa.concat_arrays([old[BY], new[BY]])
        values = pa.concat_arrays([old[VALUE], new[VALUE]])
        ids = np.concatenate([np.arange(size), np.arange(size)])
        return self._columns(ids, size, np.concatenate([old[""], new[""]]), values, by)

    def blank(self, size: int) -> Values:
        return np.full(size, _NONE, np.int64)

    def blanks(self, size: int) -> dict[str, Values]:
        columns: dict[str, Values] = {"": self.blank(size), VALUE: pa.nulls(size, normalized_type(self.value))}
        return columns if self.by is None else columns | {BY: pa.nulls(size, self.by)}

    def result(self, columns: Columns) -> pa.Array:
        """The chosen values; NULL for groups without rows."""
        there = np.asarray(columns[""] != _NONE)
        values = denormalize_key(pc.filter(columns[VALUE], pa.array(there)), self.value)
        return values if bool(there.all()) else values.take(int64_array(np.cumsum(there) - 1, there))

    def _columns(
        self, ids: Int64Array, size: int, ordinals: Int64Array, values: pa.Array, by: pa.Array | None
    ) -> Columns:
        at = self.choose(ids, size, ordinals, by)
        missing = at < 0
        places = int64_array(at, None if not missing.any() else ~missing)
        columns: dict[str, Values] = {"": np.where(missing, _NONE, ordinals[at]) if len(ordinals) else self.blank(size)}
        columns[VALUE] = values.take(places)
        if by is not None:
            columns[BY] = by.take(places)
        return columns

    def choose(self, ids: Int64Array, size: int, ordinals: Int64Array, by: pa.Array | None) -> Int64Array:
        """The position of the chosen row of each group, -1 where there is none."""
        rows = np.flatnonzero(ordinals != _NONE)
        if by is not None:
            rank = order_rank(by)
            rows = _best(rows, ids, size, ~rank if self.largest else rank)
        rows = _best(rows, ids, size, -ordinals if self.last else ordinals)
        at = np.full(size, -1)
        at[ids[rows]] = rows
        return at


def _best(rows: Int64Array, ids: Int64Array, size: int, rank: Int64Array) -> Int64Array:
    """Those of the rows that have the least rank of their group."""
    least = np.full(size, np.iinfo(np.int64).max)
    np.minimum.at(least, ids[rows], rank[rows])
    return np.asarray(rows[rank[rows] == least[ids[rows]]])
