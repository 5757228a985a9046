"""Publishing a root's changes at the end of a step: net, with row kinds, under the names of the result's columns."""

from __future__ import annotations

import pyarrow as pa

from streamsql.batch import Batch
from streamsql.plan.physical import PhysicalNode
from streamsql.plan.state_ttl import state_expires
from streamsql.plan.traits import traits
from streamsql.plan.tree import schema_of
from streamsql.runtime.changelog import Key, consolidate, row_kinds
from streamsql.runtime.graph import emits_net_changes
from streamsql.runtime.output import CollectOutput, Output, RawOutput, SinkOutput, TableOutput
from streamsql.runtime.task import Upstream


class Publisher:
    """Stands between a root and its output."""

    def __init__(self, output: Output, node: PhysicalNode, root: Upstream) -> None:
        self.output = output
        self._root = root
        self._schema = schema_of(node.plan.fields)
        self._arrow_schema = self._schema.to_arrow()
        self._key = result_key(node)
        self._net = emits_net_changes(node)
        self.replaces = self._key is not None and state_expires(node.plan)
        """A row takes the place of the one under its key, which may have been forgotten and is not taken back then."""
        self._updating = not traits(node.plan).append_only

    def open(self, *, bounded: bool) -> None:
        """Before the first step."""
        if isinstance(self.output, SinkOutput):
            self.output.bounded = bounded
        elif isinstance(self.output, CollectOutput | TableOutput):
            self.output.replaces = self.replaces
        self.output.open(self._schema, self._key)

    def publish(self) -> None:
        """Hand on what the step changed, if anything; an updating result always has row kinds."""
        if isinstance(self.output, RawOutput):
            self.output.watermark = self._root.watermark
        batches = self._root.output
        if not batches:
            return
        batch = batches[0] if self._net and len(batches) == 1 else consolidate(batches)
        if not len(batch):
            return
        if self._updating and batch.weights is None:
            batch = Batch(batch.rows, batch.sign(), batch.watermarks)
        if isinstance(self.output, RawOutput):
            self.output.take_changes(batch.with_rows(self._renamed(batch.rows)))
            return
        rows, kinds = row_kinds(batch, self._key)
        self.output.publish(self._renamed(rows), kinds)

    def _renamed(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Under the names of the result's columns."""
        if not rows.num_columns or rows.schema.equals(self._arrow_schema):
            return rows
        return pa.RecordBatch.from_arrays(rows.columns, schema=self._arrow_schema)


def result_key(node: PhysicalNode) -> Key | None:
    """Positions of the first unique key that the plan knows of; None where there is none."""
    positions = {each.id: index for index, each in enumerate(node.plan.fields)}
    keys = (key for key in traits(node.plan).unique_keys if key <= positions.keys())
    found = next(keys, None)
    return None if found is None else tuple(sorted(positions[each] for each in found))
