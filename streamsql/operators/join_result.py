"""The rows that a join delivers, made of rows of its inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa

from streamsql.batch import Batch, Times
from streamsql.expr.types import Schema
from streamsql.operators.join_pairs import PAIRS_AT_ONCE, Pairs
from streamsql.operators.paired_rows import NUMBER, Rows
from streamsql.record import record
from streamsql.state.fixed_width import Int64Array, int64_array


@record(eq=False)
class Result:
    """The columns of a join: each is a column, by position, of the left input (port 0) or of the right one (port 1), or
    the NUMBER of the row of that input."""

    schema: Schema
    columns: tuple[tuple[int, int], ...]

    def positions(self, port: int) -> list[int]:
        """The columns that come from one input."""
        return [column for each, column in self.columns if each == port]


class ResultWriter:
    """Writes stored rows, by number, as rows of the result; `inputs` by port."""

    def __init__(self, result: Result, inputs: Mapping[int, Rows]) -> None:
        self._columns = result.columns
        self._positions = {port: result.positions(port) for port in inputs}
        self._inputs = inputs
        self._schema = result.schema.to_arrow()

    def pairs(self, pairs: Pairs, sign: int, *, ordered: bool) -> Iterator[Batch]:
        """Pairs of a left and a right row."""
        if pairs.times is not None and (pairs.times > 1).any():
            pairs = pairs.take(np.repeat(np.arange(len(pairs)), pairs.times))
        for begin in range(0, len(pairs), PAIRS_AT_ONCE):
            part = pairs.take(slice(begin, begin + PAIRS_AT_ONCE))
            columns = {0: self._taken(0, part.left), 1: self._taken(1, part.right)}
            yield self._batch(columns, len(part), sign, part.arrivals if ordered else None)

    def rows(self, port: int, numbers: Int64Array, sign: int, arrivals: Times | None = None) -> Iterator[Batch]:
        """Rows of one input, with NULL for the other one's columns."""
        for begin in range(0, len(numbers), PAIRS_AT_ONCE):
            part = slice(begin, begin + PAIRS_AT_ONCE)
            columns = {port: self._taken(port, numbers[part])}
            yield self._batch(columns, len(numbers[part]), sign, None if arrivals is None else arrivals[part])

    def passed(self, port: int, batch: Batch, sign: int) -> Iterator[Batch]:
        """The rows of one sign of a batch of an input, with NULL for the other one's columns."""
        mine = batch if batch.weights is None and sign > 0 else batch.filter(batch.sign() == sign)
        if len(mine):
            columns = {port: [mine.rows.column(each) for each in self._positions[port]]}
            yield self._batch(columns, len(mine), sign, None)

    def _taken(self, port: int, numbers: Int64Array) -> list[pa.Array]:
        positions = self._positions[port]
        found = iter(self._inputs[port].take(numbers, [each for each in positions if each != NUMBER]))
        return [int64_array(numbers) if each == NUMBER else next(found) for each in positions]

    def _batch(self, found: Mapping[int, list[pa.Array]], count: int, sign: int, arrivals: Times | None) -> Batch:
        by_port = {port: iter(columns) for port, columns in found.items()}
        columns = [
            next(by_port[port]) if port in by_port else pa.nulls(count, field.type)
            for (port, _), field in zip(self._columns, self._schema, strict=True)
        ]
        rows = pa.RecordBatch.from_arrays(columns, schema=self._schema)
        return Batch(rows, None if sign > 0 else np.full(count, -1, np.int8), arrivals=arrivals)
