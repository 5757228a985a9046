"""Whole expressions as DuckDB SQL that obeys the bound types."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from streamsql.expr.context import EvalContext
from streamsql.expr.duckdb_cast import cast_sql
from streamsql.expr.duckdb_text import duckdb_type, identifier, quoted
from streamsql.expr.functions import called
from streamsql.expr.nodes import Call, Case, Cast, ColumnRef, Expr, FieldAccess, Literal, LiteralValue
from streamsql.expr.properties import can_fail
from streamsql.expr.types import FLOATS, STRINGS, Kind, SqlType

__all__ = ["duckdb_sql", "duckdb_type", "literal_sql"]


def duckdb_sql(expr: Expr, names: Mapping[int, str], context: EvalContext) -> str:
    """The expression in DuckDB SQL; `names` gives each column id its (quoted) name there.

    The connection must come from `open_connection`, whose macros the text uses. Columns have the types of
    `duckdb_type`: intervals are whole numbers of microseconds or months.
    """
    match expr:
        case ColumnRef(id=id_):
            return names[id_]
        case Literal(value=value, type=type_):
            return literal_sql(value, type_)
        case Cast(arg=arg, type=type_, safe=safe):
            return cast_sql(duckdb_sql(arg, names, context), arg.type, type_, safe, context)
        case Case(branches=branches, otherwise=otherwise):
            whens = (
                f"WHEN {duckdb_sql(condition, names, context)} THEN {duckdb_sql(value, names, context)}"
                for condition, value in branches
            )
            return f"CASE {' '.join(whens)} ELSE {duckdb_sql(otherwise, names, context)} END"
        case FieldAccess(arg=arg, index=index):
            return f"struct_extract({duckdb_sql(arg, names, context)}, {quoted(arg.type.names[index])})"
        case Call():
            return _call(expr, [duckdb_sql(each, names, context) for each in expr.args], context)
        case _:
            raise AssertionError(f"no SQL for {type(expr).__name__}")


def _call(call: Call, args: list[str], context: EvalContext) -> str:
    if call.function in ("AND", "OR") and can_fail(call.args[1]):
        return _guarded(call, args)
    return bound(called(call).to_duckdb(call, args, context), call)


def _guarded(call: Call, args: list[str]) -> str:
    """CASE is the one form in which DuckDB promises to evaluate the right side only where the left leaves it open."""
    left, right = args
    if call.function == "AND":
        return f"(CASE WHEN NOT {left} THEN false ELSE {left} AND {right} END)"
    return f"(CASE WHEN {left} THEN true ELSE {left} OR {right} END)"


def bound(sql: str, call: Call) -> str:
    """The call cast to its bound type; a DECIMAL that does not fit is NULL."""
    kind = call.type.kind
    if kind is Kind.BOOLEAN or kind in STRINGS:
        return f"({sql})" if sql.startswith("CASE") else sql
    if kind is Kind.DECIMAL:
        return f"TRY_CAST({sql} AS {duckdb_type(call.type)})"
    return f"CAST({sql} AS {duckdb_type(call.type)})"


def literal_sql(value: LiteralValue, type_: SqlType) -> str:
    """A constant of exactly its type."""
    if value is None:
        return f"CAST(NULL AS {duckdb_type(type_)})"
    match type_.kind:
        case Kind.BOOLEAN:
            return "true" if value else "false"
        case kind if kind in STRINGS:
            return quoted(str(value))
        case kind if kind in FLOATS:
            return f"CAST({quoted(repr(value))} AS {duckdb_type(type_)})"
        case Kind.DECIMAL:
            return f"CAST({quoted(format(Decimal(str(value)), 'f'))} AS {duckdb_type(type_)})"
        case Kind.BINARY | Kind.VARBINARY:
            return f"unhex('{value.hex()}')" if isinstance(value, bytes) else quoted(str(value))
        case Kind.DATE:
            return f"CAST(make_timestamp({int(str(value)) * 86_400_000_000}) AS DATE)"
        case Kind.TIME:
            return f"TIME '{str(timedelta(microseconds=int(str(value)))).rjust(8, '0')}'"
        case Kind.TIMESTAMP:
            return f"make_timestamp({value!s})"
        case Kind.TIMESTAMP_LTZ:
            return f"make_timestamptz({value!s})"
        case _ if type_.children:
            return _nested_sql(value, type_)
        case _:
            return f"CAST({value!s} AS {duckdb_type(type_)})"


def _nested_sql(value: Any, type_: SqlType) -> str:
    children = type_.children
    if type_.kind is Kind.ROW:
        pairs = zip(type_.names, value, children, strict=True)
        fields = (f"{identifier(name)} := {literal_sql(each, child)}" for name, each, child in pairs)
        text = f"struct_pack({', '.join(fields)})"
    elif type_.kind is Kind.ARRAY:
        text = f"[{', '.join(literal_sql(each, children[0]) for each in value)}]"
    else:
        keys = ", ".join(literal_sql(key, children[0]) for key, _ in value)
        text = f"MAP([{keys}], [{', '.join(literal_sql(item, children[-1]) for _, item in value)}])"
    return f"CAST({text} AS {duckdb_type(type_)})"
