"""Type names in the tree to SQL types."""

from __future__ import annotations

from streamsql.errors import SqlError, located
from streamsql.expr.types import MAX_TIME_PRECISION, Kind, SqlType
from streamsql.sql.dialect import TypeName, exp
from streamsql.sql.parse import parse_expression, span_of

_TIMES = (Kind.TIME, Kind.TIMESTAMP, Kind.TIMESTAMP_LTZ)
_NESTED = (Kind.ARRAY, Kind.MULTISET, Kind.MAP)


def type_of(text: str) -> SqlType:
    """The type that a text names, such as `ARRAY<INT>`; SqlError where it names none."""
    with located(text, "type"):
        try:
            (cast,) = parse_expression(f"CAST(NULL AS {text})").find_all(exp.Cast)
        except SqlError as error:
            raise SqlError(f"{text!r} is no SQL type", hint="write for instance DECIMAL(10, 2)") from error
        return bind_type(cast.args["to"])


def bind_type(tree: TypeName) -> SqlType:
    """The SQL type that a type name means; SqlError for precisions that do not exist."""
    kind = Kind(tree.this)
    precision: int | None = tree.args.get("precision")
    scale: int | None = tree.args.get("scale")
    nullable = not tree.args.get("not_null")
    if kind is Kind.ROW:
        fields = tree.expressions
        names = tuple(each.name for each in fields)
        return SqlType(
            kind, nullable=nullable, children=tuple(bind_type(f.args["data_type"]) for f in fields), names=names
        )
    if kind in _NESTED:
        return SqlType(kind, nullable=nullable, children=tuple(bind_type(each) for each in tree.expressions))
    if kind in _TIMES and precision is not None and precision > MAX_TIME_PRECISION:
        hint = f"write {kind.value}({MAX_TIME_PRECISION}): times are kept in microseconds"
        raise SqlError(f"{kind.value}({precision}) is too fine", span=span_of(tree), hint=hint)
    if kind is Kind.DECIMAL and not (1 <= (precision or 0) <= 38 and 0 <= (scale or 0) <= (precision or 0)):
        raise SqlError(
            f"DECIMAL({precision}, {scale}) does not exist",
            span=span_of(tree),
            hint="precision 1 to 38, scale 0 to precision",
        )
    return SqlType(kind, precision, scale, nullable)
