"""The order in which closed windows are emitted, and the columns that say which window a row is of."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from streamsql.batch import Batch, Times
from streamsql.operators.row_order import order_terms, sorted_positions
from streamsql.row_watermarks import GivenWatermarks
from streamsql.state.fixed_width import Int64Array, array_of, int64_array, values_of
from streamsql.state.ordering import stable_order

_IN_ORDER = slice(None)


def emission_order(windows: Sequence[Int64Array], keys: Sequence[pa.Array]) -> Int64Array | slice:
    """Positions in the order of the windows, then of the keys: NULL first, NaN last, text by code point.

    A slice over everything where the rows are in that order already.
    """
    size = len(windows[0])
    if size < 2:
        return _IN_ORDER
    varying = [each for each in windows if bool((each != each[0]).any())]
    if all(pa.types.is_integer(each.type) and not each.null_count for each in keys):
        columns = [*varying, *(values_of(each) for each in keys)]
        order = stable_order(columns) if columns else None
        return _IN_ORDER if order is None else order
    terms = [(pa.array(each), "ascending") for each in varying]
    return sorted_positions(terms + [term for key in keys for term in order_terms(key)])


def bound_columns(schema: pa.Schema, starts: Times, ends: Times, tick: int) -> list[pa.Array]:
    """The columns window_start, window_end and window_time, in the types of the last three columns of `schema`."""
    values = (starts, ends, ends - tick)
    return [array_of(each, None, type_) for each, type_ in zip(values, schema.types[-3:], strict=True)]


def window_batch(
    schema: pa.Schema,
    columns: Sequence[pa.Array],
    starts: Times,
    ends: Times,
    tick: int,
    order: Int64Array | slice,
    watermarks: Times | None = None,
) -> Batch:
    """Closed windows as a batch of `schema`: `columns`, then the bounds, all put into `order`.

    The watermarks, if none are given, lie just before the windows' times, so that no window further down takes the
    rows for late.
    """
    arrays = [*columns, *bound_columns(schema, starts, ends, tick)]
    rows = pa.RecordBatch.from_arrays(arrays, schema=schema)
    if not isinstance(order, slice):
        rows = rows.take(int64_array(order))
    return Batch(rows, None, GivenWatermarks((ends - tick - 1 if watermarks is None else watermarks)[order]))
