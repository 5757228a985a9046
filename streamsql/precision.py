"""Cutting values to the precision that their column declares: TIMESTAMP(3) to the millisecond, VARCHAR(3) to 3."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr.types import Kind, SqlType, arrow_type
from streamsql.state.fixed_width import Int64Array, array_of, valid_of, values_of

Cutter = Callable[[pa.Array], pa.Array]

_FRACTIONS = (Kind.TIMESTAMP, Kind.TIMESTAMP_LTZ, Kind.TIME)
_NESTED = (Kind.ARRAY, Kind.MAP, Kind.MULTISET, Kind.ROW)


def cutter(type_: SqlType) -> Cutter | None:
    """The function that cuts arrays of the type's Arrow layout to its precision; None where nothing can be too long."""
    kind, length = type_.kind, type_.precision
    if kind in _FRACTIONS and length is not None and length < 6:
        return _floor_to(10 ** (6 - length))
    if kind in (Kind.CHAR, Kind.VARCHAR) and length is not None:
        return _text_up_to(length)
    if kind in (Kind.BINARY, Kind.VARBINARY) and length is not None:
        return _bytes_up_to(length)
    return _nested(type_) if kind in _NESTED else None


def _floor_to(unit: int) -> Cutter:
    multiples = _Multiples(unit)

    def cut(array: pa.Array) -> pa.Array:
        values = values_of(array).astype(np.int64, copy=False)
        if multiples.hold(values):
            return array
        return array_of(values // unit * unit, valid_of(array), array.type)

    return cut


class _Multiples:
    """Tells whether numbers are multiples of a unit by one multiplication each, where `%` would divide.

    A number is a multiple of an odd d when its product with the inverse of d modulo 2**64 is at most (2**64 - 1) // d
    (Granlund and Montgomery, Division by Invariant Integers using Multiplication, section 9); the factors 2 of the unit
    are its lowest bits.
    """

    def __init__(self, unit: int) -> None:
        self._even = (unit & -unit) - 1
        odd = unit // (unit & -unit)
        self._inverse = np.uint64(pow(odd, -1, 1 << 64))
        self._largest = ((1 << 64) - 1) // odd
        # A multiple of the unit that makes all times from some 280,000 years before 1970 on positive.
        self._lift = np.uint64((1 << 63) // unit * unit)

    def hold(self, values: Int64Array) -> bool:
        if not len(values):
            return True
        if int(np.bitwise_or.reduce(values)) & self._even:
            return False
        products = values.view(np.uint64) + self._lift
        products *= self._inverse
        return int(products.max()) <= self._largest


def _text_up_to(length: int) -> Cutter:
    def cut(array: pa.Array) -> pa.Array:
        longest = pc.max(pc.binary_length(array)).as_py() or 0
        return pc.utf8_slice_codeunits(array, 0, length) if longest > length else array

    return cut


def _bytes_up_to(length: int) -> Cutter:
    def cut(array: pa.Array) -> pa.Array:
        longest = pc.max(pc.binary_length(array)).as_py() or 0
        return pc.binary_slice(array, 0, length) if longest > length else array

    return cut


def _nested(type_: SqlType) -> Cutter | None:
    """Cuts the values inside; an array of such values is built anew around them."""
    cutters = [cutter(child) for child in type_.children]
    if not any(cutters):
        return None
    if type_.kind is Kind.MULTISET:
        cutters.append(None)
    rebuild = {Kind.ARRAY: _array, Kind.ROW: _row}.get(type_.kind, _map)
    layout = arrow_type(type_)
    return lambda array: rebuild(array, cutters, layout)


def _apply(cut: Cutter | None, array: pa.Array) -> pa.Array:
    return array if cut is None else cut(array)


def _row(array: pa.Array, cutters: list[Cutter | None], layout: pa.DataType) -> pa.Array:
    fields = [_apply(cut, array.field(index)) for index, cut in enumerate(cutters)]
    return pa.StructArray.from_arrays(fields, fields=list(layout), mask=_nulls(array))


def _array(array: pa.Array, cutters: list[Cutter | None], layout: pa.DataType) -> pa.Array:
    return pa.ListArray.from_arrays(_offsets(array), _apply(cutters[0], array.values), layout, mask=_nulls(array))


def _map(array: pa.Array, cutters: list[Cutter | None], layout: pa.DataType) -> pa.Array:
    keys, items = (_apply(cut, each) for cut, each in zip(cutters, (array.keys, array.items), strict=True))
    return pa.MapArray.from_arrays(_offsets(array), keys, items, layout, mask=_nulls(array))


def _nulls(array: pa.Array) -> pa.Array | None:
    return array.is_null() if array.null_count else None


def _offsets(array: pa.Array) -> pa.Array:
    # A fresh array: Arrow refuses a NULL mask beside offsets that are a slice.
    return pa.array(array.offsets.to_numpy())
