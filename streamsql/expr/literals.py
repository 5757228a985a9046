"""Constants as Arrow scalars and back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa

from streamsql.expr.nodes import Literal, LiteralValue
from streamsql.expr.types import Kind, SqlType, arrow_type

_AS_INTEGER = {
    Kind.DATE: pa.int32(),
    Kind.TIME: pa.int64(),
    Kind.TIMESTAMP: pa.int64(),
    Kind.TIMESTAMP_LTZ: pa.int64(),
    Kind.INTERVAL_DAY: pa.int64(),
}


def to_scalar(literal: Literal) -> pa.Scalar:
    """The Arrow scalar of a constant, of exactly the type's layout."""
    return to_array(literal.type, [literal.value])[0]


def to_array(type_: SqlType, values: list[LiteralValue]) -> pa.Array:
    """Constants of one type as an Arrow array."""
    arrow = arrow_type(type_)
    match type_.kind:
        case kind if kind in _AS_INTEGER:
            return pa.array(values, _AS_INTEGER[kind]).view(arrow)
        case Kind.ARRAY:
            return _lists(type_, values, arrow)
        case Kind.MAP | Kind.MULTISET:
            return _maps(type_, values, arrow)
        case Kind.ROW:
            return _rows(type_, values, arrow)
        case Kind.DECIMAL:
            return pa.array([None if each is None else Decimal(each) for each in values], arrow)  # type: ignore[arg-type]
        case _:
            return pa.array(values, arrow)


def _lists(type_: SqlType, values: list[Any], arrow: pa.DataType) -> pa.Array:
    offsets, flat = _flatten(values)
    return pa.ListArray.from_arrays(offsets, to_array(type_.children[0], flat), type=arrow, mask=_missing(values))


def _maps(type_: SqlType, values: list[Any], arrow: pa.DataType) -> pa.Array:
    offsets, pairs = _flatten(values)
    keys = to_array(type_.children[0], [key for key, _ in pairs])
    numbers = type_.kind is Kind.MULTISET
    items = [item for _, item in pairs]
    column = pa.array(items, pa.int32()) if numbers else to_array(type_.children[1], items)
    return pa.MapArray.from_arrays(offsets, keys, column, type=arrow, mask=_missing(values))


def _rows(type_: SqlType, values: list[Any], arrow: pa.DataType) -> pa.Array:
    columns = [
        to_array(child, [None if each is None else each[index] for each in values])
        for index, child in enumerate(type_.children)
    ]
    return pa.StructArray.from_arrays(columns, fields=list(arrow), mask=_missing(values))


def _flatten(values: list[Any]) -> tuple[pa.Array, list[Any]]:
    offsets: list[int] = [0]
    flat: list[Any] = []
    for each in values:
        flat.extend(each or ())
        offsets.append(len(flat))
    return pa.array(offsets, pa.int32()), flat


def _missing(values: list[Any]) -> pa.Array | None:
    return pa.array([each is None for each in values]) if None in values else None


def from_scalar(scalar: pa.Scalar, type_: SqlType) -> LiteralValue:
    """The value of a Literal of `type_` that gives this scalar."""
    if not scalar.is_valid:
        return None
    match type_.kind:
        case kind if kind in _AS_INTEGER:
            return scalar.value  # type: ignore[no-any-return]
        case Kind.ARRAY:
            return tuple(from_scalar(each, type_.children[0]) for each in scalar)
        case Kind.ROW:
            return tuple(from_scalar(scalar[i], child) for i, child in enumerate(type_.children))
        case Kind.MAP | Kind.MULTISET:
            return tuple(_pair(each, type_) for each in scalar.values)
        case _:
            return scalar.as_py()  # type: ignore[no-any-return]


def _pair(entry: pa.StructScalar, type_: SqlType) -> LiteralValue:
    key = from_scalar(entry[0], type_.children[0])
    return (key, entry[1].as_py() if type_.kind is Kind.MULTISET else from_scalar(entry[1], type_.children[1]))


def now_scalar(now: int) -> pa.Scalar:
    """A TIMESTAMP_LTZ scalar of microseconds since the epoch."""
    return pa.array([now], pa.int64()).view(pa.timestamp("us", "UTC"))[0]
