"""CAST of ARRAY, MAP, MULTISET and ROW over Arrow: to the same shape over other types, and to text."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr import types as t
from streamsql.expr.function import ArrowFunction, Datum
from streamsql.expr.types import Kind, SqlType, arrow_type
from streamsql.expr.vectors import over_arrays

BuildCast = Callable[[SqlType, SqlType], ArrowFunction]
"""The kernel of a cast that fails on malformed text."""


def parts(type_: SqlType) -> tuple[SqlType, ...]:
    """What the values are made of; a MULTISET is counted by INT.

    >>> [str(each) for each in parts(SqlType(Kind.MULTISET, children=(t.STRING,)))]
    ['STRING', 'INT NOT NULL']
    """
    if type_.kind is Kind.MULTISET:
        return (*type_.children, t.INT.with_nullable(False))
    return type_.children


def between(source: SqlType, target: SqlType, build: BuildCast) -> ArrowFunction:
    """The same shape over cast parts."""
    casts = [build(a, b) for a, b in zip(parts(source), parts(target), strict=True)]
    arrow = arrow_type(target)
    rebuild = _REBUILD[source.kind]
    return over_arrays(lambda array: rebuild(array, casts, arrow))


def to_text(source: SqlType, build: BuildCast) -> ArrowFunction:
    """`[1, NULL]`, `{a=1, b=NULL}`, `(1, x)`, as Flink writes them."""
    casts = [build(each, t.STRING) for each in parts(source)]
    write = _WRITE[source.kind]
    return over_arrays(lambda array: write(array, casts))


def or_null(strict: ArrowFunction) -> ArrowFunction:
    """TRY_CAST: a value of which any part is malformed is NULL."""

    def attempt(array: pa.Array) -> pa.Array:
        try:
            return strict(array)
        except pa.ArrowInvalid:
            if len(array) == 1:
                return None
        middle = len(array) // 2
        halves = [attempt(array.slice(0, middle)), attempt(array.slice(middle))]
        return _joined(halves, (middle, len(array) - middle))

    def evaluate(array: pa.Array) -> pa.Array:
        result = attempt(array)
        return pa.nulls(1, strict(array.slice(0, 0)).type) if result is None else result

    return over_arrays(evaluate)


def _joined(halves: list[pa.Array | None], lengths: tuple[int, int]) -> pa.Array | None:
    """Both halves as one array; None where neither has a value."""
    type_ = next((each.type for each in halves if each is not None), None)
    if type_ is None:
        return None
    filled = (pa.nulls(n, type_) if each is None else each for each, n in zip(halves, lengths, strict=True))
    return pa.concat_arrays(list(filled))


def _spans(array: pa.ListArray | pa.MapArray) -> tuple[pa.Array, slice, pa.Array | None]:
    """Where each list starts in the part of the values that this slice covers; that part; which lists are NULL."""
    offsets = array.offsets.to_numpy()
    mask = pc.is_null(array) if array.null_count else None
    return pa.array(offsets - offsets[0], pa.int32()), slice(int(offsets[0]), int(offsets[-1])), mask


def _row(array: pa.StructArray, casts: list[ArrowFunction], arrow: pa.DataType) -> pa.Array:
    fields = [cast(each) for cast, each in zip(casts, array.flatten(), strict=True)]
    mask = pc.is_null(array) if array.null_count else None
    return pa.StructArray.from_arrays(fields, fields=list(arrow), mask=mask)


def _array(array: pa.ListArray, casts: list[ArrowFunction], arrow: pa.DataType) -> pa.Array:
    offsets, part, mask = _spans(array)
    return pa.ListArray.from_arrays(offsets, casts[0](array.values[part]), type=arrow, mask=mask)


def _map(array: pa.MapArray, casts: list[ArrowFunction], arrow: pa.DataType) -> pa.Array:
    offsets, part, mask = _spans(array)
    keys, items = casts[0](array.keys[part]), casts[1](array.items[part])
    return pa.MapArray.from_arrays(offsets, keys, items, type=arrow, mask=mask)


_REBUILD = {Kind.ROW: _row, Kind.ARRAY: _array, Kind.MAP: _map, Kind.MULTISET: _map}


def _shown(cast: ArrowFunction, values: pa.Array) -> pa.Array:
    return pc.fill_null(cast(values), "NULL")


def _enclosed(opening: str, inner: Datum, closing: str) -> pa.Array:
    return pc.binary_join_element_wise(pa.scalar(opening), inner, pa.scalar(closing), "")


def _row_text(array: pa.StructArray, casts: list[ArrowFunction]) -> pa.Array:
    fields = [_shown(cast, each) for cast, each in zip(casts, array.flatten(), strict=True)]
    text = _enclosed("(", pc.binary_join_element_wise(*fields, ", "), ")")
    return pc.if_else(pc.is_valid(array), text, pa.scalar(None, pa.string()))


def _array_text(array: pa.ListArray, casts: list[ArrowFunction]) -> pa.Array:
    offsets, part, mask = _spans(array)
    return _list_text("[", offsets, _shown(casts[0], array.values[part]), mask, "]")


def _map_text(array: pa.MapArray, casts: list[ArrowFunction]) -> pa.Array:
    offsets, part, mask = _spans(array)
    keys, items = (_shown(cast, each[part]) for cast, each in zip(casts, (array.keys, array.items), strict=True))
    return _list_text("{", offsets, pc.binary_join_element_wise(keys, items, "="), mask, "}")


def _list_text(opening: str, offsets: pa.Array, texts: pa.Array, mask: pa.Array | None, closing: str) -> pa.Array:
    joined = pc.binary_join(pa.ListArray.from_arrays(offsets, texts, mask=mask), ", ")
    return _enclosed(opening, joined, closing)


_WRITE = {Kind.ROW: _row_text, Kind.ARRAY: _array_text, Kind.MAP: _map_text, Kind.MULTISET: _map_text}
