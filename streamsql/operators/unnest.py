"""UNNEST: each row joined with the elements of an array, map or multiset of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.batch import Batch
from streamsql.expr.types import Kind, Schema, SqlType
from streamsql.operators.base import Operator
from streamsql.record import record

Kernel = Callable[[pa.RecordBatch], pa.Array]
Indices = npt.NDArray[np.int64]


class Unnest(Operator):
    """Rows in the order of the input, within a row in the order of the elements; a row's weight goes to each of them.

    The output has the input columns at `columns`, then of the columns that an element gives (its value; key and value
    of a map; the fields of a ROW; with `ordinality` its position, counted from 1) those at `elements`. A NULL ROW
    element gives no row. `outer`: a row that has no elements is kept once, with NULL for them.
    """

    def __init__(
        self,
        schema: Schema,
        collection: Kernel,
        type_: SqlType,
        columns: Sequence[int],
        elements: Sequence[int],
        *,
        ordinality: bool = False,
        outer: bool = False,
    ) -> None:
        self.schema = schema
        self._collection = collection
        self._explode = _Explode(type_, ordinality)
        self._columns = list(columns)
        self._elements = list(elements)
        self._outer = outer
        self._arrow_schema = schema.to_arrow()

    def on_batch(self, batch: Batch, port: int = 0) -> Iterable[Batch]:
        found = self._explode(self._collection(batch.rows))
        if self._outer:
            found = _padded(found, len(batch))
        if not len(found.rows):
            return ()
        carried = batch.with_rows(batch.rows.select(self._columns)).take(found.rows)
        arrays = [*carried.rows.columns, *(found.columns[each] for each in self._elements)]
        return (carried.with_rows(pa.RecordBatch.from_arrays(arrays, schema=self._arrow_schema)),)


@record(eq=False)
class _Exploded:
    """Elements of all rows, one after the other: which row each is of, and its columns."""

    rows: Indices
    columns: list[pa.Array]


class _Explode:
    """Takes arrays, maps or multisets apart."""

    def __init__(self, type_: SqlType, ordinality: bool) -> None:
        self._kind = type_.kind
        self._of_rows = type_.kind is Kind.ARRAY and type_.children[0].kind is Kind.ROW
        self._ordinality = ordinality

    def __call__(self, collections: pa.Array) -> _Exploded:
        if self._kind is not Kind.ARRAY:
            collections = _entries(collections)
        lengths = pc.fill_null(pc.list_value_length(collections), 0).to_numpy(zero_copy_only=False).astype(np.int64)
        rows = np.repeat(np.arange(len(lengths)), lengths)
        values = collections.flatten()
        found = _Exploded(rows, values.flatten() if pa.types.is_struct(values.type) else [values])
        if self._kind is Kind.MULTISET:
            found = _repeated(found)
            lengths = np.bincount(found.rows, minlength=len(lengths))
        if self._ordinality:
            found.columns.append(_ordinals(lengths))
        return _only(found, values.is_valid()) if self._of_rows and values.null_count else found


def _entries(maps: pa.Array) -> pa.Array:
    """A map as an array of (key, value)."""
    type_ = maps.type
    entry = pa.struct([pa.field("key", type_.key_type), pa.field("value", type_.item_type)])
    return maps.cast(pa.list_(entry))


def _repeated(found: _Exploded) -> _Exploded:
    """A multiset's elements, each as often as its count says."""
    element, counts = found.columns
    times = np.repeat(np.arange(len(found.rows)), counts.to_numpy(zero_copy_only=False))
    return _Exploded(found.rows[times], [element.take(pa.array(times))])


def _ordinals(lengths: Indices) -> pa.Array:
    starts = np.cumsum(lengths) - lengths
    return pa.array(np.arange(1, int(lengths.sum()) + 1) - np.repeat(starts, lengths), pa.int32())


def _only(found: _Exploded, wanted: pa.Array) -> _Exploded:
    mask = wanted.to_numpy(zero_copy_only=False)
    return _Exploded(found.rows[mask], [each.filter(wanted) for each in found.columns])


def _padded(found: _Exploded, row_count: int) -> _Exploded:
    """The same, with an element of NULLs for each row that has none."""
    counts = np.bincount(found.rows, minlength=row_count)
    if counts.all():
        return found
    empty = counts == 0
    rows = np.repeat(np.arange(row_count), np.where(empty, 1, counts))
    padding = empty[rows]
    places = pa.array(np.cumsum(~padding) - 1, pa.int64(), mask=padding)
    return _Exploded(rows, [each.take(places) for each in found.columns])
