"""LookupJoin: each left row with the rows that its key has in a table outside, looked up when it arrives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch
from streamsql.operators.join_input import InputSpec
from streamsql.operators.join_pairs import Condition
from streamsql.operators.join_result import Result
from streamsql.operators.side_rows import SideRows, keyed_rows
from streamsql.operators.whole_steps import WholeSteps
from streamsql.state.base import State
from streamsql.state.fixed_width import BoolArray, Int64Array, int64_array, take_rows, valid_of
from streamsql.state.grouping import group_rows, normalize_key


class Lookup(Protocol):
    """Finds the rows of keys; each call is of one moment."""

    def find(self, keys: Sequence[pa.Array]) -> tuple[Int64Array, pa.RecordBatch]:
        """Rows, each with the place of its key, ascending. Keys are distinct, and no value of one is NULL."""
        ...


class LookupJoin(WholeSteps):
    """INNER, or LEFT where `padded`. A step asks once, for the distinct keys of all its rows.

    `lookup` is set before the first step. What was looked up is no state: a restored job looks up again.
    """

    lookup: Lookup

    def __init__(self, left: InputSpec, condition: Condition | None, result: Result, *, padded: bool) -> None:
        super().__init__()
        self.schema = result.schema
        self._keys = left.keys
        self._side = SideRows(left, condition, result, padded=padded)

    def _on_step(self, batch: Batch) -> Iterable[Batch]:
        keys = [batch.rows.column(each) for each in self._keys]
        rows = keyed_rows(batch, _keyed(keys))
        if len(rows) < len(batch):
            keys = [take_rows(each, rows) for each in keys]
        groups, first = group_rows([normalize_key(each) for each in keys])
        places, found = self.lookup.find([take_rows(each, first) for each in keys])
        of_keys = np.bincount(places, minlength=len(first))
        begins, counts = (np.cumsum(of_keys) - of_keys)[groups], of_keys[groups]
        of_rows = np.repeat(begins - (np.cumsum(counts) - counts), counts) + np.arange(int(counts.sum()))
        return (self._side.joined(batch, np.repeat(rows, counts), found.take(int64_array(of_rows))),)

    def states(self) -> dict[str, State]:
        return {} if self._side.given is None else {"given": self._side.given}


def _keyed(keys: Sequence[pa.Array]) -> BoolArray | None:
    """Which rows have a key; None: all."""
    found: BoolArray | None = None
    for valid in (valid_of(each) for each in keys):
        if valid is not None:
            found = valid if found is None else found & valid
    return found
