"""SQL types and schemas, and how each type is laid out in Arrow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

import pyarrow as pa


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


@dataclass(frozen=True, slots=True)
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
            return kind.value


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


@dataclass(frozen=True, slots=True)
class Column:
    """A named column of a schema."""

    name: str
    type: SqlType


@dataclass(frozen=True, slots=True)
class Schema:
    """Columns in order; names may repeat inside a plan, positions are what operators use."""

    columns: tuple[Column, ...]

    def __len__(self) -> int:
        return len(self.columns)

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.columns)

    @property
    def types(self) -> tuple[SqlType, ...]:
        return tuple(each.type for each in self.columns)

    def to_arrow(self) -> pa.Schema:
        return pa.schema([pa.field(each.name, arrow_type(each.type)) for each in self.columns])


def schema(*columns: tuple[str, SqlType]) -> Schema:
    """A schema from pairs.

    >>> schema(("a", INT), ("b", STRING)).names
    ('a', 'b')
    """
    return Schema(tuple(Column(name, type_) for name, type_ in columns))
