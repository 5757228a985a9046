"""Sorting rows by SQL's order of values: NULL where it is told to stand, NaN last, text by code point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.state.fixed_width import Int64Array
from streamsql.state.grouping import normalize_key

Term = tuple[pa.Array, str]
"""Values and "ascending" or "descending"."""


def order_terms(values: pa.Array, *, ascending: bool = True, nulls_first: bool = True) -> list[Term]:
    """What to sort by for one column; Arrow has one place for NULL and NaN, so each gets a term of its own."""
    direction = "ascending" if ascending else "descending"
    terms = [(normalize_key(values), direction)]
    if pa.types.is_floating(values.type):
        terms.insert(0, (pc.cast(pc.is_nan(values), pa.int8()), direction))
    if values.null_count:
        terms.insert(0, (pc.cast(values.is_null(), pa.int8()), "descending" if nulls_first else "ascending"))
    return terms


def sorted_positions(terms: Sequence[Term]) -> Int64Array:
    """Row positions in the order of the terms (at least one)."""
    names = [str(position) for position in range(len(terms))]
    table = pa.Table.from_arrays([values for values, _ in terms], names)
    keys = [(name, direction) for name, (_, direction) in zip(names, terms, strict=True)]
    return np.asarray(pc.sort_indices(table, sort_keys=keys).to_numpy(zero_copy_only=False)).astype(np.int64)
