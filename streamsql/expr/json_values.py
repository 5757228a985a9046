"""SQL values as JSON text, in DuckDB SQL."""

from __future__ import annotations

from streamsql.expr import types as t
from streamsql.expr.context import EvalContext
from streamsql.expr.duckdb_cast import cast_sql
from streamsql.expr.duckdb_text import quoted
from streamsql.expr.types import BYTES_KINDS, FLOATS, INTEGERS, STRINGS, TIMESTAMPS, Kind, SqlType


def to_json(sql: str, type_: SqlType, context: EvalContext, depth: int = 0) -> str:
    """The JSON of a value; NULL for NULL. `depth` keeps the names inside nested lists apart."""
    match type_.kind:
        case Kind.NULL:
            return "CAST(NULL AS VARCHAR)"
        case kind if kind in (*INTEGERS, Kind.BOOLEAN, Kind.DECIMAL):
            return f"CAST({sql} AS VARCHAR)"
        case kind if kind in FLOATS:
            text = cast_sql(sql, type_, t.STRING, False, context)
            return f"CASE WHEN isfinite({sql}) THEN {text} ELSE '\"' || {text} || '\"' END"
        case kind if kind in STRINGS:
            return f"CAST(to_json({sql}) AS VARCHAR)"
        case kind if kind in BYTES_KINDS:
            return f"'\"' || to_base64({sql}) || '\"'"
        case kind if kind in TIMESTAMPS:
            return _moment(sql, type_)
        case Kind.ARRAY:
            return _array(sql, type_.children[0], context, depth)
        case Kind.MAP | Kind.MULTISET:
            return _map(sql, type_, context, depth)
        case Kind.ROW:
            return _row(sql, type_, context, depth)
        case _:
            return f"'\"' || {cast_sql(sql, type_, t.STRING, False, context)} || '\"'"


def or_null(json: str) -> str:
    """A missing value inside an array or object."""
    return f"coalesce({json}, 'null')"


def _moment(sql: str, type_: SqlType) -> str:
    """ISO 8601 with as many digits of the second as are needed; a TIMESTAMP_LTZ in UTC."""
    zoned = type_.kind is Kind.TIMESTAMP_LTZ
    utc = f"({sql} AT TIME ZONE 'UTC')" if zoned else sql
    text = f"regexp_replace(strftime({utc}, '%Y-%m-%dT%H:%M:%S.%f'), '\\.?0*$', '')"
    whole = f"CASE WHEN epoch_us({utc}) % 1000000 = 0 THEN strftime({utc}, '%Y-%m-%dT%H:%M:%S') ELSE {text} END"
    return f"'\"' || {whole} || '{'Z' if zoned else ''}\"'"


def _array(sql: str, element: SqlType, context: EvalContext, depth: int) -> str:
    name = f"e{depth}"
    each = f"list_transform({sql}, lambda {name}: {or_null(to_json(name, element, context, depth + 1))})"
    return f"CASE WHEN {sql} IS NOT NULL THEN '[' || coalesce(array_to_string({each}, ','), '') || ']' END"


def _map(sql: str, type_: SqlType, context: EvalContext, depth: int) -> str:
    name = f"e{depth}"
    key_type, value_type = type_.children[0], type_.children[1] if len(type_.children) > 1 else t.INT
    key = to_json(cast_sql(f"{name}.key", key_type, t.STRING, False, context), t.STRING, context)
    pair = f"{key} || ':' || {or_null(to_json(f'{name}.value', value_type, context, depth + 1))}"
    pairs = f"list_transform(list_sort(map_entries({sql})), lambda {name}: {pair})"
    return f"CASE WHEN {sql} IS NOT NULL THEN '{{' || coalesce(array_to_string({pairs}, ','), '') || '}}' END"


def _row(sql: str, type_: SqlType, context: EvalContext, depth: int) -> str:
    fields = sorted(zip(type_.names, type_.children, strict=True))
    pairs = (
        f"CAST(to_json({quoted(name)}) AS VARCHAR) || ':' || "
        + or_null(to_json(f"struct_extract({sql}, {quoted(name)})", child, context, depth + 1))
        for name, child in fields
    )
    return f"CASE WHEN {sql} IS NOT NULL THEN '{{' || concat_ws(',', {', '.join(pairs)}) || '}}' END"
