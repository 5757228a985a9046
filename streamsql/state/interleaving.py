"""Rows put between others."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from streamsql.state.fixed_width import Int64Array, is_fixed_width, take_rows

_RUN = 100
"""So many values in a row are copied faster as a whole than one by one."""


def interleaved(values: pa.Array, at: Int64Array, others: pa.Array) -> pa.Array:
    """The values with each of `others` directly before the value at its place of `at`, which ascend."""
    if is_fixed_width(values.type) or len(at) * _RUN > len(values):
        place = np.insert(np.arange(len(values)), at, np.arange(len(values), len(values) + len(others)))
        return take_rows(pa.concat_arrays([values, others]), place)
    pieces, start = [], 0
    for number, stop in enumerate(at.tolist()):
        pieces += [values[start:stop], others[number : number + 1]]
        start = stop
    return pa.concat_arrays([*pieces, values[start:]])
