"""Top-N and deduplication over rows that are only added: of each partition the best rows are kept, and no others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch
from streamsql.expr.types import Schema
from streamsql.expr.windows import SortKey
from streamsql.operators.rank_output import Partitions, codes_of, partitions_of, ranked_batch
from streamsql.operators.whole_steps import WholeSteps
from streamsql.state.fixed_width import BoolArray, Int64Array, int64_array, take_rows, values_of
from streamsql.state.key_index import KeyIndex
from streamsql.state.lifetimes import Lifetimes
from streamsql.state.order_codes import is_absolute, order_codes
from streamsql.state.ordering import lexical_order
from streamsql.state.progress import Progress
from streamsql.state.ranking import RankBounds, Ranked, rank_changes
from streamsql.state.row_lists import RowLists
from streamsql.state.row_slots import RowSlots
from streamsql.time import Duration, Time

_WORST = np.iinfo(np.int64).max


class TopRows(WholeSteps):
    """Output: the input's columns and, where `bounds` say so, the rank; changes of a step by partition and rank.

    Equal rows rank in order of arrival, or the later first where `later_first`. A row that can no longer come among the
    first `bounds.last` is forgotten. All positions are those of the input. `ttl`: a partition is forgotten so long
    after a row last came among its first.
    """

    net_output = True

    def __init__(
        self,
        input_schema: Schema,
        partition: Sequence[int],
        order: Sequence[SortKey],
        bounds: RankBounds,
        schema: Schema,
        *,
        later_first: bool = False,
        ttl: Duration | None = None,
    ) -> None:
        super().__init__()
        self.schema = schema
        self._arrow_schema = schema.to_arrow()
        self._partition, self._order, self._bounds = tuple(partition), tuple(order), bounds
        self._later_first = later_first
        types = input_schema.to_arrow()
        self._arrival = len(types)
        names = [f"c{i}" for i in range(len(types) + 1)]
        self._stored_schema = pa.schema(list(zip(names, [*types.types, pa.int64()], strict=True)))
        # With DENSE_RANK a list may be of any length.
        self._skips = bool(order) and bounds.function != "DENSE_RANK" and is_absolute(types.types[order[0].column])
        self._strict = len(order) == 1 and bounds.function == "ROW_NUMBER" and not later_first
        self.keys = KeyIndex([types.types[each] for each in partition] or [pa.int8()])
        self.lists = RowLists()
        self.store = RowSlots(self._stored_schema)
        self.progress = Progress()
        self.expires = ttl is not None
        self.lifetimes = Lifetimes(ttl) if ttl is not None else None

    def expire(self, now: Time) -> int:
        assert self.lifetimes is not None
        gone = self.lifetimes.expired(now)
        self.store.remove(self.lists.clear(gone))
        self.keys.free(gone)
        return len(gone)

    def _on_step(self, batch: Batch) -> Iterable[Batch]:
        arrivals = self.progress.number(len(batch))
        columns = [*batch.rows.columns, int64_array(~arrivals if self._later_first else arrivals)]
        rows = pa.RecordBatch.from_arrays(columns, schema=self._stored_schema)
        owners = partitions_of(self.keys, rows, self._partition)
        promising = self._promising(rows, owners)
        if promising is None:
            at = np.arange(len(batch))
        else:
            at = promising.nonzero()[0]
            owners = owners.take(at)
        changed = self._apply(rows, at, owners) if len(at) else None
        return () if changed is None else (changed,)

    def _promising(self, rows: pa.RecordBatch, owners: Partitions) -> BoolArray | None:
        """Rows that are not behind the last one of a full list; None where all may be of use."""
        if not self._skips:
            return None
        key = self._order[0]
        values = rows.column(key.column)
        if values.null_count:
            return None
        (codes,) = order_codes(values, ascending=key.ascending)
        full = self.lists.lengths(owners.ids) >= self._bounds.last
        if not full.any():
            return None
        worst = self.store.column(key.column, self.lists.last(owners.ids[full]))
        if worst.null_count:
            return None
        limits = np.full(len(full), _WORST)
        limits[full] = order_codes(worst, ascending=key.ascending)[0]
        limit = limits[owners.of_rows]
        return np.asarray(~full[owners.of_rows] | ((codes < limit) if self._strict else (codes <= limit)))

    def _apply(self, rows: pa.RecordBatch, at: Int64Array, owners: Partitions) -> Batch | None:
        """Rank the new rows at `at`, whose owners are given, among the kept ones of their partitions."""
        kept_position, kept = self.lists.take(owners.ids)
        positions = np.concatenate([kept_position, owners.of_rows])
        codes = self._codes(kept, rows, at)
        order = lexical_order([positions, *codes, values_of(self._joined(self._arrival, kept, rows, at))])
        ranked = Ranked.of(positions, codes, order)
        old = np.repeat(np.array([1, 0]), [len(kept), len(at)])
        places, ranks = ranked.expand(np.ones(len(positions), np.int64), self._bounds.function)
        best = ranked.order[places[ranks <= self._bounds.last]]
        new = np.zeros(len(positions), np.int64)
        new[best] = 1
        ids = np.concatenate([kept, np.full(len(at), -1)])
        entering = new[len(kept) :].nonzero()[0]
        if not len(entering):
            return None
        ids[len(kept) + entering] = self.store.insert(rows.take(int64_array(at[entering])))
        self.lists.put(owners.ids, positions[best], ids[best])
        if self.lifetimes is not None:
            self.lifetimes.touch(owners.ids[np.unique(owners.of_rows[entering])])
        changes = rank_changes(ranked, self._bounds, old, new)
        changed = ranked_batch(self.store, ids, changes, self._bounds.numbered, self._arrow_schema)
        self.store.remove(kept[new[: len(kept)] == 0])
        return changed

    def _codes(self, kept: Int64Array, rows: pa.RecordBatch, at: Int64Array) -> list[Int64Array]:
        columns = {key.column: self._joined(key.column, kept, rows, at) for key in self._order}
        return codes_of(columns, self._order)

    def _joined(self, column: int, kept: Int64Array, rows: pa.RecordBatch, at: Int64Array) -> pa.Array:
        return pa.concat_arrays([self.store.column(column, kept), take_rows(rows.column(column), at)])
