"""SQL types and schemas, and how each type is laid out in Arrow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import Enum
from functools import cached_property

import pyarrow as pa

from streamsql.errors import UsageError
from streamsql.record import record


class Kind(Enum):
    """The type names of the dialect; STRING is VARCHAR without a length, BYTES is VARBINARY without one."""

    NULL = "NULL"
    BOOLEAN = "BOOLEAN"
    TINYINT = "TINYINT"
    SMALLINT = "SMALLINT"
    INT = "INT"
    BIGINT = "BIGINT"
    DECIMAL = "DECIMAL"
    FLOAT = "FLOAT"
    DOUBLE = "DOUBLE"
    CHAR = "CHAR"
    VARCHAR = "VARCHAR"
    BINARY = "BINARY"
    VARBINARY = "VARBINARY"
    DATE = "DATE"
    TIME = "TIME"
    TIMESTAMP = "TIMESTAMP"
    TIMESTAMP_LTZ = "TIMESTAMP_LTZ"
    INTERVAL_DAY = "INTERVAL DAY TO SECOND"
    INTERVAL_MONTH = "INTERVAL YEAR TO MONTH"
    ARRAY = "ARRAY"
    MAP = "MAP"
    MULTISET = "MULTISET"
    ROW = "ROW"


INTEGERS = (Kind.TINYINT, Kind.SMALLINT, Kind.INT, Kind.BIGINT)
FLOATS = (Kind.FLOAT, Kind.DOUBLE)
STRINGS = (Kind.CHAR, Kind.VARCHAR)
BYTES_KINDS = (Kind.BINARY, Kind.VARBINARY)
TIMESTAMPS = (Kind.TIMESTAMP, Kind.TIMESTAMP_LTZ)
MAX_TIME_PRECISION = 6


@record
class SqlType:
    """A SQL type.

    `precision`: digits of DECIMAL, fraction digits of TIME/TIMESTAMP, length of CHAR/VARCHAR/BINARY (None: unlimited).
    `children`: element of ARRAY/MULTISET, key and value of MAP, fields of ROW (`names` beside them).
    """

    kind: Kind
    precision: int | None = None
    scale: int | None = None
    nullable: bool = True
    children: tuple[SqlType, ...] = ()
    names: tuple[str, ...] = ()

    def with_nullable(self, nullable: bool) -> SqlType:
        return self if self.nullable == nullable else replace(self, nullable=nullable)

    def same_as(self, other: SqlType) -> bool:
        """Equal but for nullability."""
        return self.with_nullable(True) == other.with_nullable(True)

    def __str__(self) -> str:
        return _text(self) + ("" if self.nullable else " NOT NULL")


def _text(type_: SqlType) -> str:
    kind, precision = type_.kind, type_.precision
    match kind:
        case Kind.DECIMAL:
            return f"DECIMAL({precision}, {type_.scale})"
        case Kind.VARCHAR:
            return "STRING" if precision is None else f"VARCHAR({precision})"
        case Kind.VARBINARY:
            return "BYTES" if precision is None else f"VARBINARY({precision})"
        case Kind.CHAR | Kind.BINARY | Kind.TIME | Kind.TIMESTAMP | Kind.TIMESTAMP_LTZ:
            return f"{kind.value}({precision})"
        case Kind.ARRAY | Kind.MULTISET | Kind.MAP:
            return f"{kind.value}<{', '.join(str(each) for each in type_.children)}>"
        case Kind.ROW:
            fields = (f"{name} {child}" for name, child in zip(type_.names, type_.children, strict=True))
            return f"ROW<{', '.join(fields)}>"
        case _:
            return str(kind.value)


NULL = SqlType(Kind.NULL)
BOOLEAN = SqlType(Kind.BOOLEAN)
TINYINT = SqlType(Kind.TINYINT)
SMALLINT = SqlType(Kind.SMALLINT)
INT = SqlType(Kind.INT)
BIGINT = SqlType(Kind.BIGINT)
FLOAT = SqlType(Kind.FLOAT)
DOUBLE = SqlType(Kind.DOUBLE)
STRING = SqlType(Kind.VARCHAR)
BYTES = SqlType(Kind.VARBINARY)
DATE = SqlType(Kind.DATE)
INTERVAL_DAY = SqlType(Kind.INTERVAL_DAY)
INTERVAL_MONTH = SqlType(Kind.INTERVAL_MONTH)


def decimal(precision: int, scale: int) -> SqlType:
    return SqlType(Kind.DECIMAL, precision, scale)


def char(length: int) -> SqlType:
    return SqlType(Kind.CHAR, length)


def timestamp(precision: int = 6) -> SqlType:
    return SqlType(Kind.TIMESTAMP, precision)


def timestamp_ltz(precision: int = 6) -> SqlType:
    return SqlType(Kind.TIMESTAMP_LTZ, precision)


def time(precision: int = 0) -> SqlType:
    return SqlType(Kind.TIME, precision)


def array(element: SqlType) -> SqlType:
    return SqlType(Kind.ARRAY, children=(element,))


def map_(key: SqlType, value: SqlType) -> SqlType:
    return SqlType(Kind.MAP, children=(key, value))


def row(names: tuple[str, ...], children: tuple[SqlType, ...]) -> SqlType:
    return SqlType(Kind.ROW, children=children, names=names)


_ARROW: dict[Kind, pa.DataType] = {
    Kind.NULL: pa.null(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.TINYINT: pa.int8(),
    Kind.SMALLINT: pa.int16(),
    Kind.INT: pa.int32(),
    Kind.BIGINT: pa.int64(),
    Kind.FLOAT: pa.float32(),
    Kind.DOUBLE: pa.float64(),
    Kind.CHAR: pa.string(),
    Kind.VARCHAR: pa.string(),
    Kind.BINARY: pa.binary(),
    Kind.VARBINARY: pa.binary(),
    Kind.DATE: pa.date32(),
    Kind.TIME: pa.time64("us"),
    Kind.TIMESTAMP: pa.timestamp("us"),
    Kind.TIMESTAMP_LTZ: pa.timestamp("us", "UTC"),
    Kind.INTERVAL_DAY: pa.duration("us"),
    Kind.INTERVAL_MONTH: pa.int32(),
}


def arrow_type(type_: SqlType) -> pa.DataType:
    """The Arrow layout of a SQL type (precision and nullability live in the Schema only)."""
    match type_.kind:
        case Kind.DECIMAL:
            return pa.decimal128(type_.precision, type_.scale)
        case Kind.ARRAY:
            return pa.list_(arrow_type(type_.children[0]))
        case Kind.MAP:
            return pa.map_(arrow_type(type_.children[0]), arrow_type(type_.children[1]))
        case Kind.MULTISET:
            return pa.map_(arrow_type(type_.children[0]), pa.int32())
        case Kind.ROW:
            names = zip(type_.names, type_.children, strict=True)
            return pa.struct([pa.field(name, arrow_type(child)) for name, child in names])
        case kind:
            return _ARROW[kind]


@record
class Column:
    """A named column of a schema."""

    name: str
    type: SqlType


class _Kept:
    """Room for what an immutable value works out once."""


@record
class Schema(_Kept):
    """Columns in order; names may repeat inside a plan, positions are what operators use."""

    columns: tuple[Column, ...]

    def __len__(self) -> int:
        return len(self.columns)

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.columns)

    @property
    def types(self) -> tuple[SqlType, ...]:
        return tuple(each.type for each in self.columns)

    def to_arrow(self) -> pa.Schema:
        return self._arrow

    @cached_property
    def _arrow(self) -> pa.Schema:
        return pa.schema([pa.field(each.name, arrow_type(each.type)) for each in self.columns])


def schema(*columns: tuple[str, SqlType]) -> Schema:
    """A schema from pairs.

    >>> schema(("a", INT), ("b", STRING)).names
    ('a', 'b')
    """
    return Schema(tuple(Column(name, type_) for name, type_ in columns))


_FROM_ARROW: tuple[tuple[Callable[[pa.DataType], bool], SqlType], ...] = (
    (pa.types.is_null, NULL),
    (pa.types.is_boolean, BOOLEAN),
    (pa.types.is_int8, TINYINT),
    (pa.types.is_int16, SMALLINT),
    (pa.types.is_uint8, SMALLINT),
    (pa.types.is_int32, INT),
    (pa.types.is_uint16, INT),
    (pa.types.is_int64, BIGINT),
    (pa.types.is_uint32, BIGINT),
    (pa.types.is_uint64, decimal(20, 0)),
    (pa.types.is_float16, FLOAT),
    (pa.types.is_float32, FLOAT),
    (pa.types.is_float64, DOUBLE),
    (pa.types.is_string, STRING),
    (pa.types.is_large_string, STRING),
    (pa.types.is_string_view, STRING),
    (pa.types.is_binary, BYTES),
    (pa.types.is_large_binary, BYTES),
    (pa.types.is_fixed_size_binary, BYTES),
    (pa.types.is_date, DATE),
    (pa.types.is_duration, INTERVAL_DAY),
)


def from_arrow(type_: pa.DataType) -> SqlType:
    """The SQL type that holds values of an Arrow type; UsageError for types that SQL has no place for.

    >>> str(from_arrow(pa.timestamp("ms"))), str(from_arrow(pa.list_(pa.int32())))
    ('TIMESTAMP(3)', 'ARRAY<INT>')
    """
    for matches, sql_type in _FROM_ARROW:
        if matches(type_):
            return sql_type
    if isinstance(type_, pa.BaseExtensionType):
        return _EXTENSIONS.get(type_.extension_name) or from_arrow(type_.storage_type)
    if pa.types.is_dictionary(type_) or pa.types.is_run_end_encoded(type_):
        return from_arrow(type_.value_type)
    if pa.types.is_decimal(type_) and type_.precision - min(type_.scale, 0) <= 38:
        return decimal(type_.precision - min(type_.scale, 0), max(type_.scale, 0))
    if pa.types.is_timestamp(type_):
        return (timestamp_ltz if type_.tz else timestamp)(_UNIT_PRECISION[type_.unit])
    if pa.types.is_time(type_):
        return time(_UNIT_PRECISION[type_.unit])
    if any(matches(type_) for matches in _LISTS):
        return array(from_arrow(type_.value_type))
    if pa.types.is_map(type_):
        return map_(from_arrow(type_.key_type), from_arrow(type_.item_type))
    if pa.types.is_struct(type_):
        return row(tuple(each.name for each in type_), tuple(from_arrow(each.type) for each in type_))
    raise UsageError(f"no SQL type holds Arrow's {type_}", hint="leave the column out or convert it first")


_EXTENSIONS = {"arrow.uuid": STRING, "arrow.bool8": BOOLEAN}
_LISTS = (
    pa.types.is_list,
    pa.types.is_large_list,
    pa.types.is_fixed_size_list,
    pa.types.is_list_view,
    pa.types.is_large_list_view,
)
_UNIT_PRECISION = {"s": 0, "ms": 3, "us": 6, "ns": 6}


def from_arrow_schema(arrow: pa.Schema) -> Schema:
    """Column by column; NOT NULL where Arrow says so."""
    return Schema(tuple(Column(each.name, from_arrow(each.type).with_nullable(each.nullable)) for each in arrow))
