"""Generated columns: random values and sequences, a chunk of rows at a time, the same for the same seed."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streamsql.errors import UsageError
from streamsql.expr.types import BYTES_KINDS, FLOATS, INTEGERS, STRINGS, TIMESTAMPS, Kind, SqlType, arrow_type
from streamsql.ports import OptionInfo
from streamsql.record import record
from streamsql.time import Duration, Time
from streamsql_connectors.options import choice, count, option, whole_number
from streamsql_connectors.times import duration, timestamp

CHUNK_ROWS = 16_384
FIELD_OPTIONS = (
    OptionInfo("kind", "random | sequence", "how values are made", "random"),
    OptionInfo("min", "number", "the smallest random number; without it, that of the type"),
    OptionInfo("max", "number", "the largest random number; without it, that of the type"),
    OptionInfo("start", "number", "the first value of a sequence", "0"),
    OptionInfo("end", "number", "the last value of a sequence, with which the table ends"),
    OptionInfo("step", "number", "from value to value of a sequence", "1"),
    OptionInfo("length", "number", "of texts, bytes, arrays and maps; without it 100, and 1 for arrays and maps"),
    OptionInfo("null-rate", "number", "the share of NULLs, from 0 to 1", "0"),
    OptionInfo("max-past", "duration", "how long before now random times may lie", "0"),
)
"""The options of a column."""

_DAY: Duration = 86_400_000_000
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
_BITS = {Kind.TINYINT: 7, Kind.SMALLINT: 15, Kind.INT: 31, Kind.BIGINT: 63}

Random = np.random.Generator
Integers = npt.NDArray[np.int64]
Value = TypeVar("Value")


@record
class Chunk:
    """Which rows to make: from `first` on; `now` is what random times lie before."""

    first: int
    rows: int
    now: Time
    random: Random


@record
class GeneratedColumn:
    """A column: `make` gives a chunk of values, `rows` is how many there are at most (a sequence with an end)."""

    make: Callable[[Chunk], pa.Array]
    rows: int | None = None


@record
class _Field:
    """The options of one column or part of a column."""

    path: str
    options: Mapping[str, str]

    def name(self, option_name: str) -> str:
        return f"fields.{self.path}.{option_name}"

    def has(self, option_name: str) -> bool:
        return self.name(option_name) in self.options

    def get(self, option_name: str, parse: Callable[[str], Value], default: Value) -> Value:
        return option(self.options, self.name(option_name), parse, default)


def chunk_random(seed: int, column: str, number: int) -> Random:
    """The random numbers of one chunk of one column: the same whatever else is read."""
    return np.random.Generator(np.random.PCG64([seed & 0xFFFFFFFF, zlib.crc32(column.encode()), number]))


def column_of(path: str, type_: SqlType, options: Mapping[str, str]) -> GeneratedColumn:
    """The column that the options `fields.<path>.…` describe; UsageError for bad ones."""
    field = _Field(path, options)
    if field.get("kind", choice("random", "sequence"), "random") == "sequence":
        return _sequence(type_, field)
    make = _random(type_, field)
    rate = field.get("null-rate", _rate, 0.0)
    return GeneratedColumn(make if not rate else _with_nulls(make, rate))


def field_paths(path: str, type_: SqlType) -> list[str]:
    """The paths below `fields.` that have options: the column, and what it is made of.

    >>> from streamsql.expr.types import INT, STRING, map_
    >>> field_paths("m", map_(STRING, INT))
    ['m', 'm.key', 'm.value']
    """
    return [path, *(each for name, child in _children(type_) for each in field_paths(f"{path}.{name}", child))]


def _children(type_: SqlType) -> list[tuple[str, SqlType]]:
    match type_.kind:
        case Kind.ROW:
            return list(zip(type_.names, type_.children, strict=True))
        case Kind.MAP:
            return list(zip(("key", "value"), type_.children, strict=True))
        case Kind.ARRAY | Kind.MULTISET:
            return [("element", type_.children[0])]
        case _:
            return []


def _rate(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError("write a share between 0 and 1")
    return value


def _with_nulls(make: Callable[[Chunk], pa.Array], rate: float) -> Callable[[Chunk], pa.Array]:
    def nullable(chunk: Chunk) -> pa.Array:
        import pyarrow.compute as pc

        values = make(chunk)
        missing = pa.array(chunk.random.random(chunk.rows) < rate)
        if pa.types.is_nested(values.type):
            kept = pc.if_else(missing, None, pa.array(np.arange(chunk.rows)))
            return values.take(kept)
        return pc.if_else(missing, pa.scalar(None, values.type), values)

    return nullable


def _sequence(type_: SqlType, field: _Field) -> GeneratedColumn:
    if not field.has("start"):
        raise UsageError(f"a sequence needs the option '{field.name('start')}'")
    if type_.kind in TIMESTAMPS:
        first, step = field.get("start", timestamp, 0), field.get("step", duration, 1_000_000)
        last = field.get("end", timestamp, None)
    elif type_.kind in (*INTEGERS, *FLOATS, *STRINGS, Kind.DECIMAL):
        first, step, last = (
            field.get("start", whole_number, 0),
            field.get("step", whole_number, 1),
            field.get("end", whole_number, None),
        )
    else:
        raise UsageError(f"column {field.path}: there is no sequence of {type_}")
    if step == 0:
        raise UsageError(f"option '{field.name('step')}' must not be 0")

    def make(chunk: Chunk) -> pa.Array:
        values = first + step * np.arange(chunk.first, chunk.first + chunk.rows, dtype=np.int64)
        if type_.kind is Kind.DECIMAL:
            return _decimals(values * 10 ** (type_.scale or 0), type_)
        # Behind the end of a sequence its values may not fit, but nobody reads those.
        return pa.array(values).cast(arrow_type(type_), safe=False)

    return GeneratedColumn(make, None if last is None else max(0, (last - first) // step + 1))


def _random(type_: SqlType, field: _Field) -> Callable[[Chunk], pa.Array]:
    kind = type_.kind
    if kind in INTEGERS:
        return _random_integers(type_, field)
    if kind in FLOATS:
        return _random_floats(type_, field)
    if kind is Kind.DECIMAL:
        return _random_decimals(type_, field)
    if kind in STRINGS or kind in BYTES_KINDS:
        return _random_text(type_, field)
    if kind in TIMESTAMPS or kind in (Kind.DATE, Kind.TIME):
        return _random_times(type_, field.get("max-past", duration, 0))
    if kind is Kind.BOOLEAN:
        return lambda chunk: pa.array(chunk.random.random(chunk.rows) < 0.5)
    if kind is Kind.ROW:
        return _random_rows(type_, field)
    if kind in (Kind.ARRAY, Kind.MAP, Kind.MULTISET):
        return _random_collections(type_, field)
    raise UsageError(f"column {field.path}: datagen makes no {type_}")


def _random_integers(type_: SqlType, field: _Field) -> Callable[[Chunk], pa.Array]:
    limit = 1 << _BITS[type_.kind]
    low, high = field.get("min", whole_number, -limit), field.get("max", whole_number, limit - 1)
    if not -limit <= low <= high < limit:
        raise UsageError(f"column {field.path}: no {type_} lies between {low} and {high}")
    target = arrow_type(type_)
    return lambda chunk: pa.array(chunk.random.integers(low, high, chunk.rows, np.int64, endpoint=True)).cast(target)


def _random_floats(type_: SqlType, field: _Field) -> Callable[[Chunk], pa.Array]:
    limit = float(np.finfo(np.float32 if type_.kind is Kind.FLOAT else np.float64).max)
    low, high = field.get("min", float, -limit), field.get("max", float, limit)
    target = arrow_type(type_)

    def make(chunk: Chunk) -> pa.Array:
        share = chunk.random.random(chunk.rows)
        return pa.array(low * (1 - share) + high * share).cast(target)

    return make


def _random_decimals(type_: SqlType, field: _Field) -> Callable[[Chunk], pa.Array]:
    scale, limit = type_.scale or 0, 10 ** min(type_.precision or 10, 18) - 1
    low, high = (
        limit * sign if not field.has(name) else int(field.get(name, _decimal, Decimal(0)).scaleb(scale))
        for name, sign in (("min", -1), ("max", 1))
    )
    if not -limit <= low <= high <= limit:
        raise UsageError(
            f"column {field.path}: 'min' and 'max' do not fit {type_}, or are further apart than 18 digits"
        )
    return lambda chunk: _decimals(chunk.random.integers(low, high, chunk.rows, np.int64, endpoint=True), type_)


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError("write a number") from None


def _decimals(unscaled: Integers, type_: SqlType) -> pa.Array:
    whole = pa.array(unscaled).cast(pa.decimal128(38, 0))
    return pa.Array.from_buffers(arrow_type(type_), len(whole), whole.buffers())


def _random_text(type_: SqlType, field: _Field) -> Callable[[Chunk], pa.Array]:
    length = field.get("length", count, type_.precision or 100)
    target = arrow_type(type_)

    def make(chunk: Chunk) -> pa.Array:
        digits = chunk.random.integers(0, 16 if type_.kind in STRINGS else 256, chunk.rows * length, np.uint8)
        data = _HEX[digits] if type_.kind in STRINGS else digits
        offsets = np.arange(chunk.rows + 1, dtype=np.int32) * np.int32(length)
        return pa.Array.from_buffers(target, chunk.rows, [None, pa.py_buffer(offsets), pa.py_buffer(data)])

    return make


def _random_times(type_: SqlType, past: Duration) -> Callable[[Chunk], pa.Array]:
    step = 10 ** (6 - (type_.precision or 0)) if type_.kind is not Kind.DATE else _DAY
    target = arrow_type(type_)

    def make(chunk: Chunk) -> pa.Array:
        moments = chunk.now - chunk.random.integers(0, past, chunk.rows, np.int64, endpoint=True)
        moments = moments // step * step
        if type_.kind is Kind.DATE:
            return pa.array((moments // _DAY).astype(np.int32)).cast(target)
        return pa.array(moments % _DAY if type_.kind is Kind.TIME else moments).cast(target)

    return make


def _random_rows(type_: SqlType, field: _Field) -> Callable[[Chunk], pa.Array]:
    children = [column_of(f"{field.path}.{name}", child, field.options).make for name, child in _children(type_)]
    fields = list(arrow_type(type_))
    return lambda chunk: pa.StructArray.from_arrays([make(chunk) for make in children], fields=fields)


def _random_collections(type_: SqlType, field: _Field) -> Callable[[Chunk], pa.Array]:
    length = field.get("length", count, 1)
    parts = [column_of(f"{field.path}.{name}", child, field.options).make for name, child in _children(type_)]
    target = arrow_type(type_)

    def make(chunk: Chunk) -> pa.Array:
        elements = Chunk(chunk.first * length, chunk.rows * length, chunk.now, chunk.random)
        offsets = pa.array(np.arange(chunk.rows + 1, dtype=np.int32) * np.int32(length))
        values = [part(elements) for part in parts]
        if type_.kind is Kind.ARRAY:
            return pa.ListArray.from_arrays(offsets, values[0]).cast(target)
        if type_.kind is Kind.MULTISET:
            values.append(pa.array(np.ones(len(values[0]), np.int32)))
        return pa.MapArray.from_arrays(offsets, values[0], values[1]).cast(target)

    return make
