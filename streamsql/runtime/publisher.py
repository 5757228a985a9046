"""Publishing a root's changes at the end of a step: net, with row kinds, under the names of the result's columns."""

from __future__ import annotations

import pyarrow as pa

from streamsql.batch import concat_batches
from streamsql.expr.types import Schema
from streamsql.plan.logical import Plan
from streamsql.plan.traits import traits
from streamsql.runtime.changelog import Key, consolidate, row_kinds
from streamsql.runtime.output import Output
from streamsql.runtime.task import Upstream


class Publisher:
    """Stands between a root and its output. `net`: one batch of the root never both adds a row and takes it back."""

    def __init__(self, output: Output, root: Upstream, schema: Schema, key: Key | None, *, net: bool) -> None:
        self.output = output
        self._root = root
        self._schema = schema
        self._arrow_schema = schema.to_arrow()
        self._key = key
        self._net = net

    def open(self) -> None:
        """Before the first step."""
        self.output.open(self._schema, self._key)

    def publish(self) -> None:
        """Hand on what the step changed, if anything."""
        batches = self._root.output
        if not batches:
            return
        batch = concat_batches(batches) if self._net and len(batches) == 1 else consolidate(batches)
        if not len(batch):
            return
        rows, kinds = row_kinds(batch, self._key)
        if rows.num_columns and not rows.schema.equals(self._arrow_schema):
            rows = pa.RecordBatch.from_arrays(rows.columns, schema=self._arrow_schema)
        self.output.publish(rows, kinds)


def result_key(plan: Plan) -> Key | None:
    """Positions of the unique key with the fewest columns; None where the plan knows of none."""
    positions = {each.id: index for index, each in enumerate(plan.fields)}
    known = [key for key in traits(plan).unique_keys if key <= positions.keys()]
    keys = sorted((tuple(sorted(positions[each] for each in key)) for key in known), key=lambda key: (len(key), key))
    return keys[0] if keys else None
