"""One input of a join: what a step changes in it, and the rows that are there so far, by key."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch, Times, Weights, concat_batches
from streamsql.errors import Span
from streamsql.expr.types import Schema
from streamsql.operators.paired_rows import PairedRows
from streamsql.record import record
from streamsql.state.fixed_width import BoolArray, Int64Array, values_of
from streamsql.state.kept_rows import empty_rows
from streamsql.state.key_codes import KeyCodes
from streamsql.state.lifetimes import unmatched
from streamsql.state.net_rows import left_over
from streamsql.state.trace import Trace
from streamsql.time import Duration


@record(eq=False)
class InputSpec:
    """What a join must know of an input: `keys` are positions, `source` is a name for messages. `ttl`: how long a row
    that is kept lives from when it was last written.

    `stored`: of rows that are kept, the columns that somebody reads; None: all. `pairs`: the rows are pairs of rows of
    another join, and the two columns stored are the numbers of those.
    """

    schema: Schema
    keys: tuple[int, ...]
    append_only: bool
    source: str = ""
    span: Span | None = None
    ttl: Duration | None = None
    stored: tuple[int, ...] | None = None
    pairs: PairedRows | None = None

    @property
    def stored_schema(self) -> Schema:
        """The columns of rows that are kept."""
        return self.schema if self.stored is None else Schema(tuple(self.schema.columns[each] for each in self.stored))

    @property
    def key_types(self) -> tuple[pa.DataType, ...]:
        """The Arrow types of the key columns."""
        fields = self.schema.to_arrow()
        return tuple(fields.field(each).type for each in self.keys)


@record(eq=False)
class Changes:
    """Rows that a step adds (or takes back), in order of arrival; a row that comes twice is here twice."""

    rows: pa.RecordBatch
    codes: Int64Array
    arrivals: Times

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, mask: BoolArray) -> Changes:
        """The rows where `mask` holds."""
        at = np.flatnonzero(mask)
        return Changes(self.rows.take(pa.array(at)), self.codes[at], self.arrivals[at])


@record(eq=False)
class StepChanges:
    """All that a step changes in an input. `unkeyed`: rows with a NULL in their key, which match nothing."""

    removed: Changes
    added: Changes
    unkeyed: Batch | None = None
    ordered: bool = True

    @property
    def size(self) -> int:
        """How many rows it changes."""
        return len(self.removed) + len(self.added) + (0 if self.unkeyed is None else len(self.unkeyed))

    def signed(self, sign: int) -> Changes:
        """The rows added (+1) or taken back (-1)."""
        return self.added if sign > 0 else self.removed


class StepInput:
    """Collects the changes of a step in one input. `keeps_unkeyed`: rows without key stay among them, under code -1."""

    def __init__(self, spec: InputSpec, codes: KeyCodes, *, keeps_unkeyed: bool = False) -> None:
        self.spec = spec
        self._codes = codes
        self._keeps_unkeyed = keeps_unkeyed
        self._waiting: list[Batch] = []
        self._nothing = Changes(empty_rows(spec.schema.to_arrow()), np.empty(0, np.int64), np.empty(0, np.int64))

    def collect(self, batch: Batch) -> None:
        """One batch of the step's changes, which are net."""
        self._waiting.append(batch)

    def take_step(self, arrival: int) -> StepChanges:
        """The changes collected; rows without a place in the arrival order get places from `arrival` on."""
        waiting = [each for each in self._waiting if len(each)]
        self._waiting = []
        if not waiting:
            return StepChanges(self._nothing, self._nothing)
        batch = concat_batches(waiting)
        codes, keyed = self._codes.encode([batch.rows.column(each) for each in self.spec.keys], len(batch))
        effective = self._effective(batch, keyed)
        if effective is not None:
            batch, codes = batch.take(effective), codes[effective]
            keyed = None if keyed is None else keyed[effective]
        ordered = batch.arrivals is not None
        arrivals = np.arange(arrival, arrival + len(batch)) if batch.arrivals is None else batch.arrivals
        changes = Changes(batch.rows, codes, arrivals)
        if keyed is None or self._keeps_unkeyed:
            return StepChanges(*self._by_sign(changes, batch.weights), None, ordered)
        unkeyed = Batch(batch.rows, batch.weights, arrivals=arrivals).filter(~keyed)
        weights = None if batch.weights is None else batch.weights[keyed]
        return StepChanges(*self._by_sign(changes.take(keyed), weights), unkeyed, ordered)

    def _effective(self, batch: Batch, keyed: BoolArray | None) -> Int64Array | None:
        """The rows that change something; None: all of them."""
        return None

    def _by_sign(self, changes: Changes, weights: Weights | None) -> tuple[Changes, Changes]:
        """What is taken back, and what is added."""
        if weights is None or (weights > 0).all():
            return self._nothing, changes
        return changes.take(weights < 0), changes.take(weights > 0)


class JoinInput(StepInput):
    """An input whose rows are kept: `trace` is what was there before the step, until its changes are applied.

    `nets`: the changes collected are not net.
    """

    def __init__(self, spec: InputSpec, codes: KeyCodes, *, keeps_unkeyed: bool = False, nets: bool = False) -> None:
        super().__init__(spec, codes, keeps_unkeyed=keeps_unkeyed)
        self.trace = Trace(
            spec.stored_schema, updating=not spec.append_only, source=spec.source, span=spec.span, ttl=spec.ttl
        )
        self._place = {position: place for place, position in enumerate(spec.stored or ())}
        self._nets = nets
        self._ignored = 0

    def forget_ignored(self) -> int:
        """How many rows took back what had expired, since it was last asked."""
        ignored, self._ignored = self._ignored, 0
        return ignored

    def apply(self, changes: Changes, sign: int) -> Int64Array:
        """Store rows, or take them back; their numbers."""
        rows = changes.rows if self.spec.stored is None else changes.rows.select(self.spec.stored)
        return self.trace.add(changes.codes, rows) if sign > 0 else self.trace.remove(rows)

    def take(self, numbers: Int64Array, positions: Sequence[int]) -> list[pa.Array]:
        """Columns of kept rows, at positions in the input (of pairs: in the result of their join)."""
        if self.spec.pairs is not None:
            return self.spec.pairs.take([values_of(each) for each in self.trace.take(numbers)], positions)
        if self.spec.stored is None:
            return self.trace.take(numbers, positions)
        return self.trace.take(numbers, [self._place[each] for each in positions])

    def _effective(self, batch: Batch, keyed: BoolArray | None) -> Int64Array | None:
        """The net changes; where rows expire, less those that take back what is not there."""
        if not self._nets or batch.weights is None or not (batch.weights < 0).any():
            return None
        groups, numbers, before = self.trace.present(batch.rows)
        there = np.arange(len(batch))
        if self.spec.ttl is not None:
            if keyed is not None:  # rows without key are not kept
                before[groups[~keyed]] = len(batch)
            missing, _ = unmatched(groups, batch.weights, before)
            self._ignored += int(np.count_nonzero(missing))
            there = there[~missing]
            # Also rows that the step takes back and adds again are written by it.
            self.trace.rewrite(numbers[np.setdiff1d(groups[there], np.flatnonzero(numbers < 0))])
        return there[left_over(groups[there], batch.weights[there])] if len(there) else there


def signs(left: StepChanges, right: StepChanges) -> list[int]:
    """What a step does, in this order: takes rows back (-1), adds rows (+1)."""
    return [sign for sign in (-1, 1) if len(left.signed(sign)) or len(right.signed(sign))]
