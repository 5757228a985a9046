"""What joins share whose right side is only looked at: the rows that the left rows meet, beside them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch
from streamsql.operators.join_input import InputSpec
from streamsql.operators.join_pairs import PAIRS_AT_ONCE, Condition
from streamsql.operators.join_result import Result
from streamsql.state.fixed_width import BoolArray, Int64Array, int64_array, take_rows
from streamsql.state.given_rows import GivenRows, Partners
from streamsql.state.ordering import lexical_order


class SideRows:
    """Makes the rows of a join of the left rows and of what they met; padded rows for those that met nothing.

    A left row that is taken back takes back what it had met. `given` keeps that, where left rows may be taken back.
    """

    def __init__(self, left: InputSpec, condition: Condition | None, result: Result, *, padded: bool) -> None:
        self._condition = condition
        self._result = result
        self._schema = result.schema.to_arrow()
        self._padded = padded
        self._left_columns = sorted(set(result.positions(0)))
        self._partner_columns = result.positions(1)
        partners = [
            column for (port, _), column in zip(result.columns, result.schema.columns, strict=True) if port == 1
        ]
        self.given = None if left.append_only else GivenRows(left.schema, partners, left.source, left.span)

    def joined(self, batch: Batch, at: Int64Array, right: pa.RecordBatch) -> Batch:
        """The result for a batch of the left side. `at` (ascending, among the rows that are added) and the rows of
        `right` are the pairs with equal keys; what else the join asks is tested here."""
        at, right = self._tested(batch.rows, at, right)
        added = None if batch.weights is None else np.flatnonzero(batch.weights > 0)
        met = self._met(at, right, len(batch) if added is None else added)
        if self.given is not None:
            met = self._with_taken_back(batch, met, added)
        every = self._padded or bool(met.here.all())
        return self._rows(batch, met if every else met.take(np.flatnonzero(met.here)))

    def _tested(self, left: pa.RecordBatch, at: Int64Array, right: pa.RecordBatch) -> tuple[Int64Array, pa.RecordBatch]:
        asked = self._condition
        if asked is None or not len(at):
            return at, right
        holds: list[BoolArray] = []
        for begin in range(0, len(at), PAIRS_AT_ONCE):
            part = at[begin : begin + PAIRS_AT_ONCE]
            mine = [take_rows(left.column(each), part) for each in asked.left]
            other = [right.column(each).slice(begin, len(part)) for each in asked.right]
            holds.append(asked.test(pa.RecordBatch.from_arrays([*mine, *other], schema=asked.schema)))
        kept = np.flatnonzero(np.concatenate(holds))
        return at[kept], right.take(int64_array(kept))

    def _met(self, at: Int64Array, right: pa.RecordBatch, rows: int | Int64Array) -> Partners:
        """The partners of rows, given as positions or as a count; those without any have one that is not here."""
        columns = [right.column(each) for each in self._partner_columns]
        count = rows if isinstance(rows, int) else int(rows.max(initial=-1)) + 1
        alone = np.ones(count, np.bool_)
        alone[at] = False
        lone = np.flatnonzero(alone) if isinstance(rows, int) else rows[alone[rows]]
        if not len(lone) or not (self._padded or self.given is not None):
            return Partners(at, columns, np.ones(len(at), np.bool_))
        order = lexical_order([np.concatenate([at, lone])])
        here = order < len(at)
        taken = int64_array(np.where(here, order, 0), here)
        return Partners(np.concatenate([at, lone])[order], [each.take(taken) for each in columns], here)

    def _with_taken_back(self, batch: Batch, met: Partners, added: Int64Array | None) -> Partners:
        assert self.given is not None
        if added is None:
            self.given.add(batch.rows, met)
            self.given.settle()
            return met
        new = Partners(np.searchsorted(added, met.at), met.columns, met.here)
        self.given.add(batch.rows.take(int64_array(added)), new)
        gone = np.flatnonzero(batch.sign() < 0)
        back = self.given.take_back(batch.rows.take(int64_array(gone)))
        self.given.settle()
        columns = [pa.concat_arrays(each) for each in zip(met.columns, back.columns, strict=True)]
        at = np.concatenate([met.at, gone[back.at]])
        return Partners(at, columns, np.concatenate([met.here, back.here])).take(lexical_order([at]))

    def _rows(self, batch: Batch, met: Partners) -> Batch:
        """The left rows beside their partners."""
        carried = batch.with_rows(batch.rows.select(self._left_columns))
        if len(met.at) != len(batch) or not bool((met.at[1:] > met.at[:-1]).all()):
            carried = carried.take(met.at)
        mine = dict(zip(self._left_columns, carried.rows.columns, strict=True))
        partners = iter(met.columns)
        arrays = [next(partners) if port == 1 else mine[column] for port, column in self._result.columns]
        return carried.with_rows(pa.RecordBatch.from_arrays(arrays, schema=self._schema))


def keyed_rows(batch: Batch, keyed: BoolArray | None) -> Int64Array:
    """The positions of rows that are added and have a key."""
    wanted = np.ones(len(batch), np.bool_) if keyed is None else keyed
    return np.flatnonzero(wanted if batch.weights is None else wanted & (batch.weights > 0))
