"""What an INSERT may put into a column without a CAST."""

from __future__ import annotations

from streamsql.errors import Span, SqlError
from streamsql.expr.cast_hints import cast_hint
from streamsql.expr.casting import can_cast
from streamsql.expr.coercion import NUMERIC
from streamsql.expr.nodes import Expr, Literal
from streamsql.expr.resolve import coerce
from streamsql.expr.types import BYTES_KINDS, FLOATS, INTEGERS, STRINGS, TIMESTAMPS, Kind, SqlType
from streamsql.plan.logical import Field, Plan, Project, Values
from streamsql.sql.scope import column_ref


def assigned(plan: Plan, position: int, target: Field, table: str, span: Span | None) -> Expr:
    """Column `position` of the plan as a value of the target column; SqlError where only a CAST makes it one.

    A narrower integer type takes constants that fit.
    """
    source = plan.fields[position]
    if not (_assignable(source.type, target.type) or _constants_fit(plan, position, target.type)):
        name = f"value {position + 1}" if source.name.startswith("EXPR$") else source.name
        wanted = target.type.with_nullable(True)
        raise SqlError(
            f"{name} is {source.type.with_nullable(True)}, {table}.{target.name} is {target.type}",
            span=span,
            hint=f"write CAST(… AS {wanted}) where it is meant"
            if can_cast(source.type, wanted)
            else cast_hint(source.type, wanted),
        )
    return coerce(column_ref(source), target.type)


def _assignable(source: SqlType, target: SqlType) -> bool:
    """Flink's implicit conversions: nothing is lost but decimal digits, the length of texts, and a part of a time."""
    if source.same_as(target) or source.kind is Kind.NULL:
        return True
    if source.kind in NUMERIC and target.kind in NUMERIC:
        return _assignable_number(source.kind, target.kind)
    for kinds in (STRINGS, BYTES_KINDS, TIMESTAMPS):
        if source.kind in kinds and target.kind in kinds:
            return True
    if source.kind is Kind.DATE and target.kind in TIMESTAMPS:
        return True
    if source.kind is Kind.TIMESTAMP and target.kind in (Kind.DATE, Kind.TIME):
        return True
    if source.kind is not target.kind or len(source.children) != len(target.children):
        return False
    return all(_assignable(a, b) for a, b in zip(source.children, target.children, strict=True))


def _assignable_number(source: Kind, target: Kind) -> bool:
    if target in INTEGERS:
        return source in INTEGERS and INTEGERS.index(source) <= INTEGERS.index(target)
    return target is not Kind.FLOAT or source is not Kind.DOUBLE


def _constants_fit(plan: Plan, position: int, target: SqlType) -> bool:
    if target.kind not in (*INTEGERS, *FLOATS):
        return False
    match plan:
        case Values():
            values: list[Expr] = [row[position] for row in plan.rows]
        case Project():
            values = [plan.exprs[position]]
        case _:
            return False
    return all(isinstance(each, Literal) and isinstance(coerce(each, target), Literal) for each in values)
