"""The order in which a final table without ORDER BY is shown: NULL first, NaN last, text by code point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.state.grouping import normalize_key


def row_order(table: pa.Table, positions: Sequence[int] | None = None) -> npt.NDArray[np.int64]:
    """Row numbers in ascending order of the columns at `positions` (None: of all), equal rows as they stand.

    Nested columns count by a canonical encoding: an order without meaning, but always the same.
    """
    keys = [
        key
        for position in (range(table.num_columns) if positions is None else positions)
        for key in _sort_keys(table.column(position))
    ]
    if not keys:
        return np.arange(table.num_rows)
    names = [str(index) for index in range(len(keys))]
    sortable = pa.Table.from_arrays(keys, names)
    indices = pc.sort_indices(sortable, sort_keys=[(name, "ascending") for name in names])
    return np.asarray(indices.to_numpy(), np.int64)


def _sort_keys(column: pa.ChunkedArray) -> list[pa.Array]:
    """Arrow puts NULL and NaN where it likes, so each gets a column of its own where there are any."""
    if pa.types.is_null(column.type):
        return []
    array = column.combine_chunks()
    array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
    keys = [pc.cast(array.is_valid(), pa.uint8())] if array.null_count else []
    if pa.types.is_floating(array.type):
        keys.append(pc.cast(pc.is_nan(array), pa.uint8()))
    return [*keys, normalize_key(array)]
